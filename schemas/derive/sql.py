"""A contract as PostgreSQL tables: `records.<dataset>` (current) and `records.<dataset>_history`.

Columns other than the key are nullable and text is unbounded: whether a value is right is judged, never constrained.
DDL runs when a contract is published, never while a batch merges.
"""

from __future__ import annotations

import zlib

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from core.errors import Retry, Stop
from core.text import T
from schemas.compare import breaking
from schemas.contract import Contract

SCHEMA = "records"
# Bookkeeping before and after the contract's items. `_key` is the 16-byte xxh3_128 of system and key items.
LEADING = (("_key", "bytea"), ("_system", "text"))
TRAILING = (("_row_hash", "bigint"), ("_batch", "uuid"), ("_row_no", "bigint"), ("_known_from", "timestamptz"))
ENDING = (("_known_to", "timestamptz"), ("_ended", "text"), ("_ended_by", "uuid"))
# A changed row finds room on its own page, so its indexes stay as they are: half the work of a reload with changes (ADR 24)
ROOM = "WITH (fillfactor = 90)"
FILTERS = "WITH (pages_per_range = 64, autosummarize = on)"
LOCK_TIMEOUT = "5s"  # a merge holds its table for seconds; publication is repeated rather than queued behind it
_LOCK = zlib.crc32(b"hutong records ddl")


def quote(name: str) -> str:
    """A PostgreSQL identifier. Raises ValueError for one the server would cut at 63 bytes."""
    if len(name.encode()) > 63 or "\x00" in name:
        raise ValueError(f"not a PostgreSQL identifier: {name}")
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A text as it may stand in a statement given to SQLAlchemy's `text`, which takes a colon for a parameter's."""
    return "'" + value.replace("'", "''").replace(":", "\\:") + "'"


def current(dataset: str, schema: str = SCHEMA) -> str:
    """The quoted, qualified name of the current table."""
    return f"{schema}.{quote(dataset)}"


def history(dataset: str, schema: str = SCHEMA) -> str:
    """The quoted, qualified name of the history table."""
    return f"{schema}.{quote(dataset + '_history')}"


def columns(contract: Contract) -> list[tuple[str, str]]:
    """Name and SQL type of every column of the current table, in order."""
    return [*LEADING, *((item.name, item.type.sql) for item in contract.items), *TRAILING]


def create(contract: Contract, schema: str = SCHEMA) -> list[str]:
    """The statements for a dataset seen for the first time. Safe to repeat."""
    now = [f"{quote(name)} {kind}" + (" PRIMARY KEY" if name == "_key" else "") for name, kind in columns(contract)]
    then = [f"{quote(name)} {kind}" for name, kind in [*columns(contract), *ENDING]]
    return [
        f"CREATE TABLE IF NOT EXISTS {current(contract.id, schema)} (\n  " + ",\n  ".join(now) + f"\n) {ROOM}",
        f"CREATE TABLE IF NOT EXISTS {history(contract.id, schema)} (\n  " + ",\n  ".join(then) + "\n)",
        f"CREATE INDEX IF NOT EXISTS {quote(contract.id + '_history_key')} ON {history(contract.id, schema)} (_key)",
        *indexes(contract, schema),
    ]


def indexed(contract: Contract) -> list[str]:
    """Items looked up by value: every subject's number and every end of a relationship, in the contract's order."""
    wanted = {item for subject in contract.subjects for item in (subject.id, subject.otherwise)}
    wanted |= {link.item for link in contract.relationships}
    wanted |= {contribution.succession for contribution in contract.contributes}
    return [item.name for item in contract.items if item.name in wanted]


def indexes(contract: Contract, schema: str = SCHEMA) -> list[str]:
    """The statements for the indexes of items looked up by value. Safe to repeat.

    History tables have a Bloom filter for every 64 pages, made when they are full: a lookup reads some 2 % of the table, and
    a merge pays nothing. A B-tree by number doubles what 100,000 former rows cost it (ADR 17).
    """
    statements = []
    for name in indexed(contract):
        column = quote(name)
        statements.append(
            f"CREATE INDEX IF NOT EXISTS {quote(_index(contract.id, name))} ON {current(contract.id, schema)} ({column})"
        )
        if contract.item(name).type.sql == "text":
            statements.append(
                f"CREATE INDEX IF NOT EXISTS {quote(_index(f'{contract.id}_history', name))} "
                f"ON {history(contract.id, schema)} USING brin ({column} text_bloom_ops) {FILTERS}"
            )
    return statements


def index(conn: Connection, dataset: str, item: str) -> None:
    """Index one item of a current table, if that table and column are there: the far end of another's relationship."""
    there = conn.execute(
        text("SELECT 1 FROM information_schema.columns WHERE (table_schema, table_name, column_name) = (:s, :t, :c)"),
        {"s": SCHEMA, "t": dataset, "c": item},
    ).first()
    if there:
        name = quote(_index(dataset, item))
        conn.exec_driver_sql(f"CREATE INDEX IF NOT EXISTS {name} ON {current(dataset)} ({quote(item)})")


