"""quarantine: the rows that wait for a person, as a work list: look, correct, excuse, put aside, replay.

A row goes by its case: `BATCH/ROW`. New values come from standard input or a file, never from the command line, where
others would see them.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from cli import output, session, waiting
from cli.output import Json
from core.errors import Conflict, HutongError, Invalid
from core.text import T

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from core.decisions import Decision
    from core.hub import Hub
    from pipeline.worklist import Filter
    from schemas.published import Published

Case = Annotated[str, typer.Argument(metavar="BATCH/ROW")]
Cases = Annotated[list[str] | None, typer.Argument(metavar="[BATCH/ROW]...")]
Reason = Annotated[str, typer.Option(help=str(T("理由,记入决定", "why; kept with the decision")))]
Dataset = Annotated[str | None, typer.Option(help=str(T("只看一个资源", "of one dataset")))]
Rule = Annotated[str | None, typer.Option(help=str(T("只看违反此规则的", "that break this rule")))]
Item = Annotated[str | None, typer.Option(help=str(T("只看此信息项", "by this item")))]
System = Annotated[str | None, typer.Option(help=str(T("只看一个系统", "of one system")))]
Expected = Annotated[
    int | None, typer.Option(min=1, help=str(T("预期行数,不符则不处理", "how many rows; refused when others")))
]
Yes = Annotated[bool, typer.Option("--yes", help=str(T("不再询问", "do not ask")))]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help=str(T("最多多少行", "how many rows at most")))]


def register(app: typer.Typer) -> None:
    """Put the commands in place."""
    room = typer.Typer(help=str(T("隔离区:待核的行", "the quarantine: rows that wait for a person")))
    room.callback(invoke_without_command=True)(overview)
    for name, command, zh, en in (
        ("list", listed, "逐行列出,值已遮蔽", "row by row, masked"),
        ("show", show, "一行的全部问题与决定", "all that is wrong with one row, and what was decided"),
        ("reveal", reveal, "查看一行的原值,查看留痕", "one row as it stands; audited"),
        ("fix", fix, "修正一行;新值自标准输入或文件", "correct a row; new values from standard input or a file"),
        ("excuse", excuse, "豁免规则,至某日", "let rows in although they break rules, until a day"),
        ("dismiss", dismiss, "忽略,不入库", "put rows aside: they are not kept"),
        ("replay", replay, "使决定生效:作为单独批次入库", "bring about what was decided, as batches of their own"),
    ):
        room.command(name, help=str(T(zh, en)))(command)
    app.add_typer(room, name="quarantine")


def overview(
    context: typer.Context, dataset: Dataset = None, system: System = None, limit: Limit = 200, as_json: Json = False
) -> None:
    """Open rows, counted by rule; with --dataset each row with its findings. Values are masked."""
    if context.invoked_subcommand is not None:
        return
    from catalog_registry import filters
    from pipeline import worklist
    from pipeline.worklist import Filter

    if dataset is not None:
        listed(dataset=dataset, system=system, limit=limit, as_json=as_json)
        return
    with session.opened() as hub, hub.read() as connection:
        filters.system(hub, connection, system)
        documents = _published(hub)
        rows = worklist.groups(connection, documents, Filter(system=system), limit=limit)
    shown = rows if as_json else [waiting.words(documents, row["dataset"], row) for row in rows]
    output.table(shown, waiting.GROUP, as_json=as_json, empty=waiting.EMPTY)


def listed(
    dataset: Dataset = None, system: System = None, rule: Rule = None, item: Item = None,
    status: Annotated[str, typer.Option(help=str(T("状态,all 为全部", "status; `all` for every one")))] = "open",
    severity: Annotated[str | None, typer.Option(help=str(T("严重程度 error warning", "severity")))] = None,
    dimension: Annotated[str | None, typer.Option(help=str(T("质量维度", "dimension of quality")))] = None,
    batch: Annotated[UUID | None, typer.Option(help=str(T("只看一个批次", "of one batch")))] = None,
    decided: Annotated[
        bool | None,
        typer.Option("--decided/--undecided", help=str(T("只看已决定、待重放的(或未决定的)", "decided on and to be replayed, or not"))),
    ] = None,
    days: Annotated[int | None, typer.Option(min=0, help=str(T("至少待了几天", "waiting for at least so many days")))] = None,
    limit: Limit = 200, as_json: Json = False,
) -> None:  # fmt: skip
    """Rows with all their findings, the oldest first. Values are masked; `reveal` shows one row's."""
    from catalog_registry import filters
    from pipeline import worklist
    from pipeline.worklist import Filter

    which = Filter(
        status=None if status == "all" else status, dataset=dataset, system=system, rule=rule, item=item,
        severity=severity, dimension=dimension, batch=batch, days=days, decided=decided,
    )  # fmt: skip
    rows: list[dict[str, Any]] = []
    with session.opened() as hub, hub.read() as connection:
        filters.waiting(hub, connection, which)
        documents = _published(hub)
        cursor: str | None = ""
        while cursor is not None and len(rows) < limit:
            page = worklist.page(connection, documents, which, limit=limit - len(rows), cursor=cursor)
            rows += page.rows
            cursor = page.next
    if as_json:
        output.document(rows)
        return
    lines = [waiting.line(documents, row, finding) for row in rows for finding in row["findings"] or [{}]]
    output.table(lines, waiting.ROW, empty=waiting.EMPTY)


