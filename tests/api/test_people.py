"""Organisations, people, memberships, roles, invitations and tokens over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from eclectyc.accounts import custom_roles, invitations
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import ApiToken, Invitation, Membership, Organisation, Role, User
from tests.accounts.test_organisations import png
from tests.api.conftest import bearer
from tests.factories import World, make_site, make_user

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()
Ask = Callable[..., Any]


@pytest.fixture
def ask(world: World) -> Ask:
    """Send JSON as the administrator (or ``user``), signed in."""

    def asked(method: str, path: str, body: object = None, *, user: User | None = None) -> HttpResponse:
        client = Client(raise_request_exception=False)
        client.force_login(user or world.admin)
        content = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return getattr(client, method)(f"/api/{path}", **content)

    return asked


def things(organisation: Organisation, person: User) -> dict[str, int]:
    """Make one of each in an organisation; return their numbers by address."""
    role = custom_roles.create(SYSTEM, organisation=organisation, name="R", permissions=["estate.view"])
    invitation = invitations.invite(SYSTEM, email="x@y.example", organisation=organisation)
    token = ApiToken.objects.create(user=person, name="t", digest=str(person.pk))
    return {
        "organisations": organisation.pk,
        "users": person.pk,
        "memberships": person.memberships.get().pk,
        "roles": role.pk,
        "invitations": invitation.pk,
        "tokens": token.pk,
    }


ROOMS = ("organisations", "users", "memberships", "roles", "invitations", "tokens")


@pytest.mark.parametrize("room", ROOMS)
def test_anothers_is_missing_by_the_same_path_with_the_same_questions(room: str, ask: Ask, world: World) -> None:
    number = things(world.other_org, world.outsider)[room]
    body: dict[str, Any] = {"patch": {"name": "x"}, "put": {"password": "x"}}
    for method in ("get", "patch", "delete"):
        if (method, room) in (("patch", "invitations"), ("patch", "tokens")):
            continue
        sent = {} if room == "memberships" else body.get(method)
        told = []
        for pk in (number, 10**9):
            with CaptureQueriesContext(
                connection,
            ) as asked:
                answer = ask(method, f"{room}/{pk}", sent if method == "patch" else None)
            error = answer.json()["error"]
            told.append((answer.status_code, error["code"], error["message"].replace(str(pk), "#"), len(asked)))
        assert told[0] == told[1]
        assert told[0][0] == 404


@pytest.mark.parametrize("room", ROOMS)
def test_a_list_holds_ones_own_only_and_costs_the_same_however_long(room: str, ask: Ask, world: World) -> None:
    own, theirs = things(world.org, world.admin), things(world.other_org, world.outsider)

    def listed() -> tuple[list[int], int]:
        with CaptureQueriesContext(connection) as asked:
            answer = ask("get", room)
        assert answer.json()["count"] == len(answer.json()["items"])
        return [item["id"] for item in answer.json()["items"]], len(asked)

    numbers, before = listed()
    assert own[room] in numbers
    assert theirs[room] not in numbers
    for n in range(6):
        below = Organisation.objects.create(name=f"O{n}", parent=world.org)
        person = make_user(f"p{n}@harbour.example", below)
        Membership.objects.create(user=person, organisation=world.org, site=make_site(world.org))
        Role.objects.create(organisation=below, name="R", permissions=[])
        invitations.invite(SYSTEM, email=f"x{n}@y.example", site=make_site(below))
        ApiToken.objects.create(user=world.admin, name="t", digest=f"d{n}", site=world.site)
    numbers, after = listed()
    assert after == before
    assert len(numbers) >= 7


@pytest.mark.parametrize("who", ["viewer", "manager"])
def test_who_keeps_no_people_sees_themselves_and_changes_nothing(who: str, ask: Ask, world: World) -> None:
    user = getattr(world, who)
    numbers = things(world.org, world.admin)
    assert [ask("get", room, user=user).status_code for room in ("users", "invitations")] == [403, 403]
    assert ask("get", f"users/{user.pk}", user=user).json()["email"] == user.email
    assert ask("get", f"users/{world.admin.pk}", user=user).status_code == 404
    assert [m["user"] for m in ask("get", "memberships", user=user).json()["items"]] == [user.pk]
    assert ask("get", "roles", user=user).json()["items"] == []
    attempts = [
        ("post", "organisations", {"name": "X", "parent": world.org.pk}, 403),
        ("patch", f"organisations/{world.org.pk}", {"name": "X"}, 403),
        ("delete", f"organisations/{world.org.pk}", None, 403),
        ("post", "users", {"email": "a@b.example"}, 403),
        ("patch", f"users/{user.pk}", {"is_operator": True}, 403),
        ("post", "memberships", {"user": user.pk, "organisation": world.org.pk, "role": "admin"}, 403),
        ("patch", f"memberships/{user.memberships.get().pk}", {"role": "admin"}, 403),
        ("post", "roles", {"organisation": world.org.pk, "name": "X", "permissions": ["people.edit"]}, 403),
        ("post", "invitations", {"email": "a@b.example", "organisation": world.org.pk}, 403),
        ("delete", f"users/{world.admin.pk}", None, 404),
        ("delete", f"tokens/{numbers['tokens']}", None, 404),
        ("delete", f"invitations/{numbers['invitations']}", None, 404),
    ]
    for method, path, body, status in attempts:
        assert ask(method, path, body, user=user).status_code == status, (method, path)


def test_an_administrator_keeps_people(ask: Ask, world: World) -> None:
    pk = make_user("new@harbour.example", world.org, "manager").pk
    [membership] = ask("get", f"users/{pk}").json()["memberships"]
    assert (membership["role"], membership["organisation"]) == ("manager", world.org.pk)
    assert ask("patch", f"users/{pk}", {"name": "Newer"}).json()["name"] == "Newer"
    assert ask("put", f"users/{pk}/password", {"password": "tern over quiet water"}).status_code == 204
    changed = ask("patch", f"memberships/{membership['id']}", {"role": "viewer", "until": "2040-01-01"}).json()
    assert (changed["role"], changed["until"]) == ("viewer", "2040-01-01")
    given = ask("post", "memberships", {"user": pk, "site": world.site.pk, "role": "admin"})
    assert (given.status_code, given.json()["place"]) == (201, world.site.name)
    assert ask("get", f"users?search=newer&organisation={world.org.pk}").json()["count"] == 1
    assert ask("delete", f"memberships/{given.json()['id']}").status_code == 204
    assert ask("delete", f"users/{pk}").status_code == 204
    assert ask("get", f"users/{pk}").json()["is_active"] is False
    assert ask("patch", f"users/{pk}", {"is_active": True}).json()["is_active"] is True


def test_an_operator_adds_people_and_anybody_elses_request_becomes_an_invitation(ask: Ask, world: World) -> None:
    operator = User.objects.create(email="operator@platform.example", is_operator=True)
    body = {"email": "new@harbour.example", "organisation": world.org.pk, "role": "manager"}
    for field in ("name", "password"):
        refused = ask("post", "users", body | {field: "a fair wind and tide"})
        assert (refused.status_code, refused.json()["error"]["field"]) == (422, field)
    invited = ask("post", "users", body)
    assert (invited.status_code, invited.json()["state"], invited.json()["role"]) == (202, "open", "manager")
    assert not User.objects.filter(email="new@harbour.example").exists()
    made = ask("post", "users", body | {"name": "New", "password": "a fair wind and tide"}, user=operator)
    assert (made.status_code, made.json()["name"]) == (201, "New")
    assert ask("post", "users", body, user=operator).status_code == 422


def test_nobody_learns_from_adding_people_who_has_an_account_elsewhere(ask: Ask, world: World) -> None:
    told = []
    ask("post", "users", {"email": "first@x.example", "organisation": world.org.pk})  # the actor's first event
    for email in ("nobody@x.example", world.outsider.email, "nobody@y.example", world.viewer.email):
        with CaptureQueriesContext(connection) as asked:
            answer = ask("post", "users", {"email": email, "organisation": world.org.pk})
        said = answer.json()
        moments = {name for name in said if name.endswith("_at") and said[name]}
        told.append((answer.status_code, moments, said | dict.fromkeys(moments) | {"id": 0, "email": ""}, len(asked)))
    assert told[1:] == told[:1] * 3


def test_the_last_administrator_is_kept_with_a_reason(ask: Ask, world: World) -> None:
    own = world.admin.memberships.get().pk
    for method, path, body in (
        ("delete", f"memberships/{own}", None),
        ("patch", f"memberships/{own}", {"role": "viewer"}),
        ("delete", f"users/{world.admin.pk}", None),
    ):
        answer = ask(method, path, body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "last_administrator")


def test_an_administrator_keeps_organisations_below(ask: Ask, world: World) -> None:
    made = ask("post", "organisations", {"name": "Dock", "parent": world.org.pk}).json()
    path = f"organisations/{made['id']}"
    ask("patch", f"organisations/{world.org.pk}", {"brand_colour": "#FFDD00", "brand_name": "Harbour"})
    look = ask("get", path).json()["branding"]
    assert look == {"name": "Harbour", "colour": "#ffdd00", "ink": "#000000", "has_logo": False}
    assert ask("patch", path, {"parent": None}).status_code == 403
    assert ask("patch", path, {"parent": world.other_org.pk}).status_code == 404
    assert ask("patch", path, {"name": None}).status_code == 422
    assert ask("delete", path).status_code == 204
    refused = ask("delete", f"organisations/{world.org.pk}")
    assert refused.status_code == 403


def test_who_is_above_is_not_told_to_those_below(ask: Ask, world: World) -> None:
    below = Organisation.objects.create(name="Below", parent=world.org)
    person = make_user("x@below.example", below, "admin")
    assert ask("get", f"organisations/{below.pk}", user=person).json()["parent"] is None
    assert ask("get", f"organisations?parent={world.org.pk}", user=person).status_code == 404
    assert ask("get", f"organisations/{below.pk}").json()["parent"] == world.org.pk


def test_a_logo_goes_in_and_is_inherited(ask: Ask, world: World) -> None:
    below = Organisation.objects.create(name="Below", parent=world.org)
    client = Client()
    client.force_login(world.admin)
    path = f"/api/organisations/{world.org.pk}/logo"

    def send(data: bytes) -> int:
        return client.post(path, {"file": SimpleUploadedFile("../../x.png", data)}).status_code

    assert send(b"<svg onload=alert(1)>") == 422
    assert send(png(rest=bytes(300_000))) == 422
    assert client.get(path).status_code == 404
    assert send(png()) == 200
    answer = client.get(f"/api/organisations/{below.pk}/logo")
    assert (answer.content, answer["Content-Type"]) == (png(), "image/png")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_roles_are_made_changed_and_deleted(ask: Ask, world: World) -> None:
    listed = ask("get", "roles").json()
    assert set(listed["built_in"]) == {"viewer", "manager", "admin"}
    new = {"organisation": world.org.pk, "name": "Reader", "permissions": ["estate.view"]}
    made = ask("post", "roles", new)
    assert made.status_code == 201
    path = f"roles/{made.json()['id']}"
    assert ask("post", "roles", new).status_code == 422
    assert ask("post", "roles", new | {"organisation": world.other_org.pk}).status_code == 404
    assert ask("patch", path, {"permissions": ["reports.view"]}).json()["permissions"] == ["reports.view"]
    assert ask("delete", path).status_code == 204
    assert ask("get", path).status_code == 404


def test_an_invitation_never_shows_its_link_nor_whether_there_is_an_account(ask: Ask, world: World) -> None:
    answers = [
        ask("post", "invitations", {"email": email, "site": world.site.pk, "role": "manager"})
        for email in ("new@there.example", world.outsider.email)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    told = [answer.json() for answer in answers]
    assert {key: v for key, v in told[0].items() if key in ("state", "place", "role_name")} == {
        "state": "open", "place": world.site.name, "role_name": "manager",
    }  # fmt: skip
    assert told[0].keys() == told[1].keys()
    assert all(Invitation.objects.get(pk=t["id"]).digest not in json.dumps(t) for t in told)
    assert ask("post", f"invitations/{told[0]['id']}/resend").status_code == 200
    assert ask("delete", f"invitations/{told[0]['id']}").status_code == 204
    assert ask("post", f"invitations/{told[0]['id']}/resend").status_code == 409
    assert ask("get", "invitations?state=open").json()["count"] == 1


def test_a_token_is_shown_once_and_does_what_it_says(ask: Ask, world: World) -> None:
    made = ask("post", "tokens", {"name": "boiler", "site": world.site.pk, "expires_at": "2040-01-01T00:00:00Z"})
    assert made.status_code == 201
    secret, pk = made.json()["token"], made.json()["id"]
    assert secret not in ask("get", "tokens").content.decode() + ask("get", f"tokens/{pk}").content.decode()
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    assert client.get("/api/organisations").json()["count"] == 0  # narrowed to a site
    for method, path in (("post", "tokens"), ("delete", f"tokens/{pk}"), ("post", "organisations")):
        answer = getattr(client, method)(f"/api/{path}", {}, content_type="application/json")
        assert answer.status_code == 403, path
    assert ask("delete", f"tokens/{pk}").status_code == 204
    assert client.get("/api/organisations").status_code == 401
    for wrong in ({"expires_at": "2020-01-01T00:00:00Z"}, {"expires_at": "2040-01-01T00:00:00"}, {"scope": "all"}):
        assert ask("post", "tokens", {"name": "t"} | wrong).status_code == 422


def test_what_changes_something_takes_a_token_that_manages(world: World) -> None:
    body = {"data": json.dumps({"name": "X", "parent": world.org.pk}), "content_type": "application/json"}
    got = {
        scope: Client().post("/api/organisations", headers=bearer(world.admin, scope=scope), **body).status_code
        for scope in ("read", "push", "manage")
    }
    assert got == {"read": 403, "push": 403, "manage": 201}


def test_a_session_changes_nothing_without_its_csrf_token(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.admin)
    for method, path in (
        ("post", "organisations"), ("post", "users"), ("post", "memberships"), ("post", "roles"), ("post", "tokens"),
        ("post", "invitations"), ("patch", f"users/{world.viewer.pk}"), ("delete", f"users/{world.viewer.pk}"),
        ("put", f"users/{world.viewer.pk}/password"),
    ):  # fmt: skip
        answer = getattr(client, method)(f"/api/{path}", {}, content_type="application/json")
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden"), path


def test_a_token_used_too_often_gets_429_and_when_to_come_back(world: World, settings: Any) -> None:
    settings.TOKEN_REQUESTS_PER_MINUTE = 2
    header = bearer(world.viewer)
    client = Client()
    assert [client.get("/api/meters", headers=header).status_code for _ in range(3)] == [200, 200, 429]
    refused = client.get("/api/meters", headers=header)
    assert refused.json()["error"]["code"] == "too_many_requests"
    assert 1 <= int(refused["Retry-After"]) <= 120


def test_guessing_tokens_is_stopped(world: World) -> None:
    client = Client(REMOTE_ADDR="10.9.8.7")
    got = [client.get("/api/meters", headers={"Authorization": f"Bearer ecl_{n}"}).status_code for n in range(32)]
    assert (got[0], got[-1]) == (401, 429)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "users", {"email": "a@b.example", "is_superuser": True}),
        ("post", "users", {"email": "a@b.example", "is_operator": True}),
        ("patch", "users/1", {"password": "x"}),
        ("post", "organisations?parent=1", {"name": "x"}),
        ("get", "users?order=password", None),
        ("get", "users/1?x=1", None),
        ("get", "organisations/99999999999999999999", None),
        ("get", "users/0", None),
        ("get", "users?limit=100000", None),
        ("post", "memberships", {"user": True, "organisation": 1}),
        ("post", "roles", {"organisation": 1, "name": "x\x00", "permissions": []}),
    ],
)
def test_what_is_not_declared_or_out_of_range_is_refused(method: str, path: str, body: object, ask: Ask) -> None:
    answer = ask(method, path, body)
    assert answer.status_code == 422, answer.content
    assert answer.json()["error"]["code"] == "invalid"