def _index(dataset: str, item: str) -> str:
    name = (
        f"{dataset}.{item}"  # a dot: `a_b` + `c` and `a` + `b_c` must not share a name, the second would get no index
    )
    # Two names of 40 characters exceed PostgreSQL's 63 bytes, which it would cut without a word, possibly into a clash.
    return name if len(name) <= 63 else f"{name[:50]}_{zlib.crc32(name.encode()):08x}"


def alter(old: Contract, new: Contract) -> list[str]:
    """The statements from one version to the next. Raises Stop when the change is breaking."""
    if changes := breaking(old, new):
        listed = T("、".join(c.message.zh for c in changes), "; ".join(c.message.en for c in changes))
        raise Stop(
            T(
                f"{new.id} {old.version} → {new.version} 是破坏性变更：{listed.zh}。",
                f"{new.id} {old.version} → {new.version} is a breaking change: {listed.en}.",
            ),
            remedy=changes[0].remedy,
            code="breaking_change",
        )
    known = {item.name for item in old.items}
    added = [item for item in new.items if item.name not in known]
    return [
        *(
            f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {quote(item.name)} {item.type.sql}"
            for item in added
            for table in (current(new.id), history(new.id))
        ),
        *indexes(new),
    ]


def lock(conn: Connection) -> None:
    """Wait until no other publication runs; held until the caller's transaction ends."""
    conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def apply(conn: Connection, old: Contract | None, new: Contract) -> None:
    """Bring the tables to the new version inside the caller's transaction. Raises Stop for a breaking change.

    One installation-wide advisory lock serialises publications; `lock_timeout` keeps a publication from queueing behind
    a running merge and, with it, every reader.
    """
    _execute(conn, new.id, create(new) if old is None else [*create(old), *alter(old, new)])


def apply_to_empty(conn: Connection, old: Contract | None, new: Contract) -> None:
    """The same where a breaking version finds tables without a row: they are made anew."""
    if old is None or not breaking(old, new):
        apply(conn, old, new)
        return
    tables = (current(new.id), history(new.id))
    rows = " UNION ALL ".join(f"SELECT 1 FROM {table}" for table in tables)
    if conn.execute(text(f"SELECT EXISTS ({rows})")).scalar_one():
        alter(old, new)  # refuses it
    _execute(conn, new.id, [*(f"DROP TABLE {table}" for table in tables), *create(new)])


def replace(conn: Connection, contract: Contract, schema: str) -> None:
    """Put the tables of a dataset that were made in another schema in the place of those in force, inside the caller's
    transaction: readers see the old ones until it commits."""
    statements = []
    for name in (current, history):
        statements += [
            f"DROP TABLE IF EXISTS {name(contract.id)}",
            *moved_in(name(contract.id, schema), name(contract.id)),
        ]
    _execute(conn, contract.id, statements)


def moved_in(table: str, place: str) -> list[str]:
    """The statements that bring a table of another schema to its place among the records, under the name it has."""
    # what is made in the schema of records is granted by default; what moves there is not
    return [f"ALTER TABLE {table} SET SCHEMA {SCHEMA}", f"GRANT SELECT ON {place} TO hutong_answer"]


def _execute(conn: Connection, dataset: str, statements: list[str]) -> None:
    lock(conn)
    conn.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
    try:
        for statement in statements:
            conn.exec_driver_sql(statement)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != "55P03":  # lock_not_available
            raise
        raise Retry(
            T(
                f"{dataset} 正在入库,暂不能发布。",
                f"A batch of {dataset} is being merged; it cannot be published just now.",
            ),
            remedy=T("稍后再发布。", "Publish again in a moment."),
            code="dataset_busy",
        ) from error


def totals(contract: Contract, table: str) -> str:
    """One SELECT giving the totals that the contract's table rules speak of, over a quoted table name; the columns are
    `rows`, and each rule's id."""
    parts = ['count(*) AS "rows"']
    for rule in contract.table_rules:
        listed = ", ".join(quote(item) for item in rule.items)
        if rule.metric == "nullValues":
            parts.append(f"count(*) - count({listed}) AS {quote(rule.id)}")
        elif rule.metric == "duplicateValues":
            # NULL is no value: rows lacking any part are neither distinct nor duplicate.
            whole = " AND ".join(f"{quote(item)} IS NOT NULL" for item in rule.items)
            parts.append(
                f"count(*) FILTER (WHERE {whole}) - count(DISTINCT ({listed})) FILTER (WHERE {whole}) AS {quote(rule.id)}"
            )
    return f"SELECT {', '.join(parts)} FROM {table} WHERE _system = :system"
