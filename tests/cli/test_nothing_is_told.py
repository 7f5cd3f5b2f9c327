"""Real processes: no secret stands in a command line, an environment that need not have it, a log, or what is printed."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from cli.processes import MARK
from core.settings import without_password
from tests.cli.program import of
from tests.cli.program import started as hutong
from tests.cli.test_backup import PASSPHRASE
from tests.cli.test_processes import marked
from tests.pipeline.small import CONTRACT, DEPARTMENT, SYSTEM_TEXT

CONNECTION = "open-sesame-7391"


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


class Watch(threading.Thread):
    """Collects the command line of every process there is, and the environment of this installation's, again and again."""

    def __init__(self, home: Path) -> None:
        super().__init__(daemon=True)
        self.home, self.over = home, threading.Event()
        self.lines: set[str] = set()
        self.environments: dict[str, dict[str, str]] = {}

    def run(self) -> None:
        known: set[tuple[str, bytes]] = set()
        while not self.over.wait(0.02):
            for pid in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - psutil asks ten times as much of each
                try:
                    words = Path("/proc", pid, "cmdline").read_bytes()
                    if (pid, words) in known:
                        continue
                    line = " ".join(words.decode("utf-8", "replace").split("\0"))
                    environment = psutil.Process(int(pid)).environ()
                except (OSError, psutil.Error):
                    continue
                known.add((pid, words))  # what runs another program under its number says other words
                self.lines.add(line)
                if environment.get(MARK) == str(self.home):
                    self.environments[line] = environment


@contextmanager
def watching(home: Path) -> Iterator[Watch]:
    watch = Watch(home)
    watch.start()
    yield watch
    watch.over.set()
    watch.join(10)


def documents(folder: Path) -> list[Path]:
    """A system that cannot be reached, as files."""
    made = {
        "department.yaml": DEPARTMENT,
        "pet_licence.odcs.yaml": CONTRACT,
        "pets.yaml": SYSTEM_TEXT.format(mode="full", watermark="", minimum=0, shrink="90%"),
    }
    for name, body in made.items():
        (folder / name).write_text(body, "utf-8")
    return [folder / name for name in made]


def secrets_of(home: Path) -> set[str]:
    """Whatever the installation's own files keep to themselves."""
    found = {json.loads((home / "postgres" / "server.json").read_text())["password"]}
    found |= set(json.loads((home / "airflow" / "passwords.json").read_text()).values())
    for path in (home / "airflow" / "secrets").iterdir():
        found.add(path.read_text().strip())
    for path in (home / "keys").glob("*.key"):
        body = path.read_bytes()
        found.add(json.loads(body).get("d", "") if b"kty" in body else body.hex())
    return {one for one in found if len(one) >= 8}


@pytest.mark.slow
def test_no_secret_is_told(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "documents"
    folder.mkdir()
    printed: list[str] = []

    def call(*arguments: str, **more: Any) -> Any:
        done = hutong(home, *arguments, **more)
        printed.extend((done.stdout, done.stderr))
        return done

    department, contract, system = documents(folder)
    try:
        with watching(home) as watch:
            up = call("up", "--json", HUTONG_PORT="0", HUTONG_AIRFLOW_PORT="0")
            assert up.returncode == 0, up.stderr
            url = next(row["url"] for row in json.loads(up.stdout) if row["service"] == "api")
            of(call("contract", "publish", str(department), str(contract), "--json"))
            of(call("system", "publish", str(system), "--json"))
            body = json.dumps({"url": f"postgresql+psycopg://reader:{CONNECTION}@127.0.0.1:1/pets"})
            of(call("secret", "set", "pets", "--json", stdin=body))
            assert call("run", "pets.pet_licence").returncode == 1, (
                "its source cannot be reached, and the error may not say how"
            )
            client = of(hutong(home, "client", "add", "gate", "--department", "city_management", "--json"))[
                "client_secret"
            ]
            with httpx.Client(base_url=url, trust_env=False) as api:
                form = {"grant_type": "client_credentials", "client_id": "gate", "client_secret": client}
                token = api.post("/v1/oauth2/token", data=form).json()["access_token"]
                before = [key["kid"] for key in api.get("/v1/keys").json()["keys"]]
                for kind in ("signing", "pseudonym", "encryption"):
                    of(call("key", "rotate", kind, "--json"))
                after = [key["kid"] for key in api.get("/v1/keys").json()["keys"]]
                assert after[:-1] == before and len(after) == 2, (
                    "the running API has the new key, and still the old one"
                )
                api.post("/v1/certificates/queries", headers={"Authorization": f"Bearer {token}"}, json={})
            of(
                call(
                    "backup",
                    str(tmp_path / "backup"),
                    "--keys",
                    str(tmp_path / "keys.json"),
                    "--json",
                    stdin=PASSPHRASE,
                )
            )
            for arguments in (
                ("config", "show"),
                ("status", "--json"),
                ("key", "list"),
                ("secret", "list"),
                ("client", "list"),
            ):
                call(*arguments)
        logs = "".join(
            path.read_text("utf-8", "replace")
            for where in (home / "log", home / "airflow" / "logs", home / "postgres")
            for path in where.rglob("*")
            if path.is_file() and path.suffix == ".log"
        )
        assert watch.lines and watch.environments and logs
        for secret in {*secrets_of(home), CONNECTION, client, token, PASSPHRASE}:
            assert not [line for line in watch.lines if secret in line], "in a command line"
            assert secret not in logs, "in a log"
            assert not [line for line in printed if secret in line], "printed"
            assert not [line for line, said in watch.environments.items() if secret in "\0".join(said.values())], (
                "in an environment"
            )
    finally:
        hutong(home, "down")
    assert marked(home) == []
