"""The real-estate register's three tables."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from demo.tables import holders, limits, rights
from demo.tables.build import table
from demo.truth import Truth
from demo.world import World


def tables(world: World, truth: Truth) -> dict[str, pa.Table]:
    """Rights, holders and limits; real_estate_right is rights joined with holders."""
    right_columns, planted = rights.rights(world)
    holder_columns, right = holders.holders(world, truth)
    key = (holder_columns["QLID"], holder_columns["SXH"])
    for kind, flagged in planted.items():
        truth.plant(holders.DATASET, kind, np.flatnonzero(flagged[right]), key)
    changed = right_columns["GXSJ"][right]
    return {
        "BDC_FDCQ": table(right_columns),
        "BDC_QLR": table({**holder_columns, "GXSJ": changed}),
        "BDC_XZ": table(limits.limits(world, truth)),
    }
