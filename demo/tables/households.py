"""The household register's tables as public security pushes them: HJ_CZRK, persons, and HJ_BD, what happened to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from demo.households import COLLECTIVE, DEAD, FARM_COLLECTIVE, MOVED_OUT, NONE, NORMAL
from demo.names import addresses
from demo.tables.build import born_in_ended_division, table
from demo.tables.pushes import Pushes, pushes, record_ids
from demo.text import Days, Ints, Mask, Rng, Text, compact, digits, draw, join, put, some, translate
from demo.truth import Truth
from demo.words import DISTRICTS, words
from demo.world import World

PERSON, CHANGE = "household_person", "household_change"
# HYZK in national codes, and in the bureau's own of older records
_SINGLE, _MARRIED = ("10", "1"), ("20", "2")


@dataclass(frozen=True)
class _Written:
    """What the register wrote about each record, dirt included, whatever the time."""

    name: Text
    number: Text
    birth: Days
    marital: Text


def tables(world: World, truth: Truth) -> dict[str, pa.Table]:
    """HJ_CZRK holds the last push of every present record, HJ_CZRK_earlier the pushes before it and those of records
    removed since; the staging table holds both."""
    written = _written(world, truth)
    sent = pushes(world)
    _plant(world, truth, sent)
    rows = table(_persons(world, written, sent))
    return {
        "HJ_CZRK": rows.filter(pa.array(sent.last)),
        "HJ_CZRK_earlier": rows.filter(pa.array(~sent.last)),
        "HJ_BD": table(_changes(world, written, truth)),
    }


def _written(world: World, truth: Truth) -> _Written:
    rng, of, people = world.rng("HJ_CZRK"), world.households, world.people
    size, person = len(of), of.person
    ids = (record_ids(np.arange(size)),)
    name, number, birth = people.name[person], people.number[person], people.birth[person]

    lost = some(rng, np.strings.str_len(name) > 1, 0.001 * size)
    mark = np.where(rng.random(lost.size) < 0.5, "?", np.array([chr(0xE000 + at) for at in range(lost.size)]))
    name = put(name, lost, join(np.strings.slice(name[lost], 0, np.strings.str_len(name[lost]) - 1), mark))
    truth.plant(PERSON, "name_lost", lost, ids)
    rare = np.array([max(map(ord, text)) > 0xFFFF for text in name.tolist()])
    truth.plant(PERSON, "name_rare", np.flatnonzero(rare), ids)

    untouched = (of.old_number == "") & (of.status == NORMAL) & np.isnat(of.died)
    pair = some(rng, untouched, 2 * max(1, round(0.0001 * size)))
    first, second = pair[::2], pair[1::2]
    number, birth = put(number, second, number[first]), put(birth, second, birth[first])
    truth.plant(PERSON, "number_shared", second, ids)

    grown = people.age(world.today)[person] >= 20
    married = people.spouse[person] >= 0
    stale = np.isin(np.arange(size), some(rng, grown, 0.25 * size))
    said = married ^ stale
    own = (rng.random(size) < 0.3).astype(np.int64)
    truth.plant(PERSON, "marital_stale", np.flatnonzero(stale), ids)
    return _Written(name, number, birth, np.where(said, np.array(_MARRIED)[own], np.array(_SINGLE)[own]))


def _plant(world: World, truth: Truth, sent: Pushes) -> None:
    """The kinds that the world itself has."""
    of = world.households
    ids = (record_ids(np.arange(len(of))),)
    gone = born_in_ended_division(world.people, of.person, world.today)
    for kind, flagged in (
        ("collective", np.isin(of.kind, [COLLECTIVE, FARM_COLLECTIVE])),
        ("born_in_ended_division", gone),
        ("death_unregistered", ~np.isnat(of.died) & (of.status != DEAD)),
        ("number_used_elsewhere", of.used_elsewhere),
        ("removed_and_back", np.isin(np.arange(len(of)), sent.back)),
    ):
        truth.plant(PERSON, kind, np.flatnonzero(flagged), ids)


def _persons(world: World, written: _Written, sent: Pushes) -> dict[str, Text]:
    """Every pushed row: what the register said of the record on the day of the push."""
    of, people, row = world.households, world.people, sent.record
    day = sent.at.astype("datetime64[D]")
    person = np.where(sent.mistaken >= 0, sent.mistaken, of.person[row])
    own = sent.mistaken < 0

    def known(event: Days) -> Mask:
        return own & (event[row] <= day)

    renamed, ended = known(of.renamed), known(of.ended_known)
    before = own & (of.corrected[row] > day)
    old_name = own & (of.renamed[row] > day)
    name = np.where(own, written.name[row], people.name[person])
    number = np.where(own, written.number[row], people.number[person])
    birth = np.where(own, written.birth[row], people.birth[person])
    household = of.household[row]
    district = of.district[row]
    cells = {
        "GMSFHM": np.where(before, of.old_number[row], number),
        "XM": np.where(old_name, of.former_name[row], name),
        "CYM": np.where(renamed, of.former_name[row], ""),
        "XB": np.where(people.male[person], "1", "2"),
        "MZ": of.ethnicity[row],
        "CSRQ": compact(birth),
        "HH": np.where(of.kind[row] == NONE, "", join(district, digits(household + 1, 8))),
        "HLX": of.kind[row],
        "YHZGX": np.where(own, of.relation[row], "97"),
        "HJQH": district,
        "HJDZ": of.address[row],
        "PCS": _stations(district, household),
        "HYZK": written.marital[row],
        "RYZT": np.where(ended | (own & np.isnat(of.ended_known[row])), of.status[row], NORMAL),
        "ZXSJ": np.where(ended, _compact(of.ended[row]), ""),
    }
    removed = sent.flag == "D"
    return {
        "RYBS": record_ids(sent.serial),
        **{name: np.where(removed, "", cell) for name, cell in cells.items()},
        "CZBS": sent.flag,
        "CZSJ": np.strings.replace(np.datetime_as_string(sent.at, unit="s"), "T", " "),
    }


def _stations(district: Text, household: Ints) -> Text:
    listed = np.array(words("stations"))
    place = translate(district, {code: name for code, (name, *_) in DISTRICTS.items()})
    return join("益阳市公安局", np.strings.slice(place, 0, 2), "分局", listed[household % listed.size], "派出所")


def _changes(world: World, written: _Written, truth: Truth) -> dict[str, Text]:
    """HJ_BD: one row an event the register knows of, in the order it learned of them."""
    rng, of = world.rng("HJ_BD"), world.households
    blank = np.full(len(of), "")
    far = _far(rng, len(of))
    kinds: list[tuple[str, Days, Days, Text, Text]] = [
        ("01", world.people.birth[of.person], of.born_known, blank, blank),
        ("02", of.died, np.where(of.status == DEAD, of.ended_known, np.datetime64("NaT")), blank, blank),
        ("03", of.moved_in, of.moved_in_known, far, of.address),
        ("04", of.ended, np.where(of.status == MOVED_OUT, of.ended_known, np.datetime64("NaT")), of.address, far),
        ("05", of.renamed, of.renamed, of.former_name, written.name),
        ("06", of.corrected, of.corrected, of.old_number, written.number),
    ]
    rows = [np.flatnonzero(~np.isnat(known)) for _, _, known, _, _ in kinds]
    record = np.concatenate(rows)
    kind = np.concatenate([np.full(at.size, code) for (code, *_), at in zip(kinds, rows, strict=True)])
    on, known, before, after = (
        np.concatenate([parts[column][at] for parts, at in zip(kinds, rows, strict=True)]) for column in range(1, 5)
    )
    at = known.astype("datetime64[s]") + rng.integers(8 * 3600, 18 * 3600, record.size).astype("timedelta64[s]")
    order = np.lexsort([record, at])
    key = join("BD", digits(np.arange(record.size) + 1, 12))
    dead = kind[order] == "02"
    late = dead & ((known - on)[order] > np.timedelta64(365, "D"))
    truth.plant(CHANGE, "registered_late", np.flatnonzero(late), (key,), int(dead.sum()))
    return {
        "BDBH": key,
        "RYBS": record_ids(record[order]),
        "BDLX": kind[order],
        "BDRQ": compact(on[order]),
        "BDQ": before[order],
        "BDH": after[order],
        "CZSJ": np.strings.replace(np.datetime_as_string(at[order], unit="s"), "T", " "),
    }


def _far(rng: Rng, size: int) -> Text:
    """Addresses in other cities."""
    street = np.strings.slice(addresses(rng, np.full(size, "430902")), 6)
    return join(draw(rng, ["长沙市岳麓区", "常德市武陵区", "广东省深圳市宝安区", "岳阳市岳阳楼区"], size), street)


def _compact(days: Days) -> Text:
    return np.where(np.isnat(days), "", compact(days))
