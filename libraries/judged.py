"""What judgements in force make of the parties: which claims go where a register would not send them, and which do not.

A judgement is about two *claims*, each a number with a name. A claim is of a party where its mentions go by number and
name; else it stands alone. Then

1. *different*: of two claims that a register's word sends to one party, the one that is the party's own number and name (or is
   judged the same as it) stays and the other stands alone; where neither is, nobody knows which, and both do. A name that
   is judged different from everybody who has its number is a party of its own, beside them;
2. *same*: claims and parties that judgements connect are one. One party leads, by what the records say and never by the
   order of judging, and its entity is everybody's; all parties keep their own entities, so that an undo gives them back;
3. judgements that contradict what the registers say (connected, and different) join nobody until somebody ends one.

So the outcome is that of the judgements in force, whatever was judged and undone before. Where there are none of a chunk's
numbers, none of this runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from libraries.rules import Rules

TABLES = (
    "CREATE TEMP TABLE IF NOT EXISTS work_judgement (verdict text, kind text, number text, name text, other_kind text, "
    "other_number text, other_name text) ON COMMIT DELETE ROWS",
)


class Claim(NamedTuple):
    """A number, by what all its written forms have in common, with a name."""

    kind: str
    number: str
    name: str


class Party(NamedTuple):
    """A party by its key (libraries/judge.py)."""

    kind: str
    number: str


_Node = Claim | Party


@dataclass
class Judged:
    """The judgements that bear on a chunk, and which claims they keep from which party."""

    same: list[tuple[Claim, Claim]] = field(default_factory=list)
    different: list[tuple[Claim, Claim]] = field(default_factory=list)
    apart: set[tuple[Claim, Party]] = field(default_factory=set)

    @property
    def claims(self) -> list[Claim]:
        """Every claim that is judged, in order."""
        return sorted({claim for pair in (*self.same, *self.different) for claim in pair})


def any_there(conn: Connection, rules: Rules) -> bool:
    """Whether any judgement decides anything in the library."""
    found = text("SELECT EXISTS (SELECT FROM libraries.judgement WHERE library = :l AND verdict <> 'unsure')")
    return bool(conn.execute(found, {"l": rules.library.id}).scalar_one())


def numbers_joined(conn: Connection, rules: Rules, round: int) -> int:
    """The numbers that judgements join to a round's; returns how many are new."""
    return conn.execute(
        text(
            "INSERT INTO work_number SELECT DISTINCT j.other_form, :round + 1 FROM work_number n CROSS JOIN LATERAL ("
            "SELECT * FROM libraries.judgement j WHERE j.form = n.number AND j.library = :l AND j.verdict = 'same' OFFSET 0) j "
            "WHERE n.round = :round ON CONFLICT DO NOTHING"
        ),
        {"round": round, "l": rules.library.id},
    ).rowcount


def gather(conn: Connection, rules: Rules) -> None:
    """Fill `work_judgement` with those about the gathered numbers."""
    conn.execute(
        text(
            "INSERT INTO work_judgement SELECT DISTINCT verdict, kind, form, name, other_kind, other_form, other_name "
            "FROM work_number n CROSS JOIN LATERAL (SELECT * FROM libraries.judgement j WHERE j.form = n.number "
            "AND j.library = :l AND j.verdict <> 'unsure' OFFSET 0) j"
        ),
        {"l": rules.library.id},
    )


def read(conn: Connection) -> Judged | None:
    """The gathered judgements; None when there are none."""
    judged = Judged()
    for row in conn.execute(text("SELECT * FROM work_judgement ORDER BY 1, 2, 3, 4, 5, 6, 7")):
        pair = Claim(*row[1:4]), Claim(*row[4:7])
        (judged.same if row.verdict == "same" else judged.different).append(pair)
    return judged if judged.same or judged.different else None


