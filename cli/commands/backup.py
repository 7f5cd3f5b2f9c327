"""backup, backup list|verify: an installation as files, taken while everything runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from cli import output, session
from cli.interrupt import interruptible
from cli.output import Column, Json
from core.errors import Invalid
from core.text import T

if TYPE_CHECKING:
    from core.backup.manifest import Manifest
    from core.hub import Hub

Folder = Annotated[
    Path | None, typer.Argument(help=str(T("备份目录;空 = HOME/backup", "folder of backups; none = HOME/backup")))
]
Name = Annotated[str | None, typer.Option(help=str(T("哪一份;空 = 最新", "which one; none = the latest")))]
PassphraseFile = Annotated[
    Path | None, typer.Option(help=str(T("口令所在文件;空 = 询问", "file of the passphrase; none = asked for")))
]
_MAKE = "make"


class _OrMake(TyperGroup):
    """`hutong backup FOLDER` is `hutong backup make FOLDER`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or args[0] not in {*self.commands, *ctx.help_option_names}:
            args = [_MAKE, *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    """Put the commands in place."""
    backup = typer.Typer(
        cls=_OrMake,
        help=str(
            T(
                "备份数据库与落地区到目录(运行中即可);--keys 另存密钥",
                "back up database and landing to a folder while everything runs; --keys writes the keys elsewhere",
            )
        ),
    )
    backup.command(_MAKE, help=str(T("备份(可省略 make)", "back up (`make` may be left out)")))(make)
    backup.command("list", help=str(T("目录中的备份", "the backups of a folder")))(listed)
    backup.command("verify", help=str(T("核对每个文件的校验和,不恢复", "check every file's hash, restoring nothing")))(
        verify
    )
    app.add_typer(backup, name="backup")


def make(
    folder: Folder = None,
    keys: Annotated[
        Path | None,
        typer.Option(
            help=str(
                T("把密钥加密写入此文件,须在备份目录之外", "write the keys, encrypted, to this file outside FOLDER")
            )
        ),
    ] = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """A consistent snapshot; landed files that the folder has already are not copied again."""
    from core.backup import keyfile
    from core.backup.take import take

    with _of_any_release() as hub:
        target = _folder(folder, hub.home)
        if keys is not None:
            _apart(keys, target, hub)
        passphrase = session.passphrase(passphrase_file, new=True) if keys is not None else ""
        if keys is not None:
            keyfile.judge(passphrase)
        with interruptible(), output.steps(as_json)(T("备份", "Backup")) as line:
            manifest = take(hub, target, line.tell)
            line.detail = f"{target / manifest.name}"
        written = keyfile.write(keys, hub.keys.files, passphrase) if keys is not None else []
    found = {**_row(manifest), "folder": str(target), "keys": str(keys) if keys else None, "kids": written}
    if as_json:
        output.document(found)
        return
    output.table([found], _BACKUP)
    if keys is None:
        print(
            T(
                "密钥不在其中;没有密钥,系统连接信息不可解密、旧回执不可核验。加 --keys 文件 另存到别处。",
                "The keys are not in it; without them no system's secret can be read and no old receipt verified. "
                "Add --keys FILE, somewhere else.",
            )
        )


def listed(folder: Folder = None, as_json: Json = False) -> None:
    """Whole backups only, oldest first."""
    from core.backup import manifest

    target = _folder(folder, session.settings().home)
    rows = [_row(manifest.read(target, name)) for name in manifest.names(target)]
    output.table(rows, _BACKUP, as_json=as_json, empty=T(f"{target} 中没有备份。", f"There is no backup in {target}."))


def verify(folder: Folder = None, name: Name = None, as_json: Json = False) -> None:
    """Exit status 1 when a file is missing or has changed."""
    from core.backup import manifest
    from core.backup.take import verify as check

    target = _folder(folder, session.settings().home)
    found = manifest.read(target, name)
    with output.steps(as_json)(T("核对", "Verify")) as line:
        wrong = check(target, found.name, line.tell)
        line.detail = f"{found.name} · {len(found.files)}"
    if as_json:
        output.document({"backup": found.name, "files": len(found.files), "wrong": [str(one) for one in wrong]})
    for one in wrong:
        output.complain(one)
    if wrong:
        raise typer.Exit(1)
    if not as_json:
        print(
            T(
                f"备份 {found.name} 完好:{len(found.files):,} 个文件。",
                f"Backup {found.name} is whole: {len(found.files):,} files.",
            )
        )


@contextmanager
def _of_any_release() -> Iterator[Hub]:
    """The hub even where migrations wait: that is when a backup is wanted most. NotReady for a newer release's."""
    from core import database
    from core import hub as hubs
    from core.hub import Hub

    settings = session.settings()
    with closing(Hub(settings, hubs.database_url(settings))) as hub, database.answering():
        if database.pending(hub.engine) == database.revisions():
            database.require_current(hub.engine)  # nothing is set up: says so
        yield hub


def _folder(folder: Path | None, home: Path) -> Path:
    return (folder or home / "backup").absolute()


def _apart(keys: Path, folder: Path, hub: Hub) -> None:
    """Keys do not lie where the data lies: who takes the one would have the other."""
    for kept in (folder, hub.home):
        if keys.resolve().is_relative_to(kept.resolve()):
            raise Invalid(
                T(f"密钥文件不能放在 {kept} 之内。", f"The file of keys must not lie inside {kept}."),
                remedy=T(
                    "写到另一处(另一块盘、另一台机器或保险柜)。",
                    "Write it elsewhere: another disk, another machine, a safe.",
                ),
            )


def _row(manifest: Manifest) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "taken_at": manifest.taken_at,
        "hutong": manifest.hutong,
        "revision": manifest.revision,
        "batches": sum(manifest.batches.values()),
        "rows": sum(count.rows for count in manifest.census.values()),
        "files": len(manifest.files),
        "bytes": sum(file.bytes for file in manifest.files),
    }


_BACKUP = [
    Column("name", T("备份", "backup")),
    Column("taken_at", T("时间", "taken at")),
    Column("hutong", T("版本", "release")),
    Column("batches", T("批次", "batches"), right=True),
    Column("rows", T("行数", "rows"), right=True),
    Column("files", T("文件", "files"), right=True),
    Column("bytes", T("字节", "bytes"), right=True),
]
