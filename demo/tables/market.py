"""The province's register of firms as it flows back to the city: entries and changes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from demo.households import DEAD
from demo.register import EXISTING, INDIVIDUAL_KIND
from demo.tables.build import plant_documents, table
from demo.text import Ints, Mask, Rng, Text, draw, iso, join, numbers_as_text, put, some, translate
from demo.truth import Truth
from demo.words import DISTRICTS, words
from demo.world import World

DATASET = "market_entity"
_NAMELESS = ("", "个体工商户", "***", "无字号")
_ENDLESS = ("", "9999-12-31", "长期")


def tables(world: World, truth: Truth) -> dict[str, pa.Table]:
    """E_BASEINFO and E_ALTITEM."""
    return {"E_BASEINFO": table(_entries(world, truth)), "E_ALTITEM": table(_changes(world))}


def _entries(world: World, truth: Truth) -> dict[str, Text]:
    rng = world.rng("E_BASEINFO")
    of, firms, people = world.register, world.firms, world.people
    size, key, head = len(of), of.entity, firms.head[of.firm]
    truth.plant(DATASET, "registration_only", np.flatnonzero(of.only_old), (key,))
    endless = np.isnat(of.until)
    truth.plant(DATASET, "endless", np.flatnonzero(endless), (key,))
    plant_documents(truth, DATASET, people, head, np.ones(size, dtype=bool), (key,), world.today)
    _plant_overdue(world, key, truth)
    has_capital = of.capital >= 0
    founded = firms.founded[of.firm]
    return {
        "PRIPID": key,
        "UNISCID": np.where(of.only_old, "", firms.code[of.firm]),
        "REGNO": of.registration,
        "ENTNAME": _names(rng, world, key, truth),
        "ENTTYPE": of.kind,
        "LEREP": people.name[head],
        "LECERNO": people.number[head],
        "REGCAP": np.where(has_capital, numbers_as_text(np.where(has_capital, of.capital, 0) * 100, 6), ""),
        "REGCAPCUR": of.currency,
        "ESTDATE": iso(founded),
        "OPFROM": iso(founded),
        "OPTO": np.where(endless, draw(rng, _ENDLESS, size, [0.4, 0.25, 0.35]), iso(of.until)),
        "DOM": firms.address[of.firm],
        "OPSCOPE": draw(rng, words("scopes"), size),
        "REGORG": _registrars(rng, firms.division[of.firm]),
        "REGSTATE": of.status,
        "APPRDATE": iso(of.approved),
    }


def _names(rng: Rng, world: World, key: Text, truth: Truth) -> Text:
    """The names; some individual businesses never had a trade name, and the cell says so in one way or another."""
    of, firms = world.register, world.firms
    individual = of.kind == INDIVIDUAL_KIND
    nameless = some(rng, individual & (firms.former[of.firm] == ""), 0.03 * individual.sum())
    truth.plant(DATASET, "nameless", nameless, (key,), int(individual.sum()))
    return put(firms.name[of.firm], nameless, np.asarray(_NAMELESS)[np.arange(nameless.size) % len(_NAMELESS)])


def deregistered(world: World) -> Mask:
    """Of each firm, whether the register has it as cancelled, revoked and cancelled, or annulled."""
    of = world.register
    return np.where(of.entry >= 0, np.isin(of.status[of.entry], ["3", "4", "5"]), False)


def _plant_overdue(world: World, key: Text, truth: Truth) -> None:
    """Entries that should no longer stand as they do: what another register says of the firm or its operator."""
    of, register, employers = world.register, world.households, world.employers
    dead = register.person[register.status == DEAD]
    head = world.firms.head[of.firm]
    operator = (of.kind == INDIVIDUAL_KIND) & (of.status == EXISTING) & np.isin(head, dead)
    left = np.isin(of.firm, employers.firm[employers.state == "04"])  # its fund account is closed
    truth.plant(DATASET, "operator_dead", np.flatnonzero(operator), (key,))
    truth.plant(DATASET, "not_cancelled", np.flatnonzero((of.status == "2") & left), (key,))


def _registrars(rng: Rng, division: Text) -> Text:
    """The bureau of the district, or for some the city's own."""
    district = translate(division, {code: name for code, (name, *_) in DISTRICTS.items()})
    return np.where(rng.random(division.size) < 0.2, "益阳市市场监督管理局", join(district, "市场监督管理局"))


def _changes(world: World) -> dict[str, Text]:
    of = world.changes
    return {
        "PRIPID": world.register.entity[of.entry],
        "ALTITEM": of.item,
        "ALTBE": of.before,
        "ALTAF": of.after,
        "ALTDATE": iso(of.day),
    }


def old_names(rng: Rng, world: World, dataset: str, firm: Ints, name: Text, key: Text, truth: Truth) -> Text:
    """Names as another department has them: some of the renamed firms (`firm`, -1: none) still under the old one."""
    registered = np.where(firm >= 0, world.firms.registered[firm], False)
    former = np.where(firm >= 0, world.firms.former[firm], "")
    old = some(rng, registered & (former != ""), 0.05 * registered.sum())
    truth.plant(dataset, "old_name", old, (key,), int(registered.sum()))
    return put(name, old, former[old])
