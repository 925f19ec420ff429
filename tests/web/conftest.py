from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
import time_machine
from django.test import Client

from eclectyc.accounts.models import User
from tests.factories import World

TODAY = date(2025, 7, 2)  # a Wednesday


@pytest.fixture
def today() -> Iterator[date]:
    """It is Wednesday 2 July 2025, ten in the morning in London."""
    with time_machine.travel("2025-07-02T09:00:00Z", tick=False):
        yield TODAY


@pytest.fixture
def visitor() -> Client:
    """Nobody. A fault is answered, not raised into the test."""
    return Client(raise_request_exception=False)


def signed_in(user: User) -> Client:
    """Return a browser in which a person has signed in."""
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


@pytest.fixture
def viewer(world: World) -> Client:
    return signed_in(world.viewer)


@pytest.fixture
def manager(world: World) -> Client:
    return signed_in(world.manager)


@pytest.fixture
def admin(world: World) -> Client:
    return signed_in(world.admin)


@pytest.fixture
def outsider(world: World) -> Client:
    return signed_in(world.outsider)
