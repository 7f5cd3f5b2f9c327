"""What one contract says about other documents: the other end of its relationships, the libraries it contributes to; and by
which of its items a dataset is joined to another, for the documents that ask for it.

A target that is not published yet is no mistake, documents come in any order; a target that is there must have the
item or attribute named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from core.text import T
from schemas.contract import Contract
from schemas.document import Place, Source, near, read
from schemas.library import Library
from schemas.parts import Contribution


def ends(contract: Contract, others: Iterable[Contract]) -> tuple[str, ...]:
    """The items of a dataset by which its rows lead to other datasets' rows, or are reached from them."""
    own = {link.item for link in contract.relationships}
    return tuple(
        sorted(own | {link.other_item for o in others for link in o.relationships if link.dataset == contract.id})
    )


def check(
    contract: Contract,
    contract_of: Callable[[str], Contract | None],
    library_of: Callable[[str], Library | None],
    *,
    file: str,
) -> None:
    """Raise DocumentRefused when `contract` names an item or attribute that an existing document does not have."""
    for number, link in enumerate(contract.relationships):
        other = contract_of(link.dataset)
        if other is None:
            continue
        names = {item.name: item for item in other.items}
        place = ("schema", 0, "relationships", number, "to")
        if link.other_item not in names:
            raise read(contract.text, file=file).refused(
                place,
                T(f"{link.dataset} 没有信息项 {link.other_item}", f"{link.dataset} has no item {link.other_item}"),
                near(link.other_item, names),
            )
        if names[link.other_item].type.arrow != contract.item(link.item).type.arrow:
            raise read(contract.text, file=file).refused(
                place,
                T("关系两端的类型不同", "the two ends have different types"),
                T("请连接同类型的信息项。", "Link items of one type."),
            )
    for number, contribution in enumerate(contract.contributes):
        if contribution.through is not None:
            _check_through(contract, number, contribution, contract_of, file)
        library = library_of(contribution.library)
        if library is None:
            continue
        for word, said in (("items", contribution.items), ("values", contribution.values)):
            for attribute in said:
                if attribute not in library.attributes:
                    raise read(contract.text, file=file).refused(
                        ("schema", 0, "contributes", number, word, attribute),
                        T(
                            f"{library.title}没有属性 {attribute}",
                            f"the {library.id} library has no attribute {attribute}",
                        ),
                        near(attribute, library.attributes),
                    )
        if (contribution.holders or contribution.succession) and not library.types:
            word = "holders" if contribution.holders else "succession"
            raise read(contract.text, file=file).refused(
                ("schema", 0, "contributes", number, word),
                T(f"{library.title}不是证照库", f"the {library.id} library is not one of licences"),
                T(f"请去掉 {word}。", f"Drop `{word}`."),
            )
        if contribution.through is not None and library.identity in {*contribution.items, *contribution.values}:
            raise read(contract.text, file=file).refused(
                ("schema", 0, "contributes", number, "items", library.identity),
                T(f"{library.identity} 由所引用的记录给出", f"{library.identity} is given by the record referred to"),
                T(
                    "请去掉这一项;曾用号码写入 knownAs 属性。",
                    "Drop it; former numbers go into an attribute with knownAs.",
                ),
            )


def _check_through(
    contract: Contract,
    number: int,
    contribution: Contribution,
    contract_of: Callable[[str], Contract | None],
    file: str,
) -> None:
    """The relationship leads to the whole key of the other dataset, where one subject has that role."""
    link = contract.referred(str(contribution.through))
    other = contract_of(link.dataset)
    if other is None:
        return
    place = ("schema", 0, "contributes", number)
    if other.key != (link.other_item,):
        raise read(contract.text, file=file).refused(
            (*place, "through"),
            T(f"{link.other_item} 不是 {link.dataset} 的主键", f"{link.other_item} is not the key of {link.dataset}"),
            T(f"请引用主键:{'、'.join(other.key)}。", f"Refer to its key: {', '.join(other.key)}."),
        )
    subjects = {subject.role: subject for subject in other.subjects}
    if contribution.role not in subjects:
        raise read(contract.text, file=file).refused(
            (*place, "role"),
            T(f"{link.dataset} 没有角色 {contribution.role}", f"{link.dataset} has no role {contribution.role}"),
            near(contribution.role, subjects),
        )
    if subjects[contribution.role].separator is not None:
        raise read(contract.text, file=file).refused(
            (*place, "role"),
            T(f"{contribution.role} 一格可有多人", f"a cell of {contribution.role} may name several"),
            T("不能经引用指明其中一人。", "A reference cannot tell which of them is meant."),
        )


def relate(here: Contract, there: Contract, via: str | None, source: Source, place: Place) -> tuple[str, str]:
    """(item here, item there) of the one declared relationship between two datasets, declared on either side."""
    found = [(link.item, link.other_item) for link in here.relationships if link.dataset == there.id]
    found += [(link.other_item, link.item) for link in there.relationships if link.dataset == here.id]
    chosen = sorted({pair for pair in found if via in (None, pair[0])})
    if len(chosen) != 1:
        raise source.refused(
            place,
            T(
                f"{here.id} 与 {there.id} 之间有 {len(chosen)} 个关系可选",
                f"{len(chosen)} relationships fit between {here.id} and {there.id}",
            ),
            near(via or "", [pair[0] for pair in found])
            if found
            else T("请在数据契约中声明 relationships。", "Declare it under relationships in a contract."),
        )
    for contract, item in zip((here, there), chosen[0], strict=True):
        kept(source, place, contract, (item,))
    return chosen[0]


def relate_all(
    here: Contract, there: Contract, via: tuple[str, ...], source: Source, place: Place
) -> list[tuple[str, str]]:
    """`relate` for each of several joining items; for the only relationship there is, when none is named."""
    return [relate(here, there, one, source, place) for one in via or (None,)]


def kept(source: Source, place: Place, contract: Contract, items: Iterable[str]) -> None:
    """Neither an answer nor a check hangs on an item whose doubtful values are left out: its being empty would read as
    there being none."""
    for item in items:
        if item in contract.unkept:
            raise source.refused(
                place,
                T(
                    f"{item} 的存疑值不入库,不能据以作答或核对",
                    f"doubtful values of {item} are left out: no answer or check may depend on it",
                ),
                T(
                    f"请改用其他信息项,或去掉 {contract.id} 数据契约中该项的 keepValue: false。",
                    f"Use another item, or drop the item's keepValue: false from the contract of {contract.id}.",
                ),
            )
