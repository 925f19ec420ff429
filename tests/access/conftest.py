from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import override_settings

from tests.access.two_sides import Sides, make_sides


@pytest.fixture(scope="module")
def sides(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    """Both sides, made once for all tests of a file: what a test changes is rolled back at its end."""
    folder: Path = tmp_path_factory.mktemp("sides")
    patch = pytest.MonkeyPatch()
    patch.setenv("ECLECTYC_HOME", str(folder))
    ours = {"HOME": folder, "LAKE_URL": str(folder / "lake"), "TOKEN_REQUESTS_PER_MINUTE": 10**6,
            "FAILED_TOKENS_PER_MINUTE": 10**6}  # fmt: skip
    with django_db_blocker.unblock(), override_settings(**ours), transaction.atomic():
        yield make_sides()
        transaction.set_rollback(True)
    patch.undo()


@pytest.fixture
def home(request: pytest.FixtureRequest) -> Path:
    """The home of both sides, if a test uses them; else its own."""
    if "sides" in request.fixturenames:
        return Path(settings.HOME)
    own: Path = request.getfixturevalue("home")
    return own
