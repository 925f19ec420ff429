"""Privacy as pages and as API."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from django.test import Client

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.privacy import consents, rules
from eclectyc.privacy.models import Consent, RetentionRule
from tests.factories import World, make_user

pytestmark = pytest.mark.django_db


def signed_in(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client


def test_everybody_sees_and_takes_their_own_data(world: World):
    client = signed_in(world.viewer)
    assert world.viewer.email in client.get("/account/privacy").content.decode()
    answer = client.post("/account/privacy", {"do": "export"})
    assert answer["Content-Type"] == "application/zip"
    assert "everything.json" in zipfile.ZipFile(io.BytesIO(answer.content)).namelist()


def test_consents_are_given_and_withdrawn_on_the_page(world: World):
    client = signed_in(world.viewer)
    client.post("/account/privacy", {"do": "give", "what": "report_mail"})
    assert consents.has_consent(world.viewer.pk, "report_mail")
    client.post("/account/privacy", {"do": "withdraw", "what": "report_mail"})
    assert not consents.has_consent(world.viewer.pk, "report_mail")
    assert client.post("/account/privacy", {"do": "give", "what": "everything"}).status_code == 400


def test_the_page_of_an_administrator_is_theirs_alone(world: World):
    assert signed_in(world.viewer).get("/admin/privacy").status_code == 403
    assert Client().get("/admin/privacy").status_code == 302
    page = signed_in(world.admin).get("/admin/privacy").content.decode()
    assert "What is stored where" in page
    rules = page[page.index('id="rules"') :]
    assert rules.count('value="rule"') == 4  # of those kinds that organisations have; the rest is an operator's task
    assert 'value="mails"' not in rules


def test_a_person_is_erased_only_when_the_address_is_repeated(world: World):
    client = signed_in(world.admin)
    sent = {"do": "erase", "email": world.viewer.email}
    assert client.post("/admin/privacy", sent).status_code == 422
    world.viewer.refresh_from_db()
    assert world.viewer.is_active
    assert client.post("/admin/privacy", sent | {"repeat": world.viewer.email}).status_code == 302
    world.viewer.refresh_from_db()
    assert not world.viewer.is_active


def test_anothers_person_is_one_who_is_not_there(world: World):
    client = signed_in(world.admin)
    foreign = client.post("/admin/privacy", {"do": "export", "email": world.outsider.email})
    missing = client.post("/admin/privacy", {"do": "export", "email": "nobody@elsewhere.example"})
    assert foreign.status_code == missing.status_code == 422
    assert client.get(f"/api/users/{world.outsider.pk}/personal-data").status_code == 404
    assert client.post(f"/api/users/{world.outsider.pk}/erase").status_code == 404


def test_an_administrator_changes_no_rule_and_an_operator_does(world: World):
    sent = {"do": "rule", "kind": "mails", "days": "7"}
    assert signed_in(world.admin).post("/admin/privacy", sent).status_code == 403
    world.manager.is_operator = True
    world.manager.save()
    client = signed_in(world.manager)
    assert client.post("/admin/privacy", sent).status_code == 302
    assert RetentionRule.objects.get().days == 7
    assert client.post("/admin/privacy", sent | {"days": "soon"}).status_code == 422
    assert 'value="7"' in client.get("/admin/privacy").content.decode()


def test_the_api_gives_out_and_erases(world: World):
    client = signed_in(world.admin)
    assert client.get(f"/api/users/{world.viewer.pk}/personal-data")["Content-Type"] == "application/zip"
    answer = client.post(f"/api/users/{world.viewer.pk}/erase")
    assert answer.status_code == 200
    world.viewer.refresh_from_db()
    assert world.viewer.email == f"erased-{answer.json()['pseudonym']}@erased.invalid"
    assert client.post(f"/api/users/{world.admin.pk}/erase").status_code == 409


def test_consents_by_api(world: World):
    client = signed_in(world.viewer)
    answer = client.post("/api/privacy/consents", {"what": "report_mail"}, content_type="application/json")
    assert answer.status_code == 200
    assert {i["what"] for i in answer.json()["items"] if i["is_given"]} == {"report_mail"}
    assert client.delete("/api/privacy/consents/report_mail").status_code == 204
    assert Consent.objects.get().withdrawn_at is not None
    assert client.get("/api/privacy/consents").json()["count"] == 2
    assert client.get("/api/privacy/retention").status_code == 403
    assert signed_in(world.admin).get("/api/privacy/retention").json()["count"] == 10


def test_an_administrator_sets_their_organisations_rule_and_takes_it_back(world: World):
    client = signed_in(world.admin)
    sent = {"do": "rule", "kind": "invitations", "days": "30", "organisation": str(world.org.pk)}
    answer = client.post("/admin/privacy", sent)
    assert answer.headers["Location"] == f"/admin/privacy?done=rule&organisation={world.org.pk}#rules"
    page = client.get(answer.headers["Location"]).content.decode()
    assert re.search(r"<td>invitations</td>\s*<td>[^<]*</td>\s*<td>this organisation</td>", page)
    assert re.search(r'name="days"\s+value="30"', page)
    client.post("/admin/privacy", sent | {"do": "unrule"})
    assert "this organisation</td>" not in client.get("/admin/privacy").content.decode()
    assert client.post("/admin/privacy", sent | {"kind": "mails"}).status_code == 422
    for number in (world.other_org.pk, 10**9):
        refused = client.post("/admin/privacy", sent | {"organisation": str(number)})
        assert refused.status_code == 422
        assert "There is no such organisation" in refused.content.decode()


def test_rules_over_http(world: World):
    client = signed_in(world.admin)

    def put(**body: object) -> tuple[int, dict[str, object]]:
        answer = client.put("/api/privacy/retention", body, content_type="application/json")
        return answer.status_code, answer.json()

    own = {"kind": "uploads", "organisation": world.org.pk}
    status, rule = put(**own, days=30)
    assert (status, rule["days"], rule["organisation"]) == (200, 30, world.org.pk)
    listed = client.get(f"/api/privacy/retention?organisation={world.org.pk}").json()["items"]
    assert [(r["kind"], r["days"]) for r in listed if r["organisation"]] == [("uploads", 30)]
    assert put(**own, days=None)[1]["days"] is None
    assert put(**own)[1] | {"what": "", "where": ""} == {
        "kind": "uploads",
        "what": "",
        "where": "",
        "days": 90,
        "is_default": True,
        "organisation": None,
        "is_of_organisations": True,
    }
    assert [put(kind="uploads", days=30)[0], put(**own | {"kind": "mails"}, days=30)[0]] == [403, 422]
    assert put(kind="uploads", days=30, organisation=world.other_org.pk)[0] == 404


def test_an_organisation_below_does_not_learn_which_one_above_set_the_rule(world: World):
    below = Organisation.objects.create(name="Dock", parent=world.org)
    person = make_user("x@dock.example", below, "admin")
    rules.set_rule(Actor.of(world.admin), kind="uploads", days=30, organisation=world.org)
    client = signed_in(person)
    [rule] = [
        r
        for r in client.get(f"/api/privacy/retention?organisation={below.pk}").json()["items"]
        if r["kind"] == "uploads"
    ]
    assert (rule["days"], rule["organisation"]) == (30, None)
    page = client.get("/admin/privacy").content.decode()
    assert "an organisation above" in page
    assert world.org.name not in page
