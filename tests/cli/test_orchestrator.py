"""What Airflow's services are told: no secret in a variable, on one machine as over a broker."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from cli.orchestrator import Orchestrator
from core.settings import Settings

DATABASE = "postgresql+psycopg://airflow:sesame-of-airflow@db/airflow"


@pytest.fixture(params=["one machine", "cluster"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Both ways of running."""
    if request.param == "one machine":
        return Settings(home=tmp_path)
    return Settings(
        home=tmp_path, host="0.0.0.0", airflow_url="http://airflow-api:8080/", broker_url="redis://redis:6379/0",
        broker_password=SecretStr("sesame-of-broker"), tasks=3,
    )  # fmt: skip


def read(command: str) -> str:
    return subprocess.run(command, shell=True, check=True, capture_output=True, text=True).stdout


def test_secrets_are_files_that_only_this_account_reads(settings: Settings) -> None:
    orchestrator = Orchestrator(settings)
    told = orchestrator.environment(DATABASE, 8080)
    commands = {name: value for name, value in told.items() if name.endswith("_CMD")}
    secrets = {name: read(command) for name, command in commands.items()}
    assert secrets["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD"] == DATABASE
    assert {
        "AIRFLOW__CORE__FERNET_KEY_CMD",
        "AIRFLOW__API__SECRET_KEY_CMD",
        "AIRFLOW__API_AUTH__JWT_SECRET_CMD",
    } <= set(secrets)
    assert all(len(secret) >= 20 for secret in secrets.values())
    for secret in (*secrets.values(), orchestrator.password, "sesame"):
        assert not [name for name, value in told.items() if secret in value]
    for file in (settings.home / "airflow" / "secrets").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Orchestrator(settings).environment(DATABASE, 8080) == told, "made once and kept"
    assert {name: read(command) for name, command in commands.items()} == secrets


def test_a_worker_knows_neither_airflows_database_nor_its_keys(settings: Settings) -> None:
    told = Orchestrator(settings).worker(8080).environment
    assert not [name for name in told if "DATABASE" in name or "FERNET" in name or "JWT" in name or "API__" in name]
    made = {file.name for file in (settings.home / "airflow" / "secrets").glob("*")}
    assert made == ({"broker.url"} if settings.broker_url else set())


def test_a_broker_means_celery_and_addresses_that_others_reach(settings: Settings) -> None:
    told = Orchestrator(settings).environment(DATABASE, 8080)
    if settings.broker_url:
        assert told["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
        assert told["AIRFLOW__CELERY__WORKER_CONCURRENCY"] == "3"
        assert read(told["AIRFLOW__CELERY__BROKER_URL_CMD"]) == "redis://:sesame-of-broker@redis:6379/0"
        assert told["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://airflow-api:8080/execution/"
        assert "airflow-api" in told["NO_PROXY"].split(",")
    else:
        assert told["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
        assert told["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8080/execution/"


def test_secrets_of_the_first_release_go_on(tmp_path: Path) -> None:
    (tmp_path / "airflow").mkdir()
    (tmp_path / "airflow" / "secrets.json").write_text('{"database": "kept", "fernet": "kept too"}')
    told = Orchestrator(Settings(home=tmp_path)).environment(DATABASE, 8080)
    assert read(told["AIRFLOW__CORE__FERNET_KEY_CMD"]) == "kept too"
