"""Ids, clock, text, settings, log: the small things everything leans on."""

from __future__ import annotations

import io
import logging
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock, settings
from core.errors import DocumentRefused, NotReady
from core.ids import uuid7
from core.log import _RedactingFormatter, redact
from core.text import T, set_language


def test_ids_are_version_7_and_rise() -> None:
    made = [uuid7() for _ in range(5000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {value.version for value in made} == {7}


def test_the_business_date_is_the_citys() -> None:
    with clock.override(datetime(2026, 11, 20, 17, 0, tzinfo=UTC)):
        assert clock.today("Asia/Shanghai") == date(2026, 11, 21)
    with pytest.raises(ValueError, match="aware"), clock.override(datetime(2026, 1, 1)):
        pass


def test_text_follows_the_language() -> None:
    sentence = T("缺少 {name}", "{name} is missing").format(name="x")
    try:
        set_language("zh")
        assert str(sentence) == "缺少 x"
        set_language("en")
        assert str(sentence) == "x is missing"
    finally:
        set_language(None)


def test_settings_say_where_each_value_came_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUTONG_HOME", str(tmp_path))
    monkeypatch.setenv("HUTONG_PORT", "9100")
    (tmp_path / settings.FILE).write_text(
        'city = "岳州市"\ndatabase_url = "postgresql://hub:s3cret@db/hutong"\n', "utf-8"
    )
    shown = {line.name: line for line in settings.explain(settings.load())}
    assert (shown["port"].value, shown["port"].origin) == ("9100", "HUTONG_PORT")
    assert (shown["city"].value, shown["city"].origin) == ("岳州市", settings.FILE)
    assert shown["chunk_rows"].origin == "default"
    assert "s3cret" not in shown["database_url"].value


@pytest.mark.parametrize("written", ["port = 'many'", "prot = 8000", "port = ["])
def test_a_wrong_setting_is_refused_by_name_with_a_remedy(
    written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUTONG_HOME", str(tmp_path))
    (tmp_path / settings.FILE).write_text(written, "utf-8")
    with pytest.raises(NotReady) as caught:
        settings.load()
    assert caught.value.remedy
    assert written.split(" ")[0] in str(caught.value) or "TOML" in str(caught.value)


@given(st.from_regex(r"[1-6]\d{5}(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d)\d{3}[0-9X]", fullmatch=True))
def test_no_citizen_number_passes_the_log(number: str) -> None:
    assert number not in redact(f"row of {number}, again ({number})")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_RedactingFormatter("%(message)s"))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    logger.error("driver said %s", number)
    assert number not in stream.getvalue()


def test_a_refused_document_says_where() -> None:
    error = DocumentRefused(T("错", "wrong"), file="a.yaml", path="schema[0]", remedy=T("改", "mend"))
    assert str(error).startswith("a.yaml: schema[0]: ")
