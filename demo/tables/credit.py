"""The credit platform's two resources: penalties and the list of serious defaults."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from demo.numbers import body_check, credit_code
from demo.tables.build import card_holder, changed_at, kind_codes, plant_documents, table
from demo.tables.market import old_names
from demo.text import Days, Ints, Mask, Rng, Text, digits, draw, iso, join, numbers_as_text, put, some
from demo.truth import Truth
from demo.words import words
from demo.world import World

PERSON_KINDS = ("身份证", "港澳居民来往内地通行证", "台湾居民来往大陆通行证", "护照", "外国人永久居留身份证")
LEGAL, NATURAL, INDIVIDUAL = "法人及非法人组织", "自然人", "个体工商户"
_PERSON_SHARE = 0.2
_HABIT_SHARE = 0.03  # of firms' records that go by the registration number although there is a credit code
_PUBLISHED = {"1": 365, "2": 730, "3": 1095}  # days a penalty stays public, by gravity


def tables(world: World, truth: Truth) -> dict[str, pa.Table]:
    """xzcf and yzsx."""
    return {"xzcf": table(_penalties(world, truth)), "yzsx": table(_serious(world, truth))}


def _subjects(rng: Rng, world: World, size: int) -> tuple[Ints, Ints]:
    """Who each record is about: a firm's row or -1, a person's row or -1."""
    natural = rng.random(size) < _PERSON_SHARE
    adults = np.flatnonzero(world.people.age(world.today) >= 18)
    firm = np.where(natural, -1, rng.integers(0, len(world.firms), size))
    return firm, np.where(natural, rng.choice(adults, size), -1)


def _identify(
    rng: Rng, world: World, firm: Ints, person: Ints, dataset: str, key: Text, truth: Truth
) -> tuple[Text, Text, Text, Mask]:
    """Name, credit code and person's number with their dirt, and which rows kept either number whole."""
    size, natural = firm.size, person >= 0
    name = np.where(natural, world.people.name[person], world.firms.name[firm])
    name = old_names(rng, world, dataset, firm, name, key, truth)
    code, by_registration = _codes(rng, world, firm)
    number = np.where(natural, world.people.number[person], "")
    nameless = some(rng, np.ones(size, dtype=bool), 0.04 * size)
    code, number = put(code, nameless, ""), put(number, nameless, "")
    truth.plant(dataset, "name_only", nameless, (key,))
    left = ~by_registration
    left[nameless] = False
    truth.plant(dataset, "registration_no", np.flatnonzero(by_registration & (code != "")), (key,))
    masked = some(rng, left & card_holder(world.people, person), 0.2 * natural.sum())
    whole = number[masked]
    number = put(number, masked, join(np.strings.slice(whole, 0, 6), "********", np.strings.slice(whole, 14, 18)))
    truth.plant(dataset, "number_masked", masked, (key,), int(natural.sum()))
    left[masked] = False
    odd = left & ~natural & world.firms.odd[firm]
    truth.plant(dataset, "body_check", np.flatnonzero(odd), (key,))
    plant_documents(truth, dataset, world.people, person, left, (key,), world.today)
    return name, code, number, left


def _codes(rng: Rng, world: World, firm: Ints) -> tuple[Text, Mask]:
    """Each firm's number ("" for no firm), and where it is the registration number: always where the register knows no
    other, and now and then out of habit."""
    entry = np.where(firm >= 0, world.register.entry[firm], -1)
    known = np.where(entry >= 0, world.register.registration[entry], "")
    habit = rng.random(firm.size) < _HABIT_SHARE
    old = (known != "") & (world.register.only_old[entry] | habit)
    return np.where(old, known, np.where(firm >= 0, world.firms.code[firm], "")), old


def _decided(rng: Rng, world: World, size: int, most: int) -> Days:
    return np.datetime64(world.today) - rng.integers(10, most, size).astype("timedelta64[D]")


