"""What the application holds while it runs, and how a route gets at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request

from api.limits import Failures
from api.security import Caller, Tokens
from certificates.answer import Answerer
from core.hub import Hub


@dataclass(frozen=True, slots=True)
class State:
    """One running application."""

    hub: Hub
    answerer: Answerer
    tokens: Tokens
    #: failed attempts by address and client id, and by address alone (many clients may come through one proxy)
    failures: Failures = field(default_factory=lambda: Failures(10))
    strangers: Failures = field(default_factory=lambda: Failures(300))


def running_of(request: Request) -> State:
    """The running application that a request came to."""
    return cast(State, request.app.state.hutong)


async def _state(request: Request) -> State:
    return running_of(request)


Running = Annotated[State, Depends(_state)]


async def _caller(request: Request, running: Running) -> Caller:
    return running.tokens.caller(request)


#: whose token a request carries; asked before anything is said about the body
Called = Annotated[Caller, Depends(_caller)]
