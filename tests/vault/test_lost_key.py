"""A key that is lost, or another installation's: reported everywhere, and never replaced silently."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from eclectyc import vault
from eclectyc.accounts.actor import Actor
from eclectyc.audit.models import Event
from eclectyc.cli import main
from eclectyc.intake.feeds import service
from eclectyc.intake.feeds.models import Feed
from eclectyc.kernel.errors import EclectycError, Forbidden
from eclectyc.operations import health
from eclectyc.privacy import secret_rotation
from eclectyc.vault.errors import BadKeyFile, VaultKeyMissing, WrongVaultKey
from eclectyc.vault.keys import LENGTH, VaultKey
from tests.api.conftest import bearer
from tests.factories import World
from tests.signin.people import Person
from tests.web.pages import text_of

pytestmark = pytest.mark.django_db(transaction=True)
URL = {"url": "https://feed.example.com/readings.csv"}
OTHER_KEY = "A" * 43 + "=\n"


@pytest.fixture
def viewer(world: World) -> Person:
    return Person(world.viewer, world.password)


@pytest.fixture
def client(world: World) -> Client:
    return Client(headers=bearer(world.admin, scope="manage"), raise_request_exception=False)


def add_feed(client: Client, world: World, name: str, token: str) -> Any:
    body = {"organisation": world.org.pk, "name": name, "kind": "https", "settings": URL, "secrets": {"token": token}}
    return client.post("/api/feeds", body, content_type="application/json")


def token_of(name: str) -> str:
    return service.secrets_of(Feed.objects.get(name=name))["token"]


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capsys.readouterr()
    return main(list(words)), capsys.readouterr().out


def vault_health(*, deep: bool) -> tuple[str, str]:
    [found] = [check for check in health.report(deep=deep).checks if check.name == "vault"]
    return found.status, found.message


@pytest.fixture
def feed(client: Client, world: World, home: Path) -> str:
    """A feed with a secret; the file's text."""
    assert add_feed(client, world, "First", "first token").status_code == 201
    return (home / "vault.key").read_text()


def lose(home: Path, instead: str | None) -> None:
    """Remove the key file, or replace it with another."""
    (home / "vault.key").unlink()
    if instead is not None:
        (home / "vault.key").write_text(instead)


FAULTS = pytest.mark.parametrize(
    ("instead", "reason"),
    [
        (None, "vault.key is missing"),
        (OTHER_KEY, "vault.key is not the one that encrypted the stored secrets"),
        ("", "vault.key is empty"),
        ("half a li", "vault.key contains a line that is not a key"),
    ],
    ids=["missing", "another's", "empty", "damaged"],
)


@FAULTS
def test_health_check_and_status_name_the_fault_and_the_remedy(
    feed: str, home: Path, instead: str | None, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        vault_health(deep=False) == vault_health(deep=True) == ("healthy", "The vault's key fits the stored secrets.")
    )
    assert "vault:" not in told(capsys, "check")[1]
    assert "vault.key" not in told(capsys, "vault", "status")[1]
    lose(home, instead)
    for deep in (False, True):
        status, message = vault_health(deep=deep)
        assert status == "degraded"
        assert reason in message
        assert "eclectyc vault give-up" in message
    code, answer = told(capsys, "health")
    assert code > 0
    assert f"!!  vault        {message}" in answer
    code, answer = told(capsys, "check")
    assert code == 1
    assert f"vault: {message}" in answer
    code, answer = told(capsys, "vault", "status")
    assert message in answer
    assert json.loads(told(capsys, "vault", "status", "--json")[1])["fault"] == message


@FAULTS
def test_the_next_secret_is_refused_and_the_right_file_heals_everything(
    feed: str, home: Path, instead: str | None, reason: str, client: Client, world: World, viewer: Person
) -> None:
    lose(home, instead)
    refused = add_feed(client, world, "Second", "second token")
    assert refused.status_code == 503, refused.content.decode()
    assert reason in refused.content.decode()
    assert not Feed.objects.filter(name="Second").exists()
    for deed in (lambda: vault.seal("x"), vault.rotate, lambda: secret_rotation.rotate(Actor.system(), wait_s=0)):
        with pytest.raises(EclectycError, match=reason):
            deed()
    assert reason in text_of(viewer.enter().get("/account/second-factor/set-up"))
    assert (
        (home / "vault.key").read_text() if instead is not None else (home / "vault.key").exists() or None
    ) == instead

    (home / "vault.key").write_text(feed)
    assert add_feed(client, world, "Second", "second token").status_code == 201
    assert (token_of("First"), token_of("Second")) == ("first token", "second token")
    assert viewer.set_up(viewer.enter()).status_code == 302
    assert vault_health(deep=True)[0] == "healthy"


def test_the_first_secret_of_an_installation_makes_the_key(client: Client, world: World, home: Path) -> None:
    assert vault_health(deep=True)[0] == "healthy"
    assert not (home / "vault.key").exists()
    assert add_feed(client, world, "First", "first token").status_code == 201
    assert token_of("First") == "first token"


