"""The metadata of a whole city beside the systems that are connected: its units, their systems, the resources they have
listed. Sixty units with 397 systems; 48 of them have listed 2,066 resources, the others a zero report or nothing.

Documents, as text: whoever registers them decides what they mean. The words are data/catalogue.yaml; every unit draws
from a stream of its own, so that another unit changes nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import zip_longest
from random import Random
from typing import Any

import numpy as np
import yaml
from pypinyin import Style, lazy_pinyin

from demo import numbers
from demo.words import DATA

RESOURCES, SYSTEMS = 2066, 397
_QUIET_SYSTEMS = 3  # of a unit that lists no resources
_LAST_REPORT = date(2026, 6, 30)
_FORMATS = {  # sharing method and format, with their weights, by what a resource is about
    "place": (("interface", "interface", 4), ("file", "spreadsheet", 5), ("file", "self_describing", 3), ("file", "image", 1)),
    "record": (("database", "database", 4), ("interface", "interface", 3), ("file", "spreadsheet", 4), ("file", "electronic_file", 2)),
}  # fmt: skip
_USUAL_FORMATS = (("database", "database", 5), ("interface", "interface", 4), ("file", "spreadsheet", 3))
_CYCLES = (("realtime", 6), ("daily", 22), ("weekly", 8), ("monthly", 24), ("quarterly", 12), ("half_yearly", 5), ("yearly", 18),
           ("irregular", 5))  # fmt: skip
_CLASSES = {"person": "base", "body": "base", "place": "theme"}
_PERSONAL = frozenset({"证件号码", "联系电话", "现居住地址", "户籍地址", "银行账号", "监护人姓名", "健康状况"})


@dataclass(frozen=True)
class Unit:
    """One unit's documents. `department` is None when the unit is one of those connected, which have theirs."""

    id: str
    department: str | None
    listing: str


def units(seed: int = 1) -> list[Unit]:
    """All units in the order of the data; the same seed gives the same documents."""
    words = yaml.safe_load((DATA / "catalogue.yaml").read_text("utf-8"))
    listing = [unit for unit in words["units"] if "report" not in unit]
    quiet = [unit for unit in words["units"] if "report" in unit]
    room = {unit["id"]: len(_combinations(words, unit)) for unit in listing}
    resources = _allot(RESOURCES, room) | {unit["id"]: 0 for unit in quiet}
    systems = _allot(SYSTEMS - _QUIET_SYSTEMS * len(quiet), room) | {unit["id"]: _QUIET_SYSTEMS for unit in quiet}
    return [
        Unit(
            unit["id"],
            _department(unit, ordinal) if "name" in unit else None,
            _listing(words, unit, resources[unit["id"]], systems[unit["id"]], Random(f"{seed} {unit['id']}")),
        )
        for ordinal, unit in enumerate(words["units"])
    ]


