"""The pages of an administrator: who opens which, and that each is whole."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from eclectyc.accounts.models import Role
from eclectyc.estate.models import Region, Supplier
from eclectyc.web.views.admin.urls import ADDRESSES, PARTS
from tests.factories import World
from tests.web.conftest import signed_in
from tests.web.pages import text_of

pytestmark = pytest.mark.django_db
LISTS = ("sites", "meters", "regions", "suppliers", "users", "roles", "organisation")


def furnish(world: World) -> dict[str, int]:
    """Return the number of a thing of each kind in the first organisation."""
    return {
        "admin-site": world.site.pk,
        "admin-meter": world.meter.pk,
        "admin-region": Region.objects.create(organisation=world.org, name="West").pk,
        "admin-supplier": Supplier.objects.create(organisation=world.org, name="Northern Gas").pk,
        "admin-user": world.viewer.pk,
        "admin-membership": world.viewer.memberships.get().pk,
        "admin-role": Role.objects.create(organisation=world.org, name="Analyst", permissions=["estate.view"]).pk,
        "admin-organisation": world.org.pk,
        "admin-organisation-logo": world.org.pk,
    }


def test_every_thing_that_is_kept_here_is_asked_for(world: World) -> None:
    assert set(KEPT) == set(furnish(world)) <= {one[2] for one in (*ADDRESSES, *PARTS)}


def address(name: str, numbers: dict[str, int]) -> str:
    return reverse(name, args=[numbers[name]] if name in numbers else [])


KEPT = (
    "admin-site", "admin-meter", "admin-region", "admin-supplier", "admin-user", "admin-membership", "admin-role",
    "admin-organisation", "admin-organisation-logo",
)  # fmt: skip
# Pages of what imports, feeds and jobs make have tests of their own; tests/access asks them all.
PAGES = [name for route, _, name, _ in ADDRESSES if "<" not in route or name in KEPT]


@pytest.mark.parametrize("name", PAGES)
def test_an_administrator_opens_every_page(name: str, admin: Client, world: World) -> None:
    answer = admin.get(address(name, furnish(world)))
    assert answer.status_code == 200
    if "export" in name:
        return
    page = answer.content.decode()
    assert page.count("<h1") == 1
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page)
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids)), [i for i in ids if ids.count(i) > 1]
    for field in re.findall(r"<(?:input|select|textarea)[^>]*>", page):
        if 'type="hidden"' not in field:
            found = re.search(r'\sid="([^"]+)"', field)
            assert found, field
            assert f'for="{found[1]}"' in page, field


@pytest.mark.parametrize("role", ["viewer", "manager"])
@pytest.mark.parametrize("name", [n for n in PAGES if not n.startswith("account")])
def test_nobody_else_opens_one(name: str, role: str, world: World) -> None:
    client = signed_in(getattr(world, role))
    where = address(name, furnish(world))
    assert client.get(where).status_code == 403
    assert client.post(where, {"do": "delete"}).status_code == 403


@pytest.mark.parametrize("role", ["viewer", "manager"])
def test_the_bar_shows_no_administration_to_those_without_it(role: str, world: World) -> None:
    assert "Administration" not in text_of(signed_in(getattr(world, role)).get("/"))


def test_the_bar_leads_an_administrator_to_what_they_keep(admin: Client) -> None:
    page = admin.get("/").content.decode()
    assert re.search(r'<a href="/admin/sites">\s*Administration\s*</a>', page)
    inside = admin.get("/admin/sites").content.decode()
    for name in LISTS:
        assert f'href="/admin/{name}"' in inside


def test_what_only_a_part_of_the_rights_opens_is_shown_alone(world: World) -> None:
    role = Role.objects.create(organisation=world.org, name="Estate keeper", permissions=["estate.view", "estate.edit"])
    world.viewer.memberships.update(role="", custom_role=role)
    client = signed_in(world.viewer)
    page = client.get("/admin/sites").content.decode()
    assert 'href="/admin/meters"' in page
    assert 'href="/admin/users"' not in page
    assert client.get("/admin/users").status_code == 403


@pytest.mark.parametrize("name", KEPT)
def test_a_thing_of_another_organisation_is_like_none(name: str, outsider: Client, world: World) -> None:
    numbers = furnish(world)
    for method in ("get", "post") if not name.endswith("logo") else ("get",):  # a picture takes nothing
        theirs = getattr(outsider, method)(address(name, numbers), {"do": "delete"})
        none = getattr(outsider, method)(address(name, numbers | {name: 10**6}), {"do": "delete"})
        assert theirs.status_code == none.status_code == 404
        assert text_of(theirs).split("Reference")[0] == text_of(none).split("Reference")[0]


@pytest.mark.parametrize("name", LISTS)
def test_a_list_holds_nothing_of_another_organisation(name: str, outsider: Client, world: World) -> None:
    furnish(world)
    said = outsider.get(f"/admin/{name}").content.decode()
    for secret in ("Harbour", "harbour.example", "West", "Northern Gas", "Analyst", "1200023305967"):
        assert secret not in said
    for part in ("suggestions?of=site&field=q&q=Harb", "suggestions?of=meter&field=q&q=12", "places?place_search=Harb"):
        assert "Harbour" not in outsider.get(f"/admin/{part}").content.decode()
        assert "12000" not in outsider.get(f"/admin/{part}").content.decode()


@pytest.mark.parametrize(("name", "title"), [("audit", "Audit"), ("privacy", "Privacy")])
def test_audit_and_privacy_stand_among_the_pages_of_the_administration(name: str, title: str, admin: Client) -> None:
    page = admin.get(f"/admin/{name}").content.decode()
    assert f"<title>{title} – Eclectyc Energy</title>" in page
    assert page.count("<h1") == 1
    sections = re.findall(r'<nav class="sections".*?</nav>', page, re.S)[0]
    assert f'href="/admin/{name}" aria-current="page"' in sections
    assert 'href="/admin/sites"' in sections