def test_a_feed_whose_secret_cannot_be_read_stays_visible_and_keeps_it(
    feed: str, home: Path, client: Client, world: World
) -> None:
    lose(home, None)
    listed = client.get("/api/feeds").json()["items"]
    assert [(one["name"], one["has_secrets"]) for one in listed] == [("First", True)]
    browser = Person(world.admin, world.password).enter()
    assert browser.get("/admin/feeds").status_code == 200
    assert browser.get(f"/admin/feeds/{listed[0]['id']}").status_code == 200
    found = Feed.objects.get()
    with pytest.raises(vault.CannotOpen, match=r"vault\.key is missing"):
        service.secrets_of(found)
    found.error = "failing"
    found.save()
    (home / "vault.key").write_text(feed)
    assert token_of("First") == "first token"


def test_a_key_that_some_secrets_lack_is_found_by_looking_at_all(
    feed: str, home: Path, client: Client, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """As an earlier release left it: a second key, made silently while the first was away."""
    Feed.objects.update(name="Away")
    stored = Feed.objects.get()
    sealed = secret_rotation.vault_status()
    (home / "vault.key").write_text(OTHER_KEY)
    Authenticator.objects.create(
        user=world.viewer, type="totp", data={"secret": seal_with(OTHER_KEY, "JBSWY3DPEHPK3PXP")}
    )
    assert vault_health(deep=False)[0] == "healthy"
    status, message = vault_health(deep=True)
    assert status == "degraded"
    assert message.startswith(
        f"1 stored secret cannot be decrypted: vault.key does not have this key: {sealed.keys[0]}. "
    )
    assert message in told(capsys, "vault", "status")[1]
    (home / "vault.key").write_text(OTHER_KEY + feed)
    assert vault_health(deep=True)[0] == "healthy"
    assert service.secrets_of(Feed.objects.get(pk=stored.pk)) == {"token": "first token"}


def seal_with(line: str, secret: str) -> str:
    from base64 import urlsafe_b64decode

    from eclectyc.vault.sealing import seal_with as seal

    value = urlsafe_b64decode(line)
    assert len(value) == LENGTH
    return seal(VaultKey.from_value(value), secret)


def test_signing_in_with_a_second_factor_is_refused_in_words(home: Path, viewer: Person) -> None:
    viewer.set_up(viewer.enter())
    lose(home, None)
    elsewhere = viewer.browser()
    assert viewer.knock(elsewhere).headers["Location"] == "/login/code"
    answer = elsewhere.post("/login/code", {"code": viewer.code()})
    assert answer.status_code == 503
    assert "vault.key is missing" in text_of(answer)
    assert elsewhere.get("/").status_code == 302


@pytest.mark.parametrize("instead", [None, OTHER_KEY], ids=["missing", "another's"])
def test_after_a_lost_key_its_secrets_are_given_up_and_new_ones_entered(
    feed: str,
    home: Path,
    instead: str | None,
    client: Client,
    world: World,
    viewer: Person,
    capsys: pytest.CaptureFixture[str],
) -> None:
    viewer.set_up(viewer.enter())
    lose(home, instead)
    with pytest.raises(VaultKeyMissing if instead is None else WrongVaultKey):
        vault.seal("x")
    assert main(["vault", "give-up"]) == 2
    code, answer = told(capsys, "vault", "give-up", "--really")
    assert code == 0
    assert "intake.feed.secret: 1 given up; enter them again." in answer
    assert "eclectyc user second-factor EMAIL --remove" in answer
    [event] = Event.objects.filter(action="vault.secrets_given_up")
    assert event.after["given_up"] == {"intake.feed.secret": 1, "mfa.authenticator.data": 2}
    assert vault_health(deep=True)[0] == "healthy"

    assert service.secrets_of(Feed.objects.get()) == {}
    here = f"/api/feeds/{Feed.objects.get().pk}"
    changed = client.patch(here, {"secrets": {"token": "new token"}}, content_type="application/json")
    assert changed.status_code == 200, changed.content.decode()
    assert token_of("First") == "new token"

    elsewhere = viewer.browser()
    assert viewer.knock(elsewhere).headers["Location"] == "/login/code"
    assert elsewhere.post("/login/code", {"code": viewer.code()}).status_code == 200  # wrong: the page again
    assert main(["user", "second-factor", viewer.user.email, "--remove"]) == 0
    assert viewer.set_up(viewer.enter()).status_code == 302


def test_giving_up_leaves_what_can_be_read_and_needs_an_operator(feed: str, home: Path, world: World) -> None:
    with pytest.raises(Forbidden):
        secret_rotation.give_up_secrets(Actor.of(world.admin))
    assert secret_rotation.give_up_secrets(Actor.system()).given_up == {}
    assert token_of("First") == "first token"
    assert (home / "vault.key").read_text() == feed
    (home / "vault.key").write_text("")
    with pytest.raises(BadKeyFile, match="move it away"):
        secret_rotation.give_up_secrets(Actor.system())


def test_check_reports_a_lost_key_of_the_audit_too(
    home: Path, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["user", "add", "new@harbour.example", "--organisation", world.org.name]) == 0
    (home / "audit.key").unlink()
    code, answer = told(capsys, "check")
    assert code == 1
    assert "audit: The audit's key" in answer
    assert "eclectyc audit anew" in answer
