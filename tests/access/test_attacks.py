"""One test for each trick, on every page and every operation there is. Those at sign-in are in tests/signin."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from eclectyc.accounts.models import Organisation, User
from eclectyc.estate.models import Site
from tests.access.matrix import BODIES, PICTURE, QUERIES, ROWS
from tests.access.requests import (
    Answer,
    Question,
    ask,
    body_of,
    clients,
    description,
    operations,
    read_by,
    sent_to,
    text_asked_of,
    undone,
    url_of,
)
from tests.access.test_matrix import answers_in, question_of, tells_nothing_of
from tests.access.two_sides import THERE, Side, Sides, furnish

pytestmark = pytest.mark.django_db
SCRIPT: Final = "\"'><script>alert(1)</script>"
FORMULA: Final = "=HYPERLINK(1)"


@pytest.fixture(scope="module")
def asking(sides: Sides) -> dict[str, Client]:
    return clients(sides)


def gets() -> Iterator[str]:
    return (entry for entry in sorted(ROWS) if entry.startswith("GET "))


def is_op(entry: str) -> bool:
    return entry in operations()


def url(entry: str, side: Side, query: str = "") -> str:
    parts = [part for part in (QUERIES.get(entry), query) if part]
    return url_of(question_of(entry), side) + ("?" + "&".join(parts) if parts else "")


def test_what_changes_anything_needs_the_csrf_token_where_a_session_asks(sides: Sides) -> None:
    careful = Client(enforce_csrf_checks=True, raise_request_exception=False)
    careful.force_login(sides.people["admin"])
    for entry in sorted(ROWS):
        question = question_of(entry)
        if question.method != "GET":
            answer = ask(careful, question, url_of(question, sides.here), body_of(question.body, sides.here))
            assert answer.status in (403, 404, 405) if not is_op(entry) else answer.status == 403, entry
            assert "<h1" in answer.text or '"forbidden"' in answer.text, entry


@cache
def taking_words(entry: str, client: Client, address: str) -> list[str]:
    """The parameters that take any words."""
    operation = operations().get(entry)
    return sorted(read_by(client, question_of(entry), address) if operation is None else text_asked_of(operation))


def answers_to(words: str, entry: str, client: Client, side: Side) -> Iterator[Answer]:
    """Put words into all parameters that take any at once, and into one after the other where that is refused."""
    question, names = question_of(entry), taking_words(entry, client, url(entry, side))
    if names:
        yield (together := ask(client, question, url(entry, side, "&".join(f"{name}={words}" for name in names))))
        if together.status >= 400 and len(names) > 1:
            yield from (ask(client, question, url(entry, side, f"{name}={words}")) for name in names)


def test_what_is_stored_is_shown_as_text(sides: Sides) -> None:
    with undone():
        evil = Side(SCRIPT)
        furnish(evil, 1)
        Site.objects.filter(pk=evil.things["site"].pk).update(postcode=SCRIPT[:20])
        client = Client(raise_request_exception=False)
        client.force_login(evil.things["admin"])
        seen = 0
        for entry in (entry for entry in gets() if not is_op(entry)):
            plainly = ask(client, question_of(entry), url(entry, evil))
            for answer in (plainly, *answers_to(SCRIPT, entry, client, evil)):
                if "html" in answer.headers.get("Content-Type", ""):
                    assert "<script>alert" not in answer.text, entry
                    assert not re.search(r"\son\w+=", re.sub(r'"[^"]*"', '""', answer.text)), entry
                    seen += "&lt;script&gt;alert" in answer.text
        assert seen > 10  # it was there to be shown


def test_responses_to_programs_are_never_pages(sides: Sides, asking: dict[str, Client]) -> None:
    for entry in (entry for entry in gets() if is_op(entry)):
        kind = ask(asking["admin"], question_of(entry), url(entry, sides.here)).headers["Content-Type"]
        assert not re.search("html|svg|xml;", kind), entry


@pytest.mark.parametrize("typed", ["' OR 1=1 --", '") UNION SELECT 1,email FROM accounts_user --', "%", "\\", "1;--"])
def test_parameters_are_never_run_as_sql(typed: str, sides: Sides, asking: dict[str, Client]) -> None:
    asked = 0
    for entry in (entry for entry in gets() if answers_in(entry)["admin"] == 200):
        for answer in answers_to(typed, entry, asking["admin"], sides.here):
            assert answer.status < 500 or entry == "GET /api/health", entry
            tells_nothing_of(THERE, answer, "admin", f"{entry} {typed}")
            asked += 1
    assert asked > 50  # there was something to be asked


def files() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Every way to get a file of cells."""
    for entry in gets():
        if "/export" in entry:
            yield from ((entry, f"format={form}", {}) for form in ("csv", "xlsx"))
        if is_op(entry) and "text/csv" in str(operations()[entry]) and "/exports/" not in entry:
            yield entry, "", {"Accept": "text/csv"}
        if not is_op(entry) and entry in ("GET /admin/audit", "GET /reports/consumption"):
            yield entry, "format=csv", {}


