"""The housing bureau's three lists: sales contracts, leases and subsidised housing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from demo import numbers
from demo.contracts import DRAFT, FILED, TITLED
from demo.tables.build import card_holder, plant_documents, table
from demo.tables.market import old_names
from demo.text import Days, Ints, Mask, Rng, Text, digits, iso, join, numbers_as_text, plain, put, some
from demo.truth import Truth
from demo.world import World

_EPOCH = np.datetime64("1899-12-30")  # day 0 of a spreadsheet's dates


def tables(world: World, truth: Truth) -> dict[str, pa.Table]:
    """SPFHT, ZLBA and BZF. Cells a spreadsheet turned into numbers are written as 4.3…E+17 and five-digit dates."""
    return {
        "SPFHT": table(_contracts(world, truth)),
        "ZLBA": table(_leases(world, truth)),
        "BZF": table(_subsidies(world, truth)),
    }


def _spoiled(rng: Rng, number: Text, fit: Mask, count: float) -> tuple[Ints, Text]:
    """Rows whose number went through a spreadsheet, and the 15 digits that survived with zeros behind them."""
    zeros = join(np.strings.slice(number, 0, 15), "000")
    broken = fit & ~np.strings.endswith(number, "X")
    broken[broken] = numbers.citizen(np.strings.slice(zeros[broken], 0, 17)) != zeros[broken]
    rows = some(rng, broken, count)
    return rows, zeros[rows]


def _as_number(zeros: Text) -> Text:
    """The number a spreadsheet cell holds, in the notation the files' writer takes for one."""
    return join(np.strings.slice(zeros, 0, 1), ".", np.strings.slice(zeros, 1, 15), "E+17")


def _serial(day: Days) -> Text:
    return plain((day - _EPOCH).astype(np.int64))


def _with_serials(rng: Rng, day: Days, fit: Mask, dataset: str, key: Text, truth: Truth) -> Text:
    rows = some(rng, fit, 0.02 * day.size)
    truth.plant(dataset, "serial_date", rows, (key,))
    return put(iso(day), rows, _serial(day[rows]))


def _contracts(world: World, truth: Truth) -> dict[str, Text]:
    rng, name = world.rng("SPFHT"), "housing_contract"
    of, people, firms = world.contracts, world.people, world.firms
    size = len(of)
    year = np.datetime_as_string(of.day, unit="Y")
    key = join("HT", year, digits(np.arange(size) + 1, 8))
    titled, every = of.state == TITLED, np.ones(size, dtype=bool)

    forgotten = some(rng, titled, 0.2 * titled.sum())
    truth.plant(name, "never_titled", forgotten, (key,), int(titled.sum()))
    state = put(of.state, forgotten, FILED)
    predicted = some(rng, titled, 0.1 * titled.sum())
    truth.plant(name, "area_predicted", predicted, (key,), int(titled.sum()))
    area = put(of.area, predicted, of.area[predicted] + rng.choice([-310, -120, 95, 240], predicted.size))
    no_unit = some(rng, every, 0.35 * size)
    truth.plant(name, "unit_missing", no_unit, (key,))

    second = of.second >= 0
    truth.plant(name, "several_buyers", np.flatnonzero(second), (key,))
    first_name, first_no = people.name[of.buyer], people.number[of.buyer]
    buyers = np.where(second, join(first_name, "、", people.name[of.second]), first_name)
    number = np.where(second, join(first_no, "、", people.number[of.second]), first_no)
    rows, zeros = _spoiled(rng, first_no, ~second & card_holder(people, of.buyer), 0.01 * size)
    short = join(np.strings.slice(zeros, 0, 1), ".", np.strings.slice(zeros, 1, 6), "E+17")
    number = put(number, rows, np.where(np.arange(rows.size) % 2 == 0, short, zeros))
    truth.plant(name, "number_spreadsheet", rows, (key,))
    intact = ~second
    intact[rows] = False
    plant_documents(truth, name, people, of.buyer, intact, (key,), world.today)

    filed = np.isin(of.state, ["2", "3", TITLED])
    day = np.where(of.state == DRAFT, np.datetime64("NaT"), of.day)
    flat = join(plain(rng.integers(1, 31, size)), "栋", plain(rng.integers(101, 3305, size)), "号")
    permit = join("益房预售字（", year, "）第", digits(rng.integers(1, 400, size), 4), "号")
    price = area * rng.integers(3800, 8200, size)  # hundredths of a square metre × yuan = cents
    return {
        "HTBH": key,
        "BAH": np.where(filed, join("益备", year, digits(rng.permutation(size) + 1, 7)), ""),
        "BASJ": _with_serials(rng, day, ~np.isnat(day), name, key, truth),
        "HTLX": of.kind,
        "HTZT": state,
        "MSRMC": buyers,
        "MSRZJH": number,
        "CMRMC": old_names(rng, world, name, of.seller, firms.name[of.seller], key, truth),
        "CMRSHXYM": firms.code[of.seller],
        "YSXKZH": np.where(of.kind == "1", permit, ""),
        "LDFH": flat,
        "BDCDYH": put(of.unit, no_unit, ""),
        "JZMJ": numbers_as_text(area, 2),
        "HTZJ": numbers_as_text(price, 2),
    }


