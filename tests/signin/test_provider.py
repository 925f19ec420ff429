from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from allauth.socialaccount import providers
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from django.http import HttpResponse
from django.test import Client

from eclectyc.accounts.models import User
from eclectyc.accounts.reach import Place
from eclectyc.audit.models import Event
from eclectyc.configuration import BadConfiguration, load
from tests.factories import World
from tests.signin.people import Person
from tests.signin.provider import CLIENT, SECRET, Provider
from tests.web.pages import text_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    """A provider by which this installation lets people in."""
    made = Provider()
    providers.registry.register(OpenIDConnectProvider)  # as its app does where a provider is configured
    settings.OIDC_NAME = "Harbour sign-on"
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [{
        "provider_id": "sso", "name": "Harbour sign-on", "client_id": CLIENT, "secret": SECRET,
        "settings": {"server_url": made.url, "oauth_pkce_enabled": True},
    }]}}  # fmt: skip
    yield made
    made.close()  # once more does no harm


def come(client: Client, then: str = "") -> HttpResponse:
    """Go to the provider and return with its answer."""
    away = client.get("/account/sso/sso", {"next": then} if then else {})
    assert away.status_code == 302, away.content.decode()
    back = requests.get(away.headers["Location"], allow_redirects=False, timeout=10).headers["Location"]
    parts = urlsplit(back)
    return client.get(f"{parts.path}?{parts.query}")


def test_a_verified_address_of_an_account_signs_in(provider: Provider, viewer: Person) -> None:
    assert "Harbour sign-on" in text_of(viewer.browser().get("/login"))
    provider.says = {"sub": "17", "email": viewer.user.email.upper(), "email_verified": True}
    client = viewer.browser()
    assert come(client, "/meters").headers["Location"] == "/meters"
    assert client.get("/").status_code == 200
    assert Event.objects.get(action="session.started").after == {"methods": ["socialaccount"]}


@pytest.mark.parametrize("verified", [False, None, "true", "false", 1])
def test_an_address_that_is_not_verified_is_refused(verified: object, provider: Provider, viewer: Person) -> None:
    provider.says = {"sub": "17", "email": viewer.user.email, "email_verified": verified}
    client = viewer.browser()
    assert come(client).headers["Location"] == "/login?refused=1"
    assert client.get("/").status_code == 302
    assert "did not find an account here" in text_of(client.get("/login?refused=1"))


def test_an_account_at_the_provider_creates_none_here(provider: Provider, world: World, visitor: Client) -> None:
    people = User.objects.count()
    provider.says = {"sub": "18", "email": "stranger@harbour.example", "email_verified": True}
    assert come(visitor).headers["Location"] == "/login?refused=1"
    assert User.objects.count() == people


def test_people_of_an_admitted_domain_get_an_account_without_rights(
    provider: Provider, world: World, visitor: Client, settings: Any
) -> None:
    settings.OIDC_DOMAINS = frozenset({"harbour.example"})
    provider.says = {"sub": "18", "email": "Nia@Harbour.example", "email_verified": True, "name": "Nia Lee"}
    assert come(visitor).headers["Location"] == "/"
    person = User.objects.get(email="nia@harbour.example")
    assert (person.name, person.has_usable_password(), person.memberships.count()) == ("Nia Lee", False, 0)
    assert visitor.get("/").status_code == 403
    assert visitor.get("/account").status_code == 200
    assert Event.objects.get(action="person.added").after == {"how": "single sign-on"}
    again = Client()
    assert come(again).headers["Location"] == "/"
    assert User.objects.filter(email__iexact="nia@harbour.example").count() == 1


def test_they_may_be_viewers_of_one_organisation(
    provider: Provider, world: World, visitor: Client, settings: Any
) -> None:
    settings.OIDC_DOMAINS, settings.OIDC_ORGANISATION = frozenset({"harbour.example"}), world.org.name
    provider.says = {"sub": "18", "email": "nia@harbour.example", "email_verified": True, "name": "Nia\x07"}
    come(visitor)
    [membership] = User.objects.get(email="nia@harbour.example").memberships.all()
    assert (membership.organisation, membership.role, membership.place) == (world.org, "viewer", Place(world.org.pk))
    assert visitor.get(f"/meters/{world.meter.pk}").status_code == 200
    event = Event.objects.get(action="person.added")
    assert (event.organisation_id, event.after["role"]) == (world.org.pk, "viewer")


