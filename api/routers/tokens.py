"""`/v1/oauth2/token`: client credentials for an access token (RFC 6749 §4.4). Errors take that standard's form: a code, and what
is wrong in `error_description`, which may be ASCII only, so that the Chinese stands beside it."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated
from urllib.parse import unquote_plus

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse

from api.answers import certificates as answers
from api.answers import told
from api.problems import AWAY
from api.state import Running
from catalog_registry import clients
from core.errors import Unauthorised
from core.text import T

router = APIRouter(tags=["令牌 tokens"])
_ONE_METHOD = T(
    "客户端凭据在表单与 HTTP Basic 中只用其一。",
    "Give the client's credentials in the form or by HTTP Basic, not by both.",
)
_GRANT = T("grant_type 须为 client_credentials。", "grant_type must be client_credentials.")
_UNKNOWN = T("客户端不存在、已停用,或密钥有误。", "The client is unknown or ended, or the secret is wrong.")
_TOO_MANY = T(
    "失败次数过多,请在 Retry-After 所示秒数后再试。",
    "Too many failures; try again after the seconds that Retry-After says.",
)
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@router.post(
    "/v1/oauth2/token",
    summary="换取访问令牌 / Get an access token",
    responses={
        **told(answers.Token),
        400: {"model": answers.TokenRefused, "description": "请求不完整 / incomplete request"},
        401: {"model": answers.TokenRefused, "description": "客户端认证失败 / unknown client"},
        429: {"model": answers.TokenRefused, "description": "失败次数过多，稍后再试 / too many failures, try later"},
        **AWAY,
    },
)
def token(
    request: Request, running: Running,
    grant_type: Annotated[str, Form(examples=["client_credentials"], max_length=50)] = "",
    client_id: Annotated[str, Form(max_length=100)] = "",
    client_secret: Annotated[str, Form(max_length=200)] = "",
) -> JSONResponse:  # fmt: skip
    """以表单或 HTTP Basic 提交 client_id 与 client_secret。 / Credentials in the form or by HTTP Basic."""
    if grant_type != "client_credentials":
        return _error(400, "unsupported_grant_type" if grant_type else "invalid_request", _GRANT)
    basic = _basic(request.headers.get("authorization", ""))
    if basic is not None:
        if client_secret:
            return _error(400, "invalid_request", _ONE_METHOD)  # §2.3: one method of authentication a request
        client_id, client_secret = basic
    who = request.client.host if request.client else ""
    if wait := max(running.failures.wait(who, client_id), running.strangers.wait(who)):
        return _error(429, "temporarily_unavailable", _TOO_MANY, {"Retry-After": str(wait)})
    if not client_id.isprintable() or not client_id or not client_secret:
        return _error(401, "invalid_client", _UNKNOWN)
    try:
        with running.hub.read() as connection:
            client = clients.authenticate(connection, client_id, client_secret)
    except Unauthorised:
        running.failures.count(who, client_id)
        running.strangers.count(who)
        return _error(401, "invalid_client", _UNKNOWN)
    return JSONResponse(running.tokens.issue(client.id, client.department, client.secret_version), headers=_NO_STORE)


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(id), unquote_plus(secret)


def _error(status: int, code: str, said: T, more: dict[str, str] | None = None) -> JSONResponse:
    challenge = {"WWW-Authenticate": 'Basic realm="hutong"'} if status == 401 else {}
    body = {"error": code, "error_description": said.en, "error_description_zh": said.zh}
    return JSONResponse(body, status, {**_NO_STORE, **challenge, **(more or {})})
