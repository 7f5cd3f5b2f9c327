"""A batch's journey in: extract, land, standardise, validate, merge, deliver. Plain Python; Airflow and the CLI call it."""

import core  # noqa: F401  before Arrow is imported: it chooses Arrow's allocator
