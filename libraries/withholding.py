"""Records that a contract withholds give the libraries nothing, from the day it happens.

That day may come without a batch (a penalty's publication ends): a refresh on a later day than the last one looks again at
who is named in records that have become withheld since, or are no longer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date

from sqlalchemy import Connection, text

from libraries.rules import Rules
from schemas.contract import Contract
from schemas.derive import sql, withheld

_MARK = "@today@"


def shared(contract: Contract, parameter: str = "today") -> str | None:
    """SQL over the record `r` that holds where it is not withheld on the day given as a parameter; None where all are shared."""
    rule = withheld.shared(contract, "r", _MARK)
    # a colon would be a parameter's to SQLAlchemy's `text`
    return None if rule is None else rule.replace(":", "\\:").replace(_MARK, f"CAST(:{parameter} AS date)")


def pass_days(conn: Connection, every: Iterable[Rules], today: date) -> None:
    """Let mentions in records that became withheld (or shared) since the last refresh wait anew. Raises LockNotAvailable
    (as OperationalError) when a merge holds one."""
    last = conn.execute(text("SELECT body ->> 'day' FROM libraries.rules WHERE library = '' AND dataset = ''")).scalar()
    if last == today.isoformat():
        return
    contracts = {giver.contract.id: giver.contract for rules in every for giver in rules.givers}
    for contract in contracts.values() if last else ():
        then, now = shared(contract, "last"), shared(contract)
        if now is None:
            continue
        conn.execute(
            text(
                f"WITH held AS (SELECT m.ctid AS place FROM {sql.current(contract.id)} r JOIN libraries.mention m "
                f"ON m.dataset = :dataset AND m.key = r._key WHERE ({then}) <> ({now}) AND NOT m.pending "
                "FOR UPDATE OF m NOWAIT) UPDATE libraries.mention m SET pending = true FROM held WHERE m.ctid = held.place"
            ),
            {"dataset": contract.id, "today": today, "last": last},
        )
    conn.execute(
        text(
            "INSERT INTO libraries.rules (library, dataset, body) VALUES ('', '', cast(:body AS jsonb)) "
            "ON CONFLICT (library, dataset) DO UPDATE SET body = excluded.body"
        ),
        {"body": json.dumps({"day": today.isoformat()})},
    )