def _penalties(world: World, truth: Truth) -> dict[str, Text]:
    rng = world.rng("xzcf")
    once = round(0.85 * len(world.firms))
    repeated = some(rng, np.ones(once, dtype=bool), 0.02 * once / 0.98)
    source = np.concatenate([np.arange(once), repeated])  # the same document, reported again under another id
    firm, person = (column[source] for column in _subjects(rng, world, once))
    size = source.size
    key = join("CF", digits(np.arange(size) + 1, 10))
    truth.plant("credit_penalty", "reported_again", np.arange(once, size), (key,))
    name, code, number, whole = _identify(rng, world, firm, person, "credit_penalty", key, truth)

    bracketed = np.strings.find(name, "（") >= 0
    half = some(rng, bracketed, 0.15 * bracketed.sum())
    name = put(name, half, np.strings.replace(np.strings.replace(name[half], "（", "("), "）", ")"))
    truth.plant("credit_penalty", "brackets", half, (key,), int(bracketed.sum()))

    individual = world.firms.category[firm] == "92"
    category = np.where(person >= 0, NATURAL, np.where(individual, INDIVIDUAL, LEGAL))
    wrong = some(rng, whole & (category == LEGAL), 0.01 * size)
    category = put(category, wrong, NATURAL)
    truth.plant("credit_penalty", "category_contradicts", wrong, (key,))

    act = draw(rng, words("penalty_kinds"), once, [0.7, 0.15, 0.08, 0.03, 0.04])[source]
    fined = act == "罚款"
    fine = rng.choice([500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 500_000], once)[source]  # yuan
    fine = np.where(fined, fine * 100, 0)  # in ten thousand yuan with six places
    yuan = some(rng, fined & (fine >= 200_000), 0.03 * fined.sum())
    fine[yuan] *= 10_000
    truth.plant("credit_penalty", "fine_in_yuan", yuan, (key,), int(fined.sum()))

    body = rng.integers(0, len(words("penalty_bodies")), once)[source]
    body8 = digits(np.arange(len(words("penalty_bodies"))) + 6_120_031, 8)
    body_code = credit_code(np.full(body8.size, "11430900"), join(body8, body_check(body8)))
    decided = _decided(rng, world, once, 1400)[source]
    gravity = draw(rng, list(_PUBLISHED), once, [0.45, 0.45, 0.1])[source]
    until = decided + np.array([_PUBLISHED[level] for level in gravity], dtype="timedelta64[D]")
    repaired = (rng.random(once) < 0.18)[source] & (decided < np.datetime64(world.today) - np.timedelta64(100, "D"))
    truth.plant("credit_penalty", "repaired", np.flatnonzero(repaired), (key,))
    truth.plant("credit_penalty", "expired", np.flatnonzero(until < np.datetime64(world.today)), (key,))
    year = np.datetime_as_string(decided, unit="Y")
    touched = np.where(repaired, np.minimum(decided + 95, np.datetime64(world.today) - 2), decided)
    return {
        "xxid": key,
        "cf_xdr_mc": name,
        "cf_xdr_lb": category,
        "cf_xdr_shxym": code,
        "cf_xdr_zjlx": np.where(number == "", "", kind_codes(world.people, person, PERSON_KINDS)),
        "cf_xdr_zjhm": number,
        "cf_wsh": join("益罚决〔", year, "〕", digits(source + 1, 6), "号"),
        "cf_wfxw": draw(rng, words("penalty_acts"), once)[source],
        "cf_cflb": act,
        "cf_nr_fk": np.where(fined, numbers_as_text(fine, 6), ""),
        "cf_jdrq": iso(decided),
        "cf_gsjzq": iso(until),
        "cf_cfjgdm": body_code[body],
        "sxdj": gravity,
        "xfzt": np.where(repaired, "1", "0"),
        "sjc": changed_at(rng, touched, world.today),
    }


def _serious(world: World, truth: Truth) -> dict[str, Text]:
    rng = world.rng("yzsx")
    size = round(0.07 * len(world.firms))
    firm, person = _subjects(rng, world, size)
    key = join("MD", digits(np.arange(size) + 1, 10))
    name, code, number, _ = _identify(rng, world, firm, person, "serious_default", key, truth)
    entered = _decided(rng, world, size, 1100)
    removed = rng.random(size) < 0.3
    left = np.minimum(entered + rng.integers(60, 700, size), np.datetime64(world.today) - np.timedelta64(2, "D"))
    return {
        "mdid": key,
        "ztmc": name,
        "shxym": code,
        "zjhm": number,
        "mdlx": draw(rng, ["失信被执行人", "拖欠农民工工资", "重大税收违法"], size, [0.7, 0.2, 0.1]),
        "lrrq": iso(entered),
        "ycrq": np.where(removed, iso(left), ""),
        "zt": np.where(removed, "2", "1"),
        "rddw": draw(rng, [*words("courts"), "益阳市人力资源和社会保障局", "国家税务总局益阳市税务局"], size),
        "sjc": changed_at(rng, np.where(removed, left, entered), world.today),
    }