def show(case: Case, as_json: Json = False) -> None:
    """Every finding of one row with its remedy, and the decisions in force. Values are masked."""
    from libraries import labels
    from pipeline import undoing, worklist

    with session.opened() as hub, hub.read() as connection:
        documents = _published(hub)
        row = worklist.one(connection, documents, *_case(case))
    if as_json:
        output.document({**row, "version": worklist.version(row)})
        return
    dataset, system = row["dataset"], row["system"]
    told = {
        "dataset": output.named(labels.resource(documents, dataset), dataset),
        "system": output.named(labels.system(documents, system), system),
    }
    output.facts({**row, **told, "case": case, "status": waiting.status(row)}, waiting.FACTS)
    print()
    output.table([waiting.line(documents, row, finding) for finding in row["findings"]], waiting.ROW[2:])
    if row["decisions"]:
        print()
        output.table([one | {"kind": undoing.KINDS[one["kind"]]} for one in row["decisions"]], waiting.DECISION)


def reveal(case: Case, reason: Annotated[str, typer.Option(help=str(T("查看事由,记入审计", "why; kept in the audit log")))],
           as_json: Json = False) -> None:  # fmt: skip
    """One row's cells by item, as the source gave them. Looking is in the audit log of everyone the row names."""
    from libraries import labels
    from pipeline import cases
    from pipeline import reveal as revealing

    with session.opened() as hub, hub.begin() as connection:
        cells = revealing.reveal(hub, connection, *_case(case), reason=reason, actor=session.actor())
        dataset = cases.get(connection, *_case(case)).dataset
        documents = _published(hub)
    titles = {name: output.named(labels.item(documents, dataset, name), name) for name in cells}
    output.facts(cells, {name: T(title, title) for name, title in titles.items()}, as_json=as_json)


def fix(
    case: Case, reason: Reason,
    values: Annotated[Path | None, typer.Option(help=str(T("含新值的 JSON 文件", "a JSON file with the new values")))] = None,
    check: Annotated[bool, typer.Option("--check", help=str(T("只检查,不保存", "only check, keep nothing")))] = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Correct cells: a JSON object, item → what the source should have written (null empties it). Refused with all that is
    still wrong; kept as a decision, which `quarantine replay` or the feed's next run brings about."""
    from pipeline import cases, deciding

    edits = _edits(values)
    with session.opened() as hub, hub.begin() as connection:
        documents = _published(hub)
        if check:
            tried = deciding.check(hub, connection, _case(case), edits)
            dataset = cases.get(connection, *_case(case)).dataset
            rows = [{"item": one.item, "rule": one.rule, "severity": one.severity} for one in tried.wrong]
            shown = rows if as_json else [waiting.words(documents, dataset, row) for row in rows]
            output.table(shown, waiting.WRONG, as_json=as_json, empty=T("没有问题。", "Nothing is wrong."))
            return
        made = deciding.fix(hub, connection, _case(case), edits, reason=reason, actor=session.actor())
    _told(documents, [made], as_json)


def excuse(
    reason: Reason,
    rule: Annotated[list[str], typer.Option(help=str(T("豁免的规则,或 信息项:规则", "the rule to excuse, or item:rule")))],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help=str(T("最后一日", "the last day")))],
    cases: Cases = None, dataset: Dataset = None, system: System = None, expected: Expected = None, yes: Yes = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """For single rows, or for all open ones of a dataset or system that break the rule. After its last day they wait again."""
    from pipeline import deciding

    item, _, code = rule[0].rpartition(":")
    if not cases and len(rule) > 1:
        raise Invalid(
            T("批量豁免一次一条规则。", "A bulk act excuses one rule at a time."),
            remedy=T("逐条豁免,或写明各行;两者相加。", "Excuse them one by one, or name the rows; the acts add up."),
        )
    with session.opened() as hub, hub.begin() as connection:
        narrowed, of = (None, None) if cases else (code, item or None)
        which, count = _which(hub, connection, cases, dataset, system, narrowed, of, expected, yes)
        made = deciding.excuse(
            hub, connection, which, rule, until.date(), reason=reason, actor=session.actor(), expected=count
        )
        documents = _published(hub)
    _told(documents, made, as_json)


def dismiss(
    reason: Reason, cases: Cases = None, dataset: Dataset = None, system: System = None, rule: Rule = None,
    item: Item = None, expected: Expected = None, yes: Yes = False, as_json: Json = False,
) -> None:  # fmt: skip
    """For single rows, or for all open ones that the filters mean. They stay aside while the source says the same."""
    from pipeline import deciding

    with session.opened() as hub, hub.begin() as connection:
        which, count = _which(hub, connection, cases, dataset, system, rule, item, expected, yes)
        made = deciding.dismiss(hub, connection, which, reason=reason, actor=session.actor(), expected=count)
        documents = _published(hub)
    _told(documents, made, as_json)


