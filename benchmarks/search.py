"""`make bench ARGS=search`: the catalogue of a whole city (`hutong catalog demo`) searched through HTTP, open loop.

Every kind of question is drawn in turn, with facets and totals; p50, p95 and p99 of each. Also how long the API takes to
answer first, with what is connected only and with the whole city. Written to benchmarks/results/search.json and .md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from catalog_registry import publication
from core.embedded import Embedded
from core.hub import Hub
from core.settings import load

RESULTS = Path(__file__).parent / "results"
PORT = 8766
EVERYTHING = {"facets": "true", "total": "true"}
#: kind → the path and its questions; each is asked with facets and the total
QUESTIONS: Mapping[str, tuple[str, Sequence[str]]] = {
    "title": ("resources", ("婚姻登记", "不动产", "公积金账户", "排污许可", "执业医师")),
    "wide": ("resources", ("信息", "登记信息", "名录", "统计数据")),
    "item in resources": ("resources", ("建筑面积", "统一社会信用代码", "发证日期", "法定代表人")),
    "initials": ("resources", ("jzmj", "gjj", "bdc", "hydj", "tyshxydm")),
    "pinyin": ("resources", ("jianzhumianji", "hunyin", "gongjijin", "shuiku")),
    "two words": ("resources", ("民政局 登记", "住房 建筑面积", "卫生 许可", "水库 安全")),
    "synonym": ("resources", ("资源目录", "身份证号", "工商", "社保")),
    "slip in Chinese": ("resources", ("建筑面基", "婚因登记", "建筑积面", "统一社会信代码")),
    "slip in Latin": ("resources", ("jzmk", "jianzumianji", "hunyindenji", "bdcqql")),
    "run together": ("resources", ("民政局婚姻登记", "教育局教师资格查询")),
    "one letter": ("resources", ("x", "m", "s")),
    "nothing": ("resources", ("犇骉羴", "zzzzzzz", "😀")),
    "list": ("resources", ("",)),
    "items": ("items", ("建筑面积", "jzmj", "证件号码", "建筑面基")),
}
FILTERED = (
    {"share_type": "1", "state": "listed"},
    {"department": "civil_affairs"},
    {"cycle": ["2", "4"], "order": "updated"},
)


def main(options: list[str] | None = None) -> None:
    """Load the city, measure, write what was measured."""
    parser = argparse.ArgumentParser(prog="benchmarks search", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rate", type=int, default=20, help="questions a second")
    arguments = parser.parse_args(options)
    k6 = shutil.which("k6", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if k6 is None:
        raise SystemExit("k6 is missing: `make bench` installs it")
    with tempfile.TemporaryDirectory(prefix="hutong-bench-") as folder:
        server = Embedded(Path(folder) / "postgres")
        try:
            report = _measure(server, Path(folder), k6, arguments.seconds, arguments.rate)
        finally:
            server.stop()
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "search.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (RESULTS / "search.md").write_text(_markdown(report), "utf-8")
    print(_markdown(report))


def _measure(server: Embedded, folder: Path, k6: str, seconds: int, rate: int) -> dict[str, Any]:
    where = server.start()
    server.create("hub", "hutong", where.password)
    environment = os.environ | {"HUTONG_HOME": str(folder / "home"), "HUTONG_DATABASE_URL": where.url("hub")}
    os.environ.update(environment)
    hub = Hub.set_up(load(database_url=where.url("hub")))
    publication.ensure_shipped(hub)
    hub.close()
    log = folder / "api.log"
    with _serving(environment, log) as connected_only:
        pass
    at = time.perf_counter()
    subprocess.run([_hutong(), "catalog", "demo"], env=environment, check=True, stdout=subprocess.DEVNULL)
    registering = time.perf_counter() - at
    questions = folder / "questions.json"
    questions.write_text(json.dumps(list(_questions())), "utf-8")
    with _serving(environment, log) as whole_city:
        _load(k6, folder, questions, 5, rate)  # plans, caches and connections are there
        metrics = _load(k6, folder, questions, seconds, rate)
    if metrics["http_req_failed"]["value"] > 0:
        raise SystemExit(
            f"{metrics['http_req_failed']['value']:.2%} of the questions failed\n{log.read_text('utf-8')[-1000:]}"
        )
    kinds = {
        name.removeprefix("http_req_duration{kind:").removesuffix("}"): values
        for name, values in metrics.items()
        if name.startswith("http_req_duration{kind:")
    }
    return {
        "rate": rate, "seconds": seconds, "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system(),
                    "load": round(os.getloadavg()[0], 1)},
        "registering": registering, "starts": {"connected only": connected_only[0], "whole city": whole_city[0]},
        "all": metrics["http_req_duration"], "kinds": kinds,
    }  # fmt: skip


def _questions() -> Iterator[dict[str, str]]:
    for kind, (path, typed) in QUESTIONS.items():
        for q in typed:
            yield {"kind": kind, "url": f"/v1/{path}?{urlencode({'q': q, **EVERYTHING})}"}
    for filters in FILTERED:
        for q in ("登记", "jzmj"):
            yield {
                "kind": "filtered",
                "url": f"/v1/resources?{urlencode({'q': q, **filters, **EVERYTHING}, doseq=True)}",
            }


@contextmanager
def _serving(environment: Mapping[str, str], log: Path) -> Iterator[list[float]]:
    """The API, and the seconds from its start to its first answer."""
    at = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [_hutong(), "serve", "api", "--port", str(PORT)], env=environment, stdout=output, stderr=output
        )
    try:
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{PORT}/readyz").raise_for_status()
                break
            except httpx.TransportError:
                if process.poll() is not None:
                    raise SystemExit(log.read_text("utf-8")[-1000:]) from None
                time.sleep(0.05)
        yield [time.perf_counter() - at]
    finally:
        process.terminate()
        process.wait(30)


def _hutong() -> str:
    return str(Path(sys.executable).parent / "hutong")


def _load(k6: str, folder: Path, questions: Path, seconds: int, rate: int) -> dict[str, Any]:
    summary = folder / "summary.json"
    said = {
        "QUESTIONS": str(questions), "SECONDS": str(seconds), "RATE": str(rate), "BASE": f"http://127.0.0.1:{PORT}",
    }  # fmt: skip
    subprocess.run(
        [k6, "run", "--quiet", "--no-usage-report", "--address", "", "--summary-export", str(summary),
         str(Path(__file__).with_suffix(".js"))],
        env=os.environ | said, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return dict(json.loads(summary.read_text("utf-8"))["metrics"])


def _markdown(report: dict[str, Any]) -> str:
    machine, starts = report["machine"], report["starts"]
    lines = ["| question | p50 ms | p95 ms | p99 ms |", "|---|---|---|---|"]
    for kind, values in [("**all**", report["all"]), *report["kinds"].items()]:
        lines.append(f"| {kind} | " + " | ".join(f"{values[name]:.1f}" for name in ("med", "p(95)", "p(99)")) + " |")
    return (
        f"# Catalogue search\n\nThe catalogue of a whole city, every question with facets and the total; open loop at "
        f"{report['rate']}/s for {report['seconds']} s, through HTTP. {machine['cores']} cores (the load runs on them too; "
        f"load average at the end {machine['load']}), Python {machine['python']}; {report['at']}.\n\n"
        + "\n".join(lines)
        + "\n\n"
        f"Registering the city: {report['registering']:.1f} s. From the start of the API to its first answer: "
        + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in starts.items())
        + ".\n"
    )


if __name__ == "__main__":
    main()
