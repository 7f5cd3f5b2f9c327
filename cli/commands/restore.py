"""restore: a backup into an empty installation, and the proof that it is the same."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import output, session
from cli.commands.backup import Name, PassphraseFile
from cli.interrupt import interruptible
from cli.output import Column, Json
from core.errors import Invalid, NotReady
from core.text import T

if TYPE_CHECKING:
    from cli.instance import Instance
    from core.backup.keyfile import Keyring
    from core.backup.manifest import Manifest
    from core.backup.restore import Compared


def register(app: typer.Typer) -> None:
    """Put the command in place."""
    app.command(
        help=str(
            T("把备份恢复到空的实例,并逐表比对", "restore a backup into an empty installation, and compare every table")
        )
    )(restore)


def restore(
    folder: Path,
    name: Name = None,
    keys: Annotated[
        Path | None,
        typer.Option(help=str(T("hutong backup --keys 写成的文件", "the file that `hutong backup --keys` wrote"))),
    ] = None,
    passphrase_file: PassphraseFile = None,
    new_keys: Annotated[
        bool,
        typer.Option("--new-keys", help=str(T("原密钥已失:另建新密钥", "the keys are lost: make new ones"))),
    ] = False,
    as_json: Json = False,
) -> None:
    """Into an empty place only. Afterwards `hutong up` starts it."""
    from cli.instance import Instance
    from core.backup import keyfile, manifest

    instance = Instance(session.settings())
    found = manifest.read(folder, name)
    if (keys is None) == (not new_keys):
        raise Invalid(
            T("恢复需要密钥。", "Restoring needs the keys."),
            remedy=T(
                "加 --keys 文件;若密钥已失,改用 --new-keys(系统连接信息须重设,旧回执不再可核验)。",
                "Give --keys FILE; if they are lost, --new-keys (systems' secrets must be set again, old receipts no longer verify).",
            ),
        )
    keyring = keyfile.read(keys, session.passphrase(passphrase_file)) if keys is not None else None
    with instance.processes.lock(), interruptible():
        compared = _restore(instance, folder, found, keyring, as_json)
    rows = [
        {"table": one.table, "backup": one.backup and one.backup.rows, "restored": one.restored and one.restored.rows, "same": one.same,
         "hash": one.restored and one.restored.hash}
        for one in compared
    ]  # fmt: skip
    if as_json:
        output.document({"backup": found.name, "compared": rows})
        return
    output.table(rows, _COMPARED)
    print(T("已恢复;运行 hutong up 启动。", "Restored; `hutong up` starts it."))


def _restore(
    instance: Instance, folder: Path, manifest: Manifest, keyring: Keyring | None, as_json: bool
) -> list[Compared]:
    from core import hub as hubs
    from core.backup.restore import restore as work
    from core.hub import Hub
    from schemas import published

    if running := sorted(instance.processes.running()):
        raise NotReady(
            T(f"实例正在运行:{'、'.join(running)}。", f"The installation runs: {', '.join(running)}."),
            remedy=T(
                "恢复到另一个 HUTONG_HOME;或先运行 hutong down。",
                "Restore into another HUTONG_HOME; or `hutong down` first.",
            ),
            code="running",
        )
    started = instance.server is not None and instance.server.pid() is None
    try:
        if instance.server is not None:
            server = instance.server.start()
            instance.server.create(hubs.DATABASE, "hutong", server.password)
        with closing(Hub(instance.settings, hubs.database_url(instance.settings))) as hub:
            with output.steps(as_json)(T("恢复", "Restore")) as line:
                compared = work(hub, folder, manifest, keyring, session.actor(), line.tell)
                line.detail = manifest.name
            with hub.read() as connection, output.steps(as_json)(T("发布集快照", "Published snapshot")) as line:
                line.detail = published.write_snapshot(connection, hub.home).name
        return compared
    finally:
        if started and instance.server is not None:
            instance.server.stop()


_COMPARED = [
    Column("table", T("表", "table")),
    Column("backup", T("备份行数", "rows in the backup"), right=True),
    Column("restored", T("恢复行数", "rows restored"), right=True),
    Column("same", T("逐行相同", "the same rows")),
]
