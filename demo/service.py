"""Departments that answer over HTTP: the credit platform and the province's register of firms, each over its own data.

Authorization: Bearer <token>, each platform its own (`<folder>/<platform>/token`). Every value is text or null.

    GET /api/xzcf      GET /api/yzsx           the credit platform: increments by change time, a cursor
    query: since   change time (sjc), local, yyyy-mm-dd hh:mm:ss; records changed then or later
           limit   records a page, 1 to 1000, default 500
           cursor  the `next` of the page before
    answer: {"total": records that match since, "data": [record…], "next": text or null on the last page}

    GET /gateway/E_BASEINFO   GET /gateway/E_ALTITEM   the register of firms: whole lists, numbered pages
    query: pageNum   from 1
           pageSize  records a page, 1 to 1000, default 500
    answer: {"code": "200", "message": "成功", "data": {"total": records in all, "pageNum", "pageSize", "list": [record…]}}

Like the real things they are now and then busy (429 with Retry-After) or down (503): which requests are hit depends on
their number only. Run with `python -m demo.service --folder … --port …`; it listens on 127.0.0.1 unless told otherwise.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hmac
import itertools
import json
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Query

from demo import sqlite

RETRY_AFTER = 1  # seconds
_BUSY = (9, 4)  # of every nine authorised requests the fourth is told to wait …
_DOWN = (31, 17)  # … and of every 31 the seventeenth finds nobody in
_FILE, _TOKEN = "data.sqlite", "token"


@dataclass(frozen=True)
class Platform:
    """One department's service: where its data lies, its resources and their keys, and how it pages."""

    folder: str
    title: str
    prefix: str
    keys: Mapping[str, tuple[str, ...]]
    pages: Callable[[APIRouter, Path, Platform], None]
    changed: str = ""  # the column records are ordered by, before their key

    def write(self, tables: Mapping[str, pa.Table], root: Path) -> str:
        """Replace the platform's data below `root`; returns its token, made once and kept 0600."""
        folder = root / self.folder
        orders = dict.fromkeys(self.keys, (self.changed,)) if self.changed else {}
        sqlite.write(folder / _FILE, {name: tables[name] for name in self.keys}, self.keys, orders=orders)
        token = folder / _TOKEN
        if not token.exists():
            token.touch(mode=0o600)
            token.write_text(secrets.token_urlsafe(24) + "\n", encoding="utf-8")
        return token.read_text(encoding="utf-8").strip()


def create_app(root: Path) -> FastAPI:
    """Every platform whose data lies below `root`, for bearers of its token."""
    app = FastAPI(title="部门接口(演示)", docs_url=None, redoc_url=None, openapi_url=None)
    for platform in PLATFORMS.values():
        folder = root / platform.folder
        if (folder / _TOKEN).exists():
            token = (folder / _TOKEN).read_text(encoding="utf-8").strip()
            router = APIRouter(prefix=platform.prefix, dependencies=[Depends(_admission(token))])
            platform.pages(router, folder / _FILE, platform)
            app.include_router(router)
    return app


def _admission(token: str) -> Callable[..., None]:
    count = itertools.count(1)

    def admit(authorization: Annotated[str, Header()] = "") -> None:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
            raise HTTPException(401, "令牌无效", headers={"WWW-Authenticate": "Bearer"})
        turn = next(count)
        if turn % _BUSY[0] == _BUSY[1]:
            raise HTTPException(429, "请求过于频繁", headers={"Retry-After": str(RETRY_AFTER)})
        if turn % _DOWN[0] == _DOWN[1]:
            raise HTTPException(503, "系统维护中")

    return admit


_Size = Annotated[int, Query(ge=1, le=1000)]


def _by_cursor(router: APIRouter, path: Path, platform: Platform) -> None:
    """Records in order of change time and key; a page begins behind the last record of the one before."""
    changed = platform.changed

    @router.get("/{resource}")
    def page(resource: str, since: str = "", cursor: str = "", limit: _Size = 500) -> dict[str, Any]:
        (key,) = _key(platform, resource)
        total = _rows(path, f"select count(*) as total from {resource} where {changed} >= ?", (since,))[0]["total"]
        found = _rows(
            path,
            f"select * from {resource} where {changed} >= ? and ({changed}, {key}) > (?, ?)"
            f" order by {changed}, {key} limit ?",
            (since, *_position(cursor), limit + 1),
        )
        rows = found[:limit]
        following = _cursor(rows[-1][changed], rows[-1][key]) if len(found) > limit else None
        return {"total": total, "data": rows, "next": following}


def _by_number(router: APIRouter, path: Path, platform: Platform) -> None:
    """Records in order of their key; the asker counts the pages."""

    @router.get("/{resource}")
    def page(
        resource: str,
        number: Annotated[int, Query(alias="pageNum", ge=1)] = 1,
        size: Annotated[int, Query(alias="pageSize", ge=1, le=1000)] = 500,
    ) -> dict[str, Any]:
        order = ", ".join(_key(platform, resource))
        total = _rows(path, f"select count(*) as total from {resource}", ())[0]["total"]
        rows = _rows(path, f"select * from {resource} order by {order} limit ? offset ?", (size, size * (number - 1)))
        data = {"total": total, "pageNum": number, "pageSize": size, "list": rows}
        return {"code": "200", "message": "成功", "data": data}


def _key(platform: Platform, resource: str) -> tuple[str, ...]:
    if resource not in platform.keys:
        raise HTTPException(404, "没有此资源")
    return platform.keys[resource]


def _rows(path: Path, statement: str, values: tuple[Any, ...]) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(statement, values)]


def _cursor(changed: str, key: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([changed, key]).encode()).decode()


def _position(cursor: str) -> tuple[str, str]:
    if not cursor:
        return "", ""
    try:
        changed, key = json.loads(base64.urlsafe_b64decode(cursor))
    except (binascii.Error, ValueError) as error:
        raise HTTPException(400, "游标无效") from error
    return str(changed), str(key)


PLATFORMS: Mapping[str, Platform] = {  # by system
    "credit_platform": Platform(
        "credit", "公共信用信息平台", "/api", {"xzcf": ("xxid",), "yzsx": ("mdid",)}, _by_cursor, "sjc"
    ),
    "firm_registry": Platform(
        "market", "市场主体登记信息(省级回流)", "/gateway",
        {"E_BASEINFO": ("PRIPID",), "E_ALTITEM": ("PRIPID", "ALTITEM", "ALTDATE")}, _by_number,
    ),
}  # fmt: skip


def main() -> None:
    """Serve until stopped."""
    import uvicorn

    parser = argparse.ArgumentParser(
        prog="python -m demo.service", description="部门接口 (演示) / departments' services (demo)"
    )
    parser.add_argument("--folder", type=Path, required=True, help="城市所在目录 / the city's folder")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    options = parser.parse_args()
    uvicorn.run(create_app(options.folder), host=options.host, port=options.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
