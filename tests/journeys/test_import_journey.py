"""A file that nobody knows: dropped in, its columns named, imported, mended, taken back – and the sender's next one."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.batches.models import Batch
from eclectyc.intake.profiles.mapping import mapping_of
from eclectyc.intake.profiles.models import ImportProfile
from eclectyc.intake.profiles.service import create_profile
from eclectyc.jobs.worker import run_waiting
from tests.factories import World, make_world
from tests.intake.import_calls import held
from tests.journeys.tour import overflow
from tests.serving import Served

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.chromium, pytest.mark.django_db(transaction=True)]

HEAD = "Stadtwerke Hafen;;;;\nErstellt am;07.01.2025;;;\nZählpunkt;Ablesung;Bezug;Einspeisung;Güte\n"
JANUARY = """{meter};06.01.2025 00:30;1,5;0;W
{meter};06.01.2025 01:00;2,25;0,5;G
{meter};06.01.2025 01:30;kaputt;0;W
{meter};31.02.2025 02:00;1,0;0;W
{meter};06.01.2025 02:30;3,0;0;W
"""
FEBRUARY = "{meter};03.02.2025 00:30;4,5;0;W\n{meter};03.02.2025 01:00;5,0;0;W\n"


def send(page: Page, served: Served, folder: Path, name: str, text: str) -> None:
    """Drop a file in."""
    file = folder / name
    file.write_text(text)
    page.goto(f"{served.url}/admin/imports")
    page.locator("[name=files]").set_input_files(file)
    page.get_by_role("button", name="Upload and preview").click()


def enter(page: Page, served: Served, world: World) -> None:
    page.goto(f"{served.url}/login")
    page.get_by_label("Email address").fill(world.admin.email)
    page.get_by_label("Password").fill(world.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{served.url}/")


def choose(page: Page, label: str, option: str) -> None:
    """Choose something, and wait until the page has looked at the file anew."""
    with page.expect_response(re.compile("/map$")):
        page.get_by_label(label, exact=True).select_option(option)
    page.locator("#mapper:not(.htmx-settling):not(.htmx-swapping)").wait_for()


def test_an_unknown_file_is_described_imported_mended_taken_back_and_the_next_one_known(
    page: Page, served: Served, tmp_path: Path
) -> None:
    world = make_world()
    meter = world.meter.identifier
    enter(page, served, world)
    send(page, served, tmp_path, "stadtwerke_2025-01.csv", HEAD + JANUARY.format(meter=meter))
    page.get_by_text("is not recognised").wait_for()
    page.get_by_role("link", name="Map columns").click()

    # What headings and cells suggest stands there already; what they leave open is asked.
    assert page.get_by_label("Zählpunkt", exact=True).input_value() == "meter"
    assert page.get_by_label("Ablesung", exact=True).input_value() == "stamp"
    page.get_by_role("link", name="Does “W”, “G” mean actual, estimated or missing?").wait_for()
    choose(page, "What W means", "actual")
    choose(page, "What G means", "estimated")
    choose(page, "Times are at the", "end")
    page.get_by_label("Name of the profile").fill("Stadtwerke Hafen")
    with page.expect_response(re.compile("/map$")):
        page.get_by_role("textbox", name="Sender").fill("Stadtwerke Hafen AG")
        page.get_by_role("textbox", name="Sender").blur()
    stored = page.get_by_role("region", name="First readings, as they will be stored")
    stored.get_by_text("00:00–00:30").wait_for()
    assert "2.25 kWh" in stored.inner_text()
    assert "estimated" in stored.inner_text()
    page.get_by_text("There is no date '31.02.2025'.").wait_for()

    page.reload()  # nothing that was typed is lost
    assert page.get_by_label("Name of the profile").input_value() == "Stadtwerke Hafen"
    assert page.get_by_label("What G means").input_value() == "estimated"
    for width in (1400, 380):
        page.set_viewport_size({"width": width, "height": 900})
        assert overflow(page) == 0
    page.set_viewport_size({"width": 1280, "height": 900})

    page.get_by_role("button", name="Save and import").click()
    page.wait_for_url("**/admin/imports/j*")
    run_waiting()
    page.reload()
    lines = page.get_by_role("region", name="Rejected rows").last
    lines.get_by_text("'kaputt' is not a number with a decimal comma.").wait_for()
    with page.expect_download() as fetched:
        page.get_by_role("link", name="Download rejected rows").click()
    rejected = fetched.value.path().read_text().splitlines()
    assert rejected == (HEAD + "".join(JANUARY.format(meter=meter).splitlines(keepends=True)[2:4])).splitlines()
    january = held(world.meter)
    assert {at: value for at, (value, _) in january.items()} == {
        datetime(2025, 1, 6, 0, 0, tzinfo=UTC): 1.5,
        datetime(2025, 1, 6, 0, 30, tzinfo=UTC): 2.25,
        datetime(2025, 1, 6, 2, 0, tzinfo=UTC): 3.0,
    }
    page.get_by_role("button", name="Undo import").click()
    page.get_by_text("Import undone").first.wait_for()
    assert held(world.meter) == {}

    send(page, served, tmp_path, "stadtwerke_2025-02.csv", HEAD + FEBRUARY.format(meter=meter))
    page.get_by_text("Read with the profile Stadtwerke Hafen: it has the same 5 headings.").wait_for()
    page.get_by_role("button", name="Import", exact=True).click()
    page.wait_for_url("**/admin/imports/j*")
    run_waiting()
    page.reload()
    page.get_by_text("Done.").wait_for()
    assert len(held(world.meter)) == 2
    assert Batch.objects.filter(state=Batch.DONE, kind=Batch.IMPORT).count() == 1
    assert ImportProfile.objects.get().last_used_at is not None


def test_whoever_types_on_while_the_page_looks_anew_loses_nothing(page: Page, served: Served, tmp_path: Path) -> None:
    world = make_world()
    enter(page, served, world)
    rows = [f"{world.meter.identifier};06.01.2025 0{hour}:00;{hour},5" for hour in range(4)]
    send(page, served, tmp_path, "other.csv", "\n".join(["Wer;Wann;Was", *rows]) + "\n")
    page.get_by_role("link", name="Map columns").click()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or "") if request.method == "POST" else None)
    unit = page.get_by_label("Unit", exact=True)
    unit.fill("MW")
    page.keyboard.press("Enter")  # looks at the file
    page.keyboard.type("h")  # and on, before the answer is there
    page.keyboard.press("Tab")
    page.get_by_role("region", name="First readings, as they will be stored").get_by_text("3,500 kWh").wait_for()
    page.get_by_role("textbox", name="Sender").fill("Somebody")
    with page.expect_response(re.compile("/map$")):
        page.get_by_role("textbox", name="Notes").fill("n")
    page.keyboard.type("otes")
    with page.expect_response(re.compile("/map$")):
        page.keyboard.press("Tab")
    page.reload()
    kept = [page.get_by_role("textbox", name=name).input_value() for name in ("Sender", "Notes")]
    assert (unit.input_value(), *kept) == ("MWh", "Somebody", "notes")
    assert len(asked) <= 6  # one for each change, none for what the answers replace


def test_a_folder_is_watched_with_a_saved_profile(page: Page, served: Served, tmp_path: Path) -> None:
    world = make_world()
    world.admin.is_operator = True
    world.admin.save()
    columns = {"meter": "Who", "date": "Tag", "value": "Menge"}
    create_profile(
        Actor.of(world.admin), organisation=world.org, name="Stadtwerke",
        mapping=mapping_of({"layout": "daily", "columns": columns}),
    )  # fmt: skip
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "january.csv").write_text(f"Who,Tag,Menge\n{world.meter.identifier},06.01.2025,48\n")
    enter(page, served, world)
    page.goto(f"{served.url}/admin/feeds")
    page.get_by_role("link", name="New feed: Folder of this server").click()
    page.get_by_label("Name (required)").fill("Collector box")
    page.get_by_label("Organisation").select_option(label=world.org.name)
    page.get_by_label("Folder (required)").fill(str(tmp_path / "box"))
    page.get_by_label("Wait until unchanged for").fill("0")
    page.get_by_label("Profile").select_option("Stadtwerke")
    page.get_by_role("button", name="Create feed").click()
    page.get_by_text("with the profile Stadtwerke").wait_for()
    page.get_by_role("button", name="Check now").click()
    page.get_by_text("Checking for new files.").wait_for()
    run_waiting()
    page.get_by_role("navigation", name="Administration").get_by_role("link", name="Feeds").click()
    page.get_by_role("link", name="Collector box").click()
    page.get_by_role("link", name="january.csv").click()
    page.get_by_text("1 reading was added.").wait_for()
    assert held(world.meter) == {datetime(2025, 1, 6, tzinfo=UTC): (48.0, 1)}
