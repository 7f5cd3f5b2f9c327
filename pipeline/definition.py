"""By what a batch is read: a contract, a system and a feed, of one version each."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from connectors import system as systems
from connectors.system import Feed, System
from core.errors import NotFound, Stop
from core.hub import Hub
from core.text import T
from pipeline.batch import Batch
from schemas import contract as contracts
from schemas import published
from schemas.contract import Contract
from schemas.document import near
from schemas.published import Published


@dataclass(frozen=True)
class Definition:
    """What a feed's batch is read by; `publication` numbers the documents in force."""

    contract: Contract
    system: System
    feed: Feed
    publication: int


def current(hub: Hub, feed_id: str) -> Definition:
    """The published definition of a feed; NotFound when there is none, DocumentRefused when one of its documents is broken."""
    now = published.caught_up(hub)
    system_id, _, dataset = feed_id.partition(".")
    texts = now.texts("system")
    if system_id not in texts:
        raise _unknown(now, feed_id)
    now.require("contract", dataset)
    system = systems.load(texts[system_id], file=f"system/{system_id}.yaml")
    found = [feed for feed in system.feeds if feed.id == feed_id]
    if not found or dataset not in now.contracts:
        raise _unknown(now, feed_id)
    return Definition(now.contracts[dataset], system, found[0], now.number)


def _unknown(now: Published, feed_id: str) -> NotFound:
    """The refusal for a feed that is not in force, with the near misses."""
    known = [f"{id}.{feed['contract']}" for id, tree in now.documents("system").items() for feed in tree["feeds"]]
    remedy = (
        near(feed_id, known)
        if known
        else T("hutong system publish 发布系统文件。", "Publish a system: `hutong system publish`.")
    )
    return NotFound(T(f"没有已发布的采集任务 {feed_id}。", f"No feed {feed_id} is published."), remedy=remedy)


def of_batch(hub: Hub, batch: Batch) -> Definition:
    """The versions that a batch was landed under, whatever has been published since."""
    with hub.read() as connection:
        contract = contracts.load(
            _text(connection, "contract", batch.dataset, batch.contract_sha), file=f"contract/{batch.dataset}.yaml"
        )
        system = systems.load(
            _text(connection, "system", batch.system, batch.system_sha), file=f"system/{batch.system}.yaml"
        )
    return Definition(contract, system, system.feed(batch.dataset), batch.publication)


def published_with(hub: Hub, batch: Batch) -> Published:
    """All documents that were in force when the batch was begun, whatever has been published since."""
    now = published.current(hub.home)
    if now.number == batch.publication:
        return now
    with hub.read() as connection:
        return published.at(connection, batch.publication)


def _text(connection: Connection, kind: str, name: str, sha256: str) -> str:
    body = connection.execute(
        text("SELECT body FROM hub.document WHERE kind = :kind AND id = :id AND sha256 = :sha256 LIMIT 1"),
        {"kind": kind, "id": name, "sha256": sha256},
    ).scalar()
    if body is None:
        raise Stop(
            T(
                f"找不到批次落地时所用的文档 {kind}/{name}。",
                f"The {kind} {name} that the batch was landed under is missing.",
            ),
            remedy=T("从备份恢复数据库中的 hub.document。", "Restore hub.document from a backup."),
            code="document_missing",
        )
    return str(body)
