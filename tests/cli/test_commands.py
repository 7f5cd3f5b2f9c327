"""Commands as a process: exit status, standard output, standard error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import Hutong, started

HEAVY = ("pandas", "pyarrow", "sqlalchemy", "pydantic", "great_expectations", "airflow", "psycopg", "httpx")


def test_the_first_glance_imports_nothing_heavy() -> None:
    code = f"import sys, cli.main; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_in_both_languages(hutong: Hutong, home: Path) -> None:
    assert "once-only" in started(home, "--help").stdout
    assert "材料" in hutong("--help", HUTONG_LANG="zh").stdout


@pytest.mark.parametrize("arguments", [("nonsense",), ("check",), ("demo", "--size", "huge"), ("up", "--port", "x")])
def test_wrong_usage(hutong: Hutong, arguments: tuple[str, ...]) -> None:
    done = hutong(*arguments)
    assert done.returncode == 2 and done.stdout == "" and done.stderr


@pytest.mark.parametrize(
    "arguments", [("batches",), ("quarantine",), ("run", "a.b"), ("grant", "list"), ("catalog", "search")]
)
def test_what_needs_a_running_hub_says_how_to_start_it(hutong: Hutong, arguments: tuple[str, ...]) -> None:
    done = hutong(*arguments)
    assert done.returncode == 1 and done.stdout == ""
    assert "not running" in done.stderr and "hutong up" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_wrong_database_address_is_said_without_its_password(hutong: Hutong) -> None:
    address = "postgresql://someone:sesame@127.0.0.1:1/none"
    done = hutong("batches", HUTONG_DATABASE_URL=address)
    assert done.returncode == 1 and "cannot be reached" in done.stderr and "sesame" not in done.stderr


def test_down_and_status_of_what_never_ran(hutong: Hutong, home: Path) -> None:
    assert json.loads(hutong("down", "--json").stdout) == {"stopped": 0}
    status = hutong("status", "--json")
    assert status.returncode == 0
    assert {service["state"] for service in json.loads(status.stdout)["services"]} == {"stopped"}


def test_config_says_where_each_value_came_from(hutong: Hutong, home: Path) -> None:
    home.mkdir()
    (home / "hutong.toml").write_text('city = "某市"\nport = 9000\n', "utf-8")
    shown = hutong("config", "show", "--json", HUTONG_PORT="9001", HUTONG_DATABASE_URL="postgresql://u:sesame@h/d")
    found = {row["name"]: row for row in json.loads(shown.stdout)}
    assert (found["city"]["value"], found["city"]["origin"]) == ("某市", "hutong.toml")
    assert (found["port"]["value"], found["port"]["origin"]) == ("9001", "HUTONG_PORT")
    assert found["timezone"]["origin"] == "default" and "sesame" not in shown.stdout
    plain = hutong("config", "show", HUTONG_LANG="zh").stdout
    assert "默认" in plain and "接口端口" in plain and "API port" not in plain
    assert f"内置,未运行;数据目录 {home / 'postgres' / 'data'}" in plain


def test_a_broken_setting_is_named(hutong: Hutong) -> None:
    done = hutong("status", HUTONG_PORT="many")
    assert done.returncode == 1 and "port" in done.stderr and "HUTONG_PORT" in done.stderr


class TestCheck:
    """`hutong check`: no hub needed."""

    def test_one_object_a_line_and_the_worst_verdict_as_status(self, hutong: Hutong) -> None:
        done = hutong("check", "citizen_no", "--json", stdin="11010519491231002X\n110105194912310021\n\n")
        verdicts = [json.loads(line) for line in done.stdout.splitlines()]
        assert [entry["verdict"] for entry in verdicts][:2] == ["ok", "error"] and done.returncode == 1
        assert set(verdicts[1]) == {"value", "standard", "verdict", "findings"}
        assert set(verdicts[1]["findings"][0]) == {"rule", "severity", "message", "remedy"}

    def test_good_values_from_a_file_with_a_mark_and_windows_ends(self, hutong: Hutong, tmp_path: Path) -> None:
        file = tmp_path / "numbers.txt"
        file.write_bytes(b"\xef\xbb\xbf11010519491231002X\r\n11010519491231002X\r\n")
        done = hutong("check", "citizen_no", str(file), "--json")
        assert done.returncode == 0 and [json.loads(line)["verdict"] for line in done.stdout.splitlines()] == ["ok"] * 2

    def test_many_lines_are_judged_in_chunks_and_counted(self, hutong: Hutong) -> None:
        done = hutong("check", "integer", stdin="7\n" * 45_001)
        assert done.returncode == 0 and "ok 45,001" in done.stdout

    def test_another_encoding_is_refused_with_the_remedy(self, hutong: Hutong, tmp_path: Path) -> None:
        file = tmp_path / "names.txt"
        file.write_bytes("张三\n".encode("gb18030"))
        done = hutong("check", "person_name", str(file))
        assert done.returncode == 1 and "UTF-8" in done.stderr and "iconv" in done.stderr

    def test_an_unknown_type_names_its_near_misses(self, hutong: Hutong) -> None:
        done = hutong("check", "citizn_no")
        assert done.returncode == 1 and "citizen_no" in done.stderr


class TestContractCheck:
    """`hutong contract check`: every file is looked at, each refusal has its place."""

    def test_the_shipped_contracts(self, hutong: Hutong) -> None:
        done = hutong("contract", "check", "schemas/contracts", "--json")
        assert done.returncode == 0 and all(entry["ok"] for entry in json.loads(done.stdout))

    def test_a_broken_one_beside_good_ones(self, hutong: Hutong, tmp_path: Path) -> None:
        source = next(Path("schemas/contracts").glob("*/real_estate_right.odcs.yaml")).read_text("utf-8")
        (tmp_path / "good.odcs.yaml").write_text(source, "utf-8")
        (tmp_path / "bad.odcs.yaml").write_text(source.replace("valueType", "valueTyp", 1), "utf-8")
        done = hutong("contract", "check", str(tmp_path), "--json")
        found = {Path(entry["file"]).name: entry for entry in json.loads(done.stdout)}
        assert done.returncode == 1 and found["good.odcs.yaml"]["ok"] and not found["bad.odcs.yaml"]["ok"]
        assert found["bad.odcs.yaml"]["path"] and found["bad.odcs.yaml"]["remedy"]

    def test_a_missing_file(self, hutong: Hutong) -> None:
        assert hutong("contract", "check", "nowhere.yaml").returncode == 1
