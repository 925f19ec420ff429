from __future__ import annotations

import logging
import re

import pytest
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.test import Client, RequestFactory

from eclectyc.kernel.errors import Busy, Forbidden, Invalid, NotFound
from eclectyc.web import errors
from eclectyc.web.views import dashboard
from tests.web.pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_() -> HttpRequest:
    return RequestFactory().get("/somewhere")


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (Invalid("The day 2025-02-30 does not exist.", "Pick another day."), 400, "Pick another day."),
        (Forbidden("Your role does not allow this.", "Ask an administrator."), 403, "Ask an administrator."),
        (NotFound("There is no such meter.", ""), 404, "Page not found"),
        (Busy("Another import is writing.", "Try again in a minute."), 503, "Try again in a minute."),
    ],
)
def test_what_a_person_can_mend_becomes_a_page_that_says_how(
    error: Exception, status: int, says: str, viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(dashboard, "estate_overview", failing)
    answer = viewer.get("/")
    assert answer.status_code == status
    assert says in text_of(answer)


def test_a_fault_of_ours_says_so_and_tells_no_detail(
    viewer: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(dashboard, "estate_overview", failing)
    with caplog.at_level(logging.ERROR):
        answer = viewer.get("/")
    assert answer.status_code == 500
    assert "secret" not in text_of(answer)
    reference = re.search(r"Reference ([0-9A-F]{8})", text_of(answer))
    assert reference
    assert reference[1] in caplog.text


def test_every_error_page_has_a_reference_of_its_own_and_a_way_on(request_: HttpRequest) -> None:
    pages = [
        errors.bad_request(request_, SuspiciousOperation()),
        errors.forbidden(request_, PermissionError()),
        errors.not_found(request_, LookupError()),
        errors.server_error(request_),
        errors.csrf_failure(request_),
    ]
    assert [page.status_code for page in pages] == [400, 403, 404, 500, 403]
    references = {re.search(r"Reference ([0-9A-F]{8})", text_of(page))[1] for page in pages}  # type: ignore[index]
    assert len(references) == len(pages)
    assert all('href="/"' in page.content.decode() for page in pages)


def test_an_address_that_is_none_is_not_found(viewer: Client, visitor: Client) -> None:
    for client in (viewer, visitor):
        answer = client.get("/no/such/page")
        assert answer.status_code == 404
        assert "Page not found" in text_of(answer)
