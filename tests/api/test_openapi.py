"""The OpenAPI document says what every operation answers: a schema for each success, every status it can refuse with, examples of
the form they are examples of. That real answers are of it too is held by tests/api/conftest.py, for every test here."""

from __future__ import annotations

from typing import Any

import pytest

from api.app import create_app
from api.problems import MEDIA
from core.settings import Settings
from tests.api.answers import strict, validator

DOCUMENT = strict(create_app(Settings()))
OPERATIONS = {
    f"{method} {path}": said for path, methods in DOCUMENT["paths"].items() for method, said in methods.items()
}
#: operations that ask the database nothing, or say so themselves when it is away
WITHOUT_DATABASE = {"get /healthz", "get /readyz", "get /metrics", "get /v1/keys", "get /v1/certificates/types"}
#: the one that asks for a token and not for a role
NO_ROLE = {"post /v1/certificates/queries"}
#: refusals of a form of their own: RFC 6749 §5.2, and what is not ready
OWN_FORM = {
    **{("post /v1/oauth2/token", status): "TokenRefused" for status in ("400", "401", "429")},
    ("get /readyz", "503"): "Readiness",
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_success_has_a_schema(operation: str) -> None:
    good = {status: said for status, said in OPERATIONS[operation]["responses"].items() if status.startswith("2")}
    assert len(good) == 1
    for response in good.values():
        for media, content in response["content"].items():
            if media != "application/json":
                assert (operation, content["schema"]) == ("get /metrics", {"type": "string"})
                continue
            model = DOCUMENT["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
            assert model["properties"] and model["required"] and model["description"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_refusal_that_applies_is_listed(operation: str) -> None:
    said = OPERATIONS[operation]
    responses = {status: response for status, response in said["responses"].items() if int(status) >= 400}
    expected = {"422", "500"}  # a query parameter that is not there; our own failures
    expected |= {"400", "413"} if "requestBody" in said else set()
    expected |= {"503"} if operation not in WITHOUT_DATABASE else set()
    expected |= {"401"} if "security" in said else set()
    expected |= {"403"} if "security" in said and operation not in NO_ROLE else set()
    expected |= (
        {"404"}
        if any(one["in"] == "path" and one["name"] != "library" for one in said.get("parameters", ()))
        else set()
    )
    assert expected <= responses.keys()
    for status, response in responses.items():
        ((media, content),) = response["content"].items()
        model = content["schema"]["$ref"].rpartition("/")[2]
        own = OWN_FORM.get((operation, status))
        assert (media, model) == (("application/json", own) if own else (MEDIA, "Problem"))
        waits = status == "429" or (status == "503" and own is None)
        assert ("Retry-After" in response.get("headers", {})) == waits and response["description"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_examples_are_of_the_form(operation: str) -> None:
    for status, response in OPERATIONS[operation]["responses"].items():
        for content in response.get("content", {}).values():
            if "example" in content:
                wrong: list[Any] = list(validator(DOCUMENT, content["schema"]).iter_errors(content["example"]))
                assert not wrong, (status, [f"{'/'.join(map(str, one.path))}: {one.message[:200]}" for one in wrong])
