"""What a library's sources disagree on: kept beside the golden records, counted and listed for stewards.

A conflict is told by whom it is between, never by whom it is about: the list names entities by their own ids, and values are
shown masked. It changes no value: survivorship has decided already (libraries/claims.py), and libraries/why.py explains how.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from core import clock
from core.errors import Invalid
from core.hub import Hub
from core.text import T
from libraries import rules, why
from libraries.claims import ORDER
from libraries.kind import masked
from libraries.rules import Rules
from schemas import published as published_set
from schemas.published import Published
from schemas.types import get

# An attribute that only declares, keeps every value or is derived cannot be in conflict. Two of one department's records that
# differ are its own history: the newer one decides. Who is judged to be somebody else is no conflict any more.
_NOTE = f"""
WITH said AS MATERIALIZED (
  SELECT * FROM work_claim WHERE derived IS NULL AND department IS NOT NULL AND status <> 'declared' AND attribute <> ALL(:many)
), differing AS MATERIALIZED (
  SELECT entity_id, attribute FROM said GROUP BY 1, 2 HAVING min(department) <> max(department) AND min(value) <> max(value)
), best AS (
  SELECT DISTINCT ON (entity_id, attribute) s.* FROM said s JOIN differing USING (entity_id, attribute)
  ORDER BY entity_id, attribute, {ORDER}
), found AS MATERIALIZED (
  SELECT s.entity_id, s.attribute, s.department, 'value' AS kind, min(s.dataset) AS dataset, b.department AS against,
    max(greatest(s.known_from, b.known_from)) AS since
  FROM best b JOIN said s USING (entity_id, attribute) WHERE s.value <> b.value AND s.department <> b.department
  GROUP BY s.entity_id, s.attribute, s.department, b.department
  UNION ALL
  SELECT e.id, :name, d.department, 'name', min(w.dataset), NULL, NULL FROM work_mention w
  JOIN work_entity e ON e.kind = w.kind AND e.number = w.number
  JOIN unnest(CAST(:datasets AS text[]), CAST(:departments AS text[])) AS d (dataset, department) ON d.dataset = w.dataset
  WHERE :named AND w.name <> e.name AND (w.target IS NULL OR EXISTS (SELECT FROM work_entity o
      WHERE o.id = w.target AND o.id <> e.id AND (o.kind, o.number) = (e.kind, e.number)))
    AND EXISTS (SELECT FROM work_claim c WHERE c.entity_id = e.id)
    AND NOT EXISTS (SELECT FROM work_judgement j WHERE j.verdict = 'different'
      AND (j.kind, j.number, j.name) = (w.kind, w.number, w.name) AND (j.other_number, j.other_name) = (e.number, e.name))
  GROUP BY e.id, d.department
), gone AS (
  DELETE FROM libraries.conflict WHERE library = :l AND (entity_id, attribute, department, kind) IN (
    SELECT c.entity_id, c.attribute, c.department, c.kind FROM work_entity e CROSS JOIN LATERAL (
      SELECT * FROM libraries.conflict c WHERE c.library = :l AND c.entity_id = e.id OFFSET 0) c
    EXCEPT SELECT entity_id, attribute, department, kind FROM found)
)
INSERT INTO libraries.conflict AS c (library, entity_id, attribute, department, kind, dataset, against, since)
SELECT :l, entity_id, attribute, department, kind, dataset, against, since FROM found
ON CONFLICT (library, entity_id, attribute, department, kind) DO UPDATE
SET dataset = excluded.dataset, against = excluded.against, since = excluded.since
WHERE (c.dataset, c.against, c.since) IS DISTINCT FROM (excluded.dataset, excluded.against, excluded.since)
"""


@dataclass(frozen=True, slots=True)
class Conflict:
    """`department` says otherwise than `against` (kind `value`), or its `dataset` has the entity's number under a name that is
    not the entity's and that nobody judged to be somebody else's (kind `name`); `since` is when both were known first."""

    library: str
    entity_id: UUID
    attribute: str
    department: str
    kind: str
    dataset: str
    against: str | None
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Group:
    """How many entities one department is in conflict over with another, for one attribute."""

    library: str
    attribute: str
    department: str
    kind: str
    against: str | None
    entities: int

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides of a conflict, masked; None where the records have changed since the golden record was made."""

    decides: str | None
    otherwise: str | None


_COLUMNS = ", ".join(Conflict.__slots__)
#: what a reader may see: everything, or the conflicts these departments have a part in
_OF = "WHERE (CAST(:departments AS text[]) IS NULL OR department = ANY(:departments) OR against = ANY(:departments))"


def note(conn: Connection, one: Rules, published: Published) -> None:
    """Bring the conflicts of the chunk's entities up to date, with the claims that `claims.make` left in the work tables."""
    departments = {id: contract.department for id, contract in published.contracts.items()}
    given: dict[str, Any] = {
        "l": one.library.id, "many": one.many, "name": one.kind.name, "named": one.kind.named,
        "datasets": list(departments), "departments": list(departments.values()),
    }  # fmt: skip
    conn.execute(text(_NOTE), given)


def grouped(conn: Connection, *, departments: Collection[str] | None = None) -> list[Group]:
    """How many there are, by library, attribute and department; `departments` as in `listed`."""
    rows = conn.execute(
        text(
            f"SELECT library, attribute, department, kind, against, count(*) AS entities FROM libraries.conflict {_OF} "
            "GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, entities DESC, 2, 3, 4, 5"
        ),
        {"departments": None if departments is None else list(departments)},
    )
    return [Group(**row._mapping) for row in rows]


