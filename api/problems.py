"""Refusals as RFC 9457 problem details: a stable type, a title in Chinese, what to do, and where in the request.

Nothing a caller sent is ever repeated: a question's body holds a person's number.
"""

from __future__ import annotations

import json
import re
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy import exc
from starlette.exceptions import HTTPException

from certificates.request import UNFIT
from core.errors import HutongError, Refused, Retry
from core.log import get_logger
from core.text import T

log = get_logger(__name__)

MEDIA = "application/problem+json"
_TITLES = {
    400: ("bad_request", T("请求有误", "Bad request")),
    404: ("not_found", T("没有这个地址", "No such address")),
    405: ("method_not_allowed", T("该地址不支持此方法", "Method not allowed here")),
    413: ("too_large", T("请求过大", "The request is too large")),
    415: ("unsupported_media_type", T("不支持的内容类型", "Unsupported media type")),
    500: ("internal", T("服务内部错误", "Internal error")),
    503: ("unavailable", T("数据库未响应", "The database does not answer")),
}
#: what every route that reads the database may refuse with, for OpenAPI
AWAY: dict[int | str, dict[str, Any]] = {503: {"description": "数据库未响应 / the database does not answer"}}
_ADDRESSES = T("地址及其方法一览见 /docs。", "/docs lists the addresses and their methods.")
_REMEDIES = {
    404: _ADDRESSES,
    405: _ADDRESSES,
    500: T("请联系管理员。", "Tell the administrator."),
    503: T("请稍后重试。", "Try again later."),
}
#: what a remedy says to whoever types commands → where that is over HTTP. The rooms below know of no routes.
ROUTES = {
    "hutong batches --state blocked": "GET /v1/batches?state=blocked",
    "hutong batches": "GET /v1/batches",
    "hutong batch show": "GET /v1/batches/{id}",
    "hutong checks findings": "GET /v1/checks/findings",
    "hutong codes list": "GET /v1/codes/unmapped",
    "hutong decision list": "GET /v1/quarantine/rows?status=all",
    "hutong decision undo": "POST /v1/quarantine/decisions/{id}/reversals",
    "hutong quarantine list": "GET /v1/quarantine/rows",
}
#: what may be told of a key or parameter that the caller made up
NAME = re.compile(r"[A-Za-z_][A-Za-z_-]{0,39}")
_DAY = T("应为日期,如 2026-01-31", "must be a day, as 2026-01-31")
_MOMENT = T(
    "应为带时区的时刻,如 2026-01-31T08:00:00+08:00", "must be a moment with its zone, as 2026-01-31T08:00:00+08:00"
)
_UUID = T("应为 UUID", "must be a UUID")
_BOOL = T("应为 true 或 false", "must be true or false")
_OBJECT = T("应为对象", "must be an object")
# pydantic's kinds of errors in both languages, with the bounds it names; its own messages may quote the value, so they
# never leave
_WRONG = {
    "missing": T("缺少此项", "is missing"),
    "extra_forbidden": T("没有此项", "is not known here"),
    "string_type": T("应为文字", "must be text"),
    "int_type": T("应为整数", "must be a whole number"),
    "int_parsing": T("应为整数", "must be a whole number"),
    "int_from_float": T("应为整数", "must be a whole number"),
    "int_parsing_size": T("数字过长", "has too many digits"),
    "greater_than_equal": T("不得小于 {ge}", "must be at least {ge}"),
    "greater_than": T("须大于 {gt}", "must be more than {gt}"),
    "less_than_equal": T("不得大于 {le}", "must be at most {le}"),
    "less_than": T("须小于 {lt}", "must be less than {lt}"),
    "bool_type": _BOOL,
    "bool_parsing": _BOOL,
    "uuid_type": _UUID,
    "uuid_parsing": _UUID,
    "date_type": _DAY,
    "date_parsing": _DAY,
    "date_from_datetime_parsing": _DAY,
    "date_from_datetime_inexact": _DAY,
    "datetime_type": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "datetime_object_invalid": _MOMENT,
    "timezone_aware": T("缺少时区,如 +08:00 或 Z", "needs a time zone, as +08:00 or Z"),
    "literal_error": T("不是允许的值", "is not an allowed value"),
    "string_pattern_mismatch": T("含有不允许的字符", "holds characters not allowed here"),
    "string_too_short": T("不能为空", "must not be empty"),
    "string_too_long": T("至多 {max_length} 个字符", "must have at most {max_length} characters"),
    "too_short": T("至少要有一项", "needs at least one entry"),
    "too_long": T("至多 {max_length} 项", "must have at most {max_length} entries"),
    "json_invalid": T("不是有效的 JSON", "is not valid JSON"),
    "model_attributes_type": _OBJECT,
    "model_type": _OBJECT,
    "string_unicode": T("不是有效的文字", "is not valid text"),
    "dict_type": _OBJECT,
    "list_type": T("应为列表", "must be a list"),
}
_NO_BODY = T("请求体应为 JSON 对象(application/json)", "the body must be a JSON object (application/json)")
_OTHERWISE = T("不符合要求", "is not as asked for")