def keep_apart(conn: Connection, judged: Judged) -> None:
    """Let claims that are judged different from a party's own stand alone; before parties are made of what is left."""
    at = _placed(conn, judged)
    groups = _Groups()
    for one, other in judged.same:
        groups.join(one, other)
    for pair in judged.different:
        if pair[0] not in at or pair[1] not in at or at[pair[0]] != at[pair[1]]:
            continue
        party, own = at[pair[0]]
        judged.apart |= {(claim, party) for claim in pair if groups.of(claim) != groups.of(own)}
    conn.execute(
        text(
            "UPDATE work_mention w SET of_kind = NULL, of_number = NULL FROM unnest(CAST(:kinds AS text[]), "
            "CAST(:numbers AS text[]), CAST(:names AS text[])) AS c (kind, number, name) "
            "WHERE w.kind = c.kind AND w.number = c.number AND w.name = c.name"
        ),
        _columns(claim for claim, _ in judged.apart),
    )


def part(conn: Connection) -> None:
    """Let each name that is judged different from everybody who has its number be a party of its own."""
    conn.execute(text(_PART))
    conn.execute(
        text(
            "INSERT INTO work_party_name SELECT kind, number, form, name FROM work_party p WHERE NOT EXISTS (SELECT FROM "
            "work_party_name n WHERE (n.kind, n.number) = (p.kind, p.number)) AND name IS NOT NULL"
        )
    )
    conn.execute(
        text(
            "UPDATE work_mention w SET of_kind = p.kind, of_number = p.number FROM work_party p WHERE w.of_number IS NULL "
            "AND NOT w.contested AND (p.kind, p.form, p.name) = (w.kind, w.number, w.name)"
        )
    )


def join(conn: Connection, rules: Rules, judged: Judged) -> None:
    """Send claims that stand alone to the party that leads those they are judged the same as, and let the other parties of
    them follow it."""
    at = {claim: party for claim, (party, _) in _placed(conn, judged).items()}
    groups = _connected(judged, at)
    parties = {
        Party(row.kind, row.number): row
        for row in conn.execute(text("SELECT kind, number, form, registered, alive FROM work_party"))
        if Party(row.kind, row.number) in groups
    }

    def weight(party: Party) -> tuple[bool, bool, int, str]:
        row = parties[party]
        return (
            not row.registered,
            not row.alive,
            rules.kind.kinds.index(row.kind) if row.kind in rules.kind.kinds else 99,
            row.number,
        )

    sent: list[tuple[Claim, Party]] = []
    led: list[tuple[Party, Party]] = []
    for members in groups.all():
        among = [node for node in members if isinstance(node, Party) and node in parties]
        if not among:
            continue
        lead = min(among, key=weight)
        sent += [(node, lead) for node in members if isinstance(node, Claim)]
        led += [(party, lead) for party in among if party != lead]
    _send(conn, sent)
    _lead(conn, led)
    concerned = {(claim.kind, claim.number) for claim in judged.claims}
    concerned |= {(row.kind, row.form) for row in parties.values()}
    for statement in _SETTLED:
        conn.execute(text(statement), _columns(concerned))


def follow(conn: Connection) -> None:
    """Let the parties that follow another have its entity."""
    conn.execute(
        text(
            "UPDATE work_party p SET entity_id = l.entity_id FROM work_party l "
            "WHERE p.lead_number IS NOT NULL AND l.kind = p.lead_kind AND l.number = p.lead_number"
        )
    )


def _connected(judged: Judged, at: dict[Claim, Party]) -> _Groups:
    """Claims and parties as judgements join them, without those judgements that join what is judged different."""
    same = judged.same
    while True:
        groups = _Groups()
        for one, other in same:
            groups.join(at.get(one, one), at.get(other, other))
        wrong = {
            groups.of(at.get(one, one))
            for one, other in judged.different
            if groups.of(at.get(one, one)) == groups.of(at.get(other, other))
        }
        left = [pair for pair in same if groups.of(at.get(pair[0], pair[0])) not in wrong]
        if len(left) == len(same):
            return groups
        same = left


