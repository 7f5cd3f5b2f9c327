"""Whether a running installation tells a secret: in a command line, an environment that need not have it, a log, or what is
printed. tests/cli/test_demo.py asks it of the one that it starts."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil

from cli.processes import MARK
from tests.cli.program import hutong, of
from tests.cli.test_backup import PASSPHRASE
from tests.pipeline.small import CONTRACT, DEPARTMENT, SYSTEM_TEXT

CONNECTION = "open-sesame-7391"


class Watch(threading.Thread):
    """Collects the command line of every process there is, and the environment of this installation's, again and again."""

    def __init__(self, home: Path) -> None:
        super().__init__(daemon=True)
        self.home, self.over = home, threading.Event()
        self.lines: set[str] = set()
        self.environments: dict[str, dict[str, str]] = {}

    def run(self) -> None:
        known: set[tuple[str, bytes]] = set()
        while not self.over.wait(0.05):
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


def watched(home: Path, url: str, folder: Path, watch: Watch) -> None:
    """Do with a running installation whatever needs a secret, and look for each of them in all that was seen and said."""
    printed: list[str] = []
    call = partial(_call, home, printed)
    department, contract, system = documents(folder)
    of(call("contract", "publish", str(department), str(contract), "--json"))
    of(call("system", "publish", str(system), "--json"))
    body = json.dumps({"url": f"postgresql+psycopg://reader:{CONNECTION}@127.0.0.1:1/pets"})
    of(call("secret", "set", "pets", "--json", stdin=body))
    assert call("run", "pets.pet_licence").returncode == 1, "its source cannot be reached; the error may not say how"
    client = of(hutong(home, "client", "add", "gate", "--department", "city_management", "--json"))["client_secret"]
    token = _rotated(call, url, client)
    stored = ("backup", str(folder / "backup"), "--keys", str(folder / "keys.json"), "--json")
    of(call(*stored, stdin=PASSPHRASE))
    for words in (("config", "show"), ("status", "--json"), ("key", "list"), ("secret", "list"), ("client", "list")):
        call(*words)
    logs = "".join(
        path.read_text("utf-8", "replace")
        for where in (home / "log", home / "airflow" / "logs", home / "postgres")
        for path in where.rglob("*.log")
    )
    assert watch.lines and watch.environments and logs
    for secret in {*secrets_of(home), CONNECTION, client, token, PASSPHRASE}:
        assert not [line for line in watch.lines if secret in line], "in a command line"
        assert secret not in logs, "in a log"
        assert not [line for line in printed if secret in line], "printed"
        environments = ("\0".join(said.values()) for said in watch.environments.values())
        assert not [said for said in environments if secret in said], "in an environment"


def _call(home: Path, printed: list[str], *arguments: str, **more: Any) -> Any:
    done = hutong(home, *arguments, **more)
    printed.extend((done.stdout, done.stderr))
    return done


def _rotated(call: Callable[..., Any], url: str, client: str) -> str:
    """A token, asked for before every key is changed under the running API; it has the new key then, and still the old."""
    with httpx.Client(base_url=url, trust_env=False) as api:
        form = {"grant_type": "client_credentials", "client_id": "gate", "client_secret": client}
        token = str(api.post("/v1/oauth2/token", data=form).json()["access_token"])
        before = [key["kid"] for key in api.get("/v1/keys").json()["keys"]]
        for kind in ("signing", "pseudonym", "encryption"):
            of(call("key", "rotate", kind, "--json"))
        after = [key["kid"] for key in api.get("/v1/keys").json()["keys"]]
        assert after[:-1] == before and len(after) == len(before) + 1
        api.post("/v1/certificates/queries", headers={"Authorization": f"Bearer {token}"}, json={})
    return token
