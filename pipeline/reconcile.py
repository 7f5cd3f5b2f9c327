"""The evidence of a batch: every landed row accounted for, and the library holding exactly what it should."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from core.errors import Stop
from core.text import T
from schemas.derive import sql


class Held(NamedTuple):
    """What a dataset's current table holds for one system: rows, and the exclusive-or of their content hashes."""

    rows: int
    content: int


def held(connection: Connection, dataset: str, system: str) -> Held:
    """Count and fold the current rows of a system."""
    row = connection.execute(
        text(f"SELECT count(*), coalesce(bit_xor(_row_hash), 0) FROM {sql.current(dataset)} WHERE _system = :system"),
        {"system": system},
    ).one()
    return Held(row[0], row[1])


def staged_and_held(connection: Connection, dataset: str, staged: str) -> int:
    """How many staged rows the current table holds with just that content."""
    return int(
        connection.execute(
            text(
                f"SELECT count(*) FROM {staged} s JOIN {sql.current(dataset)} t ON t._key = s._key AND t._row_hash = s._row_hash"
            )
        ).scalar_one()
    )


def problems(evidence: Mapping[str, Any]) -> list[T]:
    """DESIGN §1.3: which of the equations that every merged batch satisfies this evidence does not. A scan of keys brings
    nothing: it only closes."""
    if "scanned" in evidence:
        if evidence["after"] == evidence["before"] - evidence["closed"]:
            return []
        sum_ = f"{evidence['before']} − {evidence['closed']}"
        return [T(f"之后 {evidence['after']} ≠ 之前 {sum_}", f"after {evidence['after']} ≠ before {sum_}")]
    accounted = sum(
        evidence[name] for name in ("inserted", "changed", "unchanged", "repeated", "removed", "quarantined")
    )
    found = []
    if evidence["unchanged"] < 0:
        more = -evidence["unchanged"]
        found.append(T(f"写入比读取多 {more} 行", f"{more} rows more were written than read"))
    if accounted != evidence["landed"]:
        found.append(
            T(f"落地 {evidence['landed']} ≠ 归类 {accounted}", f"landed {evidence['landed']} ≠ accounted {accounted}")
        )
    if evidence["after"] != evidence["before"] + evidence["inserted"] - evidence["closed"]:
        sum_ = f"{evidence['before']} + {evidence['inserted']} − {evidence['closed']}"
        found.append(T(f"之后 {evidence['after']} ≠ 之前 {sum_}", f"after {evidence['after']} ≠ before {sum_}"))
    if evidence["expected_hash"] != evidence["held_hash"]:
        found.append(T("内容哈希不同", "content hashes differ"))
    return found


def check(evidence: Mapping[str, Any]) -> None:
    """The equations that must hold before a merge may commit. Raises Stop, which rolls it back."""
    if found := problems(evidence):
        listed = T("; ".join(one.zh for one in found), "; ".join(one.en for one in found))
        raise Stop(
            T(f"对账不平,已回滚:{listed.zh}。", f"The batch does not reconcile and was rolled back: {listed.en}."),
            remedy=T(
                "这是本系统的缺陷,请附批次号报告。", "This is a defect of the exchange; report it with the batch id."
            ),
            code="reconciliation",
        )