#: each judged claim's party, by the rules mentions go by: number and name, else a former number and a name of exactly one
_PLACED = """
WITH claim AS (SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:numbers AS text[]), CAST(:names AS text[])) AS c (kind, number, name)),
own AS (SELECT c.*, n.kind AS of_kind, n.number AS of_number FROM claim c JOIN work_party_name n
  ON n.kind = c.kind AND n.form = c.number AND n.name = c.name),
former AS (SELECT c.kind, c.number, c.name, min(a.kind) AS of_kind, min(a.number) AS of_number FROM claim c
  JOIN work_party_number a ON a.form = c.number JOIN work_party_name n ON n.kind = a.kind AND n.number = a.number AND n.name = c.name
  WHERE NOT EXISTS (SELECT FROM own o WHERE (o.kind, o.number, o.name) = (c.kind, c.number, c.name))
  GROUP BY 1, 2, 3 HAVING count(DISTINCT (a.kind, a.number)) = 1)
SELECT DISTINCT f.kind, f.number, f.name, f.of_kind, f.of_number, p.form, coalesce(p.name, '') AS own
FROM (SELECT kind, number, name, min(of_kind) AS of_kind, min(of_number) AS of_number FROM own GROUP BY 1, 2, 3 HAVING count(*) = 1
  UNION ALL SELECT * FROM former) f JOIN work_party p ON p.kind = f.of_kind AND p.number = f.of_number
"""


def _placed(conn: Connection, judged: Judged) -> dict[Claim, tuple[Party, Claim]]:
    """Judged claim → its party, and that one's own number and name."""
    rows = conn.execute(text(_PLACED), _columns(judged.claims)).all()
    found = ((Claim(*row[:3]), Party(*row[3:5]), Claim(row.of_kind, row.form, row.own)) for row in rows)
    return {claim: (party, own) for claim, party, own in found if (claim, party) not in judged.apart}


def _send(conn: Connection, sent: list[tuple[Claim, Party]]) -> None:
    conn.execute(
        text(
            "UPDATE work_mention w SET of_kind = c.of_kind, of_number = c.of_number FROM unnest(CAST(:kinds AS text[]), "
            "CAST(:numbers AS text[]), CAST(:names AS text[]), CAST(:of_kinds AS text[]), CAST(:of_numbers AS text[])) "
            "AS c (kind, number, name, of_kind, of_number) "
            "WHERE w.kind = c.kind AND w.number = c.number AND w.name = c.name AND w.of_number IS NULL"
        ),
        _columns(claim for claim, _ in sent) | _columns((party for _, party in sent), "of_"),
    )


def _lead(conn: Connection, led: list[tuple[Party, Party]]) -> None:
    conn.execute(
        text(
            "UPDATE work_party p SET lead_kind = c.of_kind, lead_number = c.of_number FROM unnest(CAST(:kinds AS text[]), "
            "CAST(:numbers AS text[]), CAST(:of_kinds AS text[]), CAST(:of_numbers AS text[])) AS c (kind, number, of_kind, of_number) "
            "WHERE p.kind = c.kind AND p.number = c.number"
        ),
        _columns(party for party, _ in led) | _columns((lead for _, lead in led), "of_"),
    )


# A name whose number has parties, and that is judged different from each of them.
_PART = """
INSERT INTO work_party (kind, number, form, name, registered, disputed, alive)
SELECT w.kind, w.number || E'\x1f' || w.name, w.number, w.name, false, true, bool_or(w.contributes) FROM work_mention w
JOIN (SELECT DISTINCT kind, number, name FROM work_judgement WHERE verdict = 'different'
  AND (other_kind, other_number) = (kind, number)) j ON (j.kind, j.number, j.name) = (w.kind, w.number, w.name)
WHERE w.of_number IS NULL AND NOT w.contested AND NOT EXISTS (SELECT FROM work_party p WHERE (p.kind, p.form) = (w.kind, w.number)
  AND NOT EXISTS (SELECT FROM work_judgement d WHERE d.verdict = 'different' AND (d.kind, d.number, d.name) = (w.kind, w.number, w.name)
    AND (d.other_kind, d.other_number, d.other_name) = (p.kind, p.form, p.name)))
GROUP BY w.kind, w.number, w.name
"""

