"""Every address there is, asked by those who may not: a new one fails here until it says what they get."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from eclectyc.web.views.admin.addresses import ADDRESSES as PAGES
from eclectyc.web.views.admin.addresses import PARTS
from tests.analytics.filling import fill, flat_days
from tests.factories import World, make_series

pytestmark = pytest.mark.django_db
JUNE: Final = (date(2025, 6, 1), date(2025, 6, 8))
ROLES: Final = ("viewer", "manager", "admin")


@dataclass(frozen=True, slots=True)
class Address:
    """What a visitor gets (a status; 302 is the way to sign-in), and the lowest role that gets a page or an answer.

    ``of`` names the thing that the address is about: to the outsider it does not exist.
    """

    visitor: int
    role: str | None = None
    of: str = ""


# The administration's own tests ask each address as everybody: tests/web/test_admin_pages.py.
ADMINISTRATION: Final = {
    address: Address(302)
    if "<int:pk>" in address or "logo" in address
    else Address(302, "viewer" if permission in ("", "estate.view") else "admin")
    for address, _, _, permission in (*PAGES, *PARTS)
} | {
    "admin/sites/<int:pk>": Address(302, "admin", of="site"),
    "admin/meters/<int:pk>": Address(302, "admin", of="meter"),
}
ADDRESSES: Final = {
    "api/health": Address(200, "viewer"),
    "api/openapi.json": Address(401, "viewer"),
    "api/docs": Address(401, "viewer"),
    "api/": Address(404),
    "api/meters": Address(401, "viewer"),
    "api/meters/<path:mpan>": Address(401, "viewer", of="meter"),
    "api/meters/<path:mpan>/readings": Address(401, "viewer", of="meter"),
    "login": Address(200),
    "logout": Address(200),
    "": Address(302, "viewer"),
    "sites": Address(302, "viewer"),
    "sites/<int:pk>": Address(302, "viewer", of="site"),
    "meters": Address(302, "viewer"),
    "meters/<int:pk>": Address(302, "viewer", of="meter"),
    "reports/consumption": Address(302, "manager"),
    "design": Address(302, "viewer"),
    **ADMINISTRATION,
}


def routes(patterns: list[Any] | None = None, before: str = "") -> Iterator[str]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route


def url_of(route: str, world: World, *, exists: bool = True) -> str:
    """Fill a route with what there is in the first organisation, or with what is nowhere."""
    numbers = {"meter": world.meter.pk, "site": world.site.pk}
    number = numbers[ADDRESSES[route].of or "meter"] if exists else 10**6
    mpan = world.meter.identifier if exists else "1000000000068"
    return "/" + re.sub(r"<\w+:(\w+)>", lambda found: mpan if found[1] == "mpan" else str(number), route)


def secrets_of(world: World) -> list[str]:
    return [world.meter.identifier, world.site.name, world.org.name, world.meter.name, world.admin.email, "987.654"]


@pytest.fixture
def furnished(world: World) -> World:
    """The world under names that no page would show by itself."""
    for thing, name in (
        (world.org, "Quillon Trust"),
        (world.site, "Farthing Quay 71"),
        (world.meter, "Incomer Zephyr"),
    ):
        thing.name = name
        thing.save()
    fill(make_series(world.meter), {day: [987.654] * len(v) for day, v in flat_days(*JUNE, 0).items()})
    return world


def test_every_address_says_what_a_visitor_gets() -> None:
    assert sorted(set(routes())) == sorted(ADDRESSES)


@pytest.mark.parametrize("route", ADDRESSES)
def test_a_visitor_gets_nothing_but_sign_in_and_the_bare_health(route: str, furnished: World, visitor: Client) -> None:
    url, wanted = url_of(route, furnished), ADDRESSES[route].visitor
    for method in ("get", "head", "post", "put", "patch", "delete", "options"):
        answer = getattr(visitor, method)(url)
        if method == "get":
            assert answer.status_code == wanted
        assert answer.status_code < 300 or answer.status_code >= 400 or answer["Location"].startswith("/login")
        text = b"".join(answer) if answer.streaming else answer.content
        assert not [secret for secret in secrets_of(furnished) if secret.encode() in text]
    if route == "api/health":
        assert list(visitor.get(url).json()) == ["status"]


def test_a_browser_without_a_session_is_sent_to_sign_in_from_the_documentation(visitor: Client) -> None:
    answer = visitor.get("/api/docs", headers={"Accept": "text/html,*/*"})
    assert (answer.status_code, answer["Location"]) == (302, "/login?next=%2Fapi%2Fdocs")


@pytest.mark.parametrize("route", [route for route, address in ADDRESSES.items() if address.of])
def test_what_is_anothers_is_missing_for_the_outsider(route: str, furnished: World, visitor: Client) -> None:
    visitor.force_login(furnished.outsider)
    answers = [visitor.get(url_of(route, furnished, exists=exists)) for exists in (True, False)]
    assert [answer.status_code for answer in answers] == [404, 404]
    # The outsider wrote the identifier; nothing else of the other organisation comes back.
    secrets = [secret for secret in secrets_of(furnished) if secret != furnished.meter.identifier]
    assert not [secret for secret in secrets if secret.encode() in answers[0].content]


@pytest.mark.parametrize("route", [route for route, address in ADDRESSES.items() if address.role])
def test_the_outsider_sees_nothing_of_another_organisation(route: str, furnished: World, visitor: Client) -> None:
    visitor.force_login(furnished.outsider)
    answer = visitor.get(url_of(route, furnished))
    secrets = [secret for secret in secrets_of(furnished) if not (ADDRESSES[route].of and secret.isdigit())]
    said = b"".join(answer) if answer.streaming else answer.content
    assert not [secret for secret in secrets if secret.encode() in said]


@pytest.mark.parametrize("route", [route for route, address in ADDRESSES.items() if address.role])
def test_each_role_opens_what_it_may_and_no_more(route: str, furnished: World, visitor: Client) -> None:
    lowest = ROLES.index(str(ADDRESSES[route].role))
    for number, role in enumerate(ROLES):
        visitor.force_login(getattr(furnished, role))
        status = visitor.get(url_of(route, furnished)).status_code
        assert status == 403 if number < lowest else status in (200, 207, 503), role
