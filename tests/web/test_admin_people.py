"""People, roles, organisations, branding and tokens kept in the browser."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from eclectyc.accounts import invitations
from eclectyc.accounts.models import ApiToken, Invitation, Membership, Organisation, Role, User
from eclectyc.accounts.rate_limit.window import Rate
from eclectyc.accounts.roles import ADMIN
from eclectyc.web.brand import DARK_GROUND, LIGHT_GROUND, accents_of, contrast, sheet_of
from tests.factories import World, make_user
from tests.web.conftest import signed_in
from tests.web.pages import text_of
from tests.web.test_admin_estate import ATTACK

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645"
    "400000000049454e44ae426082"
)


def invitation(world: World, **said: str) -> dict[str, str]:
    return {"email": "rae@contractor.example", "role": "viewer", "place": f"site:{world.site.pk}", "since": "",
            "until": ""} | said  # fmt: skip


@pytest.mark.django_db
class TestPeople:
    def test_somebody_is_invited_to_one_site_for_a_time(self, admin: Client, world: World) -> None:
        answer = admin.post("/admin/users/invite", invitation(world, since="2026-01-01", until="2027-01-01"))
        assert answer.url == "/admin/users"
        made = Invitation.objects.get()
        assert (made.site, made.role, made.since, made.until) == (
            world.site, "viewer", date(2026, 1, 1), date(2027, 1, 1))  # fmt: skip
        said = text_of(admin.get("/admin/users"))
        assert "rae@contractor.example was invited as viewer." in said
        assert "from 1 Jan 2026 until 1 Jan 2027" in said

    @pytest.mark.parametrize(
        ("field", "typed", "told"),
        [
            ("email", "rae", "rae"),
            ("until", "soon", "is not a date"),
            ("place", "", "Choose a place."),
            ("place", "site:999999", "There is no such place"),
            ("role", "emperor", "There is no role"),
        ],
    )
    def test_a_wrong_field_is_told_and_the_rest_is_kept(
        self, field: str, typed: str, told: str, admin: Client, world: World
    ) -> None:
        answer = admin.post("/admin/users/invite", invitation(world, since="2026-02-03") | {field: typed})
        assert answer.status_code == 422
        assert told in text_of(answer)
        page = answer.content.decode()
        assert 'value="2026-02-03"' in page
        if field != "place":
            assert f'id="id_{field}_error"' in page
            assert re.search(rf'value="site:{world.site.pk}"\s+checked', page)
        assert not Invitation.objects.exists()

    def test_a_place_of_another_organisation_is_none(self, admin: Client, world: World) -> None:
        for place in (f"site:{world.other_site.pk}", f"meter:{world.other_meter.pk}",
                      f"organisation:{world.other_org.pk}"):  # fmt: skip
            answer = admin.post("/admin/users/invite", invitation(world, place=place))
            assert answer.status_code == 422
            assert "Elsewhere" not in text_of(answer)

    def test_an_invitation_is_sent_again_and_taken_back(self, admin: Client, world: World) -> None:
        admin.post("/admin/users/invite", invitation(world))
        one = Invitation.objects.get()
        admin.post("/admin/users", {"do": "resend", "of": one.pk})
        again = Invitation.objects.get()
        assert again.digest != one.digest
        admin.post("/admin/users", {"do": "withdraw", "of": one.pk})
        assert Invitation.objects.get().withdrawn_at is not None

    def test_sending_again_too_often_says_when_to_come_back(
        self, admin: Client, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(invitations, "INVITATIONS", Rate("invitation", 2, 3600))
        admin.post("/admin/users/invite", invitation(world))
        sent = {"do": "resend", "of": Invitation.objects.get().pk}
        assert admin.post("/admin/users", sent).status_code == 302
        refused = admin.post("/admin/users", sent)
        assert refused.status_code == 429
        assert 0 < int(refused["Retry-After"]) <= 7200
        assert admin.post("/admin/users/invite", invitation(world)).status_code == 429

    def test_what_was_done_meanwhile_is_told_as_that(self, admin: Client, world: World) -> None:
        admin.post("/admin/users/invite", invitation(world))
        one = Invitation.objects.get()
        Invitation.objects.update(accepted_at=one.created_at)
        for do in ("resend", "withdraw"):
            assert admin.post("/admin/users", {"do": do, "of": one.pk}).status_code == 409

    def test_an_outsider_touches_no_invitation(self, admin: Client, outsider: Client, world: World) -> None:
        admin.post("/admin/users/invite", invitation(world))
        one = Invitation.objects.get()
        assert outsider.post("/admin/users", {"do": "withdraw", "of": one.pk}).status_code == 404
        assert outsider.post("/admin/users", {"do": "withdraw", "of": 10**6}).status_code == 404
        assert Invitation.objects.get().withdrawn_at is None

    def test_a_role_is_given_changed_and_ended(self, admin: Client, world: World) -> None:
        here = f"/admin/users/{world.viewer.pk}"
        said = {"do": "grant", "role": "manager", "place": f"meter:{world.meter.pk}", "since": "", "until": ""}
        assert admin.post(here, said).status_code == 302
        made = Membership.objects.get(user=world.viewer, meter=world.meter)
        assert admin.post(here, said).status_code == 409
        change = {"do": "save", "role": "viewer", "since": "", "until": "2027-01-01"}
        assert admin.post(f"/admin/memberships/{made.pk}", change).url == here
        made.refresh_from_db()
        assert (made.role, made.until) == ("viewer", date(2027, 1, 1))
        admin.post(here, {"do": "end", "of": made.pk})
        assert not Membership.objects.filter(pk=made.pk).exists()

    def test_the_last_administrator_stays(self, admin: Client, world: World) -> None:
        mine = world.admin.memberships.get()
        for answer in (
            admin.post(f"/admin/memberships/{mine.pk}", {"do": "end"}),
            admin.post(f"/admin/memberships/{mine.pk}", {"role": "viewer", "since": "", "until": ""}),
            admin.post(f"/admin/users/{world.admin.pk}", {"do": "end", "of": mine.pk}),
            admin.post(f"/admin/users/{world.admin.pk}", {"do": "delete"}),
        ):
            assert answer.status_code == 409
            assert "would be left without an administrator" in text_of(answer)
        mine.refresh_from_db()
        assert mine.role == ADMIN

    def test_a_person_is_shut_out_and_let_in_again(self, admin: Client, world: World) -> None:
        viewer = signed_in(world.viewer)
        here = f"/admin/users/{world.viewer.pk}"
        admin.post(here, {"do": "delete"})
        assert viewer.get("/").status_code == 302
        assert "Reactivate this person" in text_of(admin.get(here))
        assert "disabled" in text_of(admin.get("/admin/users?active=no"))
        admin.post(here, {"do": "reactivate"})
        assert User.objects.get(pk=world.viewer.pk).is_active

    def test_nobody_gives_more_than_they_have(self, world: World) -> None:
        keeper = Role.objects.create(
            organisation=world.org, name="People keeper", permissions=["people.view", "people.edit", "estate.view"]
        )
        world.manager.memberships.update(role="", custom_role=keeper)
        client = signed_in(world.manager)
        place = f"organisation:{world.org.pk}"
        answer = client.post("/admin/users/invite", invitation(world, role="admin", place=place))
        assert answer.status_code == 403
        assert "You cannot grant or remove rights that you do not have" in text_of(answer)
        assert 'value="rae@contractor.example"' in answer.content.decode()
        assert client.post("/admin/users/invite", invitation(world, place=place)).status_code == 302

    def test_a_name_is_never_markup(self, admin: Client, world: World) -> None:
        here = f"/admin/users/{world.viewer.pk}"
        admin.post(here, {"do": "save", "name": ATTACK})
        Role.objects.create(organisation=world.org, name=ATTACK[:60], permissions=["estate.view"])
        Organisation.objects.filter(pk=world.org.pk).update(name=ATTACK, brand_name=ATTACK[:100])
        ApiToken.objects.create(user=world.admin, name=ATTACK[:100], prefix="ecl_<b>", digest="x")
        for address in (here, "/admin/users", "/admin/users/invite", "/admin/roles", "/admin/roles/new",
                        "/admin/organisation", "/account/tokens", "/"):  # fmt: skip
            said = admin.get(address).content.decode()
            assert "alert(1)" in said
            assert "<script>alert" not in said
            assert "<img src=x" not in said
            assert "<b>" not in said.replace("<b>This is", "") or address in ("/",)


@pytest.mark.django_db
class TestRoles:
    def test_a_role_is_made_changed_and_deleted(self, admin: Client, world: World) -> None:
        own = {"organisation": str(world.org.pk)}
        said = own | {"name": "Contractor", "permissions": ["estate.view", "readings.push"]}
        assert admin.post("/admin/roles/new", said).url == "/admin/roles"
        role = Role.objects.get()
        assert role.permissions == ["estate.view", "readings.push"]
        assert "Contractor" in text_of(admin.get("/admin/roles"))
        admin.post(f"/admin/roles/{role.pk}", {"name": "Builder", "permissions": ["estate.view"]})
        world.viewer.memberships.update(role="", custom_role=role)
        refused = admin.post(f"/admin/roles/{role.pk}", {"do": "delete"})
        assert refused.status_code == 409
        assert "Builder is the role of 1 membership" in text_of(refused)
        world.viewer.memberships.all().delete()
        admin.post(f"/admin/roles/{role.pk}", {"do": "delete"})
        assert not Role.objects.exists()

    def test_a_role_of_nothing_or_of_a_taken_name_is_refused(self, admin: Client, world: World) -> None:
        own = {"organisation": str(world.org.pk)}
        empty = admin.post("/admin/roles/new", own | {"name": "Nothing"})
        taken = admin.post("/admin/roles/new", own | {"name": "Admin", "permissions": ["estate.view"]})
        assert (empty.status_code, taken.status_code) == (422, 422)
        assert 'id="id_permissions_error"' in empty.content.decode()
        assert 'id="id_name_error"' in taken.content.decode()
        assert re.search(r'value="estate.view" checked', taken.content.decode())


@pytest.mark.django_db
class TestOrganisation:
    def save(self, client: Client, world: World, **said: object) -> int:
        data = {"name": "Harbour Estates", "brand_name": "", "brand_colour": ""} | said
        return client.post(f"/admin/organisation/{world.org.pk}", data).status_code

    def test_a_brand_shows_on_every_page_of_its_people_and_below(self, admin: Client, world: World) -> None:
        logo = SimpleUploadedFile("logo.svg", PIXEL, content_type="image/svg+xml")
        assert self.save(admin, world, brand_name="Harbour", brand_colour="#8a2be2", logo=logo) == 302
        below = Organisation.objects.create(name="Quay Ltd", parent=Organisation.objects.get(pk=world.org.pk))
        for person in (world.viewer, make_user("someone@quay.example", below)):
            client = signed_in(person)
            page = client.get("/").content.decode()
            assert '<span class="brand-name">Harbour</span>' in page
            assert 'href="/brand/colours.css?v=' in page
            picture = client.get("/brand/logo")
            assert (picture.content, picture.headers["Content-Type"]) == (PIXEL, "image/png")
            assert picture.headers["X-Content-Type-Options"] == "nosniff"
            assert "default-src 'none'" in picture.headers["Content-Security-Policy"]
            sheet = client.get("/brand/colours.css")
            assert sheet.headers["Content-Type"].startswith("text/css")
            assert "#8a2be2" in sheet.content.decode()

    def test_a_brand_shows_to_nobody_else(self, admin: Client, outsider: Client, world: World) -> None:
        logo = SimpleUploadedFile("logo.png", PIXEL)
        self.save(admin, world, brand_name="Harbour", brand_colour="#8a2be2", logo=logo)
        assert outsider.get("/brand/logo").status_code == 404
        assert outsider.get("/brand/colours.css").content == b""
        assert outsider.get(f"/admin/organisation/{world.org.pk}/logo").status_code == 404

    @pytest.mark.parametrize(
        ("field", "typed"),
        [
            ("name", " "),
            ("brand_colour", "red; } body { display: none"),
            ("brand_name", "x" * 101),
            ("logo", SimpleUploadedFile("logo.png", b"<svg onload=alert(1)>")),
            ("logo", SimpleUploadedFile("logo.png", PIXEL + b"0" * 300_000)),
        ],
    )
    def test_a_wrong_brand_is_refused_beside_its_field(
        self, field: str, typed: object, admin: Client, world: World
    ) -> None:
        said = {"name": "Harbour Estates", "brand_name": "", "brand_colour": ""} | {field: typed}
        answer = admin.post(f"/admin/organisation/{world.org.pk}", said)
        assert answer.status_code == 422
        assert f'id="id_{field}_error"' in answer.content.decode()

    def test_one_is_added_below_and_moved_and_deleted(self, admin: Client, world: World) -> None:
        own = str(world.org.pk)
        for name in ("Quay Ltd", "Pier Ltd"):
            assert admin.post("/admin/organisation/new", {"name": name, "parent": own}).status_code == 302
        quay, pier = Organisation.objects.get(name="Quay Ltd"), Organisation.objects.get(name="Pier Ltd")
        assert "Quay Ltd" in text_of(admin.get("/admin/organisation"))
        said = {"name": "Quay Ltd", "brand_name": "", "brand_colour": "", "parent": str(pier.pk)}
        assert admin.post(f"/admin/organisation/{quay.pk}", said).status_code == 302
        assert Organisation.objects.get(pk=quay.pk).parent == pier
        refused = admin.post(f"/admin/organisation/{pier.pk}", {"do": "delete"})
        assert refused.status_code == 409
        assert admin.post(f"/admin/organisation/{quay.pk}", {"do": "delete"}).status_code == 302
        foreign = admin.post("/admin/organisation/new", {"name": "Spy", "parent": str(world.other_org.pk)})
        assert foreign.status_code == 422
        assert "Elsewhere" not in text_of(foreign)


@pytest.mark.django_db
class TestTokens:
    def test_a_token_is_shown_once_and_narrowed(self, viewer: Client, world: World) -> None:
        until = (date.today() + timedelta(days=30)).isoformat()
        said = {"do": "create", "name": "report", "scope": "read", "until": until, "place": f"site:{world.site.pk}"}
        answer = viewer.post("/account/tokens", said)
        found = re.search(r'id="secret">(ecl_[\w-]+)<', answer.content.decode())
        assert found
        assert answer.headers["Cache-Control"] == "no-store"
        assert found[1] not in viewer.get("/account/tokens").content.decode()
        one = ApiToken.objects.get()
        assert (one.site, one.scope, one.digest) == (world.site, "read", ApiToken.digest_of(found[1]))
        meters = viewer.get("/api/meters", headers={"Authorization": f"Bearer {found[1]}"})
        assert meters.json()["count"] == 1
        viewer.post("/account/tokens", {"do": "revoke", "of": one.pk})
        assert Client().get("/api/meters", headers={"Authorization": f"Bearer {found[1]}"}).status_code == 401

    @pytest.mark.parametrize(
        ("field", "typed"), [("name", ""), ("scope", "root"), ("until", "2020-01-01"), ("until", "soon")]
    )
    def test_a_wrong_field_is_told_beside_it(self, field: str, typed: str, viewer: Client) -> None:
        said = {"do": "create", "name": "report", "scope": "read", "until": "", "place": ""} | {field: typed}
        answer = viewer.post("/account/tokens", said)
        assert answer.status_code == 422
        assert f'id="id_{field}_error"' in answer.content.decode()
        assert not ApiToken.objects.exists()

    def test_anothers_token_is_none(self, viewer: Client, manager: Client, world: World) -> None:
        viewer.post("/account/tokens", {"do": "create", "name": "secret report", "scope": "read", "until": ""})
        one = ApiToken.objects.get()
        assert "secret report" not in text_of(manager.get("/account/tokens"))
        assert manager.post("/account/tokens", {"do": "revoke", "of": one.pk}).status_code == 404
        assert ApiToken.objects.get().revoked_at is None


@given(st.integers(0, 0xFFFFFF).map(lambda n: f"#{n:06x}"))
def test_any_brand_colour_can_be_read_in_light_and_in_dark(colour: str) -> None:
    light, dark = accents_of(colour)
    for ground in (LIGHT_GROUND, "#ffffff", "#f5f6f7"):
        assert contrast(light, ground) >= 4.5
    for ground in (DARK_GROUND, "#171a1e", "#101316", "#0c0e11"):
        assert contrast(dark, ground) >= 4.5
    sheet = sheet_of(colour)
    soft, ink = (re.findall(rf"--accent-{name}: light-dark\((#\w+), (#\w+)\)", sheet)[0] for name in ("soft", "ink"))
    for accent, ground, text in zip((light, dark), soft, ink, strict=True):
        assert contrast(accent, ground) >= 4.5
        assert contrast(text, accent) >= 4.5
