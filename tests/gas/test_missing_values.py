"""Calorific values from a file, a command, a page and the API: stored exactly, and a reason for each rejected line."""

from __future__ import annotations

import gzip
import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.test import Client

from eclectyc.accounts.actor import Actor
from eclectyc.audit.models import Event
from eclectyc.derived.engine import recalculate
from eclectyc.external.files import ValueFileReport, import_values
from eclectyc.external.values import store_values
from eclectyc.gas.calorific_values import CALORIFIC_VALUE
from eclectyc.gas.models import CalorificValue, UsualRegion
from eclectyc.gas.service import set_usual_region
from eclectyc.kernel.errors import Invalid
from eclectyc.readers.blocks import UnreadableFile
from tests.factories import World
from tests.gas.burning import MPRN, gas_meter, span, total, volumes
from tests.intake.import_calls import bring
from tests.serving import Installation
from tests.web.pages import text_of

JUNE = date(2025, 6, 1)
PAGE = "/admin/calorific-values"


def take(world: World, path: Path, text: str, **options: object) -> ValueFileReport:
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    actor = Actor.of(world.admin)
    return import_values(actor, CALORIFIC_VALUE, organisation=world.org, path=path, **options)  # type: ignore[arg-type]


def known(region: str = "") -> dict[date, Decimal]:
    return dict(CalorificValue.objects.filter(region=region).values_list("day", "mj_per_m3"))


@pytest.mark.django_db
class TestFiles:
    @pytest.mark.parametrize(
        "head",
        [
            "date,calorific_value,unit",
            "Gas Day;Calorific Value (MJ/m³);Units",
            "Applicable for\tCV\tUOM",
            "DATE,cv,unit",
        ],
    )
    def test_headings_are_read_in_many_spellings(self, world: World, tmp_path: Path, head: str) -> None:
        mark = next(mark for mark in ";\t," if mark in head)
        lines = [mark.join(cells) for cells in (("2025-06-01", "39.47333", "MJ/m³"), ("02/06/2025", "39.5", "MJ/m3"))]
        report = take(world, tmp_path / "cv.csv.gz", "\n".join([head, *lines]) + "\n", place="SE")
        assert (report.rows, report.accepted, report.added, report.exit_code) == (2, 2, 2, 0)
        assert known("SE") == {JUNE: Decimal("39.47333"), date(2025, 6, 2): Decimal("39.5")}

    def test_every_rejected_line_has_a_reason(self, world: World, tmp_path: Path) -> None:
        lines = [
            "date,calorific_value,unit",
            "2025-06-01,39.5,MJ/m3",
            "2025-06-02,395,MJ/m3",
            "2025-06-31,39.5,MJ/m3",
            "2025-06-03,,MJ/m3",
            "2025-06-04,many,MJ/m3",
            "2025-06-05,39.5,BTU/ft3",
            "2025-06-06,39.1234567,MJ/m3",
            "2025-06-07,39.5,MJ/m3",
            "2025-06-07,39.6,MJ/m3",
            "2025-06-08,10.95,kWh/m3",
            "2025-06-09,36.5,MJ/m3",
        ]
        report = take(world, tmp_path / "cv.csv", "\n".join(lines) + "\n")
        assert {error.line for error in report.errors} == {3, 4, 5, 6, 7, 8, 9, 10}
        assert all(error.reason and error.remedy for error in report.errors)
        assert "395 MJ/m³ is not a plausible calorific value" in next(e.reason for e in report.errors if e.line == 3)
        assert (report.rows, report.accepted, report.rejected, report.exit_code) == (11, 3, 8, 1)
        assert known() == {JUNE: 39.5, date(2025, 6, 8): Decimal("39.42"), date(2025, 6, 9): 36.5}
        assert report.warnings == ["Outside the usual 37 to 44 MJ/m³: 1 value, first line 12 with 36.5."]

    def test_the_same_file_again_changes_nothing(self, world: World, tmp_path: Path) -> None:
        text = "date,calorific_value,unit\n2025-06-01,39.5,MJ/m3\n2025-06-02,39.6,MJ/m3\n"
        take(world, tmp_path / "cv.csv", text)
        events = Event.objects.count()
        again = take(world, tmp_path / "cv.csv", text)
        assert (again.added, again.changed, again.unchanged) == (0, 0, 2)
        assert Event.objects.count() == events
        corrected = take(world, tmp_path / "cv.csv", text.replace("39.6", "39.7"))
        assert (corrected.added, corrected.changed, corrected.unchanged) == (0, 1, 1)
        event = Event.objects.filter(action="calorific_values.put").order_by("pk").last()
        assert event is not None
        assert event.before == {"corrected": {"2025-06-02": "39.600000"}}

    def test_a_column_of_regions_goes_before_the_one_that_was_named(self, world: World, tmp_path: Path) -> None:
        text = "LDZ,date,calorific_value\nSE,2025-06-01,39\nse,2025-06-02,40\nNW,2025-06-01,41\n,2025-06-03,42\n"
        report = take(world, tmp_path / "cv.csv", text, place="EM")
        assert report.places == ["SE", "SE", "NW", "EM"]
        assert (len(known("SE")), len(known("NW")), len(known("EM"))) == (2, 1, 1)

    def test_a_trial_writes_nothing(self, world: World, tmp_path: Path) -> None:
        report = take(world, tmp_path / "cv.csv", "date,cv\n2025-06-01,39.5\n", dry_run=True)
        assert (report.accepted, report.exit_code, known()) == (1, 0, {})

    def test_a_file_without_the_columns_is_refused(self, world: World, tmp_path: Path) -> None:
        with pytest.raises(UnreadableFile, match="No column for calorific_value"):
            take(world, tmp_path / "cv.csv", "date,temperature\n2025-06-01,12\n")

    def test_values_are_kept_to_the_last_digit(self, world: World) -> None:
        values = {JUNE: "39.473330", date(2025, 6, 2): "39.000001"}
        store_values(Actor.of(world.admin), CALORIFIC_VALUE, organisation=world.org, values=values)
        assert known() == {day: Decimal(value) for day, value in values.items()}
        with pytest.raises(Invalid, match="too many decimals"):
            store_values(Actor.of(world.admin), CALORIFIC_VALUE, organisation=world.org, values={JUNE: "39.0000001"})


