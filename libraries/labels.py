"""What ids are called where people read them: resources, items, systems, departments and the libraries' own, by the documents in
force; and what a golden value's code means, by its library's document, else by the item that gave it.

An id that no document knows any more (a resource withdrawn since) is called by itself.
"""

from __future__ import annotations

from core.text import T
from schemas.codes import division_names, lists
from schemas.library import Library
from schemas.published import Published


def resource(documents: Published, dataset: str) -> str:
    """A resource's title."""
    contract = documents.contracts.get(dataset)
    return contract.title if contract is not None else dataset


def item(documents: Published, dataset: str, name: str) -> str:
    """An item's title in its resource."""
    contract = documents.contracts.get(dataset)
    titles = {one.name: one.title for one in contract.items} if contract is not None else {}
    return titles.get(name, name)


def system(documents: Published, id: str) -> str:
    """A departmental system's title."""
    return str(documents.documents("system").get(id, {}).get("title", id))


def department(documents: Published, id: str) -> T:
    """A department's name."""
    found = documents.departments.get(id)
    return T(found.name, found.english or found.name) if found is not None else T(id, id)


def certificate_type(documents: Published, id: str) -> T:
    """A certificate type's title."""
    said = documents.documents("certificate").get(id, {}).get("title", id)
    return T(said.get("zh", id), said.get("en", id)) if isinstance(said, dict) else T(str(said), str(said))


def library(documents: Published, id: str) -> str:
    """A shared library's title."""
    found = documents.libraries.get(id)
    return found.title if found is not None else id


def attribute(documents: Published, library: str, name: str) -> T:
    """What a library calls one of its attributes."""
    found = documents.libraries.get(library)
    said = found.attributes.get(name) if found is not None else None
    return said.label if said is not None else T(name, name)


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
