"""What a contract says about its own items: its key, its subjects and contributions, its links. All of it must exist."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from core.text import T
from schemas.codes import lists
from schemas.document import Place, Source, near
from schemas.parts import Contribution, Item, Relationship, Subject


def known_item(source: Source, place: Place, name: str, names: Mapping[str, Item]) -> None:
    """Raise DocumentRefused when there is no such item."""
    if name not in names:
        raise source.refused(place, T(f"没有信息项 {name}", f"there is no item {name}"), near(name, names))


def check_items(source: Source, place: Place, items: tuple[Item, ...], names: Mapping[str, Item]) -> None:
    """Names are unique, and `kindItem` leads from an identity number to a code. Raises DocumentRefused."""
    seen: set[str] = set()
    for number, item in enumerate(items):
        here: Place = (*place, "properties", number)
        if item.name in seen:
            raise source.refused(
                (*here, "name"),
                T(f"信息项 {item.name} 重复", f"the item {item.name} appears twice"),
                T("请改名。", "Rename one."),
            )
        seen.add(item.name)
        if item.kind_item is not None:
            known_item(source, (*here, "kindItem"), item.kind_item, names)
            if item.type.name != "identity_no" or names[item.kind_item].type.name != "code":
                raise source.refused(
                    (*here, "kindItem"),
                    T("kindItem 须由 identity_no 指向代码项", "kindItem leads from an identity_no to a code item"),
                    T(
                        "请写 valueType: identity_no,种类项写 codeList: identity_kind。",
                        "Write valueType: identity_no; its kind has codeList: identity_kind.",
                    ),
                )


def check_subjects(
    source: Source, place: Place, subjects: tuple[Subject, ...], contributes: tuple[Contribution, ...],
    names: Mapping[str, Item], relationships: tuple[Relationship, ...],
) -> None:  # fmt: skip
    """Subjects and contributions name existing items, roles and values. Raises DocumentRefused."""
    roles: set[str] = set()
    for number, subject in enumerate(subjects):
        here: Place = (*place, "subjects", number)
        if subject.role in roles:
            raise source.refused(
                (*here, "role"),
                T(f"角色 {subject.role} 重复", f"the role {subject.role} appears twice"),
                T("请改名。", "Rename one."),
            )
        roles.add(subject.role)
        for word, item in (("id", subject.id), ("otherwise", subject.otherwise), ("name", subject.name)):
            if item is not None:
                known_item(source, (*here, word), item, names)
    for number, contribution in enumerate(contributes):
        here = (*place, "contributes", number)
        if contribution.through is not None:
            _check_through(source, here, contribution, roles, names, relationships)
        elif contribution.role not in roles:
            raise source.refused(
                (*here, "role"),
                T(f"没有角色 {contribution.role}", f"there is no role {contribution.role}"),
                near(contribution.role, roles),
            )
        for attribute, item in contribution.items.items():
            known_item(source, (*here, "items", attribute), item, names)
        for item, values in contribution.when.items():
            known_item(source, (*here, "when", item), item, names)
            _known_values(source, (*here, "when", item), names[item], values)
        for attribute, codes in contribution.codes.items():
            if attribute not in contribution.items:
                raise source.refused(
                    (*here, "codes", attribute),
                    T(f"items 中没有 {attribute}", f"`items` does not give {attribute}"),
                    near(attribute, contribution.items),
                )
            _known_values(source, (*here, "codes", attribute), names[contribution.items[attribute]], codes)
        for role in contribution.holders:
            if role not in roles:
                raise source.refused(
                    (*here, "holders"), T(f"没有角色 {role}", f"there is no role {role}"), near(role, roles)
                )
        if contribution.succession is not None:
            known_item(source, (*here, "succession"), contribution.succession, names)


def _known_values(source: Source, place: Place, item: Item, values: Collection[str]) -> None:
    allowed: Collection[str] = lists(item.code_list).values if item.code_list else item.enum
    for value in values:
        if allowed and value not in allowed:
            raise source.refused(
                place, T(f"{item.name} 没有值 {value}", f"{item.name} has no value {value}"), near(value, allowed)
            )


def _check_through(
    source: Source, here: Place, contribution: Contribution, roles: Collection[str], names: Mapping[str, Item],
    relationships: tuple[Relationship, ...],
) -> None:  # fmt: skip
    """`through` is an item with one relationship; what only the other contract knows is checked by schemas.links."""
    item = str(contribution.through)
    known_item(source, (*here, "through"), item, names)
    leading = [link.item for link in relationships]
    if leading.count(item) != 1:
        raise source.refused(
            (*here, "through"),
            T(f"{item} 没有(或不止一个)关系", f"{item} has no relationship, or several"),
            T(f"请在 relationships 中写一条由 {item} 出发的关系。", f"Write one relationship that starts at {item}.")
            if item not in leading
            else near(item, [link for link in leading if leading.count(link) == 1]),
        )
    if contribution.role in roles:
        raise source.refused(
            (*here, "role"),
            T(f"角色 {contribution.role} 是本数据集自己的", f"the role {contribution.role} is this dataset's own"),
            T("请写所引用数据集的角色,或去掉 through。", "Write a role of the dataset referred to, or drop `through`."),
        )


def needed(
    items: tuple[Item, ...], subjects: tuple[Subject, ...], contributes: tuple[Contribution, ...],
    relationships: tuple[Relationship, ...], dates: Collection[str | None], withheld: Collection[str],
) -> Mapping[str, T]:  # fmt: skip
    """Items that a row is known, found, dated, contributed or withheld by, each with what it is. Any other may be empty
    without changing what the rest of its row says."""
    found: dict[str, T] = {}

    def say(names: Iterable[str | None], what: T) -> None:
        for name in names:
            if name is not None:
                found.setdefault(name, what)

    say((item.name for item in items if item.key), T("主键", "part of the key"))
    say((item.name for item in items if item.required), T("必填项", "required"))
    for subject in subjects:
        say((subject.id, subject.otherwise), T("主体的号码", "a subject's number"))
        say((subject.name,), T("主体的名称", "a subject's name"))
    say((item.kind_item for item in items), T("号码的种类", "the kind of a number"))
    say((link.item for link in relationships), T("关系的一端", "the end of a relationship"))
    say(dates, T("有效时间", "the time a row is valid"))
    say(withheld, T("不共享的条件", "a condition of what is withheld"))
    for contribution in contributes:
        deciding = (*contribution.when, contribution.through, contribution.succession)
        say(deciding, T("入库映射的条件", "a condition of a contribution"))
    return found


def key_of(source: Source, place: Place, table: Any) -> tuple[str, ...]:
    """The key's items in order. Raises DocumentRefused when there is none."""
    keys = [(p.get("primaryKeyPosition", 1), p["name"]) for p in table["properties"] if p.get("primaryKey")]
    if not keys:
        raise source.refused(
            (*place, "properties"),
            T("没有主键", "there is no key"),
            T(
                "请在标识一行的信息项上写 primaryKey: true。",
                "Mark the items that identify a row with primaryKey: true.",
            ),
        )
    if sorted(position for position, _ in keys) != list(range(1, len(keys) + 1)):
        raise source.refused(
            (*place, "properties"),
            T("主键次序不是 1、2、3…", "key positions are not 1, 2, 3 …"),
            T("请更正 primaryKeyPosition。", "Correct primaryKeyPosition."),
        )
    return tuple(name for _, name in sorted(keys))


def relationships_of(
    source: Source, place: Place, table: Any, dataset: str, names: Mapping[str, Item]
) -> tuple[Relationship, ...]:
    """Links to items of other datasets, single items only. Raises DocumentRefused."""
    found = []
    for number, block in enumerate(table.get("relationships", ())):
        ends = []
        for word in ("from", "to"):
            value = block[word]
            if not isinstance(value, str) or value.count(".") != 1:
                raise source.refused(
                    (*place, "relationships", number, word),
                    T("关系的两端各为一个信息项", "each end of a relationship is one item"),
                    T("请写成 dataset.item。", "Write dataset.item."),
                )
            ends.append(value.split("."))
        (here, item), (other, other_item) = ends
        if here != dataset:
            raise source.refused(
                (*place, "relationships", number, "from"),
                T(f"关系须从本数据集出发，而非 {here}", f"a relationship starts at this dataset, not at {here}"),
                near(here, [dataset]),
            )
        known_item(source, (*place, "relationships", number, "from"), item, names)
        found.append(Relationship(item, other, other_item))
    return tuple(found)