def listed(
    conn: Connection, *, library: str | None = None, attribute: str | None = None, department: str | None = None,
    departments: Collection[str] | None = None, after: tuple[str, ...] | None = None, limit: int = 50,
) -> list[Conflict]:  # fmt: skip
    """One page, in order of library, entity, attribute, department and kind, after the place given by these five.

    `department` is the one that says otherwise; `departments` limits a reader to conflicts that these have a part in.
    """
    rows = conn.execute(
        text(
            f"SELECT {_COLUMNS} FROM libraries.conflict {_OF} AND (CAST(:library AS text) IS NULL OR library = :library) "
            "AND (CAST(:attribute AS text) IS NULL OR attribute = :attribute) "
            "AND (CAST(:department AS text) IS NULL OR department = :department) "
            "AND (:first OR (library, entity_id, attribute, department, kind) > (:after_0, CAST(:after_1 AS uuid), :after_2, "
            ":after_3, :after_4)) ORDER BY library, entity_id, attribute, department, kind LIMIT :limit"
        ),
        {
            "library": library, "attribute": attribute, "department": department, "limit": limit, "first": after is None,
            "departments": None if departments is None else list(departments),
            **{f"after_{n}": None if after is None else after[n] for n in range(5)},
        },
    )  # fmt: skip
    return [Conflict(**row._mapping) for row in rows]


@dataclass(frozen=True)
class Page:
    """Conflicts with both sides masked, and the cursor of the next page, None on the last."""

    conflicts: tuple[tuple[Conflict, Sides], ...]
    next: str | None

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "conflicts": [
                {
                    "library": one.library, "entity": str(one.entity_id), "attribute": one.attribute, "kind": one.kind,
                    "department": one.department, "dataset": one.dataset, "otherwise": sides.otherwise,
                    "against": one.against, "decides": sides.decides, "since": one.since and one.since.isoformat(),
                }
                for one, sides in self.conflicts
            ],
            "next": self.next,
        }  # fmt: skip


def page(
    hub: Hub, *, library: str | None = None, attribute: str | None = None, department: str | None = None,
    departments: Collection[str] | None = None, after: str | None = None, limit: int = 50,
) -> Page:  # fmt: skip
    """One page as `listed`, with both sides. Raises Invalid for a cursor that was not given out."""
    published = published_set.current(hub.home)
    with hub.begin() as conn:
        found = listed(
            conn, library=library, attribute=attribute, department=department, departments=departments,
            after=_place(after), limit=limit + 1,
        )  # fmt: skip
        shown = found[:limit]
        both = sides(conn, rules.of(published, clock.today(hub.settings.timezone)), published, shown)
    return Page(tuple(zip(shown, both, strict=True)), _cursor(shown[-1]) if len(found) > limit else None)


def _cursor(last: Conflict) -> str:
    place = [last.library, str(last.entity_id), last.attribute, last.department, last.kind]
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _place(cursor: str | None) -> tuple[str, ...] | None:
    if not cursor:
        return None
    try:
        place = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        words = (
            isinstance(place, list) and len(place) == 5 and all(type(one) is str and one.isprintable() for one in place)
        )
        if not words or str(UUID(place[1])) != place[1]:
            raise ValueError("not a place")
    except (ValueError, TypeError) as error:
        raise Invalid(
            T("游标无效。", "The cursor is not valid."),
            remedy=T("使用上一页给出的 next。", "Use the `next` of the previous page."), pointer="/after",
        ) from error  # fmt: skip
    return tuple(place)


def sides(conn: Connection, every: Iterable[Rules], published: Published, found: Sequence[Conflict]) -> list[Sides]:
    """What each side of these conflicts says, in display form."""
    told: dict[Conflict, Sides] = {}
    for library in every:
        mine = [one for one in found if one.library == library.library.id]
        if not mine:
            continue
        why.prepare(conn, library, published, list({one.entity_id for one in mine}))
        for one in mine:
            kind = get(library.library.attributes[one.attribute].value_type)
            told[one] = Sides(masked(kind, _decides(conn, one)), masked(kind, _otherwise(conn, one)))
    return [told.get(one, Sides(None, None)) for one in found]


def _decides(conn: Connection, one: Conflict) -> str | None:
    return _first(conn, f"SELECT value FROM work_claim WHERE {_CLAIMED} ORDER BY {ORDER} LIMIT 1", one)


def _otherwise(conn: Connection, one: Conflict) -> str | None:
    if one.kind == "name":
        return _first(
            conn,
            "SELECT w.name FROM work_mention w JOIN work_entity e ON e.id = :id AND e.number = w.number WHERE w.target IS NULL "
            "AND w.dataset = :dataset AND w.name <> e.name ORDER BY w.name LIMIT 1",
            one,
        )
    return _first(
        conn,
        f"SELECT value FROM work_claim WHERE {_CLAIMED} AND department = :department AND derived IS NULL AND value <> "
        f"(SELECT value FROM work_claim WHERE {_CLAIMED} ORDER BY {ORDER} LIMIT 1) ORDER BY {ORDER} LIMIT 1",
        one,
    )


_CLAIMED = "entity_id = :id AND attribute = :name"


def _first(conn: Connection, query: str, one: Conflict) -> str | None:
    found: str | None = conn.scalar(
        text(query),
        {"id": one.entity_id, "name": one.attribute, "department": one.department, "dataset": one.dataset},
    )
    return found