def replay(
    feeds: Annotated[list[str] | None, typer.Argument(metavar="[FEED]...")] = None, as_json: Json = False
) -> None:
    """For the feeds named, or all that have rows waiting; golden records follow. What has been done already is not done again;
    a feed that cannot be replayed now holds up no other."""
    from catalog_registry import filters
    from pipeline import deliver, journey, worklist
    from pipeline.worklist import Filter

    rows = []
    failed: dict[str, HutongError] = {}
    with session.opened() as hub:
        with hub.read() as connection:
            for feed in feeds or ():
                filters.feed(hub, connection, feed)
            wanted = feeds or worklist.feeds(connection)
        for feed in wanted:
            try:
                batch = journey.replay(hub, feed, session.actor())
            except HutongError as error:
                failed[feed] = error
                continue
            if batch is not None:
                said = batch.evidence
                merged = {
                    name: said[name]
                    for name in ("landed", "inserted", "changed", "unchanged", "removed", "quarantined")
                }
                rows.append({"feed": feed, "batch": str(batch.id), **merged})
        if rows:
            deliver.refreshed(hub)
        with hub.read() as connection:
            left = sum(worklist.count(connection, Filter(feed=feed, decided=True)) for feed in wanted)
    output.table(rows, waiting.REPLAYED, as_json=as_json, empty=T("共享库无须变动。", "No record had to change."))
    if left:
        told = T(
            f"{left:,} 行已作决定,仍不能入库:另有错误,或几行同一主键。hutong quarantine list --decided 可列出。",
            f"{left:,} rows are decided on and still unfit: another rule stops them, or several claim one key. "
            "`hutong quarantine list --decided` lists them.",
        )
        print(told, file=sys.stderr)
    for feed, why in failed.items():
        print(f"{feed}: {why.message} {why.remedy}", file=sys.stderr)
    if failed:
        raise typer.Exit(1)


def _which(
    hub: Hub, connection: Connection, cases: list[str] | None, dataset: str | None, system: str | None, rule: str | None,
    item: str | None, expected: int | None, yes: bool,
) -> tuple[list[tuple[UUID, int]] | Filter, int | None]:  # fmt: skip
    """The rows an act is about, and how many its maker has seen. Raises Invalid for neither rows nor filters, Conflict when
    nobody has said that so many are meant."""
    from catalog_registry import filters
    from pipeline import worklist
    from pipeline.worklist import Filter

    said = [word for word in (dataset, system, rule) if word is not None]
    if bool(cases) == bool(said):
        raise Invalid(
            T("写明行(批次/行号),或写明筛选条件。", "Name rows (BATCH/ROW), or filters, not both."),
            remedy=T("hutong quarantine list 可列出。", "`hutong quarantine list` lists them."),
        )
    if cases:
        return [_case(case) for case in cases], expected
    which = Filter(dataset=dataset, system=system, rule=rule, item=item, decided=False)
    filters.waiting(hub, connection, which)
    count = worklist.count(connection, which)
    asked = T(f"将处理 {count:,} 行,继续?", f"{count:,} rows are meant. Go on?")
    if expected is None and not yes and not (sys.stdin.isatty() and typer.confirm(str(asked), err=True)):
        raise Conflict(
            T(f"将处理 {count:,} 行。", f"{count:,} rows are meant."),
            remedy=T(f"核对后加 --expected {count}。", f"Look at them, then say --expected {count}."),
        )
    return which, count if expected is None else expected


def _edits(file: Path | None) -> dict[str, str | None]:
    try:
        said = json.loads(file.read_text("utf-8") if file else sys.stdin.read())
        if not isinstance(said, dict) or not all(value is None or isinstance(value, str) for value in said.values()):
            raise ValueError("not text by item")
    except (OSError, ValueError) as error:
        raise Invalid(
            T("新值应为 JSON 对象:信息项 → 文字或 null。", "New values are a JSON object: item → text or null."),
            remedy=T('例如 {"weight_kg": "12.5"}。', 'Such as {"weight_kg": "12.5"}.'),
        ) from error
    return said


def _case(word: str) -> tuple[UUID, int]:
    batch, _, row = word.partition("/")
    try:
        return UUID(batch), int(row)
    except ValueError as error:
        raise Invalid(
            T("行写作 批次/行号。", "A row is written BATCH/ROW."),
            remedy=T("hutong quarantine list 可列出。", "`hutong quarantine list` lists them."),
        ) from error


def _published(hub: Hub) -> Published:
    from schemas.published import current

    return current(hub.home)


def _told(documents: Published, made: list[Decision], as_json: bool) -> None:
    from libraries import labels
    from pipeline import undoing

    rows: list[dict[str, Any]] = [
        {"id": str(one.id), "kind": one.kind, "about": one.about, "rows": one.body["count"], "reason": one.reason}
        for one in made
    ]
    if not as_json:
        for row in rows:
            row["kind"], row["about"] = undoing.KINDS[row["kind"]], labels.resource(documents, row["about"])
    output.table(rows, waiting.MADE, as_json=as_json)
