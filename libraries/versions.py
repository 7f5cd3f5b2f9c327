"""The history of one record: its versions in the order the exchange knew them, and what changed from one to the next.

Nothing here decides who may see them, and nothing is masked: libraries/inquiry.py does both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, literal, null, union_all
from sqlalchemy import select as sql_select

from libraries.records import ENDING, current, history
from schemas.contract import Contract

Began = Literal["new", "changed", "reopened"]


@dataclass(frozen=True)
class Version:
    """What was known of a record from one moment until another (None: still is).

    `batch` brought it; `ended` says how it ended (`changed` or `removed`) and `ended_by` by which batch. `changed` holds, item
    by item, what the version before said and what this one says; it is empty for the first version. A record that had been
    removed and came again was `reopened`.
    """

    key: bytes
    system: str
    values: Mapping[str, Any]
    batch: UUID
    row_no: int | None
    known_from: datetime
    known_to: datetime | None
    ended: str | None
    ended_by: UUID | None
    began: Began
    changed: Mapping[str, tuple[Any, Any]]


def versions(
    conn: Connection, contract: Contract, keys: Sequence[bytes], *, known_at: datetime | None = None
) -> list[Version]:
    """Every version of the records with these keys, record by record, oldest first; with `known_at`, as the history stood at
    that moment: what has come since is left out, and a version that has ended since has no end yet."""
    now, then = current(contract), history(contract)
    names = [column.name for column in now.c]
    standing = sql_select(*(now.c[name] for name in names), *(null().label(name) for name, _ in ENDING))
    former = sql_select(*(then.c[name] for name in names), *(then.c[name] for name, _ in ENDING))
    both = union_all(standing.where(now.c["_key"].in_(keys)), former.where(then.c["_key"].in_(keys))).subquery(
        "versions"
    )
    statement = sql_select(both).order_by(both.c["_key"], both.c["_known_from"], both.c["_known_to"])
    if known_at is not None:
        statement = statement.where(both.c["_known_from"] <= literal(known_at, both.c["_known_from"].type))
    items = [item.name for item in contract.items]
    found: list[Version] = []
    for row in conn.execute(statement).mappings():
        ended = row["_known_to"] is not None and (known_at is None or row["_known_to"] <= known_at)
        values = {name: row[name] for name in items}
        before = found[-1] if found and found[-1].key == bytes(row["_key"]) else None
        found.append(
            Version(
                key=bytes(row["_key"]), system=row["_system"], values=values, batch=row["_batch"], row_no=row["_row_no"],
                known_from=row["_known_from"], known_to=row["_known_to"] if ended else None,
                ended=row["_ended"] if ended else None, ended_by=row["_ended_by"] if ended else None,
                began=_began(before), changed={} if before is None else _changed(before.values, values),
            )
        )  # fmt: skip
    return found


def _began(before: Version | None) -> Began:
    if before is None:
        return "new"
    return "reopened" if before.ended == "removed" else "changed"


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (before[name], value) for name, value in after.items() if before[name] != value}
