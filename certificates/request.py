"""What a department asks: one subject, several certificate types, for a case of a service item."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StringConstraints

# no control characters: they have no meaning in a number, a name or a reference, and PostgreSQL knows no NUL
_PLAIN = r"^[^\x00-\x1f\x7f]*$"
_Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=_PLAIN)]
# codes are repeated in a refusal ("did you mean"), so nothing that could be a person's number passes for one
_Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
MAX_TYPES = 20


class _Strict(BaseModel):
    # a misspelt key would silently change the question; an error never repeats what was sent
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Subject(_Strict):
    """Who the question is about. The number travels only here, in the body."""

    kind: _Code = Field(description="证件种类 / kind of number", examples=["identity_card"])
    number: _Word = Field(description="证件号码 / number", examples=["11010519491231002X"])
    name: _Word = Field(description="姓名或单位名称 / name", examples=["张三"])


class Basis(_Strict):
    """Why the department may ask: by law, or by the person's authorisation."""

    kind: Literal["statutory", "authorisation"] = Field(description="依据种类 / kind of basis")
    reference: _Word = Field(description="法条或授权书编号 / article, or reference of the authorisation")


class Line(_Strict):
    """One certificate type and its parameters."""

    type: _Code = Field(description="证明类型 / certificate type", examples=["residential_registration"])
    parameters: dict[_Code, StrictInt] = Field(
        default_factory=dict, max_length=MAX_TYPES, description="参数 / parameters"
    )


class Query(_Strict):
    """A question. The asking department and system come from the token."""

    service_item: _Code = Field(description="事项 / service item")
    case_no: _Word = Field(description="办件编号 / case number")
    operator: _Word = Field(description="经办人 / operator")
    basis: Basis
    subject: Subject
    certificates: list[Line] = Field(min_length=1, max_length=MAX_TYPES)
