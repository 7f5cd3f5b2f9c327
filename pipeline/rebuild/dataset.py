"""A dataset made again under another version of its contract: what a change of key or type needs, which the tables in force
cannot hold.

Every accepted batch of its feeds goes the same journey again in the second place, by the new documents, in the order in which
it became known. So history is there again too, in the new form, at the times it was known. The tables are then put in the
place of the old ones in the transaction that publishes the documents: until it commits everybody reads the old version, and
killed before, nothing has happened. Feeds of other datasets run on; those of this one wait for the end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, text

from connectors import system as systems
from core import events
from core.actor import Actor
from core.errors import Stop
from core.hub import Hub
from core.text import T
from libraries import known_as, mentions
from pipeline import journey
from pipeline.rebuild import inputs, scratch, tables
from pipeline.rebuild import swap as swapping
from pipeline.rebuild.compare import compare
from pipeline.rebuild.inputs import pour, sql_name
from pipeline.rebuild.replay import Replay
from schemas import published
from schemas.contract import Contract
from schemas.derive import sql
from schemas.published import Document, Published

Tell = Callable[[str], None]
SCHEMA = "rebuilt"
PATIENCE = "10min"
_NEVER = 2**63 - 1  # documents of the live place are not followed: all are there from the beginning


@dataclass
class Anew:
    """Datasets made again in a second place; `replay` is how far it has come."""

    hub: Hub
    second: Hub
    future: Published
    datasets: Sequence[str]
    actor: Actor
    replay: Replay

    @property
    def batches(self) -> dict[str, int]:
        """How many batches each dataset was made of."""
        with self.second.read() as connection:
            return {
                dataset: connection.execute(
                    text(f"SELECT count(*) FROM hub.batch WHERE dataset = :dataset AND state IN {inputs.ACCEPTED}"),
                    {"dataset": dataset},
                ).scalar_one()
                for dataset in self.datasets
            }

    def catch_up(self) -> None:
        """Bring in the batches that were accepted and are not here yet. Raises Stop for one that would not come in."""
        self.replay.catch_up(self.hub.read)
        for batch, code in self.replay.failed.items():
            raise Stop(
                T(
                    f"批次 {batch} 按新版本无法入库({code})。",
                    f"Batch {batch} does not come in by the new version ({code}).",
                ),
                remedy=T(
                    "现有数据与版本未变。修改契约或系统文件后再试。",
                    "Data and version in force are as they were. Change the contract or the system document, and try again.",
                ),
                code="rebuild_failed",
            )

    def bring(self) -> None:
        """Carry the tables over into a schema beside the live ones, where nobody reads yet."""
        with self.hub.read() as live, self.second.begin() as made:
            inputs.cut(live, made)
        with self.hub.begin() as live, self.second.read() as made:
            live.exec_driver_sql(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
            live.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
            for dataset in self.datasets:
                statements = sql.create(self.future.contracts[dataset], SCHEMA)
                for statement in statements[:2]:
                    live.exec_driver_sql(statement)
                for name in (dataset, f"{dataset}_history"):
                    columns = inputs.columns(made, sql.SCHEMA, name)
                    query = f"SELECT {', '.join(map(sql_name, columns))} FROM {sql.SCHEMA}.{sql_name(name)}"
                    pour(inputs.raw(made), query, inputs.raw(live), f"{SCHEMA}.{sql_name(name)}", columns)
                for statement in statements[2:]:
                    live.exec_driver_sql(statement)
                live.exec_driver_sql(f"ANALYZE {sql.current(dataset, SCHEMA)}")

    def put(self, live: Connection, publication: int, contract: Contract) -> None:
        """In the transaction of the publication: the new tables in place of the old, who is named in them, what waits of them,
        and by which version its batches are read."""
        dataset = contract.id
        with self.second.read() as made:
            self._named(live, made, dataset)
            found = [
                (table, compare(inputs.raw(live), inputs.raw(made), table))
                for table in tables.of_batches(made, dataset)
            ]
            differing = [one for one in found if not one[1].same]
            if any(compared.shape for _, compared in differing):
                raise Stop(
                    T("两处的表结构不同。", "The tables of the two places differ in form."), code="rebuild_failed"
                )
            swapping.swap(inputs.raw(live), inputs.raw(made), differing)
            evidence = made.execute(
                text(f"SELECT id, evidence FROM hub.batch WHERE dataset = :dataset AND state IN {inputs.ACCEPTED}"),
                {"dataset": dataset},
            ).all()
        for id, said in evidence:
            live.execute(
                text(
                    "UPDATE hub.batch SET evidence = CAST(:said AS jsonb) || jsonb_build_object('rebuilt_from', "
                    "jsonb_build_object('version', contract_version, 'evidence', evidence - 'rebuilt_from')) WHERE id = :id"
                ),
                {"id": id, "said": json.dumps(said, ensure_ascii=False)},
            )
        _read_by(live, self.future, [dataset], publication)
        body = {"version": contract.version, "batches": len(evidence), "publication": publication}
        events.record(live, "dataset.rebuilt", dataset, body, self.actor)
        sql.replace(live, contract, SCHEMA)  # last: from here on readers wait for the commit

    def _named(self, live: Connection, made: Connection, dataset: str) -> None:
        for table in ("mention", "known_as"):
            names = [name for name in inputs.columns(made, "libraries", table) if name not in ("entity_id", "pending")]
            listed = ", ".join(map(sql_name, names))
            live.exec_driver_sql(
                f"CREATE TEMP TABLE rebuilt_{table} ON COMMIT DROP AS SELECT {listed} FROM libraries.{table} WHERE false"
            )
            query = f"SELECT {listed} FROM libraries.{table} WHERE dataset = '{dataset}'"
            pour(inputs.raw(made), query, inputs.raw(live), f"rebuilt_{table}", names)
        named = "SELECT DISTINCT system FROM libraries.mention WHERE dataset = :dataset"
        of = {"dataset": dataset}
        for system in live.scalars(text(f"{named} UNION SELECT system FROM rebuilt_mention"), of).all():
            with _tables(
                live,
                stated=f"SELECT * FROM rebuilt_mention WHERE system = {sql.literal(system)}",
                touched="SELECT DISTINCT key FROM libraries.mention "
                f"WHERE dataset = {sql.literal(dataset)} AND system = {sql.literal(system)}",
            ):
                mentions.merge(live, dataset, system, "stated", "touched")
        known = f"SELECT DISTINCT key FROM libraries.known_as WHERE dataset = {sql.literal(dataset)}"
        with _tables(live, touched=known):
            known_as.merge(live, dataset, "rebuilt_known_as", "touched")
        live.exec_driver_sql("DROP TABLE rebuilt_mention, rebuilt_known_as")


@contextmanager
def _tables(live: Connection, **queries: str) -> Iterator[None]:
    """Temporary tables by name, made of queries."""
    for name, query in queries.items():
        live.execute(text(f"CREATE TEMP TABLE {name} AS {query}"))
    yield
    live.exec_driver_sql(f"DROP TABLE {', '.join(queries)}")


@contextmanager
def made(hub: Hub, documents: Sequence[Document], datasets: Sequence[str], actor: Actor, tell: Tell) -> Iterator[Anew]:
    """Datasets made again by documents that are not in force yet; inside the block their feeds are held, and `put` may be
    called. Raises Stop when landed files that are needed are gone, or a batch would not come in; Retry while another rebuild
    runs."""
    with hub.read() as live:
        _require_landed(live, datasets)
        now = published.in_force(live)
        feeds = live.scalars(
            text("SELECT DISTINCT feed FROM hub.batch WHERE dataset = ANY(:datasets) ORDER BY feed"),
            {"datasets": list(datasets)},
        ).all()
    future = Published(1, {**now.raw, **{(doc.kind, doc.id): doc for doc in documents}})
    with scratch.opened(hub) as second:
        with second.begin() as connection:
            connection.exec_driver_sql("INSERT INTO hub.publication (actor) VALUES ('{}')")
            published.repeat(connection, 1, [(future.raw[key], False) for key in sorted(future.raw, key=_order)])
        with second.read() as connection:
            published.write_snapshot(connection, second.home)
        replay = Replay(
            second, actor, tell, published=_NEVER, datasets=frozenset(datasets),
            adapted=lambda connection: _read_by(connection, future, datasets, 1),
        )  # fmt: skip
        anew = Anew(hub, second, future, datasets, actor, replay)
        anew.catch_up()
        with journey.alone(hub, *feeds, wait=PATIENCE):
            anew.catch_up()
            anew.bring()
            try:
                yield anew
            finally:
                with hub.begin() as live:
                    live.exec_driver_sql(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")


def _read_by(connection: Connection, future: Published, datasets: Sequence[str], publication: int) -> None:
    """Say of the batches of datasets that they are read by the documents of a publication. Those of a system that does not
    bring the dataset any more keep its document."""
    for dataset in datasets:
        contract = future.contracts[dataset]
        connection.execute(
            text(
                "UPDATE hub.batch SET contract_version = :version, contract_sha = :sha, publication = :publication, "
                # what a checkpoint holds of them is of the version before
                "in_checkpoint = false WHERE dataset = :dataset AND state <> 'dropped'"
            ),
            {"version": contract.version, "sha": contract.sha256, "publication": publication, "dataset": dataset},
        )
        for system, sha in _systems(future, dataset).items():
            connection.execute(
                text(
                    "UPDATE hub.batch SET system_sha = :sha WHERE dataset = :dataset AND system = :system AND state <> 'dropped'"
                ),
                {"sha": sha, "dataset": dataset, "system": system},
            )


def _systems(future: Published, dataset: str) -> Mapping[str, str]:
    good, _ = systems.systems(future.texts("system"))
    return {id: one.sha256 for id, one in good.items() if any(feed.dataset == dataset for feed in one.feeds)}


def _require_landed(live: Connection, datasets: Sequence[str]) -> None:
    gone = live.execute(
        text(
            f"SELECT count(*) FROM hub.batch WHERE dataset = ANY(:datasets) AND state IN {inputs.ACCEPTED} "
            "AND files_removed_at IS NOT NULL"
        ),
        {"datasets": list(datasets)},
    ).scalar_one()
    if gone:
        raise Stop(
            T(
                f"{gone:,} 个批次的落地文件已按保留期清除,无法由其重建。",
                f"The landed files of {gone:,} batches were removed by retention: the dataset cannot be made again from them.",
            ),
            remedy=T("以新的数据集标识登记新版本。", "Register the new version under a new dataset id."),
            code="landing_removed",
        )


def _order(key: tuple[str, str]) -> tuple[int, str]:
    kinds: Sequence[str] = published.KINDS
    return kinds.index(key[0]), key[1]