def test_the_command_imports_values_and_recalculates_the_energy(installation: Installation, tmp_path: Path) -> None:
    gas, values = tmp_path / "gas.csv", tmp_path / "cv.csv"
    gas.write_text(volumes([JUNE]))
    values.write_text("date,calorific_value,unit\n2025-05-31,40,MJ/m3\n2025-06-01,40,MJ/m3\n2025-06-02,4,MJ/m3\n")
    report = installation.json("import", gas, "--create-meters", "--site", "Here")
    assert [(s["quantity"], s["unit"]) for s in report["series"]] == [("volume", "m3")]
    assert "No calorific value is known" in report["warnings"][-1]
    done = installation.run("external", "calorific", str(values), "--json")
    assert done.returncode == 1
    assert '"line": 4' in done.stdout
    assert "48 derived readings are recalculated" in done.stderr
    assert installation.run("external", "calorific", str(values)).returncode == 1
    used = installation.json("aggregate", "--all")["totals"]
    assert [(row["unit"], row["present"]) for row in used] == [("kWh", 48)]
    assert used[0]["value"] == pytest.approx(480 * 1.02264 * 40 / 3.6)
    bad = tmp_path / "bad.csv"
    bad.write_text("date,temperature\n2025-06-01,12\n")
    assert installation.run("external", "calorific", str(bad)).returncode == 2


