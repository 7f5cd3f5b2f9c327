"""BDC_XZ: mortgages, seizures, advance notices and objections."""

from __future__ import annotations

import numpy as np

from demo.contracts import CANCELLED, FILED, SIGNED, TITLED
from demo.homes import CURRENT
from demo.numbers import body_check, credit_code
from demo.savings import SECURED_STATES
from demo.tables.build import changed_at, plant_documents
from demo.tables.rights import right_ids
from demo.text import Days, Ints, Rng, Text, digits, draw, iso, join, numbers_as_text, put, some
from demo.truth import Truth
from demo.words import words
from demo.world import World

DATASET = "real_estate_limit"
FUND_CENTRE = "益阳市住房公积金管理中心"
_COLUMNS = (
    "XZLX", "QLID", "BDCDYH", "CFLX", "YGDJZL", "DYFS", "XZRMC", "XZRZJH", "BDBZQSE", "QSSJ", "JSSJ", "QSZT",
)  # fmt: skip
_YEAR = np.timedelta64(365, "D")


def limits(world: World, truth: Truth) -> dict[str, Text]:
    """The table's columns."""
    rng = world.rng("BDC_XZ")
    lent, released = _fund_mortgages(world, rng)
    notices, noticed = _notices(world, rng)
    parts = [lent, _bank_mortgages(world, rng), _seizures(world, rng), notices]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in _COLUMNS}
    size = columns["XZLX"].size
    ids = join("XZ", digits(np.arange(size) + 1, 12))
    mortgages = columns["XZLX"] == "DY"
    total = int(mortgages.sum())

    forgotten = some(rng, np.isin(np.arange(size), released), 0.02 * total)
    columns["QSZT"] = put(columns["QSZT"], forgotten, CURRENT)
    columns["JSSJ"] = put(columns["JSSJ"], forgotten, "")
    truth.plant(DATASET, "mortgage_not_released", forgotten, (ids,), total)

    wan = some(rng, mortgages, 0.03 * total)
    columns["BDBZQSE"] = put(columns["BDBZQSE"], wan, np.strings.slice(columns["BDBZQSE"][wan], 0, -7))
    columns["BDBZQSE"] = put(columns["BDBZQSE"], wan, join(columns["BDBZQSE"][wan], ".00"))
    truth.plant(DATASET, "claim_in_wan", wan, (ids,), total)

    person = np.concatenate([np.full(size - noticed.size, -1), noticed])
    plant_documents(truth, DATASET, world.people, person, np.ones(size, dtype=bool), (ids,), world.today)
    ended = np.where(columns["QSZT"] == CURRENT, "", columns["JSSJ"])
    touched = np.where(ended == "", columns["QSSJ"], ended).astype("datetime64[D]")
    return {"XZID": ids, **columns, "GXSJ": changed_at(rng, touched, world.today)}


def _part(size: int, **columns: Text | str) -> dict[str, Text]:
    """Columns of one sort of limit; what is not named is empty."""
    return {name: np.broadcast_to(np.asarray(columns.get(name, ""), dtype=np.str_), (size,)) for name in _COLUMNS}


def _mortgages(
    rng: Rng, world: World, right: Ints, lender: Text, code: Text, yuan: Ints, start: Days, end: Days
) -> dict[str, Text]:
    return _part(
        right.size,
        XZLX="DY",
        QLID=right_ids(right),
        BDCDYH=world.homes.unit[world.rights.home[right]],
        DYFS=draw(rng, ["1", "2"], right.size, [0.93, 0.07]),
        XZRMC=lender,
        XZRZJH=code,
        BDBZQSE=numbers_as_text(yuan * 100, 2),
        QSSJ=iso(start),
        JSSJ=iso(end),
        QSZT=np.where(np.isnat(end), "1", "2"),
    )


def _bodies(names: tuple[str, ...], head: str, first: int) -> Text:
    body = digits(np.arange(len(names)) + first, 8)
    return credit_code(np.full(len(names), head), join(body, body_check(body)))


