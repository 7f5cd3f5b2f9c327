"""The application over a town (tests/certificates/town.py), called in-process; its lifespan runs for real."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from tests.api.answers import Held
from tests.certificates.conftest import town
from tests.certificates.town import CLIENT, Town

__all__ = ["town"]


_KNOWN: dict[int, tuple[FastAPI, Held]] = {}


@pytest.fixture(autouse=True)
def every_answer_is_of_the_documented_form() -> Iterator[None]:
    """Whatever a test of this folder is answered."""
    request = TestClient.request

    def held(self: TestClient, *arguments: Any, **named: Any) -> Any:
        answer = request(self, *arguments, **named)
        app = self.app
        assert isinstance(app, FastAPI)
        if id(app) not in _KNOWN:
            _KNOWN[id(app)] = app, Held(app)  # the app is kept, so that its id stays its own
        _KNOWN[id(app)][1].check(answer)
        return answer

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(TestClient, "request", held)
        yield


@pytest.fixture(scope="module")
def api(town: Town) -> Iterator[TestClient]:
    """A client of the running application."""
    with TestClient(create_app(town.hub.settings), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def bearer(api: TestClient, town: Town) -> dict[str, str]:
    """The header of a fresh token."""
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": town.secret}
    return {"Authorization": f"Bearer {api.post('/v1/oauth2/token', data=form).json()['access_token']}"}
