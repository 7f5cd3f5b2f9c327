"""The hub's PostgreSQL: reach it, refuse what is too old, bring its tables up to date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql
from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, OperationalError, ProgrammingError

from core.errors import DatabaseUnavailable, NotReady
from core.settings import without_password
from core.text import T

if TYPE_CHECKING:
    from alembic.config import Config  # late where it is used: every command opens the hub, few migrate it

#: the product's schemas; what else a server holds is not ours
SCHEMAS = ("hub", "records", "libraries", "staging")
#: what running batches keep there is made again from the landing
TRANSIENT = "staging"
_VERSION = "hutong_version"
_MIGRATIONS = Path(str(resources.files("core") / "migrations"))
#: MERGE … RETURNING old.*, new.* came with this version
MINIMUM = 180000


def connect(url: str) -> Engine:
    """An engine on a server new enough; NotReady with the remedy otherwise, DatabaseUnavailable while none answers."""
    shown = without_password(url)
    try:
        parsed = make_url(url).set(drivername="postgresql+psycopg")
        if not make_url(url).drivername.startswith("postgresql"):
            raise ArgumentError(url)
        engine = create_engine(
            parsed,
            pool_size=8,
            max_overflow=16,
            pool_pre_ping=True,
            hide_parameters=True,  # a driver's error must not carry a person's number
            connect_args={"connect_timeout": 5, "application_name": "hutong", "options": "-c timezone=UTC"},
        )
        with engine.connect() as connection:
            version = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one())
    except ArgumentError as error:
        raise NotReady(
            T(
                "数据库地址(HUTONG_DATABASE_URL)的写法不正确。",
                "The database URL (HUTONG_DATABASE_URL) is not of the right form.",
            ),
            remedy=T(
                "应为 postgresql://用户:密码@主机:5432/库名。",
                "It should be postgresql://user:password@host:5432/database.",
            ),
            code="database_url",
        ) from error
    except (OperationalError, ValueError) as error:
        raise DatabaseUnavailable(
            T(f"无法连接数据库 {shown}。", f"The database {shown} cannot be reached."),
            remedy=T(
                "检查主机、端口、用户与密码,以及服务器是否在运行;或清空 HUTONG_DATABASE_URL 使用内置数据库。",
                "Check host, port, user and password, and that the server runs; or unset HUTONG_DATABASE_URL for the embedded one.",
            ),
            code="database_down",
        ) from error
    if version < MINIMUM:
        raise NotReady(
            T(f"数据库 {shown} 的版本是 PostgreSQL {version // 10000},至少需要 18。",
              f"The database {shown} is PostgreSQL {version // 10000}; 18 or newer is required."),
            remedy=T("升级服务器,或清空 HUTONG_DATABASE_URL 使用内置的 PostgreSQL 18。",
                     "Upgrade the server, or unset HUTONG_DATABASE_URL for the embedded PostgreSQL 18."),
            code="database_old",
        )  # fmt: skip
    return engine


def libpq(url: str | URL) -> str:
    """The form of a database's URL that psycopg, ADBC and PostgreSQL's own programs read, password included."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


#: SQLSTATE classes that another try may get past: connection, rollback (deadlock), resources, lock, operator
_PASSING = ("08", "40", "53", "55", "57")


def is_away(error: BaseException) -> bool:
    """Whether the database, not what it was asked, is in the way. A limit of the program (54) would stop every later try."""
    if isinstance(error, OperationalError) and error.connection_invalidated:
        return True
    if isinstance(error, OperationalError | psycopg.OperationalError):
        state = getattr(getattr(error, "orig", error), "sqlstate", None)
        return state is None or state.startswith(_PASSING)
    if type(error).__module__.startswith(
        "adbc_driver_manager"
    ):  # a source's is one of ours before it leaves its connector
        state = getattr(error, "sqlstate", None)
        return not state or state.startswith(_PASSING)
    return False


@contextmanager
def answering() -> Iterator[None]:
    """Says DatabaseUnavailable of a database that went away in the block."""
    try:
        yield
    except Exception as error:
        if not is_away(error):
            raise
        raise DatabaseUnavailable(
            T("数据库连接中断或正忙。", "The database connection broke, or it is busy."),
            remedy=T("稍后重试。", "Try again later."),
            code="database_down",
        ) from error


