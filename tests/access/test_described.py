"""The API as its description allows, one step after another, as each role: no fault, and every answer as described."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from schemathesis.config import SchemathesisConfig

from tests.access.two_sides import Sides

pytestmark = pytest.mark.django_db
TOKENS: Final = ("read", "narrowed", "push", "admin", "outsider")
# 422 is the right answer to what is well-formed and makes no sense; what a role may not do is 403 or 404.
CONFIGURATION: Final[dict[str, Any]] = {
    "checks": {
        "positive_data_acceptance": {"enabled": False},
        "negative_data_rejection": {"enabled": False},
        "ignored_auth": {"enabled": False},
        "missing_required_header": {"enabled": False},
        "unsupported_method": {"enabled": False},
    }
}


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
    headers = {"Authorization": f"Bearer {secret}", "Accept-Encoding": "identity"}
    schema = schemathesis.openapi.from_wsgi(
        "/api/openapi.json",
        get_wsgi_application(),
        config=SchemathesisConfig.from_dict(CONFIGURATION),
        headers={"Authorization": f"Bearer {sides.secrets['read']}"},
    )
    schema.config.update(headers=headers)
    return schema


@pytest.mark.parametrize("described", TOKENS, indirect=True)
def test_step_after_step_every_answer_is_as_described(described: Any) -> None:
    asked: list[int] = []

    class Walk(described.as_state_machine()):  # type: ignore[misc]
        def validate_response(self, response: Any, case: Any, **more: Any) -> None:
            asked.append(response.status_code)
            super().validate_response(response, case, **more)

    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=8, stateful_step_count=12, deadline=None, derandomize=True, database=None,
            phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    assert len(asked) > 40
