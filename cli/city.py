"""The synthetic city as an installation's departmental systems: made once, kept, and opened to the hub."""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cli.instance import Instance
from cli.processes import Service, answers, choose_port, python
from core import clock
from core import secrets as hub_secrets
from core.actor import SYSTEM
from core.database import create
from core.errors import NotReady
from core.hub import Hub
from core.settings import with_password
from core.text import T

SERVICE = "demo-service"
_PORT = 8091


@dataclass(frozen=True)
class Kept:
    """What is remembered of the city (`HOME/demo/city.json`, 0600: it opens the systems)."""

    size: str
    seed: int
    today: str
    residents: int
    firms: int
    counts: dict[str, int]
    systems: dict[str, dict[str, str]]


class City:
    """The city of one installation."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.folder = instance.settings.home / "demo"
        self._file = self.folder / "city.json"

    def kept(self) -> Kept | None:
        """The city made before, or None."""
        return Kept(**json.loads(self._file.read_text())) if self._file.exists() else None

    def ensure(self, size: str | None, seed: int | None, on_step: Callable[[str, int], None]) -> tuple[Kept, bool]:
        """The city, and whether it was made now. NotReady when another one than the one asked for is there, or one that
        an earlier release made with fewer systems."""
        from demo.write import SYSTEMS

        kept = self.kept()
        if kept is None:
            return self._make(size or "small", 1 if seed is None else seed, on_step), True
        if size not in (None, kept.size) or seed not in (None, kept.seed):
            raise NotReady(
                T(
                    f"这里已有一座示范城市({kept.size},种子 {kept.seed})。",
                    f"There is a city here already ({kept.size}, seed {kept.seed}).",
                ),
                remedy=T(
                    "加 --reset 清空后重建,或用另一个 HUTONG_HOME。",
                    "Add --reset to empty it and make another, or use another HUTONG_HOME.",
                ),
                code="other_city",
            )
        if set(kept.systems) != set(SYSTEMS):
            raise NotReady(
                T(
                    "这里的示范城市由另一版本建成,部门系统不同。",
                    "The city here is another release's, with other systems.",
                ),
                remedy=T("加 --reset 清空后重建。", "Add --reset to empty it and make another."),
                code="other_city",
            )
        return kept, False

    def open(self, kept: Kept, hub: Hub) -> None:
        """Start the departments' HTTP service, and give the hub the secrets of all systems."""
        processes, host = self.instance.processes, self.instance.settings.host
        running = processes.running().get(SERVICE)
        port = running.port if running and running.port else choose_port(_PORT, host, asked=False, setting="")
        command = python("-m", "demo.service", "--folder", str(self.folder), "--host", host, "--port", str(port))
        processes.start(Service(SERVICE, command, {}, port))
        processes.wait(SERVICE, lambda: answers(host, port), timeout=60)
        systems = {name: dict(value) for name, value in kept.systems.items()}
        databases = self._databases()
        for name, value in systems.items():
            if "base_url" in value:
                value["base_url"] = f"http://{_reachable(host)}:{port}"
            if name in databases:
                value["url"] = databases[name]
        with hub.begin() as connection:
            for name, value in systems.items():
                hub_secrets.put(connection, hub.keys, name, value)

    def example(self, subject: str) -> dict[str, Any]:
        """A case of the truth that examples use: about a `person` or a `firm`."""
        cases = json.loads((self.folder / "truth" / "truth.json").read_text("utf-8"))["cases"]
        return next(case for case in cases if case["demo"] and case["subject"]["kind"] == subject)

    def _make(self, size: str, seed: int, on_step: Callable[[str, int], None]) -> Kept:
        from demo import city, write
        from demo.world import SIZES

        today: date = clock.today(self.instance.settings.timezone)
        made = city.make(size, seed, today, on_step)  # type: ignore[arg-type]  # the option allows the three sizes only
        written = write.write(made, self.folder, self._databases(), on_step, f"http://127.0.0.1:{_PORT}")
        residents, firms = SIZES[size]
        kept = Kept(size, seed, today.isoformat(), residents, firms, written.counts, written.systems)
        _keep(self._file, json.dumps(asdict(kept), ensure_ascii=False))
        return kept

    def _databases(self) -> dict[str, str]:
        """The URL of each system's database, which stands in for the department's own server; each has its own role."""
        from demo.write import DATABASES

        settings = self.instance.settings
        administrator = (
            with_password(settings.demo_database_url, settings.demo_database_password)
            if settings.demo_database_url
            else self.instance.embedded.start().url("postgres")
        )
        urls = {}
        for system, name in DATABASES.items():
            file = self.folder / f"{name}.password"
            if not file.exists():
                _keep(file, secrets.token_urlsafe(18))
            urls[system] = create(administrator, name, name, file.read_text())
        return urls


def _reachable(host: str) -> str:
    """A name under which others reach what listens on `host`."""
    return socket.gethostname() if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound


def seed_access(hub: Hub, folder: Path) -> dict[str, str]:
    """Service items, grants and clients of the city; returns each client's secret, made once and kept 0600."""
    import yaml

    import demo
    from catalog_registry import clients, grants, service_items
    from schemas import published

    data = Path(str(demo.__file__)).parent / "data"
    seed = yaml.safe_load((data / "seed.yaml").read_text("utf-8"))
    file = folder / "clients.json"
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    current = published.current(hub.home)
    with hub.begin() as connection:
        items = [service_items.load(path) for path in sorted((data / "service_items").glob("*.yaml"))]
        given = {(g.department, g.service_item, g.certificate_type) for g in grants.listed(connection)}
        for item in (one for one in items if one.department in current.departments):
            service_items.put(connection, item, SYSTEM)
            for certificate in item.types:
                if (item.department, item.id, certificate) not in given:
                    grants.give(
                        connection, current, department=item.department, service_item=item.id,
                        certificate_type=certificate, actor=SYSTEM,
                    )  # fmt: skip
        there = {client.id for client in clients.listed(connection)}
        for entry in (one for one in seed["clients"] if one["department"] in current.departments):
            if entry["id"] not in there:
                role = entry.get("role", "department")
                known[entry["id"]] = clients.add(connection, entry["id"], entry["name"], entry["department"], role=role)
            elif entry["id"] not in known:
                known[entry["id"]] = clients.renew(connection, entry["id"])
    _keep(file, json.dumps(known))
    return known


def _keep(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        stream.write(content)
