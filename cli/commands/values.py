"""check: judge values by a value type, one a line. Needs no running hub."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import output
from cli.output import Column, Json
from core.errors import Invalid, NotFound
from core.text import T

_CHUNK = 20_000


def register(app: typer.Typer) -> None:
    """Put the commands in place."""
    app.command(
        help=str(
            T(
                "按值类型检查,每行一个值;有错误时退出状态为 1",
                "judge values by a value type, one a line; exit status 1 when one is an error",
            )
        )
    )(check)


def check(
    type_name: Annotated[
        str, typer.Argument(metavar="TYPE", help=str(T("值类型,如 citizen_no", "a value type, such as citizen_no")))
    ],
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help=str(T("UTF-8 文件;空 = 标准输入", "UTF-8 file; none = standard input"))),
    ] = None,
    as_json: Json = False,
) -> None:
    """One value a line; with --json one object a line, otherwise only what is not ok is printed, and a total."""
    from schemas.parts import SEVERITIES
    from schemas.types import TYPES
    from schemas.types import check as judge

    if type_name not in TYPES:
        import difflib

        near = difflib.get_close_matches(type_name, TYPES) or sorted(TYPES)
        raise Invalid(
            T(f"没有值类型 {type_name}。", f"There is no value type {type_name}."),
            remedy=T(f"可用:{'、'.join(near)}。", f"Try {', '.join(near)}."),
        )
    verdicts = {"ok": T("正确", "ok"), **SEVERITIES}
    counts = dict.fromkeys(verdicts, 0)
    line = 0
    for values in _chunks(file):
        rows = []
        for verdict in judge(type_name, values):
            line += 1
            counts[verdict.verdict] += 1
            if as_json:
                output.document(_object(verdict))
            elif verdict.verdict != "ok":
                rows += [_finding(line, finding) for finding in verdict.findings]
        if rows:
            output.table(rows, _COLUMNS)
    if not as_json:
        print(" · ".join(f"{verdicts[code]} {count:,}" for code, count in counts.items()))
    if counts["error"]:
        raise typer.Exit(1)


_COLUMNS = [
    Column("line", T("行", "line"), right=True),
    Column("verdict", T("结论", "verdict")),
    Column("rule", T("规则", "rule")),
    Column("message", T("问题", "what is wrong")),
    Column("remedy", T("怎么办", "what to do")),
]


def _finding(line: int, finding: Any) -> dict[str, Any]:
    from schemas.parts import SEVERITIES

    return {
        "line": line,
        "verdict": SEVERITIES[finding.severity],
        "rule": finding.rule,
        "message": finding.message,
        "remedy": finding.remedy,
    }


def _object(verdict: Any) -> dict[str, Any]:
    return {
        "value": verdict.value,
        "standard": verdict.standard,
        "verdict": verdict.verdict,
        "findings": [{name: str(value) for name, value in asdict(finding).items()} for finding in verdict.findings],
    }


def _chunks(file: Path | None) -> Iterator[list[str]]:
    """Lines without their ends, in chunks of constant size; one by one when somebody types."""
    if file is not None and not file.is_file():
        raise NotFound(T(f"没有文件 {file}。", f"There is no file {file}."))
    raw: Any = file.open("rb") if file else sys.stdin.buffer
    size = 1 if file is None and sys.stdin.isatty() else _CHUNK
    with io.TextIOWrapper(raw, encoding="utf-8-sig", newline=None) as stream:
        lines = (line.rstrip("\n") for line in stream)
        try:
            while chunk := list(islice(lines, size)):
                yield chunk
        except UnicodeDecodeError as error:
            raise Invalid(
                T("输入不是 UTF-8 编码。", "The input is not UTF-8."),
                remedy=T("先转换:iconv -f GB18030 -t UTF-8。", "Convert it first: iconv -f GB18030 -t UTF-8."),
            ) from error
