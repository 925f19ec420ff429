"""Who gets in: nobody without a session, and nobody to what is not theirs."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import URLPattern

from eclectyc.web.urls import urlpatterns
from eclectyc.web.views.admin.urls import PARTS
from tests.factories import World
from tests.web.conftest import signed_in
from tests.web.pages import text_of

pytestmark = pytest.mark.django_db
OPEN = {"login", "logout"}
FILES = {name for _, _, name, _ in PARTS} | {"admin-sites-export", "admin-meters-export"}


def addresses(site: int, meter: int) -> dict[str, str]:
    """Return the address of every page; files and parts of pages are no pages."""
    pks = {"site": site, "meter": meter}
    return {
        str(p.name): "/" + str(p.pattern).replace("<int:pk>", str(pks.get(str(p.name), 0))).replace("<str:called>", "0")
        for p in urlpatterns
        if p.name not in OPEN | FILES
    }


@pytest.mark.parametrize("pattern", [p for p in urlpatterns if p.name not in OPEN], ids=lambda p: str(p.name))
def test_every_page_but_sign_in_is_guarded(pattern: URLPattern) -> None:
    assert getattr(pattern.callback, "needs_session", False)


def test_a_visitor_is_sent_to_sign_in_and_told_nothing(visitor: Client, world: World) -> None:
    for address in addresses(world.site.pk, world.meter.pk).values():
        answer = visitor.get(address)
        assert (answer.status_code, answer.url) == (302, f"/login?next={address}"), address
        assert b"Harbour" not in answer.content


def test_a_visitor_asking_for_a_part_of_a_page_is_sent_to_sign_in_as_a_whole(visitor: Client, world: World) -> None:
    here = f"http://testserver/meters/{world.meter.pk}?day=2025-06-01"
    answer = visitor.get(
        f"/meters/{world.meter.pk}", headers={"HX-Request": "true", "HX-Target": "day", "HX-Current-URL": here}
    )
    assert answer.headers["HX-Redirect"] == f"/login?ended=1&next=%2Fmeters%2F{world.meter.pk}%3Fday%3D2025-06-01"
    assert not answer.content
    assert "session has ended" in text_of(visitor.get(answer.headers["HX-Redirect"]))


def test_a_session_that_ended_comes_back_only_to_this_place(visitor: Client, world: World) -> None:
    answer = visitor.get("/sites", headers={"HX-Request": "true", "HX-Current-URL": "//elsewhere.example/x"})
    assert "elsewhere" not in answer.headers["HX-Redirect"]


@pytest.mark.parametrize("role", ["viewer", "manager", "admin"])
def test_another_organisations_site_and_meter_are_like_none_at_all(role: str, world: World) -> None:
    client = signed_in(getattr(world, role))
    for kind, foreign in (("sites", world.other_site.pk), ("meters", world.other_meter.pk)):
        theirs, none = client.get(f"/{kind}/{foreign}"), client.get(f"/{kind}/999999999")
        assert theirs.status_code == none.status_code == 404
        assert text_of(theirs).split("Reference")[0] == text_of(none).split("Reference")[0]


def test_another_organisations_things_are_in_no_list_and_no_report(manager: Client, world: World) -> None:
    for address in ("/", "/sites", "/meters", "/reports/consumption", "/sites?q=Elsewhere", "/meters?q=1000000000040"):
        said = text_of(manager.get(address))
        assert "Elsewhere Works" not in said
        assert ">1000000000040<" not in manager.get(address).content.decode()


def test_a_viewer_opens_no_report_and_is_shown_none(viewer: Client) -> None:
    assert viewer.get("/reports/consumption").status_code == 403
    assert viewer.get("/reports/consumption?format=csv").status_code == 403
    assert "/reports/" not in viewer.get("/").content.decode()


def test_a_manager_is_shown_what_a_manager_may_open(manager: Client) -> None:
    page = manager.get("/").content.decode()
    for address in ("/sites", "/meters", "/reports/consumption"):
        assert f'href="{address}"' in page
        assert manager.get(address).status_code == 200


def test_someone_without_any_role_sees_nothing(visitor: Client, world: World) -> None:
    world.viewer.memberships.all().delete()
    client = signed_in(world.viewer)
    assert client.get("/").status_code == 403
    assert client.get(f"/meters/{world.meter.pk}").status_code == 403


def test_a_demotion_acts_at_once(world: World) -> None:
    client = signed_in(world.manager)
    assert client.get("/reports/consumption").status_code == 200
    world.manager.memberships.update(role="viewer")
    assert client.get("/reports/consumption").status_code == 403


def test_a_private_page_is_kept_by_no_shared_cache(viewer: Client) -> None:
    answer = viewer.get("/")
    assert "private" in answer.headers["Cache-Control"]
    assert {"Cookie", "HX-Request"} <= {name.strip() for name in answer.headers["Vary"].split(",")}
