"""What commands print: one JSON document, plain aligned lines, one paragraph of refusal."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cli import output
from cli.output import Column
from core.errors import DocumentRefused, NotReady
from core.text import T

NAME, ROWS = Column("name", T("名称", "name")), Column("rows", T("行数", "rows"), right=True)


def test_plain_lines_align_by_the_width_of_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    output.table([{"name": "不动产权", "rows": 31204}, {"name": "a", "rows": 5}], [NAME, ROWS])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and len({cell_len(line) for line in lines}) == 1
    assert lines[1].endswith("31,204") and lines[2].endswith("     5")


@given(st.lists(st.fixed_dictionaries({"name": st.text(), "rows": st.integers() | st.none()})))
def test_json_is_one_document_and_loses_nothing(rows: list[dict[str, object]]) -> None:
    import io
    from contextlib import redirect_stdout

    with redirect_stdout(io.StringIO()) as out:
        output.table(rows, [NAME], as_json=True)
    assert json.loads(out.getvalue()) == rows


def test_values_as_people_read_them() -> None:
    assert output.shown(1234567) == "1,234,567"
    assert output.shown(99.456) == "99.5"
    assert output.shown(None) == ""
    assert output.shown(datetime(2026, 11, 21, 1, 30, tzinfo=UTC)) == "2026-11-21 09:30"
    assert output.shown(("a", "b")) == "a, b"


def test_a_refusal_is_one_paragraph_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    output.refuse(NotReady(T("坏了。", "It broke."), remedy=T("修。", "Mend it.")))
    output.refuse(
        DocumentRefused(T("错。", "Wrong."), file="a.yaml", path="schema[0].id", remedy=T("改。", "Mend it."))
    )
    told = capsys.readouterr()
    first, second = told.err.splitlines()
    assert told.out == "" and first.startswith("✘ ") and second.startswith("✘ a.yaml: schema[0].id: ")


def test_a_step_tells_its_detail_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    with output.step(T("数据库", "Database")) as line:
        line.detail = "PostgreSQL 18"
    told = capsys.readouterr().out
    assert told.startswith("✔ ") and "PostgreSQL 18" in told and told.rstrip().endswith(" s")


def test_a_failed_step_claims_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError), output.step(T("数据库", "Database")):
        raise ValueError
    assert "✔" not in capsys.readouterr().out
