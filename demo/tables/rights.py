"""BDC_FDCQ: rights, as the real-estate register keeps them."""

from __future__ import annotations

import numpy as np

from demo.homes import CURRENT, UNIFIED
from demo.tables.build import changed_at
from demo.text import Ints, Mask, Text, digits, draw, iso, join, numbers_as_text, put, some, translate
from demo.words import DISTRICTS
from demo.world import World

_ENDED_COUNTIES = {
    "430902": "432301", "430903": "432321", "430921": "432322", "430922": "432325", "430923": "432326",
    "430981": "432323",
}  # fmt: skip


def right_ids(rights: Ints) -> Text:
    """QLID of rights given by row."""
    return join("QL", digits(rights + 1, 12))


def rights(world: World) -> tuple[dict[str, Text], dict[str, Mask]]:
    """The table's columns, and for each kind of dirt the rights that carry it."""
    rng = world.rng("BDC_FDCQ")
    of, homes = world.rights, world.homes
    count, everyone = len(of), np.ones(len(of), dtype=bool)
    home = of.home
    district = homes.district[home]
    year = np.datetime_as_string(of.day, unit="Y")
    serial = digits(rng.permutation(count) + 1, 7)
    flags = {name: np.zeros(count, dtype=bool) for name in ("legacy_title", "unit_twice_current")}

    today_holds = of.day[: len(homes)]  # current rights come first, one a home: an earlier one was closed that day

    status = of.status.copy()
    again = some(rng, status != CURRENT, 0.0015 * count)
    status[again] = CURRENT
    flags["unit_twice_current"][np.isin(home, home[again])] = True
    ended = some(rng, of.status != CURRENT, 0.004 * count)
    status[ended[~np.isin(ended, again)]] = "3"

    place = translate(district, {code: title for code, (_, _, title) in DISTRICTS.items()})
    left = draw(rng, ["（", "("], count, [0.8, 0.2])
    title = join("湘", left, year, np.where(left == "(", ")", "）"), place, "不动产权第", serial, "号")
    old, between = of.day < UNIFIED, (of.day >= UNIFIED) & (year <= "2019")  # offices changed over one by one
    late = some(rng, between, 0.18 * count - old.sum())
    legacy = np.union1d(np.flatnonzero(old), late)
    house = join("益房权证", np.strings.slice(place, 0, 2), "字第", digits(rng.integers(1, 10**8, count), 8), "号")
    land = join("益国用（", year, "）第D", digits(rng.integers(1, 10**5, count), 5), "号")
    title = put(title, legacy, np.where(rng.random(legacy.size) < 0.8, house[legacy], land[legacy]))
    flags["legacy_title"][legacy] = True

    unit, county, day = homes.unit[home], district, iso(of.day)
    for name, rate, fit in (
        ("unit_missing", 0.04, ~flags["unit_twice_current"]),
        ("county_ended", 0.01, everyone),
        ("date_1900", 0.005, everyone),
    ):
        rows = some(rng, fit, rate * count)
        flags[name] = np.isin(np.arange(count), rows)
    unit = np.where(flags["unit_missing"], "", unit)
    county = np.where(flags["county_ended"], translate(district, _ENDED_COUNTIES), county)
    day = np.where(flags["date_1900"], "1900-01-01", day)
    columns = {
        "QLID": right_ids(np.arange(count)),
        "BDCDYH": unit,
        "BDCQZH": title,
        "YWH": join(year, np.strings.slice(iso(of.day), 5, 7), "-", digits(np.arange(count), 8)),
        "QLLX": homes.right[home],
        "DJLX": draw(rng, ["100", "200", "300", "500"], count, [0.44, 0.5, 0.05, 0.01]),
        "FDZL": homes.address[home],
        "JZMJ": numbers_as_text(homes.area[home], 2),
        "GHYT": homes.use[home],
        "FWXZ": homes.nature[home],
        "QSZT": status,
        "DJSJ": day,
        "QXDM": county,
        "GXSJ": changed_at(rng, np.maximum(of.day, today_holds[home]), world.today),
    }
    return columns, flags
