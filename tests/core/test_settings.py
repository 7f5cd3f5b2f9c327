"""Settings from files, passwords apart from addresses, and what `hutong config show` tells."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import make_url

from core.errors import NotReady
from core.settings import explain, load, with_password, without_password


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HUTONG_HOME", str(tmp_path))
    return tmp_path


def test_a_file_holds_the_value_and_a_variable_wins(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "city").write_text("某市\n", "utf-8")
    (home / "hutong.toml").write_text('city = "又一市"\ndivision = "110000"\n', "utf-8")
    monkeypatch.setenv("HUTONG_CITY_FILE", str(home / "city"))
    assert (load().city, load().division) == ("某市", "110000")
    monkeypatch.setenv("HUTONG_CITY", "他市")
    assert load().city == "他市"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    if content is not None:
        (home / "secret").write_bytes(content)
    monkeypatch.setenv("HUTONG_DATABASE_PASSWORD_FILE", str(home / "secret"))
    with pytest.raises(NotReady) as told:
        load()
    assert "HUTONG_DATABASE_PASSWORD_FILE" in str(told.value) and str(home / "secret") in str(told.value)


def test_a_password_is_never_shown(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "secret").write_text("sesame", "utf-8")
    monkeypatch.setenv("HUTONG_DATABASE_PASSWORD_FILE", str(home / "secret"))
    settings = load()
    assert "sesame" not in repr(settings) + str(settings)
    shown = {row.name: row for row in explain(settings)}
    assert shown["database_password"].origin == "HUTONG_DATABASE_PASSWORD_FILE"
    assert "sesame" not in "".join(row.value for row in shown.values())


@given(password=st.text(st.characters(exclude_categories=("Cs",)), min_size=1))
@pytest.mark.parametrize(
    "url", ["postgresql://hutong@db:5432/hutong", "redis://broker:6379/0", "postgresql://u:old@[::1]/x?sslmode=require"]
)
def test_any_password_goes_into_an_address_and_comes_out_again(url: str, password: str) -> None:
    made, before = make_url(with_password(url, SecretStr(password))), make_url(url)
    assert made.password == password
    assert (made.username or "", made.host, made.port) == (before.username or "", before.host, before.port)
    assert (made.drivername, made.database, made.query) == (before.drivername, before.database, before.query)


def test_without_a_password_an_address_stays_as_it_is() -> None:
    assert with_password("postgresql://u:p@h/d", None) == "postgresql://u:p@h/d"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://u:sesame@h:5432/d", "postgresql://u:***@h:5432/d"),
        ("postgresql://h/d?user=u&password=sesame", "postgresql://h/d?user=u&password=***"),
        ("postgresql://u@h/d?sslmode=verify-full&sslpassword=sesame", "postgresql://u@h/d?sslmode=verify-full&sslpassword=***"),
        ("s3://id:sesame@bucket/prefix?region=x&secret_key=sesame", "s3://id:***@bucket/prefix?region=x&secret_key=***"),
        ("s3://bucket/prefix?endpoint_override=h:9000", "s3://bucket/prefix?endpoint_override=h:9000"),
        ("/a/folder?with=key", "/a/folder?with=key"),
    ],
)  # fmt: skip
def test_an_address_is_shown_without_its_password(address: str, shown: str) -> None:
    assert without_password(address) == shown
