"""Naming a file's columns, and the pages of profiles: nothing typed is lost, nothing of another is seen."""

from __future__ import annotations

import gzip
import re
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from eclectyc.accounts.actor import Actor
from eclectyc.batches.models import Batch
from eclectyc.estate.models import Meter
from eclectyc.intake.feeds.models import Feed
from eclectyc.intake.feeds.service import FeedDetails, create_feed
from eclectyc.intake.import_options import ImportOptions
from eclectyc.intake.profiles.mapping import mapping_of
from eclectyc.intake.profiles.models import ImportProfile
from eclectyc.intake.profiles.service import create_profile
from eclectyc.intake.profiles.toml_text import mapping_of_toml
from eclectyc.intake.uploads.models import Upload
from eclectyc.intake.uploads.service import receive
from eclectyc.jobs.worker import run_waiting
from tests.factories import World
from tests.intake.import_calls import held

pytestmark = pytest.mark.django_db(transaction=True)

MPAN = "1200023305967"  # the world's meter
DAILY = {"layout": "daily", "columns": {"meter": "Who", "date": "Tag", "value": "Menge"}}
FILE = f"Who,Tag,Menge\n{MPAN},06.01.2025,48\n{MPAN},07.01.2025,50\n"
HX = {"HX-Request": "true"}


@pytest.fixture
def admin(world: World, client: Client) -> Client:
    client.force_login(world.admin)
    return client


