"""Query parameters: those a route has and no others, and the two that every paged list has."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.problems import NAME
from core.errors import Invalid
from core.text import T
from schemas.document import near

#: lines of a page
Limit = Annotated[int, Query(ge=1, le=200, description="每页条数 / lines of a page")]
#: what `after` says in the documentation; its form is the list's own
AFTER = "上一页答复中的 next / the `next` of the page before"
After = Annotated[str, Query(max_length=1000, description=AFTER)]


async def only_known(request: Request) -> None:
    """A dependency of every route: refuses a query parameter that the route does not have. A misspelt filter would
    otherwise be passed over, and the whole list be taken for its answer. Raises Invalid, with the parameters there are.
    Probes and metrics are asked by machines that add what they like (a cache's buster)."""
    if not request.scope["query_string"]:
        return
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    if not route.path.startswith("/v1/"):
        return
    known = sorted(_known(route.dependant))
    unknown = [name for name in dict.fromkeys(request.query_params) if name not in known]
    if not unknown:
        return
    told = [
        name for name in unknown if NAME.fullmatch(name)
    ]  # what is no name could be anything, a person's number too
    hint = near(told[0], known) if told and known else T("", "")
    every = T(f"可用：{'、'.join(known)}。", f"Known: {', '.join(known)}.") if known else T("请去掉。", "Leave it out.")
    raise Invalid(
        T(f"没有查询参数 {'、'.join(told)}。", f"There is no query parameter {', '.join(told)}.") if told
        else T("没有这个查询参数。", "There is no such query parameter."),
        remedy=every if hint in (every, T("", "")) else T(f"{hint.zh} {every.zh}", f"{hint.en} {every.en}"),
        errors=[
            {"pointer": f"/{name}" if name in told else "", "detail": "没有这个查询参数", "detail_en": "is no query parameter here"}
            for name in unknown
        ],
    )  # fmt: skip


def _known(dependant: Dependant) -> set[str]:
    """The query parameters that an endpoint and what it depends on take."""
    own = {field.alias for field in dependant.query_params}
    return own.union(*(_known(one) for one in dependant.dependencies))


def following(request: Request, next: str | None) -> str | None:
    """The Link header (RFC 8288) that leads to the page after this one; None after the last."""
    if next is None:
        return None
    kept = [(key, value) for key, value in request.query_params.multi_items() if key != "after"]
    return f'<{request.url.path}?{urlencode([*kept, ("after", next)])}>; rel="next"'


def lead_on(request: Request, response: Response, next: str | None) -> str | None:
    """Put the Link header on a response; gives `next` back, for the body."""
    if link := following(request, next):
        response.headers["Link"] = link
    return next
