"""Values judged one by one, for people who ask about a few: every finding of a value, and the worst of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from core.text import T
from schemas import codes
from schemas.types.base import Options, ValueType


@dataclass(frozen=True)
class Finding:
    """One rule a value breaks, and what to do about it."""

    rule: str
    severity: Literal["error", "warning"]
    message: T
    remedy: T


@dataclass(frozen=True)
class Verdict:
    """What was given, what it is in standard form (None when it cannot be read), and all that is wrong with it."""

    value: str
    standard: str | None
    verdict: Literal["ok", "warning", "error"]
    findings: tuple[Finding, ...]


def judge(kind: ValueType, values: list[str], options: Options | None = None) -> list[Verdict]:
    """Verdicts on values of one type. A line for `identity_no` may say its kind first: `passport E12345678`."""
    options = replace(options or Options(), required=True)
    raw = values
    if kind.name == "identity_no":
        lines = [_kind_first(line) for line in values]
        raw = [number for _, number in lines]
        options = replace(options, kinds=pa.array([kind for kind, _ in lines], pa.string()))
    standard, reasons = kind.standardise(pa.array(raw, pa.string()), options)
    reasons |= kind.judge(standard, options)
    shown = pc.cast(standard, pa.string()).to_pylist()
    return [_verdict(kind, *row) for row in zip(values, shown, reasons.tolist(), strict=True)]


def _verdict(kind: ValueType, value: str, standard: str | None, reasons: int) -> Verdict:
    broken = [rule for i, rule in enumerate(kind.rules) if reasons >> i & 1]
    findings = tuple(Finding(rule.code, rule.severity, rule.message, rule.remedy) for rule in broken)
    severities = {rule.severity for rule in broken}
    worst: Literal["ok", "warning", "error"] = "error" if "error" in severities else "warning" if severities else "ok"
    return Verdict(value, standard, worst, findings)


def _kind_first(line: str) -> tuple[str | None, str]:
    first, _, rest = line.strip().partition(" ")
    kind = codes.lists("identity_kind").code(first) if rest else None
    return (kind, rest) if kind else (None, line)
