"""Bearer tokens (RFC 6750): who asks. Whether the client is still in force is asked of the database at each question."""

from __future__ import annotations

import base64
import json
from collections import OrderedDict
from typing import Any, NamedTuple

from fastapi import Request

from core import clock
from core.errors import Unauthorised
from core.ids import uuid7
from core.keys import Keys
from core.text import T

ISSUER = "hutong"
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="hutong"'}
_REMEDY = T(
    "先以 client_id 与 client_secret 向 /v1/oauth2/token 换取令牌，再带上 Authorization: Bearer …。",
    "Get a token from /v1/oauth2/token with client_id and client_secret, then send Authorization: Bearer ….",
)


class Caller(NamedTuple):
    """Whom a token was given to, and for which of the client's secrets."""

    client: str
    secret_version: int


class Tokens:
    """Issues and reads access tokens (JWT, RFC 9068). A signature once verified is remembered; its times never are."""

    def __init__(self, keys: Keys, minutes: int, *, remembered: int = 4096) -> None:
        self.keys, self.seconds = keys, minutes * 60
        self._known: OrderedDict[str, tuple[Caller, int]] = OrderedDict()
        self._remembered = remembered
        self._generation = 0

    def issue(self, client: str, department: str, secret_version: int) -> dict[str, Any]:
        """The token response of RFC 6749 §5.1."""
        now = int(clock.now().timestamp())
        claims = {
            "iss": ISSUER, "aud": ISSUER, "sub": client, "client_id": client, "department": department,
            "secret_version": secret_version, "iat": now, "exp": now + self.seconds, "jti": str(uuid7()),
        }  # fmt: skip
        return {"access_token": self.keys.issue_token(claims), "token_type": "Bearer", "expires_in": self.seconds}

    def caller(self, request: Request) -> Caller:
        """Whose token a request carries. Raises Unauthorised."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthorised(T("缺少访问令牌。", "There is no access token."), remedy=_REMEDY, headers=_CHALLENGE)
        if self._generation != (now := self.keys.generation):  # a key may have been destroyed
            self._known.clear()
            self._generation = now
        known = self._known.get(token)
        if known is None:
            known = self._read(token)
            self._known[token] = known
            if len(self._known) > self._remembered:
                self._known.popitem(last=False)
        caller, expires = known
        if clock.now().timestamp() >= expires:
            raise _invalid(T("访问令牌已过期。", "The access token has expired."))
        return caller

    def _read(self, token: str) -> tuple[Caller, int]:
        try:
            if not _is_access_token(token):  # receipts are signed with the same keys
                raise KeyError("typ")
            claims = self.keys.read_token(token)
            if claims["iss"] != ISSUER or claims["aud"] != ISSUER:
                raise KeyError("iss")
            return Caller(str(claims["client_id"]), int(claims["secret_version"])), int(claims["exp"])
        except (Unauthorised, KeyError, TypeError, ValueError) as error:
            raise _invalid(T("访问令牌无效。", "The access token is not valid.")) from error


def _is_access_token(token: str) -> bool:
    header = token.partition(".")[0]
    return bool(json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["typ"] == "at+jwt")


def _invalid(message: T) -> Unauthorised:
    header = 'Bearer realm="hutong", error="invalid_token"'
    return Unauthorised(message, remedy=_REMEDY, headers={"WWW-Authenticate": header})
