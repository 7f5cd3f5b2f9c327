"""What the city planted and what a good answer is: written beside the systems, read by tests only.

`truth/truth.parquet`: one row for each planted kind and record, sorted by dataset, kind and key.
  dataset   string         dataset id, e.g. "real_estate_right"
  kind      string         name of a kind in truth.json
  key       list<string>   the record's key as the source writes it, in key order, e.g. ["QL000000000001", "1"]
A record may appear under several kinds. Records under no kind are clean: nothing may be found in them.

`truth/truth.json`:
  seed, size, today
  rows    {dataset: rows in the source, records of cases included}
  kinds   [{dataset, name, column, defect, found_by, expect, rate, among, note, count, base}]
          column    the source column it sits in (the system document maps it to the item)
          defect    false: legal, must never be refused
          found_by  item: a rule on one item · row: items of one row against each other · dataset: rows against each
                    other · sources: datasets against each other · completeness: only in the share of empty cells ·
                    nothing: there is nothing to find
          expect    severity of the finding on the row: error (quarantined) · warning (stored, merged) · none
          count     records planted;  base  the rows its rate is a share of (rate null: no rate promised)
  cases   [{type, subject: {kind: person|firm|title, number_kind: identity_card|credit_code|title_certificate|…, number,
          name}, expect: {state, proved, outcome, reason}, note, demo, declared: [{relation, …as subject}]}]
          one question about one subject that appears nowhere else, and the answer it must get.
          state    held | not_held | unknown: what the records say
          proved   true | false | null: the certificate's claim
          outcome  code of the type's outcome, null where records in doubt forbid one
          reason   null, or why it is unknown: name_mismatch | quarantined_candidate | ambiguous_subject (a namesake
                   without a number) | not_collected | disputed
          declared the persons the subject declares with the question
          demo     true for the two subjects (a person, a firm) that examples use

The quarantine is right when it holds exactly the records under kinds with `expect` error.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from demo.kinds import KIND, KINDS
from demo.text import Ints, Text

SCHEMA = pa.schema([("dataset", pa.string()), ("kind", pa.string()), ("key", pa.list_(pa.string()))])


@dataclass(frozen=True)
class Case:
    """One question and its right answer; see the module's text."""

    type: str
    subject: dict[str, str]
    expect: dict[str, Any]
    note: str
    demo: bool = False
    declared: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Truth:
    """Collects planted records while the systems' tables are made."""

    tables: list[pa.Table] = field(default_factory=list)
    base: dict[tuple[str, str], int] = field(default_factory=dict)
    cases: list[Case] = field(default_factory=list)

    def plant(self, dataset: str, name: str, rows: Ints, key: tuple[Text, ...], base: int | None = None) -> None:
        """Record that `rows` of a dataset, whose key columns are given in full, carry a kind.

        `base` is the number of rows the kind's rate is a share of; by default all.
        """
        kind = KIND[dataset, name]
        chosen = [column[rows] for column in key]
        flat = pa.array(np.stack(chosen, axis=1).ravel() if rows.size else [], pa.string())
        offsets = pa.array(np.arange(rows.size + 1, dtype=np.int32) * len(key))
        self.tables.append(
            pa.table(
                [
                    pa.array([kind.dataset] * rows.size, pa.string()),
                    pa.array([kind.name] * rows.size, pa.string()),
                    pa.ListArray.from_arrays(offsets, flat),
                ],
                schema=SCHEMA,
            )
        )
        self.base[dataset, name] = self.base.get((dataset, name), 0) + (key[0].size if base is None else base)

    def table(self) -> pa.Table:
        """All planted records in a stable order."""
        joined = pa.concat_tables(self.tables)
        keys = pc.binary_join(joined["key"].combine_chunks(), "\x1f")
        order = pc.sort_indices(
            joined.append_column("joined", keys),
            sort_keys=[("dataset", "ascending"), ("kind", "ascending"), ("joined", "ascending")],
        )
        return joined.take(order)

    def write(self, folder: Path, about: dict[str, Any]) -> Path:
        """Write both files and return the path of truth.json."""
        folder.mkdir(parents=True, exist_ok=True)
        table = self.table()
        pq.write_table(table, folder / "truth.parquet", compression="zstd")
        counts = _counts(zip(table["dataset"].to_pylist(), table["kind"].to_pylist(), strict=True))
        kinds = [
            asdict(kind) | {"count": counts.get(key, 0), "base": self.base.get(key, 0)} for key, kind in KIND.items()
        ]
        body = about | {"kinds": kinds, "cases": [asdict(case) for case in self.cases]}
        path = folder / "truth.json"
        path.write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return path


def _counts(pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    out: dict[tuple[str, str], int] = {}
    for pair in pairs:
        out[pair] = out.get(pair, 0) + 1
    return out


assert len(KIND) == len(KINDS)  # a kind is named once in a dataset
