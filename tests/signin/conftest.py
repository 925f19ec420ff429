from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import World
from tests.signin.people import Person


@pytest.fixture
def visitor() -> Client:
    """A visitor without a session. An error becomes an answer, not an exception."""
    return Client(raise_request_exception=False)


@pytest.fixture
def viewer(world: World) -> Person:
    return Person(world.viewer, world.password)


@pytest.fixture
def admin(world: World) -> Person:
    return Person(world.admin, world.password)
