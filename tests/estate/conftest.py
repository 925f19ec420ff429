from __future__ import annotations

import pytest

from eclectyc.accounts.actor import Actor, Grant
from eclectyc.accounts.reach import Reach
from eclectyc.accounts.roles import ADMIN, ROLE_PERMISSIONS
from tests.factories import World


@pytest.fixture
def editor(world: World) -> Actor:
    """The administrator of the first organisation."""
    return Actor.of(world.admin)


def narrow(organisation: int, **reach: set[int]) -> Actor:
    """An actor who may do everything at some regions, sites or meters, and nothing elsewhere."""
    grant = Grant(ROLE_PERMISSIONS[ADMIN], Reach(**{k: frozenset(v) for k, v in reach.items()}), organisation)
    return Actor("narrow", 999_999, (grant,))
