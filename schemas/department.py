"""A department as data: who it is, by its unified social credit code, and the division it serves."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from pydantic import Field

from core.text import T
from schemas.document import Strict, model, read
from schemas.types import TYPES, Options


class Department(Strict):
    """One department. `credit_code` is the provider code of the catalogue, `division` GB/T 2260."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    name: str
    english: str = ""
    credit_code: str
    division: str = Field(pattern=r"^[0-9]{6}$")


def load(document: str | Path, *, file: str = "") -> Department:
    """Read and check a department document. Raises DocumentRefused."""
    source = read(document, file=file)
    department = model(source, Department)
    kind = TYPES["credit_code"]
    values, reasons = kind.standardise(pa.array([department.credit_code]), Options(required=True))
    bits = int(reasons[0] | kind.judge(values, Options())[0])
    if any(rule.severity == "error" for bit, rule in enumerate(kind.rules) if bits >> bit & 1):
        raise source.refused(
            ("credit_code",),
            T("不是有效的统一社会信用代码", "not a valid unified social credit code"),
            T("请按 GB 32100 核对 18 位代码。", "Check the 18 characters by GB 32100."),
        )
    return department
