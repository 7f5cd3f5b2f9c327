"""Writes a city: its systems in their own shapes, and the truth beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa

from demo import fund, housing, public_security, real_estate
from demo.city import City, nobody
from demo.service import PLATFORMS
from demo.world import OnStep

ZONE = ZoneInfo("Asia/Shanghai")
# system kept in a PostgreSQL database: the database's name, which is its role's name too
DATABASES = {"real_estate_registry": "real_estate", "household_registry": "households"}
# dataset: the table that holds one row a record
DATASETS = {
    "real_estate_right": "BDC_QLR", "real_estate_limit": "BDC_XZ", "fund_employer": "dw_zhxx",
    "fund_account": "gr_zhxx", "fund_movement": "gr_mx", "fund_loan": "dk_zhxx", "credit_penalty": "xzcf",
    "serious_default": "yzsx", "market_entity": "E_BASEINFO", "market_change": "E_ALTITEM",
    "housing_contract": "SPFHT", "housing_lease": "ZLBA", "subsidised_housing": "BZF",
    "household_person": "HJ_CZRK", "household_change": "HJ_BD",
}  # fmt: skip
SYSTEMS = ("real_estate_registry", "fund_core", "housing_drop", "household_registry", *PLATFORMS)


@dataclass(frozen=True)
class Written:
    """Where everything is."""

    systems: dict[str, dict[str, str]]  # what each system's secret holds
    truth: Path  # truth.json; truth.parquet lies beside it
    counts: dict[str, int]  # rows in the source by dataset: records, and where records are pushed, every push


def write(
    city: City,
    folder: Path,
    databases: Mapping[str, str],
    on_step: OnStep = nobody,
    services: str = "http://127.0.0.1:8091",
) -> Written:
    """Write the systems and the truth; again over an older city in the same places.

    `databases` are the PostgreSQL URLs of the systems that are kept in one, and if it is to be kept there, the MariaDB
    URL of the fund's (else it is an SQLite file). `services` is where
    `python -m demo.service --folder <folder>` will listen; its tokens are made once and kept.
    """
    root = folder.resolve()
    delivered = datetime.combine(city.today - timedelta(days=1), time(20), ZONE)
    drop = root / "housing"
    savings = databases.get("fund_core") or f"sqlite:///{root / 'fund' / 'fund.sqlite'}"
    registry, staging = databases["real_estate_registry"], databases["household_registry"]
    steps: dict[str, tuple[Callable[[], object], Iterable[str]]] = {
        "real_estate_registry": (lambda: real_estate.write(city.tables, registry), real_estate.KEYS),
        "fund_core": (lambda: fund.write(city.tables, savings), fund.KEYS),
        "housing_drop": (lambda: housing.deliver(city.tables, drop, delivered), housing.FILES),
        "household_registry": (lambda: public_security.write(city.tables, staging), public_security.PARTS),
    }
    tokens: dict[str, str] = {}
    for name, platform in PLATFORMS.items():
        steps[name] = (partial(_serve, tokens, name, city.tables, root), platform.keys)
    counts = {
        dataset: sum(city.tables[part].num_rows for part in public_security.PARTS.get(table, (table,)))
        for dataset, table in DATASETS.items()
    }
    for name, (step, rows) in steps.items():
        step()
        on_step(name, sum(city.tables[table].num_rows for table in rows))
    about = {"seed": city.seed, "size": city.size, "today": city.today.isoformat(), "rows": counts}
    truth = city.truth.write(root / "truth", about)
    systems = {
        "real_estate_registry": {"url": registry},
        "fund_core": {"url": savings},
        "housing_drop": {"url": drop.as_uri()},
        "household_registry": {"url": staging},
        **{name: {"base_url": services, "token": token} for name, token in tokens.items()},
    }
    return Written(systems, truth, counts)


def _serve(tokens: dict[str, str], name: str, tables: Mapping[str, pa.Table], root: Path) -> None:
    tokens[name] = PLATFORMS[name].write(tables, root)
