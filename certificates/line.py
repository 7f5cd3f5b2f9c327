"""One line of an answer: from what the records said to state, proved, reasons and the granted fields. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from catalog_registry.freshness import STATES, Freshness
from certificates.offered import Dataset, Offer, Part
from certificates.parameters import labelled
from certificates.plan import Asked
from core.text import T
from schemas.codes import division_names, lists
from schemas.parts import Item

#: why something cannot be said: one word per reason, everywhere (UX)
REASONS: Mapping[str, T] = {
    "no_grant": T("未获授权", "no grant"),
    "name_mismatch": T("姓名与证号不符", "name and number do not agree"),
    "ambiguous_subject": T("身份不唯一", "the subject is not unique"),
    "not_collected": T("尚未归集", "not collected"),
    "not_declared": T("未申报相关人员或权利", "whom or what it is about was not declared"),
    "stale": T("数据已过期", "the data is out of date"),
    "source_down": T("来源系统未响应", "the source does not answer"),
    "quarantined_candidate": T("有待核数据", "a record awaits checking"),
    "disputed": T("存在异议", "disputed"),
}
STATE_LABELS: Mapping[str, T] = {
    "held": T("有记录", "on record"),
    "not_held": T("未查询到", "none found"),
    "unknown": T("暂不能确定", "cannot be said"),
}
PROVED_LABELS: Mapping[bool | None, T] = {
    True: T("符合", "proved"),
    False: T("不符合", "not so"),
    None: T("暂不能确定", "cannot be said"),
}


@dataclass(frozen=True, slots=True)
class Found:
    """What one statement found out for all lines. By slot, `names`: (dataset, role, name) of records with the number, and
    whether that name is the person's; `waiting`: (dataset, role) of quarantined rows that could be the person's. `unsettled`:
    slots whose other numbers and names may be missing; `behind`: why they may be, by slot, where a register has not been collected
    in time. `rows`: what each part says."""

    names: Mapping[int, Collection[tuple[str, str, bool]]]
    waiting: Mapping[int, Collection[tuple[str, str]]]
    unsettled: Collection[int]
    behind: Mapping[int, Collection[str]]
    rows: Mapping[str, dict[str, Any]]


NOTHING = Found({}, {}, (), {}, {})


def together(each: Iterable[Found]) -> Found:
    """What several statements found out. What one line's statement says of a person, it says of that line's datasets."""
    names: dict[int, set[tuple[str, str, bool]]] = {}
    waiting: dict[int, set[tuple[str, str]]] = {}
    unsettled: set[int] = set()
    behind: dict[int, Collection[str]] = {}
    rows: dict[str, dict[str, Any]] = {}
    for found in each:
        for slot, pairs in found.names.items():
            names.setdefault(slot, set()).update(pairs)
        for slot, roles in found.waiting.items():
            waiting.setdefault(slot, set()).update(roles)
        unsettled.update(found.unsettled)
        behind |= found.behind
        rows |= found.rows
    return Found(names, waiting, unsettled, behind, rows)


@dataclass(frozen=True, slots=True)
class Sources:
    """What a line's datasets are worth now, as it is told; `as_of` is the oldest."""

    told: list[dict[str, Any]]
    as_of: datetime | None

    @property
    def stamp(self) -> str | None:
        """`as_of` as ISO 8601."""
        return self.as_of.isoformat(timespec="seconds") if self.as_of else None


def sources(offer: Offer, freshness: Mapping[str, Freshness], zone: ZoneInfo) -> Sources:
    """The sources of a line."""
    known = [fresh.as_of for dataset in offer.datasets if (fresh := freshness[dataset.id]).as_of]
    told = [_source(dataset, freshness[dataset.id], zone) for dataset in offer.datasets]
    return Sources(told, min(known).astimezone(zone) if known else None)


def unknown(type: str, title: T, reasons: list[str], about: Sources | None = None) -> dict[str, Any]:
    """A line that cannot be said."""
    return _line(type, title, "unknown", None, None, STATE_LABELS["unknown"], reasons, about or Sources([], None), {})


def answered(
    asked: Asked, part: Part, found: Found, freshness: Mapping[str, Freshness], fields: Collection[str], zone: ZoneInfo
) -> dict[str, Any]:
    """A granted line, or what is said of one person in it. `fields` are the granted ones; nothing else leaves."""
    assert asked.offer is not None
    offer, made = asked.offer, asked.offer.question.type
    about = sources(offer, freshness, zone)

    def because(*reasons: str) -> dict[str, Any]:
        return unknown(made.certificate, made.title.text, list(reasons), about)

    if made.authority is not None:
        told = T(f"由{made.authority.zh}登记，尚未归集", f"kept by {made.authority.en}, not collected")
        return because("not_collected") | _told("label", told)
    # records have the number with another name; with both, two persons may share the number
    agreement = _agreement(offer, part, found)
    if False in agreement:
        return because("ambiguous_subject" if True in agreement else "name_mismatch")
    row = found.rows.get(part.key)
    if row is None:  # this line's own statement failed; the others stand
        return because("not_collected" if offer.question.missing else "source_down")
    if row["strangers"] and not row["met"]:
        return because("name_mismatch")
    outcome = made.outcomes[row["outcome"]]
    if outcome.needs_complete and (doubts := _doubts(offer, part, found, freshness, row)):
        return because(*doubts)
    label = labelled(made, outcome.label.text, asked.parameters)
    if outcome.state == "unknown":
        line = because(outcome.reason or "not_collected")
        return line | {"outcome": outcome.code} | _told("label", label)
    if outcome.needs_complete and about.as_of:  # rests on finding nothing: say until when, and where
        coverage, moment = _coverage(offer.datasets), f"{about.as_of:%Y-%m-%d %H:%M}"
        label = T(
            f"{label.zh}（截至 {moment}，覆盖{coverage.zh}）", f"{label.en} (as of {moment}, covering {coverage.en})"
        )
    shown = _fields(asked, row["facts"], fields) if outcome.state == "held" else {}
    return _line(
        made.certificate, made.title.text, outcome.state, outcome.proved, outcome.code, label, [], about, shown
    )