def sent(world: World, data: str | bytes, name: str = "sender.csv") -> str:
    """Keep a file, and return the address at which its columns are named."""
    text = data if isinstance(data, bytes) else data.encode()
    upload = receive(Actor.of(world.admin), organisation=world.org, name=name, chunks=[text])
    return f"/admin/imports/files/{upload.pk}/map"


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def answers_on(page: str) -> dict[str, str]:
    """Return what the form of a page would send."""
    form = page[page.index("data-mapper") :]
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        said = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        is_choice = said.get("type") in ("radio", "checkbox")
        if "name" in said and (not is_choice or re.search(r"\bchecked\b", tag)) and said.get("type") != "submit":
            found[said["name"]] = said.get("value", "")
    for name, options in re.findall(r'<select[^>]* name="(\w+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return found


def test_what_is_typed_is_kept_and_shown_again(world: World, admin: Client) -> None:
    here = sent(world, FILE)
    form = answers_on(text(admin, here)) | {"name": "Stadt", "unit": "MWh", "missing": "n/a\n-9"}
    part = admin.post(here, form, headers=HX)
    assert part.status_code == 200
    assert part.content.decode().lstrip().startswith('<div id="mapper"')
    assert "48,000 kWh" in part.content.decode()
    again = answers_on(text(admin, here))
    assert (again["name"], again["unit"], again["c3"]) == ("Stadt", "MWh", "value")
    assert "n/a\n-9" in text(admin, here)
    admin.post(here, {"do": "restart"})
    assert answers_on(text(admin, here))["unit"] == ""
    assert not Batch.objects.exists()


def test_what_is_not_asked_for_just_now_is_not_forgotten(world: World, admin: Client) -> None:
    here = sent(world, FILE)
    form = answers_on(text(admin, here)) | {"unknown": "create", "site": "Works", "sender": "Stadt AG"}
    admin.post(here, form)
    admin.post(here, answers_on(text(admin, here)) | {"unknown": ""})
    page = text(admin, here)
    assert "Site for new meters" not in page
    admin.post(here, answers_on(page) | {"unknown": "create", "layout": "long"})
    again = answers_on(text(admin, here))
    assert (again["site"], again["sender"], again["name"]) == ("Works", "Stadt AG", "sender")


def test_what_makes_no_sense_yet_is_said_and_saves_nothing(world: World, admin: Client) -> None:
    here = sent(world, FILE)
    form = answers_on(text(admin, here)) | {"c2": "", "do": "import"}
    answer = admin.post(here, form)
    assert answer.status_code == 422
    assert "Which column contains the date?" in answer.content.decode()
    assert answers_on(text(admin, here))["c2"] == ""
    for wrong, words in (
        ({"unit": "ell"}, "is not known"),
        ({"timezone": "Mars"}, "There is no time zone called"),
        ({"dates": "D-M"}, "is not a date or time format"),
        ({"name": "a.toml"}, "name must not be a file name"),
        ({"c1": "date"}, "are both “Date”"),
    ):
        answer = admin.post(here, answers_on(text(admin, sent(world, FILE))) | wrong | {"do": "save"})
        assert answer.status_code in (409, 422), wrong
        assert words in answer.content.decode(), wrong
    assert not ImportProfile.objects.exists()


def test_it_is_saved_imported_and_the_next_file_offered_by_itself(world: World, admin: Client) -> None:
    here = sent(world, FILE)
    form = answers_on(text(admin, here)) | {"name": "Stadt", "sender": "Stadt AG", "unknown": "create", "site": "Works"}
    answer = admin.post(here, form | {"do": "import"})
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    run_waiting()
    assert len(held(world.meter)) == 2
    profile = ImportProfile.objects.get()
    assert (profile.sender, profile.signature) == ("Stadt AG", {"keys": ["who", "tag", "menge"], "width": 3})
    assert mapping_of(profile.mapping).meters.site == "Works"

    following = sent(world, "Who,Tag,Menge\nNEW-1,08.01.2025,5\n").removesuffix("/map")
    page = text(admin, following)
    assert "Read with the profile Stadt" in page
    assert "it has the same 3 headings" in page
    admin.post(following, {"profile": "Stadt", "do": "import", "type": "auto", "stamps": "auto"})
    run_waiting()
    assert Meter.objects.get(identifier="NEW-1").site.name == "Works"

    other = sent(world, "Menge,Tag,Who,More\n5,08.01.2025,NEW-1,x\n").removesuffix("/map")
    page = text(admin, other)
    assert "The profile Stadt may fit" in page
    assert "Read with the profile" not in page
    assert "Read with the profile Stadt" in text(admin, f"{other}?profile=Stadt")


def test_headings_that_say_nothing_are_told_by_their_line(world: World, admin: Client) -> None:
    title = "Contract,17,of,2025\nx,x,x,x\n"
    here = sent(world, f"{title}Col,Col,Col,Col\n{MPAN},06.01.2025,48,z\n{MPAN},07.01.2025,50,z\n")
    form = answers_on(text(admin, here)) | {"header": "3"}
    admin.post(here, form)
    form = answers_on(text(admin, here)) | {
        "layout": "daily", "c1": "meter", "c2": "date", "c3": "value", "c4": "", "name": "Odd", "do": "import",
    }  # fmt: skip
    assert admin.post(here, form).status_code == 302
    run_waiting()
    mapping = mapping_of(ImportProfile.objects.get().mapping)
    assert (mapping.columns.meter, mapping.file.skip_rows) == (1, 2)
    assert [value for value, _ in held(world.meter).values()] == [48.0, 50.0]


@pytest.mark.parametrize("kind", ["xlsx", "utf-16", "gz", "tab"])
def test_columns_of_files_of_every_kind_are_named(kind: str, world: World, admin: Client, tmp_path: Path) -> None:
    rows = [["Who", "Tag", "Menge"], [MPAN, "06.01.2025", "48"], [MPAN, "07.01.2025", "50"]]
    plain = "\n".join(("\t" if kind == "tab" else ",").join(row) for row in rows) + "\n"
    data = {"utf-16": plain.encode("utf-16"), "gz": gzip.compress(plain.encode()), "tab": plain.encode()}.get(kind, b"")
    if kind == "xlsx":
        book = xlsxwriter.Workbook(tmp_path / "a.xlsx")
        book.add_worksheet("About").write_row(0, 0, ["Nothing", "here"])
        sheet, day = book.add_worksheet("Data"), book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_row(0, 0, rows[0])
        for n, used in ((1, 48), (2, 50)):
            sheet.write_string(n, 0, MPAN)
            sheet.write_datetime(n, 1, datetime(2025, 1, 5 + n), day)
            sheet.write_number(n, 2, used)
        book.close()
        data = (tmp_path / "a.xlsx").read_bytes()
    here = sent(world, data, f"sender.{kind}")
    form = answers_on(text(admin, here))
    if kind == "xlsx":
        assert form["sheet"] == "About"
        admin.post(here, form | {"sheet": "Data"})
        form = answers_on(text(admin, here))
    assert (form["layout"], form["c1"], form["c2"], form["c3"]) == ("daily", "meter", "date", "value")
    answer = admin.post(here, form | {"do": "import"})
    assert answer.status_code == 302, re.findall('<div class="alert wrong.*?</div>', answer.content.decode())
    run_waiting()
    assert [value for value, _ in held(world.meter).values()] == [48.0, 50.0]


def test_where_several_profiles_fit_none_is_taken_by_itself(world: World, admin: Client) -> None:
    signature = {"keys": ["who", "tag", "menge"], "width": 3}
    for name in ("One", "Two"):
        create_profile(Actor.of(world.admin), organisation=world.org, name=name, mapping=mapping_of(DAILY),
                       signature=signature)  # fmt: skip
    page = text(admin, sent(world, FILE).removesuffix("/map"))
    assert "Read with the profile" not in page
    assert "The profile One fits" in page
    assert "The profile Two fits" in page


def test_one_begins_with_a_saved_profile_and_changes_it_unless_somebody_else_did(world: World, admin: Client) -> None:
    actor = Actor.of(world.admin)
    profile = create_profile(actor, organisation=world.org, name="Stadt", mapping=mapping_of(DAILY))
    theirs = create_profile(
        Actor.of(world.outsider), organisation=world.other_org, name="Theirs", mapping=mapping_of(DAILY)
    )
    here = sent(world, FILE)
    assert admin.post(here, {"do": "from", "from": str(theirs.pk)}).status_code == 404
    assert admin.post(here, {"do": "from", "from": str(profile.pk)}).status_code == 302
    form = answers_on(text(admin, here)) | {"unit": "MWh", "do": "save"}
    ImportProfile.objects.filter(pk=profile.pk).update(version=7)
    assert admin.post(here, form).status_code == 409
    ImportProfile.objects.filter(pk=profile.pk).update(version=1)
    assert admin.post(here, form).status_code == 302
    profile.refresh_from_db()
    assert (mapping_of(profile.mapping).meaning.unit, profile.version) == ("MWh", 2)
    assert ImportProfile.objects.filter(organisation=world.org).count() == 1


def test_meters_are_made_by_whoever_may_make_them_alone(world: World, client: Client) -> None:
    from eclectyc.accounts.models import Membership, Role

    role = Role.objects.create(organisation=world.org, name="Clerk", permissions=["estate.view", "imports.run"])
    Membership.objects.filter(user=world.manager).delete()
    Membership.objects.create(user=world.manager, organisation=world.org, custom_role=role, role="")
    client.force_login(world.manager)
    here = sent(world, FILE)
    form = answers_on(text(client, here)) | {"unknown": "create", "site": "Works", "do": "import"}
    answer = client.post(here, form)
    assert answer.status_code in (403, 422)
    run_waiting()
    assert not Batch.objects.exists()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a," * 9_999_999 + b"a\n1\n", "longer than 1 MiB"),
        (b"a," * 299_999 + b"a\n1\n", "300,000 columns"),
        (b"MPAN,Date\n1\x00,2\n", "zero bytes"),
        (b"<a>" * 10_000, "is XML or HTML"),
    ],
)
def test_a_hostile_file_is_refused_in_a_sentence(data: bytes, words: str, world: World, admin: Client) -> None:
    here = sent(world, data)
    began = time.monotonic()
    page = text(admin, here)
    assert words in page
    assert admin.post(here, {"layout": "long", "do": "save"}).status_code == 422
    assert time.monotonic() - began < 10  # it takes a tenth of that


