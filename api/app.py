"""The application. Nothing happens at import; `create_app` wires, the lifespan opens the hub and its pools."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import Depends, FastAPI

from api import openapi, problems
from api.access import Access
from api.limits import BodyLimit
from api.parameters import only_known
from api.routers import batches, catalogue, certificates, codes, docs, operations, quarantine, records, tokens
from api.security import Tokens
from api.state import State
from catalog_registry import publication
from certificates import pool
from certificates.answer import Answerer
from core.hub import Hub
from core.settings import Settings

ABOUT = (
    "互通：政务数据一次采集、多方使用。以公共数据代替纸质证明；每次查询都有授权、最小化、签名与留痕。\n\n"
    "Hutong, the once-only data exchange: an answer instead of a paper, authorised, minimised, signed and audited.\n\n"
    # departments, systems, service items, types, checks and counts are short, and are read as a whole: they have no pages
    "列表分页：limit 为每页条数；答复中的 next（Link 头亦有）作为 after 传回即得下一页，null 为末页。"
    "没有 limit 的列表整份给出，另有说明的除外。"
    "没有的查询参数或取值一律拒绝（422），不作忽略。拒绝按 RFC 9457：title、detail、remedy 为中文，带 _en 的为英文。\n\n"
    "Lists have pages of `limit` lines: send the answer's `next` (also in the Link header) back as `after`; it is null on the "
    "last page. Lists without `limit` are given whole where they do not say otherwise. A query parameter or a word that there "
    "is not is refused (422), never passed over. Refusals are RFC 9457 problems, in Chinese and, in members that end in _en, in English."
)


def create_app(settings: Settings) -> FastAPI:
    """The HTTP application of one installation. Raises NotReady, when started, if the hub is not set up."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        hub = Hub.open(settings)
        connections = pool.make(hub)
        try:
            publication.repair(hub)  # the database wins over a lost or altered snapshot
            await connections.open()
            app.state.hutong = State(hub, Answerer(hub, connections), Tokens(hub.keys, settings.token_minutes))
            yield
        finally:
            await connections.close()
            hub.close()

    # FastAPI's own /docs loads scripts from a CDN and is blank without internet
    app = FastAPI(
        title="互通 Hutong", version=version("hutong"), description=ABOUT, lifespan=lifespan, docs_url=None, redoc_url=None,
        openapi_url="/openapi.json", dependencies=[Depends(only_known)],
    )  # fmt: skip
    problems.install(app)
    for router in (
        tokens.router,
        certificates.router,
        catalogue.router,
        records.router,
        batches.router,
        quarantine.router,
        codes.router,
        operations.router,
        docs.router,
    ):
        app.include_router(router)
    app.add_middleware(BodyLimit)
    app.add_middleware(Access)  # outermost: what is refused for its size is counted too
    app.openapi = lambda: openapi.document(app)  # type: ignore[method-assign]
    return app
