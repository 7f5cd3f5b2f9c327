"""Entity tags (RFC 9110 §8.8.3): of what changes only by publication, and of whole answers."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from fastapi import Request, Response

from schemas.published import Published

#: OpenAPI: the answer has a tag
SAME: dict[int | str, dict[str, Any]] = {304: {"description": "与 If-None-Match 相同 / the caller has this already"}}


def unchanged(request: Request, response: Response, published: Published) -> Response | None:
    """304 when the caller has this publication already (RFC 9110 §13.1.2); else the response is given the tag."""
    headers = _headers(f'W/"p{published.number}"')
    if _held(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return None


def tagged(request: Request, body: dict[str, Any], link: str | None = None) -> Response:
    """The body as JSON with a tag of what it says, or 304 when the caller has just that. For the catalogue, which also
    changes with the age of the data: no number of a version would say so."""
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    headers = _headers(f'W/"{hashlib.sha256(content).hexdigest()[:24]}"')
    if link:
        headers["Link"] = link
    if _held(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type="application/json")


def _headers(tag: str) -> dict[str, str]:
    return {"ETag": tag, "Cache-Control": "no-cache"}


def _held(request: Request, tag: str) -> bool:
    known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    return bool(known & {tag.removeprefix("W/"), "*"})
