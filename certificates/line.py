"""One line of an answer: from what the records said to state, proved, reasons and the granted fields. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from catalog_registry.freshness import STATES, Freshness
from certificates.offered import Dataset, Offer
from core.text import T
from schemas.codes import lists
from schemas.parts import Item

#: why something cannot be said: one word per reason, everywhere (UX)
REASONS: Mapping[str, T] = {
    "no_grant": T("未获授权", "no grant"),
    "name_mismatch": T("姓名与证号不符", "name and number do not agree"),
    "ambiguous_subject": T("身份不唯一", "the subject is not unique"),
    "not_collected": T("尚未归集", "not collected"),
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
    """What one statement found out for all lines. `names`: (dataset, role, name) of records with the number, and
    whether that name is the subject's; `waiting`: (dataset, role) of quarantined rows that could be the subject's."""

    names: Collection[tuple[str, str, bool]]
    waiting: Collection[tuple[str, str]]
    rows: Mapping[str, dict[str, Any]]


NOTHING = Found((), (), {})


def unknown(
    offer: Offer, reasons: list[str], sources: list[dict[str, Any]], as_of: str | None = None
) -> dict[str, Any]:
    """A line that cannot be said."""
    return _line(offer, "unknown", None, None, STATE_LABELS["unknown"], reasons, sources, as_of, {})


def answered(
    offer: Offer, found: Found, freshness: Mapping[str, Freshness], fields: Collection[str],
    parameters: Mapping[str, int], zone: ZoneInfo,
) -> dict[str, Any]:  # fmt: skip
    """A granted line. `fields` are the granted ones; nothing else leaves."""
    sources = [_source(dataset, freshness[dataset.id], zone) for dataset in offer.datasets]
    known = [fresh.as_of for dataset in offer.datasets if (fresh := freshness[dataset.id]).as_of]
    as_of = min(known).astimezone(zone) if known else None
    stamp = as_of.isoformat(timespec="seconds") if as_of else None
    agreement = {agrees for dataset, role, agrees in found.names if (dataset, role) in offer.roles}
    if False in agreement:  # records have the number with another name; with both, two persons may share the number
        return unknown(offer, ["ambiguous_subject" if True in agreement else "name_mismatch"], sources, stamp)
    row = found.rows.get(offer.id)
    if row is None:  # this line's own statement failed; the others stand
        reason = "not_collected" if offer.question.missing else "source_down"
        return unknown(offer, [reason], sources, stamp)
    outcome = offer.question.type.outcomes[row["outcome"]]
    if outcome.needs_complete and (doubts := _doubts(offer, found, freshness, row)):
        return unknown(offer, doubts, sources, stamp)
    if outcome.state == "unknown":
        line = unknown(offer, [outcome.reason or "not_collected"], sources, stamp)
        return line | {"outcome": outcome.code} | _told("label", outcome.label.text)
    label = outcome.label.text
    for name, value in offer.question.type.parameters.items():
        label = T(*(each.replace(f"{{{name}}}", str(parameters.get(name, value.default))) for each in label))
    if outcome.state == "not_held" and as_of:
        coverage = _coverage(offer.datasets)
        label = T(
            f"{label.zh}（截至 {as_of:%Y-%m-%d %H:%M}，覆盖{coverage.zh}）",
            f"{label.en} (as of {as_of:%Y-%m-%d %H:%M}, covering {coverage.en})",
        )
    shown = _fields(offer, row["facts"], fields) if outcome.state == "held" else {}
    return _line(offer, outcome.state, outcome.proved, outcome.code, label, [], sources, stamp, shown)


def _doubts(offer: Offer, found: Found, freshness: Mapping[str, Freshness], row: Mapping[str, Any]) -> list[str]:
    """Everything that forbids saying what needs complete sources."""
    doubts: list[str] = []
    for dataset in offer.datasets:
        fresh = freshness[dataset.id]
        if fresh.state == "never" or not dataset.covers_city:
            doubts.append("not_collected")
        elif fresh.state != "fresh":
            doubts.append("source_down" if fresh.failing else "stale")
    if row["loose"] or any(pair in offer.roles for pair in found.waiting):
        doubts.append("quarantined_candidate")
    if row["namesakes"]:
        doubts.append("ambiguous_subject")
    return list(dict.fromkeys(doubts))


def _fields(offer: Offer, facts: Mapping[str, Any], granted: Collection[str]) -> dict[str, Any]:
    return {
        name: {"title": title.zh, "title_en": title.en, "value": _value(offer.question.items.get(name), facts[name])}
        for name, title in offer.question.type.fields.items()
        if name in granted and facts[name] is not None
    }


def _value(item: Item | None, value: Any) -> Any:
    if item is None:
        return value
    if isinstance(value, list):
        return [_value(item, each) for each in value]
    if item.personal:
        return item.type.mask(pa.array([str(value)]), "clerk")[0].as_py()
    if item.enum:
        return {"code": value, "label": item.enum.get(value, value)}
    if item.code_list or item.type.name == "division":
        return {"code": value, **_told("label", lists(item.code_list or "division").label(value))}
    return value[:7] if item.type.name == "month" else value


def _source(dataset: Dataset, fresh: Freshness, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "dataset": dataset.id,
        "title": dataset.title,
        "department": {"id": dataset.department, "name": dataset.department_name},
        "as_of": fresh.as_of.astimezone(zone).isoformat(timespec="seconds") if fresh.as_of else None,
        "freshness": fresh.state,
        **_told("freshness_label", STATES[fresh.state]),
        "covers": {"divisions": list(dataset.divisions), "since": dataset.since.isoformat() if dataset.since else None},
    }


@lru_cache(maxsize=1024)
def _coverage(datasets: tuple[Dataset, ...]) -> T:
    """The divisions covered, and the day from which all of the datasets are."""
    divisions = sorted({code for dataset in datasets for code in dataset.divisions})
    labels = [lists("division").label(code) for code in divisions]
    names = T("、".join(label.zh for label in labels), ", ".join(label.en for label in labels))
    since = max((dataset.since for dataset in datasets if dataset.since), default=None)
    return T(f"{names.zh}，{since} 以来", f"{names.en}, since {since}") if since else names


def _told(name: str, pair: T) -> dict[str, str]:
    """A label in Chinese, the English one beside it."""
    return {name: pair.zh, f"{name}_en": pair.en}


def _line(
    offer: Offer, state: str, proved: bool | None, outcome: str | None, label: T, reasons: list[str],
    sources: list[dict[str, Any]], as_of: str | None, fields: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    return {
        "type": offer.id,
        **_told("title", offer.question.type.title.text),
        "state": state,
        **_told("state_label", STATE_LABELS[state]),
        "proved": proved,
        **_told("proved_label", PROVED_LABELS[proved]),
        "outcome": outcome,
        **_told("label", label),
        "reasons": [{"code": code, **_told("label", REASONS[code])} for code in reasons],
        "as_of": as_of,
        "sources": sources,
        "fields": fields,
    }
