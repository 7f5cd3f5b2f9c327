"""gr_mx: contributions of the last months, interest, withdrawals, transfers and seals."""

from __future__ import annotations

import numpy as np

from demo.savings import CLOSED_OUT, NORMAL, SEALED, last_month
from demo.text import Days, Ints, Mask, Rng, Text, compact, digits, draw, iso, join, numbers_as_text, some, yyyymm
from demo.truth import Truth
from demo.world import World

DATASET = "fund_movement"
MONTHS = 14  # how far back contributions go: enough for "the last twelve months" and a margin
_RUN = 6  # months of back-payment booked on one day
_MONTH = np.timedelta64(1, "M")


def movements(world: World, account: Text, monthly: Ints, balance: Ints, truth: Truth) -> dict[str, Text]:
    """The table's columns; `monthly` and `balance` are cents of each account (both sides' contribution together)."""
    rng = world.rng("gr_mx")
    of, first = world.accounts, last_month(world.today) - (MONTHS - 1) * _MONTH
    row, month, booked, kind, late = _contributions(rng, world, first)
    parts = [(row, kind, yyyymm(month), booked, monthly[row], np.full(row.size, ""))]

    def add(who: Ints, code: str, day: Days, cents: Ints, reasons: tuple[str, ...] = ("",)) -> None:
        parts.append((who, np.full(who.size, code), np.full(who.size, ""), day, cents, draw(rng, reasons, who.size)))

    window, exists = first.astype("datetime64[D]"), np.isnat(of.closed)
    june = _last_june(world)
    paid = np.flatnonzero(exists & (of.opened < june))
    add(paid, "09", np.full(paid.size, june), balance[paid] * 15 // 1000)
    ended = (of.paid_to + _MONTH).astype("datetime64[D]") + 9
    recent = (ended >= window) & (ended < np.datetime64(world.today))
    who = np.flatnonzero((of.state == SEALED) & recent)
    add(who, "05", ended[who], np.zeros(who.size, dtype=np.int64))
    who = np.flatnonzero((of.state == CLOSED_OUT) & (of.closed >= window))
    add(who, "12", of.closed[who], balance[who], ("03", "03", "05", "99"))
    who = np.flatnonzero((of.state == "04") & (of.closed >= window))
    add(who, "07", of.closed[who], balance[who])
    who = np.flatnonzero((of.state == NORMAL) & (of.opened >= window) & (rng.random(len(of)) < 0.15))
    add(who, "08", of.opened[who] + np.timedelta64(3, "D"), balance[who] // 2)
    who = some(rng, exists & (of.state == NORMAL), 0.12 * len(of))
    span = (np.datetime64(world.today) - window).astype(np.int64)
    day = np.maximum(window + rng.integers(0, span, who.size).astype("timedelta64[D]"), of.opened[who])
    add(who, "11", day, balance[who] // 3, ("01", "06", "06", "07", "09"))

    return _booked(account, parts, late, truth)


def _contributions(rng: Rng, world: World, first: np.datetime64) -> tuple[Ints, Days, Days, Text, Mask]:
    """Account, month, day booked, kind and whether it was booked late with others, for every month paid."""
    of = world.accounts
    since = np.maximum(of.opened.astype("datetime64[M]"), first)
    count = np.maximum((of.paid_to - since).astype(np.int64) + 1, 0)
    row = np.repeat(np.arange(len(of)), count)
    at = np.arange(row.size) - np.repeat(np.cumsum(count) - count, count)  # which month of its account
    month = since[row] + at.astype("timedelta64[M]")
    pay_day = rng.integers(4, 26, len(of)).astype("timedelta64[D]")  # an account's payroll runs on the same day
    booked = month.astype("datetime64[D]") + pay_day[row]
    behind = some(rng, count >= _RUN + 2, 0.03 * row.size / _RUN)
    late = np.isin(row, behind) & (at >= 1) & (at <= _RUN)
    lag = np.where(late, _RUN - at, 0).astype("timedelta64[M]")
    booked = np.where(late, (month + lag).astype("datetime64[D]") + pay_day[row], booked)
    return row, month, booked, np.where(late, "02", "01"), late


def _last_june(world: World) -> np.datetime64:
    year = world.today.year if world.today.month > 6 else world.today.year - 1
    return np.datetime64(f"{year}-06-30")


def _booked(
    account: Text, parts: list[tuple[Ints, Text, Text, Days, Ints, Text]], late: Mask, truth: Truth
) -> dict[str, Text]:
    """All parts in the order they were booked, numbered."""
    row, kind, month, day, cents, reason = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort([row, day])
    row, kind, month, day, cents, reason = (column[order] for column in (row, kind, month, day, cents, reason))
    key = join(compact(day), digits(np.arange(row.size) + 1, 10))
    flagged = np.zeros(row.size, dtype=bool)
    flagged[: late.size] = late
    truth.plant(DATASET, "months_on_one_day", np.flatnonzero(flagged[order]), (key,))
    return {
        "ywlsh": key,
        "grzh": account[row],
        "jzrq": iso(day),
        "gjhtqywlx": kind,
        "hbjny": month,
        "fse": numbers_as_text(cents, 2),
        "tqyy": reason,
    }
