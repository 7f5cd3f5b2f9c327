"""Who the gathered mentions are about: parties, and which entity each of them is.

A *party* is one subject as far as the mentions tell: a number, a name that counts for it, and the other numbers and names
under which a register knows it. A number is evidence, not identity: two parties can go by one. All mentions of a number are
judged together, so the outcome does not depend on the order in which batches came:

1. whoever the library's own register names with a number has it; two names are two parties, told as a conflict, never one;
2. any other mention goes to the party that has its number and name; else to the one that had them formerly, if to exactly one;
3. a registered number with a name that its register does not know stays unlinked;
4. of a number in no register the most authoritative name wins, then the most frequent; others with it stay unlinked;
5. a number without a name goes to its party where there is exactly one and nobody disputes it.

What named persons judged of two of these comes between (`judged`): it keeps mentions from 2, makes two parties of names on one
number that are judged to be two, and joins what 1 to 4 left apart.

A party's key is its number; of a second one with the same number, number and name. `form` is the number of all of them.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from libraries import judged
from libraries.rules import Rules

TABLES = (
    "CREATE TEMP TABLE IF NOT EXISTS work_party (kind text, number text, form text, name text, registered boolean, disputed boolean, "
    "alive boolean, entity_id uuid, lead_kind text, lead_number text) ON COMMIT DELETE ROWS",
    "CREATE TEMP TABLE IF NOT EXISTS work_party_name (kind text, number text, form text, name text) ON COMMIT DELETE ROWS",
    "CREATE TEMP TABLE IF NOT EXISTS work_party_number (form text, kind text, number text) ON COMMIT DELETE ROWS",
)


def judge(conn: Connection, rules: Rules) -> int:
    """Set each gathered mention's `target`, making the entities that are missing; returns how many were made."""
    judgements = judged.read(conn)
    _run(conn, rules, *_REGISTERED, *_ALIASES)
    if judgements:
        judged.keep_apart(conn, judgements)
    _run(conn, rules, *_LOOSE)
    if judgements:
        judged.part(conn)
        judged.join(conn, rules, judgements)
    _run(conn, rules, *_NAMELESS)
    _keep(conn)
    created = conn.execute(text(_CREATE), {"l": rules.library.id}).rowcount
    if judgements:
        judged.follow(conn)
    _run(conn, rules, *_TARGETS)
    return created


def _run(conn: Connection, rules: Rules, *statements: str) -> None:
    for statement in statements:
        conn.execute(text(statement), {"l": rules.library.id})


_BESIDE = "{0} || E'\\x1f' || {1}"  # the key of a party beside another with its number

_REGISTERED = (
    "INSERT INTO work_party SELECT kind, CASE WHEN place = 1 THEN number ELSE "
    f"{_BESIDE.format('number', 'name')} END, number, name, true, several > 1, true FROM (SELECT kind, number, name, "
    "count(*) OVER (PARTITION BY kind, number) AS several, row_number() OVER (PARTITION BY kind, number "
    'ORDER BY count(*) DESC, name COLLATE "C") AS place FROM work_mention '
    "WHERE register AND contributes AND kind IS NOT NULL AND name IS NOT NULL GROUP BY kind, number, name) r",
    "INSERT INTO work_party_name SELECT kind, number, form, name FROM work_party",
    "UPDATE work_mention w SET of_kind = p.kind, of_number = p.number FROM work_party p "
    "WHERE w.register AND w.kind = p.kind AND w.number = p.form AND w.name = p.name",
)