def _fund_mortgages(world: World, rng: Rng) -> tuple[dict[str, Text], Ints]:
    """One for each loan paid out, and which of them secure settled loans."""
    loans = world.loans
    rows = np.flatnonzero(np.isin(loans.state, [*SECURED_STATES, "3"]))
    centre = np.full(rows.size, _bodies((FUND_CENTRE,), "12430900", 44_880_011)[0])
    end = loans.settled[rows] + np.timedelta64(5, "D")
    part = _mortgages(
        rng, world, loans.right[rows], np.full(rows.size, FUND_CENTRE), centre, loans.amount[rows], loans.day[rows], end
    )
    return part, np.flatnonzero(loans.state[rows] == "3")


def _bank_mortgages(world: World, rng: Rng) -> dict[str, Text]:
    rights = world.rights
    fit = (rights.status == CURRENT) & ~np.isin(np.arange(len(rights)), world.loans.right)
    right = some(rng, fit, 0.25 * len(rights))
    bank = rng.integers(0, len(words("banks")), right.size)
    start = rights.day[right]
    end = np.where(rng.random(right.size) < 0.35, start + rng.integers(100, 400, right.size), np.datetime64("NaT"))
    end = np.where(end < np.datetime64(world.today), end, np.datetime64("NaT"))
    code = _bodies(words("banks"), "91430900", 18_750_001)[bank]
    yuan = rng.integers(12, 200, right.size) * 10_000
    return _mortgages(rng, world, right, np.asarray(words("banks"))[bank], code, yuan, start, end)


def _seizures(world: World, rng: Rng) -> dict[str, Text]:
    """Seizures by courts for three years; some have run out and were never lifted. A few objections."""
    rights = world.rights
    right = some(rng, rights.status == CURRENT, 0.013 * len(rights))
    start = np.datetime64(world.today) - rng.integers(10, 1600, right.size).astype("timedelta64[D]")
    objection = rng.random(right.size) < 0.08
    holder = world.people.name[rng.integers(0, len(world.people), right.size)]
    return _part(
        right.size,
        XZLX=np.where(objection, "YY", "CF"),
        QLID=right_ids(right),
        BDCDYH=world.homes.unit[rights.home[right]],
        CFLX=np.where(objection, "", draw(rng, ["1", "2", "3", "4"], right.size, [0.75, 0.2, 0.04, 0.01])),
        XZRMC=np.where(objection, holder, draw(rng, words("courts"), right.size)),
        QSSJ=iso(start),
        JSSJ=iso(start + np.where(objection, np.timedelta64(15, "D"), 3 * _YEAR)),
        QSZT=np.where(rng.random(right.size) < 0.7, "1", "2"),
    )


def _notices(world: World, rng: Rng) -> tuple[dict[str, Text], Ints]:
    """Advance notices of sales on contracts, live until the title is registered, and the persons they name."""
    sales, people = world.contracts, world.people
    fit = np.isin(sales.state, [SIGNED, FILED, CANCELLED]) | ((sales.state == TITLED) & (sales.kind == "1"))
    rows = np.flatnonzero(fit & (rng.random(len(sales)) < np.where(sales.state == TITLED, 0.5, 0.6)))
    ended = np.isin(sales.state[rows], [TITLED, CANCELLED])
    start = np.minimum(sales.day[rows] + np.timedelta64(20, "D"), np.datetime64(world.today) - np.timedelta64(2, "D"))
    until = np.where(sales.state[rows] == TITLED, world.rights.day[sales.right[rows]], start + np.timedelta64(1, "D"))
    columns = _part(
        rows.size,
        XZLX="YG",
        QLID=np.where(sales.state[rows] == TITLED, right_ids(np.maximum(sales.right[rows], 0)), ""),
        BDCDYH=sales.unit[rows],
        YGDJZL=np.where(sales.kind[rows] == "3", "2", "1"),
        XZRMC=people.name[sales.buyer[rows]],
        XZRZJH=people.number[sales.buyer[rows]],
        QSSJ=iso(start),
        JSSJ=np.where(ended, iso(until), ""),
        QSZT=np.where(ended, "2", "1"),
    )
    return columns, sales.buyer[rows]
