"""The rules of DOMAIN §4 once more, one value at a time and as plainly as can be: what the vectorised types must equal."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pyarrow as pa

from schemas.types import Options, get

TODAY = date(2026, 11, 21)
OPTIONS = Options(today=TODAY)
_DATA = Path(__file__).parents[2] / "schemas" / "codes" / "divisions.csv"
with _DATA.open(encoding="utf-8-sig", newline="") as _file:
    DIVISIONS = sorted({row[0] for row in csv.reader(_file) if row[0].isdigit()})
KNOWN = {*DIVISIONS, "810000", "820000", "830000"}

CITIZEN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def citizen_check(first17: str) -> str:
    return "10X98765432"[sum(int(d) * w for d, w in zip(first17, CITIZEN_WEIGHTS, strict=True)) % 11]


def citizen_findings(number: str) -> set[str]:
    """Rules an 18-character citizen number breaks, besides those that look at how it was lost."""
    found = set()
    right = citizen_check(number[:17]) == number[17]
    foreign = number[0] == "9" and right
    if not right:
        found.add("mangled" if number.endswith("000") else "checksum")
    if foreign:
        found.add("permanent_residence")
    try:
        if date(int(number[6:10]), int(number[10:12]), int(number[12:14])) > TODAY:
            found.add("future")
    except ValueError:
        found.add("birth")
    if int(number[6:10]) < 1850:
        found.add("too_early")
    if number[:6] not in KNOWN and not foreign:
        found.add("division")
    return {f"citizen_no.{code}" for code in found}


def credit_check(first17: str) -> str:
    total = sum(CREDIT_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(first17))
    return CREDIT_ALPHABET[(31 - total % 31) % 31]


def body_check(first8: str) -> str:
    rest = 11 - sum(ALPHANUMERIC.index(c) * w for c, w in zip(first8, (3, 7, 9, 10, 5, 8, 4, 2), strict=True)) % 11
    return {10: "X", 11: "0"}.get(rest, str(rest))


def findings(type_name: str, value: object, options: Options = OPTIONS) -> set[str]:
    """All rules one value breaks, by the vectorised type."""
    return set(all_findings(type_name, pa.array([value]), options)[0])


def all_findings(type_name: str, raw: pa.Array, options: Options = OPTIONS) -> list[list[str]]:
    kind = get(type_name)
    values, reasons = kind.standardise(raw, options)
    reasons |= kind.judge(values, options)
    return [[rule.code for i, rule in enumerate(kind.rules) if bits >> i & 1] for bits in reasons.tolist()]


def standard(type_name: str, raw: list[object] | pa.Array, options: Options = OPTIONS) -> list[object]:
    column = raw if isinstance(raw, pa.Array) else pa.array(raw)
    values: list[object] = get(type_name).standardise(column, options)[0].to_pylist()
    return values


def severities(type_name: str, codes: set[str]) -> set[str]:
    return {rule.severity for rule in get(type_name).rules if rule.code in codes}