def _leases(world: World, truth: Truth) -> dict[str, Text]:
    rng, name = world.rng("ZLBA"), "housing_lease"
    of, people = world.leases, world.people
    size = of.landlord.size
    key = join("益租备", np.datetime_as_string(of.start, unit="Y"), digits(np.arange(size) + 1, 7))
    number = people.number[of.tenant]
    rows, zeros = _spoiled(rng, number, card_holder(people, of.tenant), 0.01 * size)
    truth.plant(name, "number_spreadsheet", rows, (key,))
    intact = np.ones(size, dtype=bool)
    intact[rows] = False
    plant_documents(truth, name, people, of.tenant, intact, (key,), world.today)
    return {
        "BAZMH": key,
        "CZRMC": people.name[of.landlord],
        "CZRZJH": people.number[of.landlord],
        "CHZRMC": people.name[of.tenant],
        "CHZRZJH": put(number, rows, _as_number(zeros)),
        "FWZL": of.address,
        "QZRQ": _with_serials(rng, of.start, intact, name, key, truth),
        "ZZRQ": iso(of.end),
        "YZJ": numbers_as_text(of.rent * 100, 2),
        "ZT": of.state,
    }


def _subsidies(world: World, truth: Truth) -> dict[str, Text]:
    rng, name = world.rng("BZF"), "subsidised_housing"
    of, people = world.subsidies, world.people
    size = of.applicant.size
    key = join("BZ", digits(np.arange(size) + 1, 8))
    number = people.number[of.applicant]
    rows, zeros = _spoiled(rng, number, card_holder(people, of.applicant), 0.01 * size)
    truth.plant(name, "number_spreadsheet", rows, (key,))
    intact = np.ones(size, dtype=bool)
    intact[rows] = False
    plant_documents(truth, name, people, of.applicant, intact, (key,), world.today)
    ends = np.searchsorted(people.family, people.family[of.applicant], side="right")  # a head is its family's first row
    others = ends - of.applicant - 1
    listed = [
        ";".join(f"{people.name[row]}:{people.number[row]}" for row in range(head + 1, end))
        for head, end in zip(of.applicant.tolist(), ends.tolist(), strict=True)
    ]
    return {
        "BZBH": key,
        "SQRXM": people.name[of.applicant],
        "SQRZJH": put(number, rows, _as_number(zeros)),
        "GTSQR": np.array(listed),
        "JTRKS": plain(others + 1),
        "BZFS": of.way,
        "ZFZL": of.address,
        "QZRQ": _with_serials(rng, of.start, intact, name, key, truth),
        "ZT": of.state,
    }
