"""contract check|publish, system publish: documents from files into force."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import output, session
from cli.output import Json
from core.errors import NotFound
from core.text import T

if TYPE_CHECKING:
    from schemas.published import Kind

Paths = Annotated[list[Path], typer.Argument(help=str(T("YAML 文件,或其所在目录", "YAML files, or folders of them")))]


def register(app: typer.Typer) -> None:
    """Put the commands in place."""
    contract = typer.Typer(no_args_is_help=True, help=str(T("数据契约", "contracts")))
    contract.command("check", help=str(T("检查数据契约文件(不需要启动)", "check contract files (nothing need run)")))(
        check
    )
    contract.command(
        "publish",
        help=str(
            T(
                "发布数据契约、部门、证明类型或核对文件",
                "put contracts, departments, certificate types or checks into force",
            )
        ),
    )(publish_contracts)
    app.add_typer(contract, name="contract")
    system = typer.Typer(no_args_is_help=True, help=str(T("来源系统", "departmental systems")))
    system.command("publish", help=str(T("发布系统文件", "put system files into force")))(publish_systems)
    system.callback()(lambda: None)
    app.add_typer(system, name="system")


def check(paths: Paths, as_json: Json = False) -> None:
    """Compile contracts; exit status 1 when one is refused, all are looked at."""
    from core.errors import DocumentRefused
    from schemas import contract

    found = []
    refused = []
    for path in _files(paths, "*.odcs.yaml"):
        try:
            made = contract.load(path)
            found.append(
                {"file": str(path), "ok": True, "id": made.id, "version": made.version, "items": len(made.items)}
            )
        except DocumentRefused as error:
            refused.append(error)
            found.append(
                {
                    "file": str(path),
                    "ok": False,
                    "path": error.path,
                    "message": str(error.message),
                    "remedy": str(error.remedy),
                }
            )
    if as_json:
        output.document(found)
    else:
        for entry in found:
            if entry["ok"]:
                print(f"✔ {entry['file']}  {entry['id']} {entry['version']}, {T('信息项', 'items')} {entry['items']}")
        for refusal in refused:
            output.refuse(refusal)
    if refused:
        raise typer.Exit(1)


def publish_contracts(
    paths: Paths,
    rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild",
            help=str(
                T("破坏性变更:由落地文件重建该数据集的表", "a breaking change: make its tables again from the landing")
            ),
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """All or nothing; a breaking change is refused with what to do, or with --rebuild its dataset is made again: everybody
    reads the old version until the new one is whole."""
    _publish([(_kind(path), path) for path in _files(paths, "*.yaml")], as_json, rebuild=rebuild)


def publish_systems(paths: Paths, as_json: Json = False) -> None:
    """All or nothing. A running Airflow gets a pool for a new system; its DAGs appear within a minute."""
    from cli.instance import Instance
    from cli.orchestrator import API

    _publish([("system", path) for path in _files(paths, "*.yaml")], as_json)
    instance = Instance(session.settings())
    if instance.url(API):
        instance.migrate_airflow()


def _publish(wanted: list[tuple[Kind, Path]], as_json: bool, *, rebuild: bool = False) -> None:
    from catalog_registry import publication

    documents = [publication.load(kind, path) for kind, path in wanted]
    rebuilt: dict[str, int] = {}
    with session.opened() as hub:
        if rebuild:
            with output.steps(as_json)(T("重建", "Rebuild")) as line:
                number, rebuilt = publication.register_rebuilt(hub, documents, session.actor(), line.tell)
        else:
            number = publication.register(hub, documents, session.actor())
    if as_json:
        told = {"publication": number, "documents": [f"{doc.kind}/{doc.id}" for doc in documents]}
        output.document({**told, "rebuilt": rebuilt} if rebuild else told)
    elif number is None:
        print(T("与已发布的内容相同,无需发布。", "The same is in force already; nothing was published."))
    else:
        print(
            T(
                f"已发布 {len(documents)} 个文件(第 {number} 次发布)。",
                f"{len(documents)} documents are in force (publication {number}).",
            )
        )
        for dataset, batches in rebuilt.items():
            print(
                T(
                    f"{dataset}:已由 {batches:,} 个批次重建。",
                    f"{dataset}: made again from {batches:,} batches.",
                )
            )


def _files(paths: list[Path], pattern: str) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.rglob(pattern)) if path.is_dir() else [path]
        if not inside or not inside[0].exists():
            raise NotFound(
                T(f"没有文件 {path}。", f"There is no file {path}."),
                remedy=T(f"给出 YAML 文件,或含有 {pattern} 的目录。", f"Name a YAML file, or a folder with {pattern}."),
            )
        found += inside
    return found


def _kind(path: Path) -> Kind:
    """What a file holds, by the key that only that kind has."""
    from schemas.document import read

    tree = read(path).tree
    if "credit_code" in tree:
        return "department"
    kinds: tuple[Kind, ...] = ("certificate", "library", "system", "listing", "check")
    return next((kind for kind in kinds if kind in tree), "contract")
