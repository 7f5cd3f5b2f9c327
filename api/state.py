"""What the application holds while it runs, and how a route gets at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from api.security import Tokens
from certificates.answer import Answerer
from core.hub import Hub


@dataclass(frozen=True, slots=True)
class State:
    """One running application."""

    hub: Hub
    answerer: Answerer
    tokens: Tokens


def _state(request: Request) -> State:
    return cast(State, request.app.state.hutong)


Running = Annotated[State, Depends(_state)]
