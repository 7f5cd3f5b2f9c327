"""The Open Data Contract Standard's own rules, by the JSON Schema its package ships.

The package's pydantic model accepts misspelt keys without a word, so it is not used. `jsonschema` reports an unknown
key inside `unevaluatedProperties` together with every consequence of other mistakes; the keys a definition really
knows are therefore gathered here, which also gives the near misses.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft201909Validator
from jsonschema.exceptions import ValidationError, best_match

from core.text import T
from schemas.document import Place, Source, near


@cache
def _validator() -> Draft201909Validator:
    schema = json.loads(resources.files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8"))
    return Draft201909Validator(schema)


def check(source: Source) -> None:
    """Raise DocumentRefused at the first place where the document is not a data contract by ODCS v3."""
    errors = list(_validator().iter_errors(source.tree))
    for error in errors:
        for place, key, known in _unknown_keys(error):
            raise source.refused(place, T(f"未知的键 {key}", f"unknown key {key}"), near(key, known))
    if not errors:
        return
    error = best_match(errors)
    place = tuple(error.absolute_path)
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        raise source.refused((*place, missing), T(f"缺少 {missing}", f"{missing} is missing"), T("请补上。", "Add it."))
    if error.validator in ("enum", "const"):
        choices = error.validator_value if error.validator == "enum" else [error.validator_value]
        raise source.refused(
            place,
            T(f"{error.instance} 不是允许的值", f"{error.instance} is not an allowed value"),
            near(error.instance, choices),
        )
    raise source.refused(
        place,
        T(f"不符合 ODCS:{_short(error)}", f"not as ODCS asks: {_short(error)}"),
        T("请对照 ODCS v3 更正。", "See the Open Data Contract Standard, v3."),
    )


def _short(error: ValidationError) -> str:
    return error.message if len(error.message) <= 200 else f"{error.validator}: {str(error.validator_value)[:150]}"


def _unknown_keys(error: ValidationError) -> Iterator[tuple[Place, str, set[str]]]:
    """Every key that no branch of the definition knows, at this error or beneath it."""
    for inner in error.context or ():
        yield from _unknown_keys(inner)
    if error.validator in ("unevaluatedProperties", "additionalProperties") and isinstance(error.instance, dict):
        known = _known(error.schema)
        for key in error.instance:
            if isinstance(key, str) and key not in known:
                yield (*error.absolute_path, key), key, known


def _known(schema: Any) -> set[str]:
    if not isinstance(schema, dict):
        return set()
    names = set(schema.get("properties", {}))
    if reference := schema.get("$ref"):
        names |= _known(_validator().schema["$defs"][reference.rpartition("/")[2]])
    branches = [*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())]
    for branch in (*branches, schema.get("then"), schema.get("else")):
        names |= _known(branch)
    return names
