"""docker-compose.yml, Dockerfile and .dockerignore hold to their own rules; really running them is `make compose`."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from cli.commands.services import Served
from cli.probe import well
from core.settings import Settings
from tests.house.tree import ROOT, packages

TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
FILE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
JOBS = {"secrets", "hutong"}
OURS = {name for name, service in SERVICES.items() if "build" in service} - {"secrets"}
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def variables(service: dict[str, Any]) -> dict[str, Any]:
    """The environment of a service; YAML's merge of several maps is the compose file's own."""
    return dict(service.get("environment") or {})


def sources(name: str) -> set[str]:
    """The volumes a service mounts."""
    return {mount.partition(":/")[0] for mount in SERVICES[name].get("volumes", [])}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_do_only_what_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"] and "privileged" not in service
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}
    assert service["restart"] == ("no" if name in JOBS else "unless-stopped")
    assert name == "secrets" or "memory" in service["deploy"]["resources"]["limits"]
    for folder in service.get("tmpfs", []):
        assert re.fullmatch(r"/[\w/]+:size=\d+m(,uid=(\d+),gid=\2)?,mode=\d{4}", folder)
    assert name == "secrets" or service.get("user") in ("postgres", "redis", None), "None: the image's own, 10001"


@pytest.mark.parametrize("name", sorted(set(SERVICES) - JOBS))
def test_a_service_is_watched_and_waits_for_what_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL") and service["healthcheck"]["start_period"]
    waits = {
        other for other, how in service["depends_on"].items() if how["condition"] == "service_completed_successfully"
    }
    assert waits & JOBS


@pytest.mark.parametrize("name", sorted(OURS - JOBS))
def test_what_is_served_exists_and_is_probed_under_the_same_name(name: str) -> None:
    service = SERVICES[name]
    verb, served = service["command"]
    assert verb == "serve" and served in {member.value for member in Served}
    assert service["healthcheck"]["test"] == ["CMD", "python", "-m", "cli.probe", served]


@pytest.mark.parametrize("served", list(Served))
def test_every_service_can_be_probed(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUTONG_HOME", "/nowhere")
    monkeypatch.setenv("HUTONG_PORT", "1")
    monkeypatch.setenv("HUTONG_AIRFLOW_PORT", "1")
    monkeypatch.setattr("cli.probe.SCHEDULER_PORT", 1)
    monkeypatch.setenv("HUTONG_AIRFLOW_URL", "http://127.0.0.1:1")
    if served is Served.demo:
        assert not well(served.value)
    else:
        with pytest.raises(OSError):
            well(served.value)


def test_no_secret_is_written_down() -> None:
    for name, service in SERVICES.items():
        for variable, value in variables(service).items():
            if re.search("PASSWORD|SECRET|TOKEN|KEY", variable):
                assert variable.endswith("_FILE") and str(value).startswith("/run/secrets/"), (name, variable)
            assert not re.search(r"://[^/@\s]*:[^/@\s]+@", str(value)), f"{name}: {variable} holds a password"
    assert not (ROOT / ".env").exists() or ".env" in (ROOT / ".gitignore").read_text("utf-8")


def test_secrets_lie_where_they_are_needed_and_nowhere_else() -> None:
    holders = {name: {source for source in sources(name) if source.startswith("secret-")} for name in SERVICES}
    assert holders["api"] == {"secret-hub"}
    assert holders["worker"] == {"secret-hub", "secret-broker"} and "airflow" not in sources("worker")
    assert holders["redis"] == {"secret-broker"}
    for name in ("airflow-api", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"):
        assert holders[name] == {"secret-airflow", "secret-broker"} and "keys" not in sources(name)
    writable = {
        name for name, service in SERVICES.items()
        for mount in service.get("volumes", []) if mount.startswith("secret-") and not mount.endswith(":ro")
    }  # fmt: skip
    assert writable == {"secrets"}
    named = {source for name in SERVICES for source in holders[name]}
    assert holders["secrets"] == named, "the job makes each of them"


def test_every_setting_is_one() -> None:
    known = {f"HUTONG_{name.upper()}" for name in Settings.model_fields}
    said = {
        variable for service in SERVICES.values() for variable in variables(service) if variable.startswith("HUTONG_")
    }
    assert {variable.removesuffix("_FILE") for variable in said} <= known


def test_volumes_are_declared_and_their_folders_belong_to_the_image() -> None:
    mounted = {source for name in SERVICES for source in sources(name)}
    assert {source for source in mounted if re.fullmatch("[a-z-]+", source)} <= set(FILE["volumes"])
    targets = {
        mount.partition(":/var/lib/hutong/")[2].partition(":")[0]
        for name in OURS for mount in SERVICES[name]["volumes"] if ":/var/lib/hutong/" in mount
    }  # fmt: skip
    made = set(re.search(r"for folder in ([^;]+);", DOCKERFILE)[1].split())  # type: ignore[index]
    assert targets <= made | {folder.partition("/")[0] for folder in made}


def test_only_two_services_can_be_reached_and_only_from_this_host() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(ports) == {"api", "airflow-api"}
    assert all(port.startswith("${HUTONG_BIND:-127.0.0.1}:") for listed in ports.values() for port in listed)
    assert FILE["networks"]["data"]["internal"] is True
    assert SERVICES["postgres"]["networks"] == SERVICES["redis"]["networks"] == ["data"]


def test_the_image_holds_every_package_and_runs_as_nobody_in_particular() -> None:
    admitted = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    assert packages() <= admitted
    last = DOCKERFILE.split("\nFROM ")[-1]
    assert "\nUSER 10001:10001\n" in last and "--require-hashes" in DOCKERFILE
    images = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(set(images)) == 1 and ":" in images[0] and not images[0].endswith(":latest")
