"""Which rows no consumer may see: the contract's `withheld`, as SQL.

Repaired or expired credit records are no longer shared or used (信用修复管理办法, in force 2026-04-01): the rule is data, and
today decides, whatever moment a question asks about.
"""

from __future__ import annotations

from schemas import conditions
from schemas.contract import Contract
from schemas.derive.sql import quote


def shared(contract: Contract, row: str, today: str) -> str | None:
    """SQL that holds for a row which may be shared today; None when the contract withholds nothing.

    `row` is the quoted name of the table or alias, `today` SQL for the city's day.
    """
    if not contract.withheld:
        return None
    rules = [
        " AND ".join(
            conditions.sql(f"{row}.{quote(item)}", test, lambda operand: conditions.day(operand, today, str), _always)
            for item, test in where.items()
        )
        for where in contract.withheld
    ]
    # what the rule cannot tell, an empty end of publication say, stays shared
    return f"({' OR '.join(f'({rule})' for rule in rules)}) IS NOT TRUE"


def _always(operand: str) -> None:
    """A contract has no parameters, so every test narrows."""
