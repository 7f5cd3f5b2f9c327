"""Writes a city: four systems in their own shapes, and the truth beside them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from demo import credit, fund, housing, real_estate
from demo.city import City, nobody
from demo.world import OnStep

ZONE = ZoneInfo("Asia/Shanghai")
TOKEN_FILE = "token"
# dataset: the source table that holds one row a record
DATASETS = {
    "real_estate_right": "BDC_QLR", "real_estate_limit": "BDC_XZ", "fund_employer": "dw_zhxx",
    "fund_account": "gr_zhxx", "fund_movement": "gr_mx", "fund_loan": "dk_zhxx", "credit_penalty": "xzcf",
    "serious_default": "yzsx", "housing_contract": "SPFHT", "housing_lease": "ZLBA", "subsidised_housing": "BZF",
}  # fmt: skip


@dataclass(frozen=True)
class Written:
    """Where everything is."""

    systems: dict[str, dict[str, str]]  # what each system's secret holds
    truth: Path  # truth.json; truth.parquet lies beside it
    counts: dict[str, int]  # records by dataset


def write(
    city: City,
    folder: Path,
    real_estate_url: str,
    on_step: OnStep = nobody,
    credit_url: str = "http://127.0.0.1:8091",
) -> Written:
    """Write the four systems and the truth; again over an older city in the same places.

    `real_estate_url` is the PostgreSQL database for the real-estate register. `credit_url` is where
    `python -m demo.credit --folder <folder>/credit --token-file <folder>/credit/token` will listen; the token is made
    once and kept.
    """
    root = folder.resolve()
    delivered = datetime.combine(city.today - timedelta(days=1), time(20), ZONE)
    drop, credit_folder, fund_file = root / "housing", root / "credit", root / "fund" / "fund.sqlite"
    steps: dict[str, tuple[Callable[[], object], Iterable[str]]] = {
        "real_estate_registry": (lambda: real_estate.write(city.tables, real_estate_url), real_estate.KEYS),
        "fund_core": (lambda: fund.write(city.tables, fund_file), fund.KEYS),
        "credit_platform": (lambda: credit.write(city.tables, credit_folder), credit.KEYS),
        "housing_drop": (lambda: housing.deliver(city.tables, drop, delivered), housing.FILES),
    }
    counts = {dataset: city.tables[table].num_rows for dataset, table in DATASETS.items()}
    for name, (step, rows) in steps.items():
        step()
        on_step(name, sum(city.tables[table].num_rows for table in rows))
    about = {"seed": city.seed, "size": city.size, "today": city.today.isoformat(), "rows": counts}
    truth = city.truth.write(root / "truth", about)
    systems = {
        "real_estate_registry": {"url": real_estate_url},
        "fund_core": {"url": f"sqlite:///{fund_file}"},
        "credit_platform": {"base_url": credit_url, "token": _token(credit_folder / TOKEN_FILE)},
        "housing_drop": {"url": drop.as_uri()},
    }
    return Written(systems, truth, counts)


def _token(path: Path) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24) + "\n", encoding="utf-8")
    return path.read_text(encoding="utf-8").strip()
