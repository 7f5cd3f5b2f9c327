"""What the command line says when something is not there, not right or not running: reason, remedy, exit status, JSON."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from cli import standing
from cli.instance import API, Instance
from cli.processes import Service, choose_port, python
from core.errors import NotReady
from core.hub import Hub
from core.settings import Settings
from tests.backup.conftest import alone, small
from tests.cli.program import hutong, of
from tests.pipeline.small import Small

__all__ = ["alone", "small"]


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    """An installation with its embedded database, and nothing else started."""
    made = Instance(Settings(home=tmp_path / "home"))
    yield made
    made.down()


class TestStatus:
    """Exit status 1 and a reason whenever something that should run does not."""

    def test_an_external_database_out_of_reach(self, tmp_path: Path) -> None:
        address = "postgresql://someone:sesame@127.0.0.1:1/none"
        done = hutong(tmp_path / "home", "status", "--json", HUTONG_DATABASE_URL=address)
        (problem,) = json.loads(done.stdout)["problems"]
        assert done.returncode == 1 and problem["service"] == "database" and problem["remedy"]
        assert "cannot be reached" in problem["reason"] and "sesame" not in done.stdout + done.stderr
        plain = hutong(tmp_path / "home", "status", HUTONG_DATABASE_URL=address)
        assert plain.returncode == 1 and "cannot be reached" in plain.stderr

    def test_a_service_that_died(self, instance: Instance) -> None:
        instance.settings.home.mkdir()
        entry = instance.processes.start(Service(API, python("-c", "import time; time.sleep(300)")))
        os.kill(entry.pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(entry.pid)] if psutil.pid_exists(entry.pid) else [], 10)
        rows, problems = standing.of(instance)
        assert {row["service"]: row["state"] for row in rows}[API] == "died"
        told = {problem.service: problem for problem in problems}
        assert "api.log" in str(told[API].remedy) and "hutong up" in str(told[API].remedy)
        assert "database" in told, "something ran, and its database does not"
        instance.down()
        assert standing.of(instance)[1] == []

    def test_a_database_that_died(self, instance: Instance) -> None:
        instance.database().close()
        assert standing.of(instance)[1] == []
        pid = instance.embedded.pid()
        assert pid is not None
        children = psutil.Process(pid).children(recursive=True)
        os.kill(pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(pid), *children] if psutil.pid_exists(pid) else children, 10)
        (row, *_), (problem,) = standing.of(instance)
        assert row["state"] == "died" and "postgres.log" in str(problem.remedy)

    def test_migrations_that_wait(self, hub: Hub) -> None:
        from sqlalchemy import text

        with hub.begin() as connection:
            connection.execute(text("UPDATE hutong_version SET version_num = '0001'"))
        done = hutong(hub.home, "status", HUTONG_DATABASE_URL=hub.url)
        assert done.returncode == 1 and "migrations" in done.stderr and "hutong migrate" in done.stderr


def test_failures_are_json_where_json_was_asked_for(tmp_path: Path) -> None:
    for arguments in (("batches",), ("backup", "verify", str(tmp_path)), ("contract", "publish", "nowhere.yaml")):
        done = hutong(tmp_path / "home", *arguments, "--json")
        told = json.loads(done.stdout)["error"]
        assert done.returncode == 1 and set(told) >= {"code", "message", "remedy"} and told["message"] and done.stderr
        assert hutong(tmp_path / "home", *arguments).stdout == ""


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (("run", "pets.pet_license"), "pets.pet_licence"),
        (("run", "pest.pet_licence"), "pets.pet_licence"),
        (("batches", "--feed", "pets.pet_license"), "pets.pet_licence"),
        (("batches", "--state", "landet"), "landed"),
        (("quarantine", "--dataset", "pet_license"), "pet_licence"),
        (("grant", "list", "--department", "city_managment"), "city_management"),
        (("key", "rotate", "singing"), "signing"),
        (("key", "destroy", "nothing"), "key list"),
        (("secret", "remove", "nothing"), "secret list"),
    ],
)  # fmt: skip
def test_a_word_that_is_not_there_is_answered_with_the_near_miss(
    alone: Small, arguments: tuple[str, ...], near: str
) -> None:
    done = hutong(alone.hub.home, *arguments, HUTONG_DATABASE_URL=alone.hub.url)
    assert done.returncode == 1 and done.stdout == "" and near in done.stderr


def test_clients_items_and_secrets_are_listed_without_what_they_hide(alone: Small) -> None:
    def call(*arguments: str, **more: Any) -> Any:
        return of(hutong(alone.hub.home, *arguments, "--json", HUTONG_DATABASE_URL=alone.hub.url, **more))

    refused = hutong(
        alone.hub.home, "client", "add", "gate", "--department", "nosuch", "--json", HUTONG_DATABASE_URL=alone.hub.url
    )
    assert refused.returncode == 1 and "city_management" in json.loads(refused.stdout)["error"]["remedy"]
    secret = call("client", "add", "gate", "--department", "city_management")["client_secret"]
    renewed = call("client", "renew", "gate")["client_secret"]
    assert call("client", "end", "gate")["valid_to"]
    clients = {row["id"]: row for row in call("client", "list")}
    assert clients["gate"]["secret_version"] == 2 and secret != renewed
    assert not [one for one in (secret, renewed) if one in json.dumps(clients)]
    assert [(row["id"], row["department"]) for row in call("item", "list")] == [("dog", "city_management")]
    here = {"HUTONG_DATABASE_URL": alone.hub.url, "HUTONG_LANG": "zh"}
    for what, words in (
        ("client", "部门查询"),
        ("item", "城市管理局 city_management"),
        ("grant", "城市管理局 city_management"),
    ):
        assert words in hutong(alone.hub.home, what, "list", **here).stdout
    assert call("secret", "set", "gatehouse", stdin='{"url": "sesame"}') == {"secret": "gatehouse", "keys": ["url"]}
    found = {row["name"]: row for row in call("secret", "list", HUTONG_SECRET_STRAYS='{"url": "sesame"}')}
    assert {name: row["state"] for name, row in found.items()} == {
        "pets": "stored", "gatehouse": "stored", "strays": "environment",
    }  # fmt: skip
    assert found["pets"]["systems"] == ["pets"] and "sesame" not in json.dumps(found)
    assert call("secret", "remove", "gatehouse") == {"removed": "gatehouse"}


def test_a_secret_that_cannot_be_read_is_not_repeated(alone: Small) -> None:
    for body in ('{"url": sesame}', '["sesame"]', "sesame"):
        done = hutong(alone.hub.home, "secret", "set", "gate", "--json", stdin=body, HUTONG_DATABASE_URL=alone.hub.url)
        assert done.returncode == 1 and "sesame" not in done.stdout + done.stderr


def test_who_asked_about_a_person(alone: Small) -> None:
    here = {"HUTONG_DATABASE_URL": alone.hub.url}
    of(hutong(alone.hub.home, "key", "rotate", "pseudonym", "--json", **here))
    for number, cases in (("11010519491231002X", ["1"]), ("110105194912310038", [])):
        done = hutong(alone.hub.home, "audit", "--reason", "complaint", "--json", stdin=number, **here)
        assert [entry["case_no"] for entry in of(done)] == cases and number not in done.stdout


def test_settings_in_effect_name_the_embedded_database_and_the_ports_that_run(instance: Instance) -> None:
    instance.database().close()
    server = instance.embedded.server()
    assert server is not None
    instance.processes.start(Service(API, python("-c", "import time; time.sleep(300)"), port=4711))
    done = hutong(instance.settings.home, "config", "show", "--json")
    found = {row["name"]: row for row in of(done)}
    assert found["port"]["effect"] == "4711" and found["port"]["value"] == "8000"
    where = found["database_url"]["effect"]
    assert f"127.0.0.1:{server.port}/hutong" in where and str(instance.embedded.data) in where
    assert server.password not in done.stdout


def test_a_port_asked_for_is_not_passed_over(instance: Instance) -> None:
    instance.settings.home.mkdir()
    instance.processes.start(Service(API, python("-c", "import time; time.sleep(300)"), port=4711))
    instance.require_ports(port=None)
    instance.require_ports(port=4711)
    with pytest.raises(NotReady, match="4711") as told:
        instance.require_ports(port=4712)
    assert "--port 4712" in str(told.value.remedy) and "hutong down" in str(told.value.remedy)


def test_a_taken_port_is_told_by_option_and_variable(instance: Instance) -> None:
    taken = choose_port(0, "127.0.0.1", asked=True, setting="")
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", taken))
        other.listen()
        asked = Instance(Settings(home=instance.settings.home, port=taken))
        with pytest.raises(NotReady) as told:
            asked.start_api()
    assert "--port" in str(told.value.remedy) and "HUTONG_PORT" in str(told.value.remedy)
