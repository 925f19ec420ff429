from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client

from eclectyc.accounts.rate_limit import rules
from eclectyc.audit.models import Event, Personal
from tests.factories import World
from tests.signin.people import Person
from tests.web.pages import text_of

pytestmark = pytest.mark.django_db(transaction=True)
STRANGER, OTHER = "198.51.100.7", "198.51.100.8"


@pytest.fixture(autouse=True)
def quick(world: World, settings: object) -> None:
    """Passwords are checked with a quick hash: what is tried here is how often."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    for user in (world.viewer, world.admin):
        user.set_password(world.password)
        user.save()


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands still at the start of a window."""
    with time_machine.travel(time.time() // 3600 * 3600, tick=False) as standing:
        yield standing


def at(address: str) -> Client:
    return Client(REMOTE_ADDR=address, raise_request_exception=False)


def test_after_ten_wrong_passwords_the_right_one_is_not_tried(viewer: Person, clock: object) -> None:
    for _ in range(10):
        assert viewer.knock(at(STRANGER), "a guess").status_code == 200
    answer = viewer.knock(at(STRANGER))
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 600
    assert "Too many attempts" in text_of(answer)
    assert "Try again in " in text_of(answer)


def test_many_addresses_together_have_no_more_tries(viewer: Person, clock: object) -> None:
    answers = [viewer.knock(at(f"198.51.100.{k}"), "a guess").status_code for k in range(15)]
    assert answers == [200] * 10 + [429] * 5


def test_one_address_cannot_try_many_accounts(world: World, clock: object) -> None:
    client = at(STRANGER)
    answers = [
        client.post("/login", {"username": f"p{k}@harbour.example", "password": "spring2026"}).status_code
        for k in range(65)
    ]
    assert answers == [200] * 60 + [429] * 5


def test_another_attempt_is_allowed_after_the_stated_time(viewer: Person, clock: time_machine.Traveller) -> None:
    for _ in range(10):
        viewer.knock(at(STRANGER), "a guess")
    wait = int(viewer.knock(at(STRANGER)).headers["Retry-After"])
    clock.shift(wait - 2)
    assert viewer.knock(at(STRANGER)).status_code == 429
    clock.shift(3)
    assert viewer.knock(at(STRANGER)).status_code == 302


def test_a_stranger_does_not_lock_a_person_out_of_a_browser_they_have_used(viewer: Person, clock: object) -> None:
    own = viewer.enter()
    own.post("/logout")
    for _ in range(12):
        viewer.knock(at(STRANGER), "a guess")
    assert viewer.knock(at(OTHER)).status_code == 429
    assert viewer.knock(own).status_code == 302


def test_a_browser_one_has_used_is_limited_as_well(viewer: Person, clock: object) -> None:
    own = viewer.enter()
    own.post("/logout")
    assert [viewer.knock(own, "a guess").status_code for _ in range(12)] == [200] * 10 + [429] * 2


def test_a_browser_one_has_used_counts_other_accounts_as_a_strangers(
    viewer: Person, admin: Person, clock: object
) -> None:
    for _ in range(10):
        admin.knock(at(STRANGER), "a guess")
    own = viewer.enter()
    own.post("/logout")
    assert admin.knock(own).status_code == 429


def test_right_passwords_are_not_counted(viewer: Person, clock: object) -> None:
    assert [viewer.knock(at(STRANGER)).status_code for _ in range(30)] == [302] * 30


def test_codes_are_limited(viewer: Person, clock: object) -> None:
    viewer.set_up(viewer.enter())
    client = viewer.browser()
    viewer.knock(client)
    answers = [client.post("/login/code", {"code": f"{k:06}"}).status_code for k in range(8)]
    assert answers == [200] * 6 + [429] * 2
    again = viewer.browser()  # another session of the same guesser gives no new tries
    viewer.knock(again)
    assert again.post("/login/code", {"code": "000001"}).status_code == 429


def test_resets_are_limited_and_look_the_same_without_an_account(visitor: Client, world: World, clock: object) -> None:
    for email in (world.viewer.email, "nobody@harbour.example"):
        answers = [visitor.post("/account/password/reset", {"email": email}).status_code for _ in range(5)]
        assert answers == [302, 302, 302, 429, 429]


def test_links_are_limited(visitor: Client, world: World, clock: object) -> None:
    answers = [visitor.get(f"/invitation/{k:043}").status_code for k in range(32)]
    assert answers == [404] * 30 + [429] * 2
    assert visitor.get("/account/password/reset/1-abc-def").status_code == 429


def test_ipv6_addresses_of_one_subscriber_count_together(world: World, clock: object) -> None:
    for k in range(60):
        at(f"2001:db8:1:2::{k:x}").post("/login", {"username": f"p{k}@x.example", "password": "x"})
    assert at("2001:db8:1:2:ffff::1").post("/login", {"username": "q@x.example", "password": "x"}).status_code == 429
    assert at("2001:db8:1:3::1").post("/login", {"username": "q@x.example", "password": "x"}).status_code == 200


@pytest.mark.parametrize(("proxies", "last"), [(0, 429), (1, 200)])
def test_a_forwarded_address_counts_only_behind_a_proxy(
    proxies: int, last: int, world: World, clock: object, settings: object
) -> None:
    settings.TRUSTED_PROXIES = proxies
    for k in range(61):
        answer = at("10.0.0.1").post(
            "/login", {"username": f"p{k}@x.example", "password": "x"},
            headers={"X-Forwarded-For": f"203.0.113.{k}"},
        )  # fmt: skip
    assert answer.status_code == last


def test_a_forwarded_address_sent_by_the_client_is_ignored(world: World, settings: object) -> None:
    from django.test import RequestFactory

    from eclectyc.accounts.client_address import origin_of

    settings.TRUSTED_PROXIES = 1
    request = RequestFactory().get("/", headers={"X-Forwarded-For": "1.2.3.4, 203.0.113.5"})
    assert origin_of(request) == "203.0.113.5"


def test_failed_attempts_are_in_the_audit_with_the_typed_address_stored_apart(viewer: Person, clock: object) -> None:
    viewer.knock(at(STRANGER), "a guess")
    at(STRANGER).post("/login", {"username": "nobody@x.example", "password": "x"})
    known, unknown = Event.objects.filter(action="session.failed").order_by("id")
    assert known.after == unknown.after == {"why": "password"}
    assert "harbour" not in str(known.__dict__)
    said = {p.event_id: p for p in Personal.objects.all()}
    assert said[known.pk].text == {"address typed": viewer.user.email}
    assert said[unknown.pk].text == {"address typed": "nobody@x.example"}
    assert said[known.pk].origin == STRANGER


def test_a_refused_attempt_is_not_counted(home: object, clock: object) -> None:
    one, two = rules.SIGN_INS_TO_ACCOUNT, rules.SIGN_INS_FROM_ADDRESS
    for _ in range(10):
        rules.count_attempt((two, "a"), (one, "b"))
    for _ in range(100):
        with pytest.raises(Exception, match="more than 10"):
            rules.count_attempt((two, "a"), (one, "b"))
    for _ in range(50):
        rules.count_attempt((two, "a"), (one, "c" * _ + "d"))