@pytest.mark.django_db
class TestPageAndApi:
    def test_a_file_is_imported_on_the_page_and_its_gaps_are_shown(
        self, world: World, client: Client, tmp_path: Path
    ) -> None:
        gas_meter(world)
        bring(world, tmp_path / "gas.csv", volumes(span(JUNE, 30)))
        client.force_login(world.admin)
        assert "Gas volumes have no calorific value." in client.get(PAGE).content.decode()
        lines = [f"2025-06-{n:02},39.{n}" for n in range(1, 31) if n not in (12, 13)]
        file = io.BytesIO(("date,calorific_value\n2025-05-31,39\n" + "\n".join(lines)).encode())
        file.name = "june.csv"
        answer = client.post(PAGE, {"do": "file", "file": file, "region": ""}, follow=True).content.decode()
        assert "june.csv: 29 added" in answer
        assert "28 of 30" in answer
        assert "12–13 June 2025" in answer
        recalculate()
        assert total(gas_meter_of(world)) > 0
        answer = client.get(f"/meters/{gas_meter_of(world).pk}")
        page = answer.content.decode()
        assert "No calorific value for 2 gas days (12–13 June 2025)." in text_of(answer)
        assert "quantity=volume" in page

    def test_values_are_entered_and_deleted_by_hand(self, world: World, client: Client) -> None:
        client.force_login(world.admin)
        client.post(PAGE, {"do": "value", "day": "2025-06-01", "value": "39.5", "region": "SE"})
        assert known("SE") == {JUNE: Decimal("39.5")}
        refused = client.post(PAGE, {"do": "value", "day": "2025-06-02", "value": "3.95", "region": "SE"})
        assert refused.status_code == 422
        assert "not a plausible calorific value" in refused.content.decode()
        client.post(PAGE, {"do": "usual", "region": "SE"})
        assert UsualRegion.objects.get().region == "SE"
        days = client.get(f"{PAGE}?region=se&month=2025-06").content.decode()
        assert "Delete" in days
        client.post(PAGE, {"do": "remove", "of": CalorificValue.objects.get().pk})
        assert known("SE") == {}

    def test_a_bad_line_of_a_sent_file_is_shown(self, world: World, client: Client) -> None:
        client.force_login(world.admin)
        file = io.BytesIO(b"date,calorific_value\n2025-06-01,39\n2025-06-02,3\n")
        file.name = "cv.csv"
        answer = client.post(PAGE, {"do": "file", "file": file, "region": ""})
        assert "Row 3, calorific_value: 3 MJ/m³ is not a plausible calorific value." in text_of(answer)

    def test_the_api_takes_lists_and_forgets_values(self, world: World, client: Client) -> None:
        client.force_login(world.admin)
        values = [{"date": "2025-06-01", "calorific_value": "39.47333"}, {"date": "2025-06-02", "calorific_value": 39}]
        body = {"organisation": world.org.pk, "region": "SE", "values": values}
        put = client.put("/api/calorific-values", body, content_type="application/json")
        assert put.json() == {"region": "SE", "added": 2, "changed": 0, "unchanged": 0, "meters": 0}
        again = client.put("/api/calorific-values", body, content_type="application/json").json()
        assert again["unchanged"] == 2
        listed = client.get("/api/calorific-values?region=se&from=2025-06-01&to=2025-06-02").json()
        assert listed["count"] == 1
        assert (listed["items"][0]["date"], listed["items"][0]["calorific_value"]) == ("2025-06-01", 39.47333)
        assert client.delete(f"/api/calorific-values/{listed['items'][0]['id']}").status_code == 204
        client.force_login(world.outsider)
        assert client.get("/api/calorific-values").json()["count"] == 0
        client.force_login(world.manager)
        assert client.get("/api/calorific-values").json()["count"] == 1
        assert client.put("/api/calorific-values", body, content_type="application/json").status_code == 403

    def test_the_usual_region_gives_values_without_one_their_name(self, world: World) -> None:
        set_usual_region(Actor.of(world.admin), organisation=world.org, region="SE")
        store_values(Actor.of(world.admin), CALORIFIC_VALUE, organisation=world.org, values={JUNE: "39"})
        assert known("SE") == {JUNE: 39}


def gas_meter_of(world: World):
    from eclectyc.estate.models import Meter

    return Meter.objects.get(identifier=MPRN, organisation=world.org)
