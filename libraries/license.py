"""The license library: certificates and licences, told apart by their type and their own number.

An identifier (GB/T 36904) is the issuer's to assign, so the source's is kept. Where the source has none the hub makes one,
the same each time for the same type, issuer and number, and says so: `identifier_assigned_by: hub_provisional`.
"""

from __future__ import annotations

import hashlib

import pyarrow as pa

from libraries.kind import Kind
from schemas.department import Department
from schemas.library import LicenseType
from schemas.types import license_id

IDENTIFIER, ASSIGNED_BY = "identifier", "identifier_assigned_by"
BY_ISSUER, BY_HUB = "issuer", "hub_provisional"
SERIAL_DIGITS = 18  # of a hash: among ten million licences of one type, two share a serial once in 20,000 cities


def identify(kinds: pa.Array, numbers: pa.Array) -> pa.Array:
    """Nothing: what a number is the number of is said by the contribution's `type`, not by the number."""
    return pa.nulls(len(numbers), pa.string())


def provisional(type_code: str, issuer: str, number: str) -> str:
    """The hub's own identifier for licence `number` of `type_code` (21 characters), given out by `issuer` (a credit code)."""
    digest = int.from_bytes(hashlib.sha256("\x1f".join((type_code, issuer, number)).encode()).digest())
    return license_id.make(type_code, issuer, f"{digest % 10**SERIAL_DIGITS:0{SERIAL_DIGITS}d}")


def implied(said: LicenseType, issuer: Department) -> dict[str, str]:
    """What a licence's type says of each of them: its name and code, who defines it, and (unless the record says more) which
    department issues it."""
    return {
        "type_name": said.title,
        "type_code": said.code,
        "defining_body": said.defined_by,
        "defining_body_code": said.code[:18],
        "issuing_body": issuer.name,
        "issuing_body_code": issuer.credit_code,
    }


KIND = Kind(
    library="license",
    kinds=("license",),
    identify=identify,
    standard=lambda written: written.strip() or None,
    name="holder_name",
    name_type="text",
    named=False,  # a licence names its holders, who may be several
)
