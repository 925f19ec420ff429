"""The API as its description allows, one step after another, as each role: no fault, and every answer as described."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig

from eclectyc.wsgi import application
from tests.access.two_sides import Sides

pytestmark = pytest.mark.django_db
TOKENS: Final = ("read", "narrowed", "push", "admin", "outsider")
CHECKS: Final = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")


@pytest.fixture
def open_connection() -> Iterator[None]:
    """Leave the test's transaction open when a request ends, as Django's own test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def described(request: pytest.FixtureRequest, sides: Sides, open_connection: None) -> Any:
    from eclectyc.accounts.actor import Actor
    from eclectyc.accounts.tokens import create_token

    name = request.param
    if name in sides.people:
        person = sides.people[name]
        secret = create_token(Actor.of(person), user=person, name="described", scope="manage")[1]
    else:
        secret = sides.secrets[name]
    headers = {"Authorization": f"Bearer {secret}"}
    schema = schemathesis.openapi.from_wsgi(
        "/api/openapi.json", application, config=SchemathesisConfig(), headers={"Authorization": f"Bearer {sides.secrets['read']}"}
    )
    schema.config.update(headers=headers)
    return schema
