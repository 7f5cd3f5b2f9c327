"""BDC_QLR: who holds a right, with the dirt of names and numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo import names, numbers
from demo.tables.build import card_holder, kind_codes, plant_documents
from demo.tables.rights import right_ids
from demo.text import Ints, Mask, Rng, Text, digits, join, plain, put, some, translate
from demo.truth import Truth
from demo.world import World

DATASET = "real_estate_right"
PERSON_KINDS = ("1", "2", "2", "3", "99")  # ZJZL by kind of document; residence cards have no code of their own
_FRACTIONS = {"50": "1/2", "60": "3/5", "40": "2/5", "70": "7/10", "30": "3/10", "99": "99/100", "1": "1/100"}


@dataclass
class _Rows:
    holder: Ints  # row among the world's holders
    right: Ints
    seq: Ints
    person: Ints
    cells: dict[str, Text]

    @property
    def key(self) -> tuple[Text, Text]:
        return right_ids(self.right), plain(self.seq)

    def keep(self, kept: Mask) -> _Rows:
        cells = {name: cell[kept] for name, cell in self.cells.items()}
        return _Rows(self.holder[kept], self.right[kept], self.seq[kept], self.person[kept], cells)


def holders(world: World, truth: Truth) -> tuple[dict[str, Text], Ints]:
    """The table's columns without change time, and the right of each row."""
    rng = world.rng("BDC_QLR")
    rows, planted = _several_in_a_cell(rng, _clean(world, rng), world)
    free = np.ones(rows.right.size, dtype=bool)
    for name, flagged in planted.items():
        truth.plant(DATASET, name, np.flatnonzero(flagged), rows.key)
        free &= ~flagged
    size, number = rows.right.size, rows.cells["ZJH"]

    empty = some(rng, free & (rows.person >= 0), 0.015 * size)
    rows.cells["ZJH"] = put(number, empty, "")
    truth.plant(DATASET, "number_empty", empty, rows.key)
    free[empty] = False

    superseded = world.households.elsewhere[rows.person] != world.people.number[rows.person]
    truth.plant(DATASET, "number_superseded", np.flatnonzero(free & (rows.person >= 0) & superseded), rows.key)

    card = free & card_holder(world.people, rows.person)
    nineteen = world.people.birth[rows.person] < np.datetime64("2000-01-01")
    short = some(rng, card & nineteen, 0.04 * size)
    rows.cells["ZJH"] = put(rows.cells["ZJH"], short, numbers.short(number[short]))
    truth.plant(DATASET, "number_15", short, rows.key)

    odd = (rows.person < 0) & world.firms.odd[world.holders.firm[rows.holder]]
    truth.plant(DATASET, "body_check", np.flatnonzero(odd & (rows.cells["ZJZL"] == "7")), rows.key)
    truth.plant(DATASET, "share_styles", np.flatnonzero(rows.cells["QLBL"] != ""), rows.key)
    plant_documents(truth, DATASET, world.people, rows.person, free, rows.key, world.today)
    key = rows.key
    return {"QLID": key[0], "SXH": key[1], **rows.cells}, rows.right


def _clean(world: World, rng: Rng) -> _Rows:
    of, people, firms = world.holders, world.people, world.firms
    by_firm = of.person < 0
    category = firms.category[of.firm]
    code_kind = np.where(np.isin(category, ["11", "12"]), "6", "7")
    nine = (code_kind == "6") & (rng.random(len(of)) < 0.5)
    firm_no = np.where(nine, firms.organisation[of.firm], firms.code[of.firm])
    firm_type = translate(category, {"91": "2", "92": "2", "12": "3", "11": "4"}, "99")
    shared = world.rights.shared[of.right]
    percent = plain(of.percent)
    decimal = np.strings.rstrip(join("0.", digits(of.percent, 2)), "0")
    style = rng.integers(0, 3, len(of))
    written = np.select([style == 0, style == 1], [join(percent, "%"), translate(percent, _FRACTIONS)], decimal)
    cells = {
        "QLRMC": np.where(by_firm, firms.name[of.firm], people.name[of.person]),
        "ZJZL": np.where(by_firm, code_kind, kind_codes(people, of.person, PERSON_KINDS)),
        "ZJH": np.where(by_firm, firm_no, world.households.elsewhere[of.person]),
        "QLRLX": np.where(by_firm, firm_type, "1"),
        "GYFS": shared,
        "QLBL": np.where(shared == "2", written, ""),
        "DH": np.where(by_firm, names.phones(rng, len(of)), people.phone[of.person]),
    }
    return _Rows(np.arange(len(of)), of.right, of.seq, of.person, cells)


def _several_in_a_cell(rng: Rng, rows: _Rows, world: World) -> tuple[_Rows, dict[str, Mask]]:
    """Some couples written into one cell; the row of the second holder is gone."""
    card = card_holder(world.people, rows.person)
    pair = np.zeros(rows.right.size, dtype=bool)
    pair[:-1] = (rows.right[:-1] == rows.right[1:]) & card[:-1] & card[1:] & (rows.cells["GYFS"][:-1] == "1")
    first = some(rng, pair, 0.01 * rows.right.size)
    one_number = some(rng, np.isin(np.arange(rows.right.size), first), 0.002 * rows.right.size)
    name, number = rows.cells["QLRMC"], rows.cells["ZJH"]
    rows.cells["QLRMC"] = put(name, first, join(name[first], "、", name[first + 1]))
    both = np.setdiff1d(first, one_number)
    rows.cells["ZJH"] = put(number, both, join(number[both], "、", number[both + 1]))
    flags = {}
    kept = np.ones(rows.right.size, dtype=bool)
    kept[first + 1] = False
    for kind, chosen in (("several_in_cell", both), ("several_names_one_number", one_number)):
        flag = np.zeros(rows.right.size, dtype=bool)
        flag[chosen] = True
        flags[kind] = flag[kept]
    return rows.keep(kept), flags