@pytest.mark.parametrize(
    ("email", "verified", "organisation"),
    [
        ("nia@evilharbour.example", True, ""),
        ("nia@sub.harbour.example", True, ""),
        ("nia@harbour.example.evil.example", True, ""),
        ("harbour.example", True, ""),
        ("nia@harbour.example", False, ""),
        ("nia@harbour.example", True, "No Such Organisation"),
    ],
)
def test_people_of_other_domains_get_no_account(
    email: str, verified: bool, organisation: str, provider: Provider, world: World, visitor: Client, settings: Any
) -> None:
    settings.OIDC_DOMAINS, settings.OIDC_ORGANISATION = frozenset({"harbour.example"}), organisation
    provider.says = {"sub": "18", "email": email, "email_verified": verified}
    people = User.objects.count()
    assert come(visitor).headers["Location"] == "/login?refused=1"
    assert User.objects.count() == people


def test_a_deactivated_person_cannot_sign_in(provider: Provider, viewer: Person, settings: Any) -> None:
    settings.OIDC_DOMAINS = frozenset({"harbour.example"})
    provider.says = {"sub": "17", "email": viewer.user.email, "email_verified": True}
    come(viewer.browser())
    User.objects.filter(pk=viewer.user.pk).update(is_active=False)
    client = viewer.browser()
    assert come(client).headers["Location"] == "/login?refused=1"
    assert client.get("/").status_code == 302


def test_the_second_factor_is_asked_for_here_too(provider: Provider, viewer: Person) -> None:
    viewer.set_up(viewer.enter())
    provider.says = {"sub": "17", "email": viewer.user.email, "email_verified": True}
    client = viewer.browser()
    assert come(client).headers["Location"] == "/login/code"
    assert client.get("/").status_code == 302


def test_an_answer_that_this_browser_did_not_ask_for_is_refused(provider: Provider, viewer: Person) -> None:
    provider.says = {"sub": "17", "email": viewer.user.email, "email_verified": True}
    away = viewer.browser().get("/account/sso/sso")
    back = urlsplit(requests.get(away.headers["Location"], allow_redirects=False, timeout=10).headers["Location"])
    other = viewer.browser()
    assert other.get(f"{back.path}?{back.query}").headers["Location"] == "/login?refused=1"
    assert other.get("/").status_code == 302


def test_coming_back_leads_nowhere_else(provider: Provider, viewer: Person) -> None:
    provider.says = {"sub": "17", "email": viewer.user.email, "email_verified": True}
    assert come(viewer.browser(), "https://elsewhere.example/").headers["Location"] == "/"


def test_without_configuration_there_is_no_single_sign_on(visitor: Client, world: World) -> None:
    assert visitor.get("/account/sso/sso").status_code == 404
    assert "sso" not in visitor.get("/login").content.decode()


@pytest.mark.parametrize("issuer", ["http://login.example.org", "login.example.org", "https://", "https://x/?a=1"])
def test_an_invalid_issuer_stops_the_start(issuer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OIDC_ISSUER", issuer)
    with pytest.raises(BadConfiguration, match="OIDC_ISSUER"):
        load()


@pytest.mark.parametrize(
    ("name", "value"),
    [("OIDC_DOMAINS", "@harbour.example"), ("OIDC_DOMAINS", "*.harbour.example"), ("OIDC_DOMAINS", "localhost"),
     ("ECLECTYC_SECOND_FACTOR", "sometimes")],
)  # fmt: skip
def test_a_setting_that_would_admit_too_many_stops_the_start(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadConfiguration, match=name):
        load()


def test_domains_are_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OIDC_DOMAINS", "Harbour.example, quay.co.uk")
    assert load().oidc_domains == ["harbour.example", "quay.co.uk"]


def test_a_provider_that_does_not_answer_leads_back_to_the_sign_in_page(provider: Provider, visitor: Client) -> None:
    provider.close()
    answer = visitor.get("/account/sso/sso")
    assert answer.headers["Location"] == "/login?silent=1"
    assert "Harbour sign-on is not responding." in text_of(visitor.get("/login?silent=1"))
