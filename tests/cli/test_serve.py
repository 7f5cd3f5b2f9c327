"""`hutong serve api` as a container runs it: several processes, counted together, gone when asked."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from core.hub import Hub
from tests.cli.program import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_two_processes_count_as_one_and_end_when_asked(hub: Hub, tmp_path: Path) -> None:
    port = free_port()
    password = tmp_path / "password"
    parts = hub.url.partition("://")[2].partition("@")
    user, secret = parts[0].split(":")
    password.write_text(secret + "\n")
    variables = {
        "HUTONG_HOME": str(hub.home), "HUTONG_API_PROCESSES": "2", "HUTONG_PORT": str(port),
        "HUTONG_DATABASE_URL": f"postgresql://{user}@{parts[2]}", "HUTONG_DATABASE_PASSWORD_FILE": str(password),
    }  # fmt: skip
    log = tmp_path / "api.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "serve", "api"],
            env={**os.environ, **variables},
            cwd=ROOT,
            stdout=stream,
            stderr=stream,
        )
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                if httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code == 200:
                    break
            except httpx.HTTPError:
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.3)
        for _ in range(20):  # each over a connection of its own, so that both processes get some
            httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)
        counted = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
        found = re.search(r'^hutong_http_requests_total\{.*route="/healthz".*\} (\S+)$', counted, re.MULTILINE)
        assert found is not None and float(found[1]) >= 20, counted
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) is not None
        assert secret not in log.read_text()
    finally:
        process.kill()
        process.wait()