def _allot(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Parts of a total by weight, whole and summing up to it: the largest remainders get one more."""
    whole = sum(weights.values())
    shares = {name: total * weight / whole for name, weight in weights.items()}
    parts = {name: int(share) for name, share in shares.items()}
    missing = total - sum(parts.values())
    for name in sorted(shares, key=lambda name: (parts[name] - shares[name], name))[:missing]:
        parts[name] += 1
    return parts


def _combinations(words: Mapping[str, Any], unit: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(kind, subject, aspect): the first aspect of every subject, then the second of each, and so on."""
    rows = [
        [(kind, subject, aspect) for aspect in said["aspects"]]
        for kind, said in words["kinds"].items()
        for subject in unit.get(kind, ())
    ]
    return [each for column in zip_longest(*rows) for each in column if each is not None]


def _department(unit: Mapping[str, Any], ordinal: int) -> str:
    body = np.array([f"0062{7000 + 13 * ordinal}"])
    code = numbers.credit_code(
        np.array([unit.get("registrar", "11") + "430900"]), np.strings.add(body, numbers.body_check(body))
    )
    return (
        f"id: {unit['id']}\nname: {unit['name']}\nenglish: {unit['english']}\n"
        f'credit_code: "{code[0]}"\ndivision: "430900"\n'
    )


def _listing(words: Mapping[str, Any], unit: Mapping[str, Any], resources: int, systems: int, rng: Random) -> str:
    reported = _LAST_REPORT - timedelta(days=rng.randrange(90))
    ids = _Ids(unit["id"])
    known = dict(unit.get("systems", {}))
    for title in _systems(words, unit, rng):
        if len(known) == systems:
            break
        known[ids.of(title)] = title
    lines = [f"listing: {unit['id']}", f"reportedOn: {reported}"]
    if unit.get("report") == "zero":
        lines += ["zeroReport: true", "note: 本单位无可登记的政务数据资源"]
    lines += ["systems:", *(f"- {{id: {id}, title: {title}}}" for id, title in known.items())]
    if resources:
        lines.append("resources:")
        for kind, subject, aspect in _combinations(words, unit)[:resources]:
            owning = next((id for id, title in known.items() if title.startswith(subject)), None) or rng.choice(
                list(known)
            )
            lines += _resource(words, (kind, subject, aspect), ids.of(subject + aspect), owning, rng)
    return "\n".join(lines) + "\n"


def _systems(words: Mapping[str, Any], unit: Mapping[str, Any], rng: Random) -> Iterator[str]:
    subjects = [subject for kind in words["kinds"] for subject in unit.get(kind, ())]
    own = [f"{subject}{rng.choice(('管理系统', '信息系统', '服务平台'))}" for subject in subjects]
    usual = [f"{unit.get('name', '').removeprefix('市')}{title}" for title in words["generic_systems"]]
    return (title for pair in zip_longest(own, rng.sample(usual, len(usual))) for title in pair if title)


def _resource(words: Mapping[str, Any], about: tuple[str, str, str], id: str, system: str, rng: Random) -> list[str]:
    kind, subject, aspect = about
    method, form, _ = _weighted(rng, _FORMATS.get(kind, _USUAL_FORMATS))
    share = 2 if kind in ("person", "money") and rng.random() < 0.7 else _weighted(rng, ((1, 60), (2, 33), (3, 7)))[0]
    reason = {
        1: "",
        2: f", shareCondition: {rng.choice(words['conditions'])}",
        3: f", shareBasis: {rng.choice(words['bases'])}",
    }[share]
    cycle = _weighted(rng, _CYCLES)[0]
    opened = ", open: true" if share == 1 and rng.random() < 0.4 else ""
    lines = [
        f"- {{id: {id}, title: {subject}{aspect}, system: {system}, resourceClass: {_CLASSES.get(kind, 'department')},",
        f"   summary: 本单位在履行职责中形成的{subject}的{aspect},",
        f"   shareType: {share}{reason}, shareMethod: {method}, format: {form}, cycle: {cycle}{opened},",
    ]
    items = _items(words["kinds"][kind]["items"], subject, share, rng)
    return [*lines, f"   items: {{{', '.join(items)}}}}}"]


def _items(pool: list[str], subject: str, share: int, rng: Random) -> list[str]:
    """Five to some twenty items in the pool's order, and one or two of the subject's own."""
    size = rng.randint(4, len(pool))
    kept = sorted(rng.sample(range(2, len(pool)), size - 2))
    own = [f"{subject}{part}" for part in rng.sample(("编号", "类别", "状态", "备注 M"), rng.randint(1, 2))]
    ids = _Ids("")
    written = []
    for title, _, kind in (each.partition(" ") for each in [*pool[:2], *(pool[at] for at in kept), *own]):
        said = {"title": title} | ({"type": kind} if kind else {})
        if share == 1 and title in _PERSONAL:
            said["shareType"] = "2"  # shared, but not who it is about
        body = title if len(said) == 1 else "{" + ", ".join(f"{key}: {value}" for key, value in said.items()) + "}"
        written.append(f"{ids.of(title)}: {body}")
    return written


@cache
def _initials(title: str) -> str:
    return "".join(lazy_pinyin(title, style=Style.FIRST_LETTER, errors="ignore"))


class _Ids:
    """Identifiers from pinyin initials, each given once."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._given: set[str] = set()

    def of(self, title: str) -> str:
        made = plain = "_".join(part for part in (self._prefix, _initials(title)) if part)[:36]
        number = 1
        while made in self._given:
            number += 1
            made = f"{plain}{number}"
        self._given.add(made)
        return made


def _weighted(rng: Random, choices: Iterable[tuple[Any, ...]]) -> tuple[Any, ...]:
    all_ = tuple(choices)
    return rng.choices(all_, weights=[choice[-1] for choice in all_])[0]