def test_whatever_is_sent_makes_no_fault(world: World, admin: Client) -> None:
    here = sent(world, FILE)
    for odd in (
        {"header": "99999"}, {"header": "x"}, {"delimiter": "££"}, {"records": "3"}, {"records": "77"}, {"c1": "<b>"},
        {"layout": "tall"}, {"layout": "wide", "c1": "slots", "slots_count": "7"}, {"c99999": "meter"},
        {"layout": "matrix"}, {"sheet": "Other"}, {"missing": "\x00"}, {"name": "x" * 5000}, {"skip": "-1"},
        {"profile": "999999"}, {"slots_every": "99999", "layout": "wide", "c3": "slots"}, {"step": "7"},
    ):  # fmt: skip
        form: dict[str, Any] = answers_on(text(admin, here)) | odd
        for do in ("look", "save"):
            assert admin.post(here, form | {"do": do}, headers=HX).status_code < 500, odd
        assert "<b>" not in text(admin, here).replace("<b>", "", 999)
        admin.post(here, {"do": "restart"})


def test_a_profile_is_listed_looked_for_changed_copied_and_deleted(world: World, admin: Client) -> None:
    actor = Actor.of(world.admin)
    profile = create_profile(actor, organisation=world.org, name="Stadt", sender="Stadt AG", mapping=mapping_of(DAILY))
    here = f"/admin/imports/profiles/{profile.pk}"
    assert "Stadt AG" in text(admin, "/admin/imports/profiles")
    assert "No profile matches" in text(admin, "/admin/imports/profiles?q=nobody")
    page = text(admin, here)
    toml = admin.get(f"{here}/toml")
    assert (toml["Content-Type"], mapping_of_toml(toml.content.decode())) == (
        "application/toml; charset=utf-8", mapping_of(DAILY),
    )  # fmt: skip
    assert "layout = &quot;daily&quot;" in page
    form = {"do": "save", "name": "City", "sender": "", "notes": "", "version": "1"}
    bad = admin.post(here, form | {"toml": 'layout = "daily"\n[columns]\ndate = 1'})
    assert (bad.status_code, "columns.value" in bad.content.decode()) == (422, True)
    assert admin.post(here, form | {"toml": toml.content.decode() + "[meaning]\nunit = 'MWh'\n"}).status_code == 302
    assert admin.post(here, form | {"toml": toml.content.decode()}).status_code == 409  # of an older version
    admin.post(here, {"do": "copy"})
    assert sorted(ImportProfile.objects.values_list("name", flat=True)) == ["City", "City (copy)"]
    feed = create_feed(
        actor, organisation=world.org, kind=Feed.HTTPS,
        details=FeedDetails("Portal", {"url": "https://api.example.com/"}, options=ImportOptions(profile="City")),
    )  # fmt: skip
    assert "Portal" in text(admin, here)
    assert "with the profile City" in text(admin, f"/admin/feeds/{feed.pk}")
    refused = admin.post(here, {"do": "delete"})
    assert (refused.status_code, "used by 1 feed: Portal" in refused.content.decode()) == (409, True)
    feed.delete()
    assert admin.post(here, {"do": "delete"}).status_code == 302
    assert not ImportProfile.objects.filter(name="City").exists()


