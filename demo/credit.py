"""The credit platform: a REST service over its own SQLite file.

    GET /api/xzcf   GET /api/yzsx   Authorization: Bearer <token>
    query: since   change time (sjc), local, yyyy-mm-dd hh:mm:ss; records changed then or later
           limit   records a page, 1 to 1000, default 500
           cursor  the `next` of the page before
    answer: {"total": records that match since, "data": [record…], "next": text or null on the last page}

Records come in order of change time and id; every value is text or null (fines in ten thousand
yuan, with six places). Like the real thing it is now and then busy (429 with Retry-After) or down (503): which requests
are hit depends on their number only. Run with `python -m demo.credit --folder … --port … --token-file …`; it listens on 127.0.0.1.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hmac
import itertools
import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
from fastapi import Depends, FastAPI, Header, HTTPException, Query

from demo import sqlite

FILE = "credit.sqlite"
KEYS = {"xzcf": "xxid", "yzsx": "mdid"}
RETRY_AFTER = 1  # seconds
_BUSY = (9, 4)  # of every nine authorised requests the fourth is told to wait …
_DOWN = (31, 17)  # … and of every 31 the seventeenth finds nobody in


def write(tables: Mapping[str, pa.Table], folder: Path) -> None:
    """Replace the service's data in its folder."""
    sqlite.write(folder / FILE, {name: tables[name] for name in KEYS}, KEYS)


def create_app(folder: Path, token: str) -> FastAPI:
    """The service over the data in a folder, for bearers of the token."""
    app = FastAPI(title="公共信用信息平台", docs_url=None, redoc_url=None, openapi_url=None)
    count = itertools.count(1)

    def admit(authorization: Annotated[str, Header()] = "") -> None:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
            raise HTTPException(401, "令牌无效", headers={"WWW-Authenticate": "Bearer"})
        turn = next(count)
        if turn % _BUSY[0] == _BUSY[1]:
            raise HTTPException(429, "请求过于频繁", headers={"Retry-After": str(RETRY_AFTER)})
        if turn % _DOWN[0] == _DOWN[1]:
            raise HTTPException(503, "系统维护中")

    @app.get("/api/{resource}", dependencies=[Depends(admit)])
    def page(
        resource: str,
        since: str = "",
        cursor: str = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 500,
    ) -> dict[str, Any]:
        if resource not in KEYS:
            raise HTTPException(404, "没有此资源")
        return _page(folder / FILE, resource, since, _position(cursor), limit)

    return app


def _page(path: Path, resource: str, since: str, after: tuple[str, str], limit: int) -> dict[str, Any]:
    key = KEYS[resource]
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        total = connection.execute(f"select count(*) from {resource} where sjc >= ?", (since,)).fetchone()[0]
        found = connection.execute(
            f"select * from {resource} where sjc >= ? and (sjc, {key}) > (?, ?) order by sjc, {key} limit ?",
            (since, *after, limit + 1),
        ).fetchall()
    rows = [dict(row) for row in found[:limit]]
    following = _cursor(rows[-1]["sjc"], rows[-1][key]) if len(found) > limit else None
    return {"total": total, "data": rows, "next": following}


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


def main() -> None:
    """Serve until stopped."""
    import uvicorn

    parser = argparse.ArgumentParser(
        prog="python -m demo.credit", description="公共信用信息平台 (演示) / credit platform (demo)"
    )
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token-file", type=Path, required=True)
    options = parser.parse_args()
    token = options.token_file.read_text(encoding="utf-8").strip()
    uvicorn.run(
        create_app(options.folder, token), host="127.0.0.1", port=options.port, log_level="warning", access_log=False
    )


if __name__ == "__main__":
    main()
