"""What a golden value's code means, in both languages: by its library's document, else by the item that gave it."""

from __future__ import annotations

from core.text import T
from schemas.codes import division_names, lists
from schemas.library import Library
from schemas.published import Published


def label(documents: Published, library: str, attribute: str, value: str, dataset: str | None = None) -> T | None:
    """The label of one value of an attribute, said by a dataset (whichever one could, when that is not known); None for what is
    no code."""
    made = documents.libraries[library]
    said = made.attributes[attribute]
    if (own := _own(made, attribute, value)) is not None:
        return own
    if said.value_type == "division":
        return division_names.full(value)
    if said.value_type != "code":
        return None
    for id in [dataset] if dataset in documents.contracts else sorted(documents.contracts):
        contract = documents.contracts[str(id)]
        for contribution in contract.contributes:
            item = contribution.items.get(attribute) if contribution.library == library else None
            if item is not None and (found := contract.item(item).label(value)) is not None:
                return found
    return None


def _own(library: Library, attribute: str, value: str) -> T | None:
    """What the library itself calls it."""
    if attribute == "type" and value in library.types:
        return library.types[value].label
    codes = library.attributes[attribute].codes
    if isinstance(codes, str):
        return lists(codes).values.get(value)
    return T(*codes[value]) if codes and value in codes else None
