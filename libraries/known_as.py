"""What else a register knows its subjects as: former numbers, former names, a second number beside the first.

Such a claim (an attribute with `knownAs`, said by one of its authorities) is evidence of who is who: a mention under the
old number with a name the register knows is a mention of the same subject. It is written in the merge's transaction, by
where it stands, as mentions are: look-ups read it as it is, whatever the refresh of golden records has done.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from libraries.mentions import LONGEST, referred
from libraries.rules import KINDS
from schemas.contract import Contract, Contribution
from schemas.library import Library
from schemas.types import Options, get

SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("role", pa.string()),
        ("attribute", pa.string()),
        ("library", pa.string()),
        ("kind", pa.string()),
        ("value", pa.string()),
        ("form", pa.string()),
        ("of_dataset", pa.string()),
        ("of_key", pa.binary()),
    ]
)


def of_rows(
    contract: Contract, libraries: Mapping[str, Library], values: Mapping[str, pa.Array], keys: pa.Array, system: str
) -> pa.Table:
    """What typed rows of a system, with these keys, say of this sort: one table of `SCHEMA`; `row` is the row's index."""
    found = []
    for contribution in contract.contributes:
        for attribute, known_as in says(contract, contribution, libraries).items():
            said, item = libraries[contribution.library].attributes[attribute], contribution.items[attribute]
            standard = get(said.value_type).standardise(values[item].cast(pa.string()), Options())[0]
            there = _met(contribution, values) & pc.is_valid(standard).to_numpy(zero_copy_only=False)
            found.append(_table(contract, contribution, attribute, known_as, values, keys, system, standard, there))
    return pa.concat_tables(found) if found else SCHEMA.empty_table()


def says(contract: Contract, contribution: Contribution, libraries: Mapping[str, Library]) -> dict[str, str]:
    """The attributes of this sort that a contribution gives, each `number` or `name`."""
    library = libraries.get(contribution.library)
    given = {} if library is None or library.id not in KINDS else library.attributes
    return {
        name: said.known_as
        for name in contribution.items
        if (said := given.get(name)) and said.known_as and contract.department in said.authority
    }


def _met(contribution: Contribution, values: Mapping[str, pa.Array]) -> NDArray[np.bool_]:
    """Which rows the contribution's `when` holds for."""
    met = pa.repeat(True, len(next(iter(values.values()))))
    for item, allowed in contribution.when.items():
        met = pc.and_(met, pc.is_in(values[item].cast(pa.string()), value_set=pa.array(allowed, pa.string())))
    if contribution.through is not None:
        met = pc.and_(met, pc.is_valid(values[contribution.through]))
    return np.asarray(met.to_numpy(zero_copy_only=False), dtype=bool)


def _table(
    contract: Contract, contribution: Contribution, attribute: str, known_as: str, values: Mapping[str, pa.Array],
    keys: pa.Array, system: str, standard: pa.Array, there: NDArray[np.bool_],
) -> pa.Table:  # fmt: skip
    at = pa.array(np.flatnonzero(there))
    said = pc.utf8_slice_codeunits(standard.take(at), 0, LONGEST)
    form = KINDS[contribution.library].form
    through = contribution.through
    constants = [contribution.role, attribute, contribution.library, known_as]
    return pa.table(
        [
            at,
            *(pa.repeat(one, len(at)) for one in constants),
            said,
            pa.array([form(value) for value in said.to_pylist()], pa.string()) if known_as == "number" else said,
            pa.repeat(contract.referred(through).dataset if through else contract.id, len(at)),
            pa.array(referred(values[through].take(at), system), pa.binary()) if through else keys.take(at),
        ],
        schema=SCHEMA,
    )


def merge(connection: Connection, dataset: str, staged: str, touched: str) -> None:
    """Bring what a batch says in, inside the merge's transaction; arguments as those of `mentions.merge`. Who is concerned
    is marked there: the record itself, or its reference, is a mention."""
    connection.execute(
        text(f"DELETE FROM libraries.known_as k USING {touched} t WHERE k.dataset = :dataset AND k.key = t.key"),
        {"dataset": dataset},
    )
    connection.execute(
        text(
            "INSERT INTO libraries.known_as (dataset, key, role, attribute, library, kind, value, form, of_dataset, of_key) "
            "SELECT DISTINCT ON (key, role, attribute) :dataset, key, role, attribute, library, kind, value, form, of_dataset, "
            f"of_key FROM {staged} ORDER BY key, role, attribute, value ON CONFLICT (dataset, key, role, attribute) DO UPDATE "
            "SET library = excluded.library, kind = excluded.kind, value = excluded.value, form = excluded.form, "
            "of_dataset = excluded.of_dataset, of_key = excluded.of_key"
        ),
        {"dataset": dataset},
    )