def migrate(engine: Engine) -> None:
    """Bring the product's own tables up to date (datasets' tables follow contracts, not migrations)."""
    from alembic import command

    pending(engine)
    config = _config()
    with engine.begin() as connection:
        # two processes starting at once: the second waits, then finds nothing to do
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('hutong.migrate'))")
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except ProgrammingError as error:
            raise without_rights() from error


def without_rights() -> NotReady:
    """The refusal for a database user that may not do what setting up needs."""
    return NotReady(
        T("数据库用户无权建表或建角色。", "The database user may not create schemas or roles."),
        remedy=T("授予该用户本库的所有权与 CREATEROLE 权限。", "Make it owner of the database, with CREATEROLE."),
        code="database_rights",
    )


def create(administrator: str, database: str, owner: str, password: str) -> str:
    """Make a database and the role that owns it, when they do not exist, on the server that an administrator's URL leads
    to. Returns the owner's URL."""
    url = make_url(administrator)
    with psycopg.connect(libpq(url), autocommit=True) as server:
        if not server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [owner]).fetchone():
            server.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(owner), sql.Literal(password))
            )
        if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
            server.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(owner))
            )
    made = url.set(drivername="postgresql+psycopg", username=owner, password=password, database=database)
    return made.render_as_string(hide_password=False)


def revision(engine: Engine) -> str | None:
    """The migration that the tables are at; None when there are none."""
    with engine.connect() as connection:
        if connection.exec_driver_sql(f"SELECT to_regclass('{_VERSION}')").scalar_one() is None:
            return None
        at: str | None = connection.exec_driver_sql(f"SELECT version_num FROM {_VERSION}").scalar_one_or_none()
        return at


def pending(engine: Engine) -> list[str]:
    """The migrations that `migrate` would apply, oldest first. NotReady when the tables are a newer program's."""
    at = revision(engine)
    known = revisions()
    if at is not None and at not in known:
        raise NotReady(
            T(f"数据库属于更新的版本(迁移 {at}),本程序只认识到 {known[-1]}。",
              f"The database is of a newer release (migration {at}); this program knows up to {known[-1]}."),
            remedy=T("安装当时的版本或更新的版本;数据库不支持降级。",
                     "Install the release that set it up, or a newer one; a database is not taken back to an older release."),
            code="database_newer",
        )  # fmt: skip
    return known[known.index(at) + 1 :] if at else known


def revisions() -> list[str]:
    """Every migration of this program, oldest first: what its file's name begins with."""
    return sorted(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("*_*.py"))


def require_current(engine: Engine) -> None:
    """NotReady when the tables are not those of this version of the program, saying which way."""
    left = pending(engine)
    if left == revisions():
        raise NotReady(
            T("数据库尚未初始化。", "The database is not set up."),
            remedy=T("运行 hutong up。", "Run `hutong up`."),
            code="not_migrated",
        )
    if left:
        raise NotReady(
            T(f"数据库有 {len(left)} 项升级待执行({'、'.join(left)})。",
              f"The database waits for {len(left)} migrations ({', '.join(left)})."),
            remedy=T("先备份(hutong backup),再运行 hutong migrate 或 hutong up。",
                     "Back it up (`hutong backup`), then run `hutong migrate` or `hutong up`."),
            code="not_migrated",
        )  # fmt: skip


def stamp(engine: Engine, at: str) -> None:
    """Say that the tables are those of a migration: they were restored so."""
    from alembic import command

    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.stamp(config, at)


def prepare(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """What a dump of the schemas needs and does not hold, for it belongs to the server and its user: the role that answers
    (docs/adr/0007)."""
    connection.execute(
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hutong_answer') THEN CREATE ROLE hutong_answer NOLOGIN; "
        "END IF; EXECUTE format('GRANT hutong_answer TO %I', current_user); END $$"
    )


def grant_by_default(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Tables of datasets yet to come are readable for the role that answers, whoever owns them here."""
    connection.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA records GRANT SELECT ON TABLES TO hutong_answer")


def clear(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Drop every schema of the product, in the caller's transaction."""
    for schema in SCHEMAS:
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(_VERSION)))


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config