def _agreement(offer: Offer, part: Part, found: Found) -> set[bool]:
    """Whether the names that records have with a person's number are that person's; the same of everybody asked about."""
    agreement: set[bool] = set()
    for relation, slots in part.who:
        for slot in slots:
            own = {
                agrees
                for dataset, role, agrees in found.names.get(slot, ())
                if (dataset, role) in offer.roles[relation]
            }
            if False in own:
                return own
            agreement |= own
    return agreement


def _doubts(
    offer: Offer, part: Part, found: Found, freshness: Mapping[str, Freshness], row: Mapping[str, Any]
) -> list[str]:
    """Everything that forbids saying what needs complete sources."""
    doubts: list[str] = []
    for dataset in offer.datasets:
        fresh = freshness[dataset.id]
        if fresh.state == "never" or not dataset.covers_city:
            doubts.append("not_collected")
        elif fresh.state != "fresh":
            doubts.append("source_down" if fresh.failing else "stale")
    doubts += [why for slot in part.slots for why in found.behind.get(slot, ())]
    waiting = (
        pair in offer.roles[relation]
        for relation, slots in part.who
        for slot in slots
        for pair in found.waiting.get(slot, ())
    )
    if row["loose"] or any(waiting) or not part.slots.isdisjoint(found.unsettled):
        doubts.append("quarantined_candidate")
    if row["namesakes"]:
        doubts.append("ambiguous_subject")
    return list(dict.fromkeys(doubts))


def _fields(asked: Asked, facts: Mapping[str, Any], granted: Collection[str]) -> dict[str, Any]:
    assert asked.offer is not None
    question = asked.offer.question
    return {
        name: {**title, "value": _value(question.items.get(name), facts[name])}
        for name, title in question.titles.items()
        if name in granted and facts[name] is not None and question.optional[name] <= asked.parameters.keys()
    }


def _value(item: Item | None, value: Any) -> Any:
    if item is None:
        return value
    if isinstance(value, list):
        return [_value(item, each) for each in value]
    if item.personal:
        return item.type.mask(pa.array([str(value)]), "clerk")[0].as_py()
    if item.enum:
        return {"code": value, **_told("label", item.enum.get(value, T(value, value)))}
    if item.type.name == "division":
        return {"code": value, **_told("label", division_names.label(value))}
    if item.code_list:
        return {"code": value, **_told("label", lists(item.code_list).label(value))}
    return value[:7] if item.type.name == "month" else value


@lru_cache(maxsize=4096)
def _source(dataset: Dataset, fresh: Freshness, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "dataset": dataset.id,
        **_told("title", dataset.title),
        "department": {"id": dataset.department, **_told("name", dataset.department_name)},
        "as_of": fresh.as_of.astimezone(zone).isoformat(timespec="seconds") if fresh.as_of else None,
        "freshness": fresh.state,
        **_told("freshness_label", STATES[fresh.state]),
        "covers": {"divisions": list(dataset.divisions), "since": dataset.since.isoformat() if dataset.since else None},
    }


@lru_cache(maxsize=1024)
def _coverage(datasets: tuple[Dataset, ...]) -> T:
    """The divisions covered, and the day from which all of the datasets are."""
    labels = [
        division_names.label(code) for code in sorted({code for dataset in datasets for code in dataset.divisions})
    ]
    names = T("、".join(label.zh for label in labels), ", ".join(label.en for label in labels))
    since = max((dataset.since for dataset in datasets if dataset.since), default=None)
    return T(f"{names.zh}，{since} 以来", f"{names.en}, since {since}") if since else names


def _told(name: str, pair: T) -> dict[str, str]:
    """A label in Chinese, the English one beside it."""
    return {name: pair.zh, f"{name}_en": pair.en}


def _line(
    type: str, title: T, state: str, proved: bool | None, outcome: str | None, label: T, reasons: list[str],
    about: Sources, fields: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    return {
        "type": type,
        **_told("title", title),
        "state": state,
        **_told("state_label", STATE_LABELS[state]),
        "proved": proved,
        **_told("proved_label", PROVED_LABELS[proved]),
        "outcome": outcome,
        **_told("label", label),
        "reasons": [{"code": code, **_told("label", REASONS[code])} for code in reasons],
        "as_of": about.stamp,
        "sources": about.told,
        "fields": fields,
    }