#: what registers know their parties as, by number and by name; then whom else they are named by
_ALIASES = (
    "WITH known AS (SELECT DISTINCT w.of_kind, w.of_number, w.number, k.kind, k.form FROM work_mention w CROSS JOIN LATERAL ("
    "SELECT * FROM libraries.known_as k WHERE k.of_dataset = w.dataset AND k.of_key = w.key AND k.role = w.role OFFSET 0) k "
    "WHERE w.register AND w.of_number IS NOT NULL AND k.library = :l), "
    "numbers AS (INSERT INTO work_party_number SELECT form, of_kind, of_number FROM known WHERE kind = 'number' "
    "AND form <> number) "
    "INSERT INTO work_party_name SELECT of_kind, of_number, number, form FROM known k WHERE kind = 'name' "
    # a name of one's own counts before another's former name
    "AND NOT EXISTS (SELECT FROM work_party p WHERE (p.kind, p.form, p.name) = (k.of_kind, k.number, k.form))",
    "UPDATE work_mention w SET contested = f.parties > 1, of_kind = CASE WHEN f.parties = 1 THEN f.kind END, "
    "of_number = CASE WHEN f.parties = 1 THEN f.number END FROM ("
    "  SELECT kind, form, name, count(*) AS parties, min(number) AS number FROM work_party_name GROUP BY kind, form, name) f "
    "WHERE NOT w.register AND w.kind = f.kind AND w.number = f.form AND w.name = f.name",
    "UPDATE work_mention w SET contested = f.parties > 1, of_kind = CASE WHEN f.parties = 1 THEN f.kind END, "
    "of_number = CASE WHEN f.parties = 1 THEN f.number END FROM ("
    "  SELECT w.place, count(*) AS parties, min(n.kind) AS kind, min(n.number) AS number FROM work_mention w "
    "  JOIN work_party_number n ON n.form = w.number JOIN work_party_name p ON p.kind = n.kind AND p.number = n.number "
    "  WHERE NOT w.register AND w.kind IS NOT NULL AND w.of_number IS NULL AND NOT w.contested AND p.name = w.name "
    "  GROUP BY w.place) f WHERE w.place = f.place",
)

_LOOSE = (
    "UPDATE work_party p SET disputed = true FROM work_mention w WHERE w.kind = p.kind AND w.number = p.form "
    "AND w.name IS NOT NULL AND w.of_number IS NULL",
    "INSERT INTO work_party WITH loose AS (SELECT w.* FROM work_mention w WHERE w.kind IS NOT NULL AND w.of_number IS NULL "
    "  AND NOT w.contested AND NOT EXISTS (SELECT FROM work_party p WHERE p.kind = w.kind AND p.form = w.number)), "
    "named AS (SELECT kind, number, name, bool_or(contributes) AS contributes, min(rank) AS rank, count(*) AS n "
    "  FROM loose WHERE name IS NOT NULL GROUP BY kind, number, name), "
    "winner AS (SELECT DISTINCT ON (kind, number) kind, number, name, contributes, "
    "  count(*) OVER (PARTITION BY kind, number) > 1 AS disputed FROM named "
    '  ORDER BY kind, number, contributes DESC, rank, n DESC, name COLLATE "C"), '
    "nameless AS (SELECT kind, number, bool_or(contributes) AS contributes, bool_or(contributes AND register) AS register "
    "  FROM loose WHERE name IS NULL GROUP BY kind, number) "
    "SELECT kind, number, number, w.name, false, coalesce(w.disputed, false), coalesce(w.contributes, false) OR coalesce(n.register, "
    "false) OR (coalesce(n.contributes, false) AND w.disputed IS NOT TRUE) FROM winner w FULL JOIN nameless n "
    "USING (kind, number) WHERE w.name IS NOT NULL OR n.register "
    "OR NOT EXISTS (SELECT FROM work_party_number a WHERE a.form = n.number)",
    "INSERT INTO work_party_name SELECT kind, number, form, name FROM work_party WHERE NOT registered AND name IS NOT NULL",
    "UPDATE work_mention w SET of_kind = p.kind, of_number = p.number FROM work_party p WHERE NOT p.registered "
    "AND w.of_number IS NULL AND NOT w.contested AND w.kind = p.kind AND w.number = p.form AND w.name = p.name",
)

