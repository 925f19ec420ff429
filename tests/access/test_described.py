"""The API as its description allows, one step after another, as each role: no fault, and every answer as described."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
import schemathesis
from django.conf import settings as configured
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from schemathesis.config import SchemathesisConfig

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import User
from eclectyc.accounts.sessions import OPENED
from eclectyc.accounts.tokens import create_token
from tests.access.two_sides import Sides

pytestmark = pytest.mark.django_db
BY_TOKEN: Final = ("viewer", "manager", "admin", "operator", "outsider", "read", "narrowed", "push")
BY_SESSION: Final = ("viewer", "admin")
OVER: Final = ("nobody", "revoked", "expired token", "unknown token", "ended session", "expired session")
# Health answers all but those with an invalid key; without a session and its proof nothing is sent.
ALLOWED: Final = {"nobody": {200, 401, 403}, "session": {200, 401}, "token": {401}, "revoked": {401}}
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
How = dict[str, dict[str, str]]  # headers and cookies


@pytest.fixture(scope="module")
def described(sides: Sides) -> Iterator[Any]:
    """The description, read once; and the test's transaction left open when a request ends, as Django's client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield schemathesis.openapi.from_wsgi(
        "/api/openapi.json",
        get_wsgi_application(),
        config=SchemathesisConfig.from_dict(CONFIGURATION),
        headers=by_token(sides.secrets["read"])["headers"],
    )
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def by_token(secret: str) -> How:
    return {"headers": {"Authorization": f"Bearer {secret}", "Accept-Encoding": "identity"}, "cookies": {}}


def token_of(sides: Sides, name: str, **fields: Any) -> How:
    """The header of a token with all rights of its person; or of the tokens that all kinds of asker have."""
    if name not in sides.people:
        return by_token(sides.secrets[name])
    person = sides.people[name]
    return by_token(create_token(Actor.of(person), user=person, name="described", scope="manage", **fields)[1])


def session_of(person: User, client: Client | None = None) -> How:
    """The cookies of a signed-in person, and the header that our pages add."""
    client = client or Client()
    client.force_login(person)
    proof = "a" * 32
    cookies = {name: client.cookies[name].value for name in (configured.SESSION_COOKIE_NAME,)}
    headers = {"X-CSRFToken": proof, "Referer": "https://localhost/", "Accept-Encoding": "identity"}
    return {"headers": headers, "cookies": cookies | {configured.CSRF_COOKIE_NAME: proof}}


def walk(described: Any, how: How, *, number: int, examples: int, steps: int) -> list[int]:
    """Go through the API step after step, each answer checked against the description; return the statuses."""
    asked: list[int] = []

    class Walk(described.as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return dict(how)

        def validate_response(self, response: Any, case: Any, **more: Any) -> None:
            asked.append(response.status_code)
            super().validate_response(response, case, **more)

    run_state_machine_as_test(
        seed(number)(Walk),
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, database=None,
            phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    return asked


@pytest.mark.parametrize("name", BY_TOKEN)
def test_by_token_step_after_step_every_answer_is_as_described(name: str, described: Any, sides: Sides) -> None:
    asked = walk(described, token_of(sides, name), number=BY_TOKEN.index(name), examples=4, steps=10)
    assert len(asked) > 25
    assert name == "push" or any(200 <= status < 300 for status in asked)


@pytest.mark.parametrize("name", BY_SESSION)
def test_in_a_session_step_after_step_every_answer_is_as_described(name: str, described: Any, sides: Sides) -> None:
    asked = walk(described, session_of(sides.people[name]), number=100, examples=4, steps=10)
    assert any(200 <= status < 300 for status in asked)


@pytest.mark.parametrize("name", OVER)
def test_expired_credentials_are_refused_as_described(name: str, described: Any, sides: Sides) -> None:
    asked = walk(described, over(name, sides), number=OVER.index(name), examples=2, steps=10)
    assert len(asked) > 10
    assert set(asked) <= ALLOWED[name.rpartition(" ")[2]]


def over(name: str, sides: Sides) -> How:
    """A credential that is no longer valid."""
    admin = sides.people["admin"]
    if name == "revoked":
        return by_token(sides.secrets["revoked"])
    if name == "expired token":
        return token_of(sides, "admin", expires_at=timezone.now() - timedelta(seconds=1))
    if name in ("nobody", "unknown token"):
        return by_token("ecl_" + "x" * 43) if name != "nobody" else {"headers": {}, "cookies": {}}
    client = Client()
    how = session_of(admin, client)
    session = client.session
    if name == "ended session":
        session.flush()
    else:
        session[OPENED] = 1.0  # in 1970
        session.save()
    return how