# Whether a number is disputed, and whether its party may make an entity, follow from where its mentions go; so once more.
_CONCERNED = "unnest(CAST(:kinds AS text[]), CAST(:numbers AS text[])) AS c (kind, form)"
_SETTLED = (
    "WITH lead AS MATERIALIZED (SELECT kind, number, form, coalesce(lead_number, number) AS lead, registered FROM work_party), "
    f"other AS MATERIALIZED (SELECT p.kind, p.number FROM {_CONCERNED} JOIN work_mention w ON w.kind = c.kind "
    "AND w.number = c.form JOIN lead p ON p.kind = w.kind AND p.form = w.number "
    "LEFT JOIN lead o ON o.kind = w.of_kind AND o.number = w.of_number "
    "WHERE w.name IS NOT NULL AND (p.registered OR NOT w.contested) AND o.lead IS DISTINCT FROM p.lead) "
    "UPDATE work_party p SET disputed = (p.kind, p.number) IN (SELECT kind, number FROM other) "
    f"FROM {_CONCERNED} WHERE p.kind = c.kind AND p.form = c.form",
    f"WITH given AS MATERIALIZED (SELECT w.of_kind, w.of_number FROM {_CONCERNED} JOIN work_party p ON p.kind = c.kind "
    "AND p.form = c.form JOIN work_mention w ON w.of_kind = p.kind AND w.of_number = p.number WHERE w.contributes), "
    f"nameless AS MATERIALIZED (SELECT w.kind, w.number FROM {_CONCERNED} JOIN work_mention w ON w.kind = c.kind "
    "AND w.number = c.form WHERE w.name IS NULL AND w.contributes) "
    f"UPDATE work_party p SET alive = true FROM {_CONCERNED} WHERE p.kind = c.kind AND p.form = c.form AND NOT p.alive "
    "AND ((p.kind, p.number) IN (SELECT of_kind, of_number FROM given) "
    "OR NOT p.disputed AND (p.kind, p.form) IN (SELECT kind, number FROM nameless))",
    f"UPDATE work_party p SET alive = true FROM work_party o JOIN {_CONCERNED} USING (kind, form) "
    "WHERE p.kind = o.lead_kind AND p.number = o.lead_number AND o.alive AND NOT p.alive",
)


def _columns(rows: Iterable[tuple[str, ...]], prefix: str = "") -> dict[str, list[Any]]:
    """Claims or parties as arrays."""
    columns = list(zip(*rows, strict=True))
    names = ("kinds", "numbers", "names")[: len(columns)] if columns else ("kinds", "numbers", "names")
    return {f"{prefix}{name}": list(columns[n]) if columns else [] for n, name in enumerate(names)}


class _Groups:
    """What is connected (union by the smallest, so that names of groups do not depend on the order)."""

    def __init__(self) -> None:
        self._up: dict[_Node, _Node] = {}

    def __contains__(self, node: _Node) -> bool:
        return node in self._up

    def of(self, node: _Node) -> _Node:
        """The group's name; of what is connected to nothing, itself."""
        while (up := self._up.get(node, node)) != node:
            node = up
        return node

    def join(self, one: _Node, other: _Node) -> None:
        """Connect two."""
        for node in (one, other):
            self._up.setdefault(node, node)
        first, second = sorted((self.of(one), self.of(other)), key=tuple)
        self._up[second] = first

    def all(self) -> list[list[_Node]]:
        """Every group's members."""
        found: dict[_Node, list[_Node]] = {}
        for node in self._up:
            found.setdefault(self.of(node), []).append(node)
        return [sorted(found[name], key=tuple) for name in sorted(found, key=tuple)]
