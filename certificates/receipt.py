"""The receipt of an answer: a detached JWS (RFC 7515 appendix F) over the answer's canonical form (RFC 8785).

Whoever holds the answer can check it with the keys of `/v1/keys`: remove `receipt`, canonicalise, verify.
"""

from __future__ import annotations

import base64
from typing import Any

import rfc8785

from core.canonical import canonical
from core.errors import Unauthorised
from core.keys import Keys
from core.text import T


def sign(keys: Keys, answer: dict[str, Any]) -> tuple[bytes, str]:
    """(canonical bytes of the answer, its receipt)."""
    body = canonical(answer)
    header, _, signature = keys.sign(body).split(".")
    return body, f"{header}..{signature}"


def verify(keys: Keys, answer: dict[str, Any]) -> None:
    """Raise Unauthorised unless the answer carries a receipt of ours and is as it was signed."""
    unsigned = {name: value for name, value in answer.items() if name != "receipt"}
    parts = str(answer.get("receipt", "")).split(".")
    if len(parts) != 3 or parts[1]:
        raise Unauthorised(T("没有可核验的回执。", "There is no receipt to verify."))
    payload = base64.urlsafe_b64encode(rfc8785.dumps(unsigned)).decode().rstrip("=")
    keys.verify(f"{parts[0]}.{payload}.{parts[2]}")
