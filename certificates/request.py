"""What a department asks: a subject and whom it declares, several certificate types, for a case of a service item."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from core.text import T
from schemas.types import citizen_no

# no control characters: they have no meaning in a number, a name or a reference, and PostgreSQL knows no NUL
_PLAIN = r"^[^\x00-\x1f\x7f]*$"
_LONGEST = 100
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=_LONGEST, pattern=_PLAIN)]
# codes are repeated in a refusal ("did you mean"), so nothing that could be a person's number passes for one
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
MAX_TYPES = 20
MAX_DECLARED = 12
UNFIT = "unfit"


def unfit(at: str, message: T) -> PydanticCustomError:
    """What a validator raises, to be told as it stands: which field (a JSON pointer below the value looked at, "" for the
    value itself), and what is wrong with it. Never holds what was sent."""
    return PydanticCustomError(UNFIT, "{en}", {"at": at, "zh": message.zh, "en": message.en})


def _value(value: Any) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and 0 < len(value.strip()) <= _LONGEST and value.isprintable():
        return value.strip()
    raise unfit(
        "", T(f"应为整数或 {_LONGEST} 字以内的文字", f"must be a whole number or a text of up to {_LONGEST} characters")
    )


_Value = Annotated[
    Any,
    AfterValidator(_value),
    WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string", "maxLength": _LONGEST}]}),
]


def _nobodys(value: str) -> str:
    if citizen_no.held_in(value):
        raise unfit(
            "",
            T(
                "含有公民身份号码:请改写编号或账号",
                "holds a citizen number: give a case's number or an account instead",
            ),
        )
    return value


# of a case, a document or an account: it is kept in the audit log as it stands, where a person goes by a pseudonym only
Reference = Annotated[Word, AfterValidator(_nobodys)]


class Strict(BaseModel):
    # a misspelt key would silently change the question; an error never repeats what was sent
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Subject(Strict):
    """Who the question is about. The number travels only here, in the body."""

    kind: Code = Field(description="证件种类 / kind of number", examples=["identity_card"])
    number: Word = Field(description="证件号码 / number", examples=["11010519491231002X"])
    name: Word = Field(description="姓名或单位名称 / name", examples=["张三"])


class Declared(Subject):
    """Somebody, or a title, the applicant declares. What a declaration says of the relation is not verified."""

    relation: Code = Field(
        description="申报关系；另一主体为 person、firm 或 title / relation; person, firm or title for another subject",
        examples=["spouse"],
    )


class Basis(Strict):
    """Why the department may ask: by law, or by the person's authorisation."""

    kind: Literal["statutory", "authorisation"] = Field(description="依据种类 / kind of basis")
    reference: Reference = Field(description="法条或授权书编号 / article, or reference of the authorisation")


class Line(Strict):
    """One certificate type and its parameters."""

    type: Code = Field(description="证明类型 / certificate type", examples=["residential_registration"])
    parameters: dict[Code, _Value] = Field(default_factory=dict, max_length=MAX_TYPES, description="参数 / parameters")


class Query(Strict):
    """A question. The asking department and system come from the token. Without `certificates`, everything the service
    item's guide asks for."""

    service_item: Code = Field(description="事项 / service item")
    case_no: Reference = Field(description="办件编号 / case number")
    operator: Reference = Field(description="经办人 / operator")
    basis: Basis
    subject: Subject
    declared: list[Declared] = Field(
        default_factory=list, max_length=MAX_DECLARED, description="申报的相关人员 / who the applicant declares"
    )
    certificates: list[Line] | None = Field(
        None, min_length=1, max_length=MAX_TYPES, description="省略则按事项全部证明 / left out: all of the service item"
    )
