"""``eclectyc organisation``, and the roles and invitations of ``eclectyc user``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Invitation, Organisation
from tests.factories import World, make_user

pytestmark = pytest.mark.django_db
Run = Callable[..., object]


def test_the_tree_is_added_to_listed_and_moved(run: Run, world: World) -> None:
    assert run("organisation", "add", "Dock", "--below", "Harbour Estates").code == 0
    assert run("organisation", "add", "dock", "--below", "Harbour Estates").code == 2
    assert run("organisation", "move", "Dock", "--below", "Elsewhere Ltd").code == 0
    listed = json.loads(run("organisation", "list", "--json").out)
    assert [(o["name"], o["parent"]) for o in listed["organisations"]] == [
        ("Elsewhere Ltd", None), ("Dock", world.other_org.pk), ("Harbour Estates", None),
    ]  # fmt: skip
    refused = run("organisation", "move", "Elsewhere Ltd", "--below", "Dock")
    assert (refused.code, "below itself" in refused.err) == (2, True)
    assert "  Dock" in run("organisation", "list").out


def test_a_role_takes_the_place_of_another(run: Run, world: World) -> None:
    def role(name: str) -> object:
        return run("user", "role", world.viewer.email, name, "--organisation", "Harbour Estates")

    assert role("manager").code == 0
    assert [m.role for m in world.viewer.memberships.all()] == ["manager"]
    assert role("emperor").code == 2
    assert [m.role for m in world.viewer.memberships.all()] == ["manager"]
    assert role("none").code == 0
    assert not Actor.of(world.viewer).may_somewhere("estate.view")


def test_the_last_administrator_keeps_the_role(run: Run, world: World) -> None:
    refused = run("user", "role", world.admin.email, "viewer", "--organisation", "Harbour Estates")
    assert (refused.code, "without an administrator" in refused.err) == (2, True)
    assert run("user", "role", world.admin.email, "admin", "--organisation", "Harbour Estates").code == 0
    make_user("second@harbour.example", world.org, "admin")
    assert run("user", "role", world.admin.email, "viewer", "--organisation", "Harbour Estates").code == 0


@pytest.mark.django_db(transaction=True)
def test_an_invitation_without_a_mail_server_lies_in_the_home(run: Run, home: Path, settings: object) -> None:
    Organisation.objects.create(name="Harbour Estates")
    settings.EMAIL_BACKEND = "eclectyc.mail.file_backend.FolderBackend"  # type: ignore[attr-defined]
    done = run("user", "invite", "new@there.example", "--role", "manager")
    assert done.code == 0
    assert Invitation.objects.get().sent_at is not None
    [letter] = (home / "mail").iterdir()
    assert b"/invitation/" in letter.read_bytes()
    assert "/invitation/" not in done.out + done.err
