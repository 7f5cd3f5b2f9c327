"""Which records could be the subject's: `me`, by the number; `namesake`, by the name where the number says nothing.

A record names somebody of the subject's name, and could be the subject's, when its number is missing, is masked at the
source and fits as far as it can be read, or is of another kind than the one asked with: the 15-digit registration number
of a firm asked by its credit code, the officer's card of a person asked by the identity card. A passport or permit is
reissued, so against one of those every other number says nothing.
"""

from __future__ import annotations

# numbers of the same kind that differ are different subjects; `form` says what the subject's kind looks like
_COULD = (
    "({0} IS NULL OR CASE WHEN strpos({0}, '*') > 0"
    " THEN EXISTS (SELECT FROM unnest(%(forms)s::text[]) f WHERE f LIKE replace({0}, '*', '_')) ELSE {0} !~ %(form)s END)"
)

# The first condition on id_value is the index's: of a thousand namesakes with whole numbers none is looked at.
_MENTION = (
    "SELECT dataset, key, role FROM libraries.mention WHERE name = ANY(%(names)s) AND dataset = ANY(%(datasets)s)"
    " AND coalesce(id_value <> ALL(%(forms)s), true) AND "
)
_WHOLE = "coalesce(length(id_value) = 18 AND strpos(id_value, '*') = 0, false)"

#: Parameters: `number`, `forms` (every form of it), `form` (a pattern of its kind), `lasting` (whether that kind stays for
#: life), `names` (forms of the name), `datasets` (those read), `id_items` (their items that hold a subject's number).
SUBJECT = f"""\
WITH me AS MATERIALIZED (
  SELECT dataset, key, role, name FROM libraries.mention
  WHERE id_value = ANY(%(forms)s) AND dataset = ANY(%(datasets)s)),
namesake AS MATERIALIZED (
  {_MENTION} %(lasting)s AND NOT {_WHOLE} AND {_COULD.format("id_value")}
  UNION ALL {_MENTION} NOT %(lasting)s AND {_COULD.format("id_value")})
SELECT '' AS part, jsonb_build_object(
  'names', (SELECT jsonb_agg(DISTINCT jsonb_build_array(dataset, role, name)) FROM me WHERE name IS NOT NULL),
  'waiting', (SELECT jsonb_agg(DISTINCT jsonb_build_array(s.dataset, s.role)) FROM hub.quarantine_subject s
    JOIN hub.quarantine q USING (batch_id, row_no)
    WHERE q.status = 'open' AND s.dataset = ANY(%(datasets)s)
      AND (s.number = ANY(%(forms)s) OR s.name = ANY(%(names)s) AND ({_COULD.format("s.number")} OR EXISTS (
        SELECT FROM hub.finding f WHERE f.batch_id = s.batch_id AND f.row_no = s.row_no
          AND f.severity = 'error' AND f.item = ANY(%(id_items)s)))))) AS body"""
