"""The example in docs/how-to/certificate-types.md is a certificate type the shipped contracts bear."""

from __future__ import annotations

import re
from pathlib import Path

from catalog_registry.certificate_checks import check, load
from certificates.question import compile_type
from schemas import contract
from schemas.document import read


def test_the_example_compiles() -> None:
    page = Path("docs/how-to/certificate-types.md").read_text("utf-8")
    match = re.search(r"```yaml\n(.*?)```", page, re.S)
    assert match is not None
    source = read(match[1], file="example.yaml")
    made = load(match[1], file="example.yaml")
    contracts = {one.id: one for path in Path("schemas/contracts").rglob("*.odcs.yaml") if (one := contract.load(path))}
    check(made, contracts, source)
    question = compile_type(made, contracts, source, {})
    assert question.missing == () and set(made.datasets) == {"fund_account", "fund_movement"}
