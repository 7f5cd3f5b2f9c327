"""`hutong demo`: from nothing to an answered question. Each step is the product's own; this file is only their order."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from cli import output, standing
from cli.city import City, Kept, seed_access
from cli.harvest import Watched, await_dags, await_golden, harvest
from cli.instance import API, Instance
from cli.orchestrator import ADMIN, PROCESSOR, SCHEDULER
from cli.orchestrator import API as AIRFLOW_API
from cli.output import Step
from cli.report import datasets
from core.errors import NotReady
from core.hub import Hub
from core.text import T

#: what lies under HUTONG_HOME and is made anew; hutong.toml is the operator's and stays
_STATE = ("airflow", "demo", "keys", "landing", "log", "postgres", "published", "run")


def reset(instance: Instance) -> None:
    """Stop everything and remove all data of this installation."""
    if instance.settings.database_url or instance.settings.landing_url:
        raise NotReady(
            T("外部数据库或落地区不能由 --reset 清空。", "--reset does not empty an external database or landing store."),
            remedy=T("自行清空后再运行,或不设 HUTONG_DATABASE_URL 与 HUTONG_LANDING_URL。",
                     "Empty it yourself first, or unset HUTONG_DATABASE_URL and HUTONG_LANDING_URL."),
            code="external",
        )  # fmt: skip
    instance.down()
    for name in _STATE:
        if name != "run":  # holds the lock of this very command
            shutil.rmtree(instance.settings.home / name, ignore_errors=True)


def run(instance: Instance, size: str | None, seed: int | None, step: Step, *, quiet: bool) -> dict[str, Any]:
    """Everything; returns what was reached. The installation stays running."""
    city = City(instance)
    with step(T("数据库", "Database")) as line:
        hub = instance.database()
        line.detail = str(standing.of(instance)[0][0]["url"])
    try:
        # Airflow needs half a minute to start, mostly waiting: it does so while the city is made
        with ThreadPoolExecutor(1) as aside:
            with step(T("数据契约、系统与证明类型", "Contracts, systems, certificate types")) as line:
                line.detail = instance.publish(hub)
            starting = aside.submit(_start_airflow, instance)
            kept = _city(city, size, seed, step)
            with step(T("密钥、事项与授权", "Secrets, service items, grants")):
                city.open(kept, hub)
                clients = seed_access(hub, city.folder)
            with step(T("接口", "API")) as line:
                instance.start_api()
                line.detail = instance.url(API) or ""
            with step(T("Airflow", "Airflow")) as line:
                instance.start_airflow(starting.result(), SCHEDULER)
                instance.await_airflow()
                line.detail = instance.url(AIRFLOW_API) or ""
        watched, golden = _harvest(instance, hub, step, quiet=quiet)
        return {
            "city": {"size": kept.size, "seed": kept.seed, "residents": kept.residents, "firms": kept.firms},
            "api": instance.url(API),
            "airflow": instance.url(AIRFLOW_API),
            "clients": clients,
            "airflow_login": {"user": ADMIN, "password": instance.orchestrator.password},
            "resources": datasets(hub),
            "golden": golden,
            "failed": [one.feed for one in watched if one.failed],
            "try": _try(city, instance.url(API) or "", clients),
        }
    finally:
        hub.close()


def _start_airflow(instance: Instance) -> dict[str, str]:
    environment = instance.prepare_airflow()
    instance.start_airflow(environment, AIRFLOW_API, PROCESSOR)
    return environment


def _city(city: City, size: str | None, seed: int | None, step: Step) -> Kept:
    with step(T("示范城市", "Synthetic city")) as line:
        kept, made = city.ensure(size, seed, lambda name, rows: line.tell(f"{name} {rows:,}"))
        line.detail = str(
            T(
                f"{kept.residents:,} 居民 · {kept.firms:,} 单位 · {len(kept.systems)} 个部门系统{'' if made else '(沿用)'}",
                f"{kept.residents:,} residents · {kept.firms:,} bodies · {len(kept.systems)} systems{'' if made else ' (kept)'}",
            )
        )
    return kept


def _harvest(instance: Instance, hub: Hub, step: Step, *, quiet: bool) -> tuple[list[Watched], int]:
    from catalog_registry import systems
    from schemas import published

    feeds = [feed.id for system in systems.listed(published.current(hub.home)) for feed in system.feeds]
    with instance.airflow() as airflow:
        await_dags(airflow, feeds)
        with _progress(len(feeds), quiet=quiet) as tell:
            watched = harvest(airflow, feeds, tell)
        with step(
            T("主数据记录(人口、法人、电子证照)", "Golden records (population, legal entities, licences)")
        ) as line:
            golden = await_golden(airflow, hub)
            line.detail = f"{golden:,}"
    return watched, golden


@contextmanager
def _progress(total: int, *, quiet: bool) -> Iterator[Any]:
    """A bar on a terminal, a line for each feed that ends without one, nothing for --json."""
    seen: set[str] = set()
    title = T("采集", "feeds")

    def plain(watched: Sequence[Watched]) -> None:
        for one in watched:
            if one.ended and one.feed not in seen:
                seen.add(one.feed)
                if not quiet:
                    print(f"{'✘' if one.failed else '✔'} {title} {len(seen)}/{total}  {one}", flush=True)

    if quiet or not output.console().is_terminal:
        yield plain
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(
        BarColumn(24), TextColumn("{task.description}"), TimeElapsedColumn(), console=output.console()
    ) as bar:
        task = bar.add_task(str(title), total=total)

        def drawn(watched: Sequence[Watched]) -> None:
            done = sum(one.ended for one in watched)
            at = next((str(one) for one in watched if "running" in one.tasks.values()), "")
            bar.update(task, completed=done, description=f"{title} {done}/{total}   {at}")

        yield drawn


def _try(city: City, url: str, clients: dict[str, str]) -> str:
    """Two commands to paste: a token, and a question about a person of the city. The number stands in the body only."""
    import json

    case = city.example("person")
    subject = case["subject"]
    query = {
        "service_item": "talent_housing", "case_no": "2026-0001", "operator": "window-03",
        "basis": {"kind": "authorisation", "reference": "授权书 2026-0001"},
        "subject": {"kind": subject["number_kind"], "number": subject["number"], "name": subject["name"]},
        "certificates": [{"type": case["type"]}],
    }  # fmt: skip
    client, secret = next(iter(clients.items()))
    return (
        f"TOKEN=$(curl -s {url}/v1/oauth2/token -d grant_type=client_credentials -d client_id={client} "
        f'-d client_secret={secret} | sed \'s/.*"access_token": *"\\([^"]*\\)".*/\\1/\')\n'
        f"curl -s {url}/v1/certificates/queries -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \\\n"
        f"  -d '{json.dumps(query, ensure_ascii=False)}'"
    )
