"""Entity tags of what changes only by publication: the documents in force."""

from __future__ import annotations

from fastapi import Request, Response

from schemas.published import Published


def unchanged(request: Request, response: Response, published: Published) -> Response | None:
    """304 when the caller has this publication already (RFC 9110 §13.1.2); else the response is given the tag."""
    tag = f'W/"p{published.number}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    known = {each.strip() for each in request.headers.get("if-none-match", "").split(",")}
    if known & {tag, tag.removeprefix("W/"), "*"}:
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return None
