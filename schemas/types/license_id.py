"""Identifiers of electronic licences, GB/T 36904-2018.

`1.2.156.3005.2.` + type code (credit code of the defining body + 3 digits) `.` issuer `.` serial `.` version (3 digits)
`.` check (ISO 7064 MOD 37,36 over the parts without root and dots).
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from stdnum.iso7064 import mod_37_36

from core.text import T
from schemas.types import columns, credit_code, masks
from schemas.types.base import Level, Options, Reasons, Rule, ValueType

ROOT = "1.2.156.3005.2"
_FORM = rf"^{re.escape(ROOT)}\.[0-9A-HJ-NPQRTUWXY]{{18}}\d{{3}}\.[0-9A-Z]{{1,18}}\.[0-9A-Z]{{1,40}}\.\d{{3}}\.[0-9A-Z]$"


class LicenseId(ValueType):
    name = "license_id"
    title = T("电子证照标识", "Electronic licence identifier")
    own_rules = (
        Rule(
            "license_id.format",
            "error",
            "conformity",
            T("不是电子证照标识（GB/T 36904）", "Not an electronic licence identifier (GB/T 36904)"),
            T(
                "应为 1.2.156.3005.2.类型代码.颁发机构代码.流水号.版本号.校验位",
                "It reads 1.2.156.3005.2.type.issuer.serial.version.check",
            ),
        ),
        Rule(
            "license_id.checksum",
            "error",
            "accuracy",
            T("校验位不符（GB/T 36904）", "The check character does not fit (GB/T 36904)"),
            T("对照电子证照核对，不要手工改校验位", "Compare it with the licence; do not change the check by hand"),
        ),
        Rule(
            "license_id.defining_body",
            "warning",
            "accuracy",
            T("类型代码中的统一社会信用代码校验不符", "The credit code in the type code fails its check"),
            T("核对证照类型代码", "Check the type code"),
        ),
    )

    def parse(self, cells: pa.Array, options: Options) -> tuple[pa.Array, Reasons]:
        text = columns.text(cells)
        odd = columns.rows_where(text, lambda data: (data < 0x2E) | (data > 0x5A))
        values = columns.repair(text, odd, columns.one_spelling)
        rest = columns.mask(values.is_valid()) & ~columns.matches(values, _FORM)
        return columns.null_where(values, rest), np.where(rest, self.bit("format"), np.uint32(0))

    def examine(self, values: pa.Array, options: Options) -> Reasons:
        reasons = np.zeros(len(values), np.uint32)
        rows = np.flatnonzero(columns.mask(values.is_valid()))
        body = pc.utf8_slice_codeunits(values.take(pa.array(rows)), len(ROOT) + 1)
        _, matrix = columns.fixed(pc.utf8_slice_codeunits(body, 0, 18), 18)
        reasons[rows[~credit_code.check_passes(matrix)]] |= self.bit("defining_body")
        reasons[rows[~_check_passes(pc.replace_substring(body, ".", ""))]] |= self.bit("checksum")
        return reasons

    def mask(self, values: pa.Array, level: Level) -> pa.Array:
        return masks.ends(values, 37, 6)


def make(type_code: str, issuer: str, serial: str, version: int = 1) -> str:
    """A new identifier. ValueError when a part does not fit the standard.

    `type_code`: 21 characters; `issuer`: code of the issuing body; `serial`: letters and digits, unique within both.
    """
    parts = (type_code, issuer, serial, f"{version:03d}")
    identifier = ".".join((ROOT, *parts, mod_37_36.calc_check_digit("".join(parts))))
    if not re.match(_FORM, identifier):
        raise ValueError("license identifier: type code, issuer, serial or version does not fit GB/T 36904")
    return identifier


def _check_passes(payloads: pa.Array) -> columns.Bools:
    """ISO 7064 MOD 37,36 over strings of different lengths, one character place at a time."""
    view = columns.strings(payloads)
    lengths = np.diff(view.offsets)
    order = np.argsort(lengths, kind="stable")[::-1]  # longest first: those still running are a prefix
    starts, lengths = view.offsets[:-1][order], lengths[order]
    values = np.where(view.data <= 57, view.data - np.uint8(48), view.data - np.uint8(55)).astype(np.int16)
    state = np.zeros(len(order), np.int16)
    for place in range(int(lengths[0]) if len(lengths) else 0):
        running = int(np.searchsorted(-lengths, -place, side="left"))
        carried = state[:running]
        carried[carried == 0] = 36
        # the first character starts from 36, later ones from twice the state modulo 37
        doubled = np.int16(36) if place == 0 else carried * 2 % 37
        state[:running] = (doubled + values[starts[:running] + place]) % 36
    passes = np.empty(len(order), bool)
    passes[order] = state == 1
    return passes


TYPE = LicenseId()
