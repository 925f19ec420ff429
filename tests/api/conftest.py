from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import User
from eclectyc.accounts.tokens import create_token
from tests.factories import World

Get = Callable[..., HttpResponse]


def bearer(user: User, **fields: Any) -> dict[str, str]:
    """Return the header of a fresh token of a person."""
    _, secret = create_token(Actor.of(user), user=user, name="test", **fields)
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
def visitor() -> Client:
    """Nobody: no session, no token. A fault is answered, not raised into the test."""
    return Client(raise_request_exception=False)


@pytest.fixture
def get(world: World) -> Get:
    """GET an address as the viewer (or ``user``), by token, with query parameters."""
    headers: dict[int, dict[str, str]] = {}

    def asked(path: str, params: dict[str, Any] | None = None, *, user: User | None = None, accept: str = "*/*") -> Any:
        person = user or world.viewer
        if person.pk not in headers:
            headers[person.pk] = bearer(person)
        return Client(raise_request_exception=False).get(path, params, headers=headers[person.pk] | {"Accept": accept})

    return asked
