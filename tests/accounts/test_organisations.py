from __future__ import annotations

import struct
import zlib
from typing import Any

import pytest

from eclectyc.accounts import organisations, second_factor
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.branding import Branding, branding_of, ink_on, logo_of, luminance
from eclectyc.accounts.models import Membership, Organisation, User
from eclectyc.accounts.reach import Reach
from eclectyc.audit.models import Event
from eclectyc.kernel.errors import Conflict, Forbidden, Invalid
from tests.factories import World, make_site, make_user

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()


def png(width: int = 2, height: int = 2, rest: bytes = b"") -> bytes:
    """Return the head of a PNG, as every PNG begins."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head)) + rest


JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(20) + b"\xff\xd9"


def test_an_administrator_adds_organisations_below_theirs_and_nowhere_else(world: World) -> None:
    admin = Actor.of(world.admin)
    below = organisations.create(admin, name=" Dock Ltd ", parent=world.org)
    assert (below.name, below.path) == ("Dock Ltd", f"/{world.org.pk}/{below.pk}/")
    assert Actor.of(world.admin).may("estate.edit", below.pk)  # whoever is above sees it at once
    for parent in (world.other_org, None):
        with pytest.raises(Forbidden):
            organisations.create(admin, name="X", parent=parent)
    for who in (world.viewer, world.manager, world.outsider):
        with pytest.raises(Forbidden):
            organisations.create(Actor.of(who), name="X", parent=world.org)


def test_a_name_is_unique_among_siblings_only(world: World) -> None:
    organisations.create(SYSTEM, name="North", parent=world.org)
    organisations.create(SYSTEM, name="North", parent=world.other_org)  # no telling what others are called
    for name in ("NORTH", "", "a\x00", "x" * 201):
        with pytest.raises(Invalid):
            organisations.create(SYSTEM, name=name, parent=world.org)
    with pytest.raises(Invalid):
        organisations.update(SYSTEM, organisation=world.org, name="elsewhere LTD")
    with pytest.raises(Invalid, match="Several"):
        organisations.organisation_named(SYSTEM, "north")
    number = Organisation.objects.filter(name="North").latest("pk").pk
    assert organisations.organisation_named(SYSTEM, str(number)).pk == number


def test_a_move_includes_all_below_and_needs_rights_at_both_places(world: World) -> None:
    mid = Organisation.objects.create(name="Mid", parent=world.org)
    leaf = Organisation.objects.create(name="Leaf", parent=mid)
    with pytest.raises(Forbidden):
        organisations.move(Actor.of(world.admin), organisation=mid, parent=world.other_org)
    with pytest.raises(Forbidden):
        organisations.move(Actor.of(world.outsider), organisation=mid, parent=world.other_org)
    Membership.objects.create(user=world.admin, organisation=world.other_org, role="admin")
    organisations.move(Actor.of(world.admin), organisation=mid, parent=world.other_org)
    leaf.refresh_from_db()
    assert leaf.ancestry == [world.other_org.pk, mid.pk, leaf.pk]
    assert Actor.of(world.outsider).may("estate.view", leaf.pk)
    assert not Actor.of(world.viewer).may("estate.view", leaf.pk)
    for under in (mid, leaf):
        with pytest.raises(Invalid, match="below itself"):
            organisations.move(SYSTEM, organisation=mid, parent=under)
    event = Event.objects.get(action="organisation.moved")
    assert (event.before, event.after) == ({"parent": world.org.pk}, {"parent": world.other_org.pk})


def test_the_tree_has_a_maximum_depth(world: World) -> None:
    above = world.org
    for level in range(2, organisations.MOST_LEVELS + 1):
        above = organisations.create(SYSTEM, name=f"level {level}", parent=above)
    with pytest.raises(Invalid):
        organisations.create(SYSTEM, name="too deep", parent=above)
    make_user("second@elsewhere.example", world.other_org, "admin")
    with pytest.raises(Invalid):
        organisations.move(SYSTEM, organisation=world.other_org, parent=above)


def test_empty_branding_is_inherited(world: World) -> None:
    mid = Organisation.objects.create(name="Mid", parent=world.org)
    leaf = Organisation.objects.create(name="Leaf", parent=mid)
    assert branding_of(leaf) == Branding()
    admin = Actor.of(world.admin)
    organisations.update(admin, organisation=world.org, brand_name="Harbour", brand_colour="#FFDD00")
    organisations.set_logo(admin, organisation=world.org, logo=png())
    organisations.update(admin, organisation=mid, brand_colour="#003366")
    assert branding_of(leaf) == Branding("Harbour", "#003366", "#ffffff", world.org.pk, "image/png")
    assert branding_of(world.org).ink == "#000000"
    organisations.set_logo(admin, organisation=leaf, logo=JPEG)
    assert branding_of(leaf).logo_of == leaf.pk
    assert logo_of(leaf.pk) == (JPEG, "image/jpeg")
    organisations.set_logo(admin, organisation=leaf, logo=None)
    assert branding_of(leaf).logo_of == world.org.pk
    assert logo_of(leaf.pk) is None


def test_text_on_any_colour_is_readable() -> None:
    steps = range(0, 256, 15)
    for colour in (f"#{r:02x}{g:02x}{b:02x}" for r in steps for g in steps for b in steps):
        lights = sorted((luminance(colour), luminance(ink_on(colour))))
        assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 4.5


@pytest.mark.parametrize("colour", ["red", "#12345", "#12345g", "#1234567", "url(x)", "#123456;color:red"])
def test_a_colour_is_a_colour(colour: str, world: World) -> None:
    with pytest.raises(Invalid) as refused:
        organisations.update(SYSTEM, organisation=world.org, brand_colour=colour)
    assert refused.value.field == "brand_colour"


@pytest.mark.parametrize(
    "logo",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"GIF89a" + bytes(40),
        b"",
        b"\x89PNG\r\n\x1a\n<script>alert(1)</script>........................",
        png(100_000, 100_000),
        png(0, 1),
        png(rest=bytes(256 * 1024)),
        b"\xff\xd8\xff<html>",
    ],
)
def test_a_logo_is_a_small_png_or_jpeg(logo: bytes, world: World) -> None:
    with pytest.raises(Invalid) as refused:
        organisations.set_logo(SYSTEM, organisation=world.org, logo=logo)
    assert refused.value.field == "logo"


def test_an_organisation_with_dependents_is_not_deleted(world: World) -> None:
    mid = organisations.create(SYSTEM, name="Mid", parent=world.org)
    site = make_site(mid)
    with pytest.raises(Conflict, match="1 site"):
        organisations.delete(Actor.of(world.admin), organisation=mid)
    with pytest.raises(Forbidden):  # the top of the tree is an operator's
        organisations.delete(Actor.of(world.admin), organisation=world.org)
    with pytest.raises(Conflict) as refused:
        organisations.delete(SYSTEM, organisation=world.org)
    assert all(word in refused.value.reason for word in ("1 organisation", "1 site", "1 meter"))
    site.delete()
    make_user("x@mid.example", mid, "admin")
    organisations.delete(Actor.of(world.admin), organisation=mid)
    assert not Organisation.objects.filter(pk=mid.pk).exists()
    assert Event.objects.get(action="organisation.deleted").organisation_id == mid.pk


@pytest.mark.parametrize("fields", [{"path": "/1/"}, {"parent": None}, {"logo": b""}, {"id": 3}])
def test_other_fields_cannot_be_set(fields: dict[str, Any], world: World) -> None:
    with pytest.raises(Invalid):
        organisations.update(SYSTEM, organisation=world.org, **fields)


def test_a_second_factor_is_asked_for_everywhere_below(world: World) -> None:
    leaf = Organisation.objects.create(name="Leaf", parent=Organisation.objects.create(name="M", parent=world.org))
    person = make_user("x@leaf.example", leaf)
    assert not second_factor.is_required_of(person)
    organisations.update(Actor.of(world.admin), organisation=world.org, requires_second_factor=True)
    assert second_factor.is_required_of(person)
    assert not second_factor.is_required_of(world.outsider)
    assert not second_factor.is_required_of(User.objects.create(email="none@x.example"))


def test_a_narrowed_operator_is_no_operator_at_the_top(world: World) -> None:
    narrow = Actor(label="op", user_id=1, operator=True, narrowed=Reach(organisations=frozenset({world.org.pk})))
    organisations.create(narrow, name="Below", parent=world.org)
    for parent in (None, world.other_org):
        with pytest.raises(Forbidden):
            organisations.create(narrow, name="X", parent=parent)
    assert set(Organisation.objects.visible_to(narrow)) == {world.org}