def problem(
    status: int, type: str, title: T, *, detail: T | str = "", remedy: T | str = "",
    errors: list[dict[str, str]] | None = None, headers: dict[str, str] | None = None,
) -> Response:  # fmt: skip
    """A problem response. `title` stands in Chinese, `title_en` beside it."""
    body: dict[str, Any] = {
        "type": f"urn:hutong:problem:{type}", "title": title.zh, "title_en": title.en, "status": status,
    }  # fmt: skip
    for name, text in (("detail", detail), ("remedy", over_http(remedy))):
        if isinstance(text, T) and text.zh:
            body |= {name: text.zh, f"{name}_en": text.en}
        elif text:
            body[name] = str(text)
    if errors:
        body["errors"] = errors
    return Response(json.dumps(body, ensure_ascii=False), status, headers, MEDIA)


def over_http(remedy: T | str) -> T | str:
    """A remedy with the commands that have a route named by it."""
    for command, route in ROUTES.items():  # longer ones first
        if isinstance(remedy, T):
            remedy = T(remedy.zh.replace(command, route), remedy.en.replace(command, route))
    return remedy


def of_error(error: HutongError) -> Response:
    """The problem a refusal or a passing failure is told as."""
    title = error.message if isinstance(error.message, T) else T(error.message, error.message)
    if isinstance(error, Refused):
        here = {"pointer": error.pointer, "detail": title.zh, "detail_en": title.en}
        errors = error.errors or ([here] if error.pointer else None)
        return problem(error.status, error.type, title, remedy=error.remedy, errors=errors, headers=error.headers)
    if isinstance(error, Retry):
        return problem(503, error.code or "unavailable", title, remedy=error.remedy, headers={"Retry-After": "5"})
    log.error("unexpected stop", code=error.code, message=str(error.message))
    return of_status(500)


def of_status(status: int, headers: dict[str, str] | None = None, remedy: T | str = "") -> Response:
    """The problem a bare status is told as; its type never changes with its words."""
    kind, title = _TITLES.get(status, ("refused", T("请求未能处理", "The request was not handled")))
    waits = {"Retry-After": "5"} if status == 503 else {}
    return problem(status, kind, title, remedy=remedy or _REMEDIES.get(status, ""), headers=waits | (headers or {}))


def install(app: FastAPI) -> None:
    """Let every error of the application leave as a problem."""

    @app.exception_handler(HutongError)
    async def _known(_: Request, error: Exception) -> Response:
        assert isinstance(error, HutongError)
        return of_error(error)

    @app.exception_handler(RequestValidationError)
    async def _validation(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        found = []
        for each in error.errors():
            said = _said(each)
            found.append({"pointer": _pointer(each), "detail": said.zh, "detail_en": said.en})
        return problem(
            422, "invalid", T("请求内容不符合要求", "The request is not as asked for"),
            remedy=T("按 errors 逐项更正；格式见 /docs。", "Correct each of the errors; /docs shows the form."), errors=found,
        )  # fmt: skip

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return of_status(error.status_code, dict(error.headers or {}))

    async def _away(_: Request, error: Exception) -> Response:
        log.error("database away", error=type(error).__name__)
        return of_status(503)

    # SQLAlchemy's TimeoutError: every connection of the pool is taken
    for kind in (exc.OperationalError, exc.InterfaceError, exc.TimeoutError):
        app.add_exception_handler(kind, _away)


def _said(error: Any) -> T:
    if error["type"] == UNFIT:
        return T(error["ctx"]["zh"], error["ctx"]["en"])
    if tuple(error["loc"]) == ("body",) and error["type"] in ("missing", "model_attributes_type", "model_type"):
        return _NO_BODY
    said = _WRONG.get(error["type"], _OTHERWISE)
    if error["type"] == "literal_error":  # the values allowed are the product's words, not the caller's
        known = ", ".join(re.findall(r"'([a-z_]+)'", str(error["ctx"]["expected"])))
        return T(f"{said.zh}；可用：{known}", f"{said.en}; known: {known}")
    if error["type"] == "json_invalid":
        at = error["loc"][-1]
        return T(f"{said.zh}（第 {at} 个字符处）", f"{said.en} (at character {at})")
    return said.format(**error.get("ctx", {}))  # the bounds are the product's, as the allowed values are


def _pointer(error: Any) -> str:
    """RFC 6901, inside the body; a query or path parameter by its name; the whole body when it is no JSON."""
    place: tuple[Any, ...] = error["loc"]
    if error["type"] == "json_invalid":
        return ""
    steps = place[1:] if place and place[0] in ("body", "query", "path", "header") else place
    told: list[str] = []
    for step in steps:
        if isinstance(step, str) and not NAME.fullmatch(step):
            break  # a key the caller made up could be anything, a person's number too: only the place above it is told
        told.append(f"/{step}")
    return "".join(told) + (error["ctx"]["at"] if error["type"] == UNFIT else "")