def test_no_cell_of_any_file_is_a_formula(sides: Sides) -> None:
    with undone():
        evil = Side(FORMULA)
        furnish(evil, 1)
        client = Client(raise_request_exception=False)
        client.force_login(evil.things["admin"])
        for entry, query, headers in files():
            answer = ask(client, question_of(entry), url(entry, evil, query), **headers)
            assert answer.status == 200, (entry, query)
            if "sheet" in answer.headers["Content-Type"]:
                assert "<f>" not in answer.text, entry
                continue
            assert "csv" in answer.headers["Content-Type"], (entry, query)
            cells = [cell for row in csv.reader(io.StringIO(answer.text.lstrip("\ufeff"))) for cell in row]
            assert not [cell for cell in cells if re.match(r"[=+@\t\r]|-(?![\d.])", cell)], entry


@pytest.mark.parametrize(
    "path",
    ["/static/../settings.py", "/static/%2e%2e/%2e%2e/settings.py", "/static/..%2f..%2fsettings.py",
     "/static//etc/passwd", "/static/css/../../../settings.py", "/api/../eclectyc.sqlite3", "/static/%00"],
)  # fmt: skip
def test_no_path_leads_out_of_what_is_served(path: str, asking: dict[str, Client]) -> None:
    for name in ("nobody", "admin"):
        assert asking[name].get(path).status_code in (400, 404), name