def test_a_profile_comes_in_as_a_toml_file(world: World, admin: Client) -> None:
    def take(data: bytes, name: str = "city-works.toml") -> int:
        file = SimpleUploadedFile(name, data)
        return admin.post("/admin/imports/profiles", {"toml": file, "organisation": str(world.org.pk)}).status_code

    good = b'layout = "daily"\n[columns]\ndate = 1\nvalue = 2\n'
    assert take(good) == 302
    assert ImportProfile.objects.get().name == "city works"
    assert take(good) == 409
    for bad in (b"layout =", b"\xff\xfe", b"", b"x = 1\n" * 20_000, b"[" * 60_000):
        assert take(bad, "other.toml") == 422
    assert ImportProfile.objects.count() == 1


def test_a_feed_reads_with_a_saved_profile_of_its_organisation(world: World, admin: Client) -> None:
    create_profile(Actor.of(world.admin), organisation=world.org, name="Stadt", mapping=mapping_of(DAILY))
    form = {
        "name": "Portal", "organisation": str(world.org.pk), "url": "https://api.example.com/", "authorisation": "none",
        "cron": "*/5 * * * *", "zone": "Europe/London", "is_active": "true", "type": "auto", "stamps": "auto",
        "first_days": "30", "overlap_days": "3", "header": "X", "profile": "Stadt",
    }  # fmt: skip
    assert "Stadt" in text(admin, "/admin/feeds/new?kind=https")
    assert admin.post("/admin/feeds/new?kind=https", form | {"profile": "Other"}).status_code in (409, 422)
    assert admin.post("/admin/feeds/new?kind=https", form).status_code == 302
    feed = Feed.objects.get()
    assert feed.profile is not None
    assert feed.profile.name == "Stadt"
    assert "Stadt" in text(admin, "/admin/feeds")


def test_a_draft_is_not_shared_with_another_organisation(world: World, client: Client) -> None:
    here = sent(world, FILE)
    client.force_login(world.outsider)
    assert client.get(here).status_code == 404
    assert client.post(here, {"layout": "daily"}).status_code == 404
    assert Upload.objects.get().draft == {}
