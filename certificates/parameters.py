"""A type's parameters: judged as asked, bound into the statement, named in labels."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from catalog_registry.certificate_types import CertificateType, Parameter
from core.errors import Invalid
from core.text import T
from schemas.document import near
from schemas.types import Options, get


def understand(made: CertificateType, given: Mapping[str, int | str], place: str) -> dict[str, int | str]:
    """What was given, in standard form. Raises Invalid at the place of the first that the type does not take."""
    known = made.parameters
    found: dict[str, int | str] = {}
    for name, value in given.items():
        pointer = f"{place}/parameters/{name}"
        if name not in known:
            raise Invalid(
                T(f"{made.certificate} 没有参数 {name}。", f"{made.certificate} has no parameter {name}."),
                remedy=near(name, known), pointer=pointer,
            )  # fmt: skip
        found[name] = _read(known[name], name, value, pointer)
    return found


def bind(parameter: Parameter, given: int | str | None) -> int | list[str] | None:
    """The value a statement takes: a whole number, or the texts one of which must match; None when left out."""
    value = parameter.default if given is None else given
    if parameter.type == "choice":
        return list(parameter.choices[str(value)].values)
    return [value] if isinstance(value, str) else value


def labelled(made: CertificateType, label: T, given: Mapping[str, int | str]) -> T:
    """A label with `{parameter}` replaced by what was asked with."""
    for name, parameter in made.parameters.items():
        value = given.get(name, parameter.default)
        told = parameter.choices[str(value)].title.text if parameter.type == "choice" else T(str(value), str(value))
        label = T(label.zh.replace(f"{{{name}}}", told.zh), label.en.replace(f"{{{name}}}", told.en))
    return label


def slot(made: CertificateType, name: str) -> str:
    """The name of the statement's parameter."""
    return f"{made.certificate}.{name}"


def _read(parameter: Parameter, name: str, value: int | str, pointer: str) -> int | str:
    if parameter.type == "integer":
        if not isinstance(value, int):
            raise Invalid(T(f"参数 {name} 应为整数。", f"The parameter {name} is a whole number."), pointer=pointer)
        assert parameter.minimum is not None and parameter.maximum is not None
        if not parameter.minimum <= value <= parameter.maximum:
            raise Invalid(
                T(f"参数 {name} 超出范围。", f"The parameter {name} is out of range."),
                remedy=T(f"应为 {parameter.minimum} 至 {parameter.maximum}。",
                         f"It lies between {parameter.minimum} and {parameter.maximum}."),
                pointer=pointer,
            )  # fmt: skip
        return value
    if parameter.type == "choice":
        if value not in parameter.choices:
            raise Invalid(
                T(f"参数 {name} 没有这一选项。", f"The parameter {name} has no such choice."),
                remedy=T(f"可用：{'、'.join(parameter.choices)}。", f"Known: {', '.join(parameter.choices)}."),
                pointer=pointer,
            )  # fmt: skip
        return value
    # the text may name a person, so a refusal never repeats it
    kind = get(parameter.value_type)
    standard = (
        kind.standardise(pa.array([value], pa.string()), Options())[0][0].as_py() if isinstance(value, str) else None
    )
    if standard is None:
        raise Invalid(T(f"参数 {name} 无法识别。", f"The parameter {name} cannot be read."), pointer=pointer)
    return str(standard)
