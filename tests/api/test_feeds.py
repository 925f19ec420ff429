"""Feeds and import profiles by API: set up, changed, run, taken down; a secret goes in and never comes out."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from django.test import Client

from eclectyc.intake.feeds.models import Feed
from eclectyc.intake.feeds.service import secrets_of
from eclectyc.intake.profiles.models import ImportProfile
from eclectyc.jobs.models import Job
from tests.api.conftest import bearer
from tests.factories import World

pytestmark = pytest.mark.django_db
DAILY = {"layout": "daily", "columns": {"meter": "Who", "date": "Tag", "value": "Menge"}}
SFTP = {"host": "sftp.example.com", "username": "us", "path": "/out", "host_key": "SHA256:" + "A" * 43}


@pytest.fixture
def client(world: World) -> Client:
    return Client(headers=bearer(world.admin, scope="manage"))


def sent(client: Client, method: str, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
    said = {"data": body, "content_type": "application/json"} if body is not None else {}
    answer = getattr(client, method)(f"/api{path}", headers=headers, **said)
    assert answer.status_code == status, answer.content.decode()
    return answer.json() if answer.content else None


def test_a_profile_is_saved_as_json_and_changed_as_toml(client: Client, world: World) -> None:
    new = {"organisation": world.org.pk, "name": "Stadtwerke", "mapping": DAILY}
    made = sent(client, "post", "/import-profiles", new, 201)
    here = f"/import-profiles/{made['id']}"
    assert (made["mapping"], made["layout"], made["version"], made["feeds"]) == (DAILY, "daily", 1, [])
    toml = client.get(f"/api{here}", headers={"Accept": "text/toml"})
    assert toml["Content-Type"] == "application/toml; charset=utf-8"
    assert tomllib.loads(toml.content.decode()) == DAILY
    changed = sent(client, "patch", here, {"toml": toml.content.decode() + "[meaning]\nunit = 'Wh'\n"},
                   **{"If-Match": '"1"'})  # fmt: skip
    assert (changed["mapping"]["meaning"], changed["version"]) == ({"unit": "Wh"}, 2)
    sent(client, "patch", here, {"notes": "late"}, 412, **{"If-Match": '"1"'})
    listed = sent(client, "get", "/import-profiles?search=stadt")
    assert [one["name"] for one in listed["items"]] == ["Stadtwerke"]
    sent(client, "delete", here, status=204)
    assert not ImportProfile.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "mapping"),
        ({"mapping": {}}, "layout"),
        ({"mapping": DAILY, "toml": "layout = 'daily'"}, "toml"),
        ({"toml": "layout ="}, "profile"),
        ({"mapping": DAILY | {"columns": {"date": 1, "value": 1}}}, "columns"),
        ({"mapping": DAILY | {"nonsense": 1}}, "nonsense"),
        ({"mapping": DAILY | {"columns": {"date": "D\x00", "value": 2}}}, "columns.date"),
        ({"mapping": DAILY | {"columns": {"date": "D\ud800", "value": 2}}}, "columns.date"),
        ({"mapping": DAILY | {"columns": {"date": 10**30, "value": 2}}}, "columns.date"),
        ({"mapping": DAILY | {"flags": {"\x00": "actual"}}}, "flags.\x00"),
        ({"toml": 'layout = "daily"\n[columns]\ndate = "D\\u0000"\nvalue = 2'}, "columns.date"),
    ],
)
def test_a_mapping_is_checked_on_its_way_in(client: Client, world: World, body: dict[str, Any], field: str) -> None:
    new = {"organisation": world.org.pk, "name": "Odd", **body}
    assert sent(client, "post", "/import-profiles", new, 422)["error"]["field"] == field


def test_a_feed_is_set_up_changed_run_and_taken_down(client: Client, world: World) -> None:
    sent(client, "post", "/import-profiles", {"organisation": world.org.pk, "name": "P", "mapping": DAILY}, 201)
    new = {
        "organisation": world.org.pk, "kind": "sftp", "name": "Supplier", "settings": SFTP,
        "secrets": {"password": "hunter2hunter2"}, "options": {"profile": "p", "timezone": "UTC"}, "quiet_after_h": 48,
    }  # fmt: skip
    made = sent(client, "post", "/feeds", new, 201)
    here = f"/feeds/{made['id']}"
    assert "hunter2" not in str(made)
    assert (made["state"], made["has_secrets"], made["settings"]["port"]) == ("new", True, 22)
    assert made["options"] == {"profile": "P", "timezone": "UTC"}
    assert made["next_at"]
    changed = sent(client, "patch", here, {"name": "Collector", "cron": "0 6 * * *", "is_active": False})
    assert (changed["name"], changed["state"], changed["next_at"], changed["quiet_after_h"]) == (
        "Collector", "paused", None, 48,
    )  # fmt: skip
    feed = Feed.objects.get()
    assert secrets_of(feed) == {"password": "hunter2hunter2"}
    elsewhere = {"settings": SFTP | {"host": "evil.example.com"}}
    assert sent(client, "patch", here, elsewhere, 422)["error"]["field"] == "password"
    assert sent(client, "get", "/feeds")["count"] == 1
    job = sent(client, "post", f"{here}/read", {}, 202)["job"]
    assert Job.objects.get(pk=job).args == {"feed": feed.pk}
    feed.files.create(name="a.csv", size=-1, changed=0, sha256="x")
    feed.files.create(name="seen.csv", size=9, changed=0)
    files = sent(client, "get", f"{here}/files")
    assert [(one["name"], one["size"], one["job"]) for one in files["items"]] == [("a.csv", None, None)]
    assert sent(client, "get", "/import-profiles")["items"][0]["feeds"] == ["Collector"]
    sent(client, "delete", f"/import-profiles/{feed.profile_id}", status=409)
    sent(client, "delete", here, status=204)
    assert not Feed.objects.exists()


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"kind": "folder", "settings": {"path": "/etc"}}, 403, None),
        ({"settings": SFTP | {"port": 70_000}}, 422, "port"),
        ({"settings": SFTP | {"shell": "x"}}, 422, "shell"),
        ({"secrets": {}}, 422, "password"),
        ({"secrets": {"token": "x"}}, 422, "token"),
        ({"cron": "now and then"}, 422, "cron"),
        ({"options": {"profile": "none such"}}, 404, "profile"),
        ({"options": {"reader": "x"}}, 422, "reader"),
        ({"quiet_after_h": 0}, 422, "quiet_after_h"),
    ],
)
def test_a_feed_that_cannot_be_is_refused_by_field(
    client: Client, world: World, change: dict[str, Any], status: int, field: str | None
) -> None:
    new = {"organisation": world.org.pk, "kind": "sftp", "name": "S", "settings": SFTP, "secrets": {"password": "x"}}
    error = sent(client, "post", "/feeds", new | change, status)["error"]
    assert error.get("field") == field
    assert not Feed.objects.exists()