def test_no_file_is_named_out_of_its_folder(sides: Sides, asking: dict[str, Client]) -> None:
    with undone():
        meter = sides.here.things["meter"]
        type(meter).objects.filter(pk=meter.pk).update(identifier='../../a"b\r\nX: 1')
        question = Question("GET", "/api/meters/{mpan}/readings")
        answer = ask(asking["admin"], question, "/api/meters/..%2F..%2Fa%22b%0D%0AX:%201/readings", Accept="text/csv")
        named = answer.headers.get("Content-Disposition", "")
        assert answer.status in (200, 404)
        assert ".." not in named
        assert "X" not in answer.headers


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example"])
def test_another_host_is_refused_everywhere(host: str, sides: Sides, asking: dict[str, Client], settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    for entry in gets():
        answer = ask(asking["admin"], question_of(entry), url(entry, sides.here), Host=host)
        assert host not in answer.text
        if "Location" in answer.headers:
            assert answer.headers["Location"].startswith("/"), entry


TRICKS: Final = {
    "a drawing that runs": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "a page that calls itself a picture": b"<html><script>alert(1)</script></html>",
    "a picture's beginning with a page behind it": b"\x89PNG\r\n\x1a\n<script>alert(1)</script>",
    "a GIF that is a script": b"GIF89a/*" + b"\0" * 20 + b"*/=1;alert(1)",
    "too large": PICTURE + b"\0" * 300_000,
    "nothing": b"",
}


@pytest.mark.parametrize("trick", TRICKS)
def test_no_trick_becomes_a_logo(trick: str, sides: Sides, asking: dict[str, Client]) -> None:
    question = Question("POST", "/api/organisations/{pk}/logo")
    with undone():
        answer = ask(asking["admin"], question, url_of(question, sides.here), {"file": TRICKS[trick]})
        assert answer.status == 422, trick
        page = Question("POST", "/admin/organisation/<int:pk>", is_api=False)
        ask(asking["admin"], page, url_of(page, sides.here), {"logo": TRICKS[trick], "do": "logo"})
        assert not Organisation.objects.get(pk=sides.here.number("organisation")).logo_type


def test_a_logo_with_a_page_behind_it_is_only_ever_a_picture(sides: Sides, asking: dict[str, Client]) -> None:
    organisation = sides.here.things["organisation"]
    path = f"/api/organisations/{organisation.pk}/logo"
    with undone():
        sent = asking["admin"].post(
            path, {"file": SimpleUploadedFile("x.html", PICTURE + b"<script>alert(1)</script>")}
        )
        assert sent.status_code == 200
        for path in (f"/api/organisations/{organisation.pk}/logo", f"/admin/organisation/{organisation.pk}/logo"):
            answer = asking["admin"].get(path)
            assert answer.status_code == 200
            assert answer["Content-Type"] == "image/png"
            assert answer["X-Content-Type-Options"] == "nosniff"
            assert "default-src 'none'" in answer["Content-Security-Policy"]


def test_no_response_is_framed_sniffed_or_cached(sides: Sides, asking: dict[str, Client]) -> None:
    for entry in gets():
        for name in ("nobody", "admin"):
            answer = ask(asking[name], question_of(entry), url(entry, sides.here))
            said = answer.headers
            assert said.get("X-Frame-Options") == "DENY", entry
            assert "frame-ancestors 'none'" in said["Content-Security-Policy"], entry
            assert "unsafe" not in said["Content-Security-Policy"], entry
            assert said["X-Content-Type-Options"] == "nosniff", entry
            assert said["Referrer-Policy"] == "same-origin", entry
            if name == "admin" and answer.status == 200:
                assert re.search("no-store|private", said.get("Cache-Control", "")), entry
                assert "public" not in said["Cache-Control"], entry


@pytest.mark.parametrize("name", ["token", "access_token", "api_key", "Authorization"])
def test_a_token_in_an_address_is_ignored(name: str, sides: Sides, asking: dict[str, Client]) -> None:
    secret = sides.secrets["read"]
    for entry in (e for e in gets() if is_op(e) and e != "GET /api/health"):
        answer = ask(asking["nobody"], question_of(entry), url(entry, sides.here, f"{name}={secret}"))
        assert answer.status in (401, 422), entry
        known = ask(asking["admin"], question_of(entry), url(entry, sides.here, f"{name}={secret}"))
        assert known.status == 422, entry
        assert secret not in known.text, entry


def test_what_a_page_looks_up_in_its_address_is_known(sides: Sides, asking: dict[str, Client]) -> None:
    """On this rests what the tests here and of the matrix ask pages for."""
    meters = read_by(asking["admin"], question_of("GET /admin/meters"), "/admin/meters")
    assert {"q", "sort", "page", "organisation", "region", "site", "supplier", "utility"} <= meters
    assert read_by(asking["admin"], question_of("GET /account"), "/account") == {"done"}


def test_every_body_refuses_what_it_does_not_know() -> None:
    for entry, operation in operations().items():
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is not None:
            schema = content["schema"]
            if "$ref" in schema:
                schema = description()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            assert schema.get("additionalProperties") is False, entry


@pytest.mark.parametrize(
    "field", ["id", "pk", "is_superuser", "organisation_id", "created_at", "path", "version", "digest"]
)
def test_fields_of_the_system_cannot_be_set(field: str, sides: Sides, asking: dict[str, Client]) -> None:
    for entry, operation in operations().items():
        if sent_to(operation) and "file" not in sent_to(operation):
            question = question_of(entry)
            assert field not in sent_to(operation), entry
            body = body_of(BODIES.get(entry, {}), sides.here) | {field: sides.there.number("organisation")}
            answer = ask(asking["admin"], question, url_of(question, sides.here), body)
            assert answer.status == 422, entry
            assert field in answer.text, entry


def test_only_operators_make_operators(sides: Sides, asking: dict[str, Client]) -> None:
    admin, user = sides.people["admin"], sides.here.things["user"]
    with undone():
        for pk in (admin.pk, user.pk):
            path = f"/api/users/{pk}"
            assert asking["admin"].patch(path, {"is_operator": True}, "application/json").status_code == 403
            asking["admin"].post(f"/admin/users/{pk}", {"is_operator": "on", "name": "X", "do": "operator"})
        assert not User.objects.filter(pk__in=[admin.pk, user.pk], is_operator=True).exists()


def test_a_form_moves_nothing_to_another_organisation(sides: Sides, asking: dict[str, Client]) -> None:
    theirs = sides.there.number("organisation")
    with undone():
        for kind, path in (("site", "sites"), ("meter", "meters"), ("region", "regions"), ("supplier", "suppliers")):
            thing = sides.here.things[kind]
            form = {"name": "N", "organisation": theirs, "organisation_id": theirs, "id": sides.there.number(kind)}
            asking["admin"].post(f"/admin/{path}/{thing.pk}", form | {"identifier": "1200023305967"})
            thing.refresh_from_db()
            assert thing.organisation_id == sides.here.number("organisation")
            assert not type(thing).objects.filter(organisation=theirs, name="N").exists()


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_method_is_what_it_is(name: str, sides: Sides, asking: dict[str, Client]) -> None:
    site = sides.here.things["site"]
    for method in ("GET", "POST"):
        question = Question(method, "/api/sites/{pk}")
        answer = ask(asking["admin"], question, url_of(question, sides.here), {"_method": "DELETE"}, **{name: "DELETE"})
        assert answer.status == (200 if method == "GET" else 405)
    with undone():
        asking["admin"].post(f"/api/sites/{site.pk}?_method=DELETE", headers={name: "DELETE"})
        assert Site.objects.filter(pk=site.pk).exists()
