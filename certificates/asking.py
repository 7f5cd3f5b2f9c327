"""The registry's part of a statement: who asks, what they may ask, how fresh the sources are, and what else registers know
the persons of a question as. All over dated rows, at every question."""

from __future__ import annotations

from collections.abc import Iterable

from catalog_registry import freshness
from catalog_registry.grants import IN_FORCE
from certificates.candidates import Traits

#: `WITH` who asks. Parameters: `client`, `secret_version` (that of the token, None without one), `service_item`, `types` (those
#: the question could be about), `read` (those whose records this statement reads), `at`.
ASKER = f"""\
asker AS MATERIALIZED (
  SELECT c.department, c.in_force, s.told AS service_item, g.told AS granted,
    coalesce(c.in_force AND s.told IS NOT NULL AND g.types @> %(read)s, false) AS may
  FROM (SELECT department, valid_from <= %(at)s AND (valid_to IS NULL OR valid_to > %(at)s)
      AND secret_version = coalesce(%(secret_version)s, secret_version) AS in_force
    FROM hub.client WHERE id = %(client)s) c
  LEFT JOIN (SELECT jsonb_build_array(name, body) AS told FROM hub.service_item WHERE id = %(service_item)s) s ON true
  LEFT JOIN LATERAL (SELECT array_agg(certificate_type) AS types, jsonb_agg(jsonb_build_array(certificate_type, fields)) AS told
    FROM ({IN_FORCE.replace("%(department)s", "c.department")}) granted) g ON true)"""
#: whether records may be read at all: the client is in force and every type read is granted. Where it stands alone in a
#: WHERE, PostgreSQL judges it once, before anything under it is touched.
MAY = "(SELECT may FROM asker)"

#: what else registers and judgements know a person as: other numbers and names, and the credit code an organisation code is
#: part of; and numbers with names that are judged to be somebody else's
_ALSO = "SELECT jsonb_agg(jsonb_build_array(kind, value, name)) FROM "
# of most persons nothing else is known: looking whether there is anything takes a fifth of looking what it is
_KNOWN = f"""\
SELECT '@known_{{0}}', CASE WHEN EXISTS (SELECT FROM libraries.known_as k WHERE k.kind = 'number' AND k.form = ANY(%(forms_{{0}})s))
  OR EXISTS (SELECT FROM libraries.judgement j WHERE j.form = ANY(%(forms_{{0}})s))
  OR EXISTS (SELECT FROM libraries.mention m JOIN libraries.known_as k ON k.of_dataset = m.dataset AND k.of_key = m.key
    AND k.role = m.role WHERE m.id_value = ANY(%(forms_{{0}})s))
  THEN ({_ALSO} libraries.also_known(%(forms_{{0}})s::text[], %(names_{{0}})s::text[])) END"""
_KNOWN_BY_CODE = f"""\
SELECT '@known_{{0}}', (
  WITH code AS (SELECT DISTINCT id_value FROM libraries.mention WHERE substr(id_value, 9, 9) = ANY(%(organisation_{{0}})s)
     AND length(id_value) = 18 AND id_kind IN ('uscc', 'organisation_code', 'business_licence'))
   {_ALSO} (SELECT 'number' AS kind, id_value AS value, NULL AS name FROM code UNION
     SELECT * FROM libraries.also_known(%(forms_{{0}})s::text[] || ARRAY(SELECT id_value FROM code), %(names_{{0}})s)) known)"""


def told(persons: Iterable[Traits], *, fresh: bool) -> list[str]:
    """The rows `@asker`, where wanted `@fresh` (parameter `feeds`), and for each person `@known_0` (`organisation_0`, `forms_0`,
    `names_0`)."""
    return [
        "SELECT '@asker' AS part, jsonb_build_array(department, in_force, service_item, granted) AS body FROM asker",
        *(
            [
                f"SELECT '@fresh', jsonb_agg(jsonb_build_array(feed, landed_at, state)) FROM ({freshness.LAST_BATCHES}) last"
            ]
            if fresh
            else []
        ),
        *((_KNOWN_BY_CODE if one.organisation else _KNOWN).format(slot) for slot, one in enumerate(persons)),
    ]