_NAMELESS = (
    "WITH candidate AS (SELECT w.place, p.kind, p.number, p.disputed AND NOT w.register AS disputed, p.lead_number FROM "
    "  work_mention w JOIN work_party p ON p.kind = w.kind AND p.form = w.number WHERE w.name IS NULL AND w.kind IS NOT NULL "
    "  UNION ALL SELECT w.place, p.kind, p.number, false, p.lead_number FROM work_mention w JOIN work_party_number n "
    "  ON n.form = w.number JOIN work_party p ON p.kind = n.kind AND p.number = n.number "
    "  WHERE w.name IS NULL AND w.kind IS NOT NULL AND NOT w.register), "
    "single AS (SELECT place, min(kind) AS kind, min(number) AS number FROM candidate GROUP BY place "
    "  HAVING count(DISTINCT coalesce(lead_number, number)) = 1 AND NOT bool_or(disputed)) "
    "UPDATE work_mention w SET of_kind = o.kind, of_number = o.number FROM single o WHERE w.place = o.place",
)


def _keep(conn: Connection) -> None:
    """Parties keep the entities they had: by their number, or by a former number and a name; the oldest of several. An
    entity whose number was corrected goes by the new one from now on. Judgements have no say: what they join stays two
    entities, so that undoing them finds both."""
    conn.execute(text(_KEEP))
    conn.execute(
        text(
            "WITH kept AS (SELECT p.entity_id AS id, p.kind, p.form AS number, p.name FROM work_party p JOIN work_entity e "
            "ON e.id = p.entity_id WHERE (e.kind, e.number, e.name) IS DISTINCT FROM (p.kind, p.form, p.name)), "
            "moved AS (UPDATE libraries.entity e SET id_kind = k.kind, id_value = k.number, name = k.name FROM kept k "
            "WHERE e.id = k.id) "
            "UPDATE work_entity e SET kind = k.kind, number = k.number, name = k.name FROM kept k WHERE e.id = k.id"
        )
    )


_KEEP = """
WITH possible AS (
  SELECT e.id, p.kind, p.number, true AS own, e.name IS NOT NULL AND EXISTS (SELECT FROM work_party_name n
    WHERE (n.kind, n.number, n.name) = (p.kind, p.number, e.name)) AS known
  FROM work_entity e JOIN work_party p ON p.kind = e.kind AND p.form = e.number WHERE p.alive
  UNION ALL
  SELECT e.id, n.kind, n.number, false, true FROM work_entity e JOIN work_party_number n ON n.form = e.number
  JOIN work_party_name p ON p.kind = n.kind AND p.number = n.number AND p.name = e.name
), claimed AS (
  SELECT DISTINCT ON (id) * FROM possible ORDER BY id, known DESC, own DESC, kind, number
), kept AS (
  SELECT DISTINCT ON (kind, number) kind, number, id FROM claimed ORDER BY kind, number, known DESC, id
)
UPDATE work_party p SET entity_id = k.id FROM kept k WHERE p.kind = k.kind AND p.number = k.number AND p.alive
"""
_CREATE = """
WITH made AS (
  INSERT INTO libraries.entity (id, library, id_kind, id_value, name, dirty)
  SELECT uuidv7(), :l, kind, form, name, false FROM work_party WHERE alive AND entity_id IS NULL AND lead_number IS NULL
  RETURNING id, id_kind, id_value, name
), known AS (
  UPDATE work_party p SET entity_id = m.id FROM made m WHERE p.kind = m.id_kind AND p.form = m.id_value
    AND p.name IS NOT DISTINCT FROM m.name AND p.entity_id IS NULL
)
INSERT INTO work_entity (id, kind, number, name) SELECT id, id_kind, id_value, name FROM made
"""
_TARGETS = (
    "UPDATE work_mention w SET target = p.entity_id FROM work_party p WHERE p.kind = w.of_kind AND p.number = w.of_number",
    "UPDATE work_mention r SET target = w.target FROM work_mention w WHERE r.refers = w.place AND w.target IS NOT NULL",
)
