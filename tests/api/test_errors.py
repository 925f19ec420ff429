from __future__ import annotations

import pytest
from django.test import Client, override_settings
from django.urls import path

from eclectyc.kernel.errors import Busy, EclectycError, Forbidden
from eclectyc.urls import urlpatterns as real
from tests.api.conftest import Get
from tests.factories import World

pytestmark = pytest.mark.django_db


def test_an_address_that_is_not_there_answers_in_the_envelope(visitor: Client) -> None:
    for address in ("/api/nothing", "/api/", "/api/meters/", "/api/readings"):
        answer = visitor.get(address)
        assert answer.status_code == 404
        assert answer["Content-Type"] == "application/json"
        assert answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_method_that_is_not_there_says_which_are(method: str, visitor: Client) -> None:
    answer = getattr(visitor, method)("/api/meters/1/balance")
    assert answer.status_code == 405
    assert answer["Allow"] == "GET"
    assert answer.json()["error"]["code"] == "method_not_allowed"


def test_a_host_that_is_not_ours_answers_in_the_envelope(visitor: Client) -> None:
    answer = visitor.get("/api/meters", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "bad_request"


def fault(request: object) -> None:
    raise RuntimeError("a secret of the inside")


urlpatterns = [path("api/fault", fault), *real]


@override_settings(ROOT_URLCONF=__name__)
def test_a_fault_tells_nothing_of_the_inside(visitor: Client) -> None:
    answer = visitor.get("/api/fault")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_server_error"
    assert b"secret" not in answer.content


@pytest.mark.parametrize(
    ("error", "status"), [(Busy("Busy.", "Wait."), 503), (Forbidden("No."), 403), (EclectycError("Fault."), 500)]
)
def test_an_error_of_ours_has_its_status(
    error: EclectycError, status: int, get: Get, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr("eclectyc.api.meters.meter_of", fail)
    answer = get("/api/meters/1")
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}


def test_nothing_is_kept_by_a_cache(get: Get) -> None:
    assert get("/api/meters")["Cache-Control"] == "no-store"
    assert get("/api/nothing")["Cache-Control"] == "no-store"
