from __future__ import annotations

import time

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.test import Client

from eclectyc.accounts.models import Membership, User
from eclectyc.accounts.sessions import device_of
from eclectyc.audit.models import Event, Personal
from tests.factories import World
from tests.signin.people import Person
from tests.web.pages import text_of

pytestmark = pytest.mark.django_db(transaction=True)


def number_of(client: Client) -> int:
    return UserSession.objects.get(session_key=client.session.session_key).pk


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def test_one_sees_where_one_is_signed_in(viewer: Person) -> None:
    here = viewer.enter()
    viewer.enter(Client(headers={"User-Agent": "curl/8"}, REMOTE_ADDR="198.51.100.7"))
    said = text_of(here.get("/account"))
    assert "Firefox on Linux" in said
    assert "A program" in said
    assert "198.51.100.7" in said


def test_a_session_ended_from_another_browser_is_over_at_once(viewer: Person) -> None:
    here, there = viewer.enter(), viewer.enter()
    assert is_in(there)
    assert here.post(f"/account/sessions/{number_of(there)}/end").headers["Location"] == "/account?done=session"
    answer = there.get("/meters")
    assert answer.headers["Location"] == "/login?ended=1&next=/meters"
    assert "Your session has ended" in text_of(there.get("/login?ended=1&next=/meters"))
    assert there.get("/api/meters").status_code == 401
    assert is_in(here)


def test_all_others_end_together_and_this_one_stays(viewer: Person) -> None:
    here, others = viewer.enter(), [viewer.enter() for _ in range(3)]
    here.post("/account/sessions/end-others")
    assert is_in(here)
    assert not any(is_in(other) for other in others)
    assert list(UserSession.objects.values_list("user", flat=True)) == [viewer.user.pk]


def test_other_peoples_sessions_can_be_neither_seen_nor_ended(viewer: Person, admin: Person, world: World) -> None:
    theirs, mine = viewer.enter(), admin.enter(Client(REMOTE_ADDR="198.51.100.7"))
    foreign = mine.post(f"/account/sessions/{number_of(theirs)}/end")
    missing = mine.post("/account/sessions/999999/end")
    assert foreign.status_code == missing.status_code == 404
    assert is_in(theirs)
    assert "Firefox" not in text_of(mine.get("/account"))


def test_a_get_request_ends_no_session(viewer: Person) -> None:
    here, there = viewer.enter(), viewer.enter()
    assert here.get(f"/account/sessions/{number_of(there)}/end").status_code == 405
    assert here.get("/account/sessions/end-others").status_code == 405
    assert is_in(there)


def test_an_idle_session_expires_and_one_in_use_does_not(viewer: Person, settings: object) -> None:
    begun = time.time()
    with time_machine.travel(begun, tick=False) as clock:
        used, idle = viewer.enter(), viewer.enter()
        for _ in range(3):
            clock.shift(3600 * 1.5)
            assert is_in(used)
        assert idle.get("/").headers["Location"] == "/login?ended=1&next=/"
        assert is_in(used)


def test_a_session_in_use_expires_in_the_end(viewer: Person) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        used = viewer.enter()
        for _ in range(11):
            clock.shift(3600)
            assert is_in(used)
        clock.shift(3600 + 1)
        assert not is_in(used)
    assert Event.objects.filter(action="session.ended", after={"how": "expired"}).exists()


def test_use_is_stored_once_a_minute_at_most(viewer: Person, django_assert_num_queries: object) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        client = viewer.enter()
        first = UserSession.objects.get().last_seen_at
        clock.shift(59)
        client.get("/")
        assert UserSession.objects.get().last_seen_at == first
        clock.shift(2)
        client.get("/")
        assert (UserSession.objects.get().last_seen_at - first).total_seconds() == pytest.approx(61, abs=0.1)


def test_deactivation_ends_open_sessions(viewer: Person) -> None:
    client = viewer.enter()
    User.objects.filter(pk=viewer.user.pk).update(is_active=False)
    assert not is_in(client)
    assert client.get("/api/meters").status_code == 401


def test_a_demotion_acts_in_an_open_session(world: World) -> None:
    client = Person(world.manager, world.password).enter()
    assert client.get("/reports/consumption").status_code == 200
    Membership.objects.filter(user=world.manager).update(role="viewer")
    assert client.get("/reports/consumption").status_code == 403


def test_signing_out_removes_the_session_from_the_list(viewer: Person) -> None:
    client = viewer.enter()
    client.post("/logout")
    assert not UserSession.objects.exists()
    ended = Event.objects.get(action="session.ended")
    assert ended.after == {"how": "signed out"}


def test_the_audit_names_no_person_and_its_personal_text_has_the_address(viewer: Person) -> None:
    viewer.enter(Client(REMOTE_ADDR="203.0.113.9"))
    event = Event.objects.get(action="session.started")
    assert event.after == {"methods": ["password"]}
    assert Personal.objects.get(event=event).origin == "203.0.113.9"


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0",
         "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile/15E148 Safari/604.1",
         "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36", "Chrome on Android"),
        ("", "A program"),
    ],
)  # fmt: skip
def test_a_browser_is_called_by_its_name(agent: str, said: str) -> None:
    assert device_of(agent) == said
