"""Exports: the same numbers as the lake, in files that other programs and we ourselves can read."""

import csv
import io
import json
from datetime import date

import fastexcel
import polars as pl
import pytest

from tests.factories import make_meter, make_series, make_site

pytestmark = pytest.mark.django_db(transaction=True)
SPRING = date(2025, 3, 30)  # 46 half-hours in London
ORG = ("--organisation", "Harbour Estates")


@pytest.fixture
def held(world, home):
    """Two days around the spring change: 48 × 1 kWh, then 46 half-hours of 2 kWh of which the first is missing."""
    from eclectyc.batches.models import Batch
    from eclectyc.lake.lease import writer_lease
    from eclectyc.lake.store import connect

    main, other = make_series(world.meter), make_series(world.other_meter)
    make_series(make_meter(world.site, "WATER", utility="water", unit="m3"))
    rows = {
        "series": [main.pk, main.pk, other.pk],
        "day": [date(2025, 3, 29), SPRING, SPRING],
        "step": [30, 30, 30],
        "values": [[1.0] * 48, [None] + [2.0] * 45, [9.0] * 46],
        "quality": [[1] * 48, [0] + [2] * 45, [1] * 46],
    }
    with writer_lease("test") as lease:
        batch = Batch.objects.create(organisation=world.org, fence=lease.fence)
        connect().write([pl.DataFrame(rows)], lease=lease, batch=batch.pk)
    Batch.objects.update(state=Batch.DONE)
    return world


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_daily_totals_carry_their_coverage(held, run):
    said = run("export", "daily", "--from", "2025-03-29", "--to", "2025-03-31", "--meter", held.meter.identifier, *ORG)
    assert said.code == 0, said.err
    found = [(r["date"], float(r["value"]), r["present"], r["expected"], r["estimated"]) for r in table(said.out)]
    assert found == [("2025-03-29", 48.0, "48", "48", "0"), ("2025-03-30", 90.0, "45", "46", "45")]


def test_monthly_totals_are_the_days_summed(held, run):
    said = run("export", "monthly", "-d", "2025-03-15", "--meter", held.meter.identifier, *ORG)
    (row,) = table(said.out)
    assert (row["month"], float(row["value"]), row["present"], row["unit"]) == ("2025-03-01", 138.0, "93", "kWh")


def test_readings_carry_their_offset_and_what_is_missing_is_blank(held, run):
    said = run("export", "readings", "-d", "2025-03-30", *ORG)
    rows = table(said.out)
    assert len(rows) == 46
    assert (rows[0]["start"], rows[0]["value"], rows[0]["origin"]) == ("2025-03-30T00:00:00+00:00", "", "missing")
    assert (rows[1]["end"], rows[1]["flag"]) == ("2025-03-30T02:00:00+01:00", "E")
    assert rows[2]["start"] == "2025-03-30T02:00:00+01:00"
    assert rows[-1]["end"] == "2025-03-31T00:00:00+01:00"


def test_another_organisation_s_readings_are_never_in_it(held, run):
    for kind in ("daily", "monthly", "readings"):
        said = run("export", kind, "--from", "2025-03-01", "--to", "2025-04-01", *ORG)
        assert held.other_meter.identifier not in said.out
    assert run("export", "readings", "-d", "2025-03-30", "--meter", held.other_meter.identifier, *ORG).code == 2
    assert held.other_meter.identifier not in run("export", "meters", *ORG).out


def test_meters_are_exported_with_their_facts(held, run):
    rows = table(run("export", "meters", *ORG).out)
    assert [r["identifier"] for r in rows] == sorted([held.meter.identifier, "WATER"])
    assert {r["site"] for r in rows} == {"Harbour House"}


@pytest.mark.parametrize("form", ["csv", "json", "parquet", "xlsx"])
def test_the_four_forms_hold_the_same_rows(held, run, tmp_path, form):
    path = tmp_path / f"out.{form}"
    said = run("export", "readings", "--from", "2025-03-29", "--to", "2025-03-31", "-f", form, "-o", path, *ORG)
    assert (said.code, said.out) == (0, "")
    if form == "json":
        answer = json.loads(path.read_text())
        values = [item["value"] for item in answer["items"]]
        assert answer["count"] == 94
    elif form == "xlsx":
        values = fastexcel.read_excel(path).load_sheet(0).to_polars()["value"].to_list()
    else:
        values = (pl.read_csv(path) if form == "csv" else pl.read_parquet(path))["value"].to_list()
    assert values == [1.0] * 48 + [None] + [2.0] * 45
    assert [p.name for p in tmp_path.glob("*out*")] == [path.name]


@pytest.mark.parametrize(("kind", "rows"), [("daily", 2), ("monthly", 1), ("meters", 2), ("sites", 1)])
def test_a_workbook_holds_what_the_csv_holds(held, run, tmp_path, kind, rows):
    span = () if kind in ("meters", "sites") else ("--from", "2025-03-29", "--to", "2025-03-31")
    path = tmp_path / "out.xlsx"
    said = run("export", kind, *span, "-f", "xlsx", "-o", path, *ORG)
    assert (said.code, said.out) == (0, "")
    book = fastexcel.read_excel(path).load_sheet(0).to_polars().to_dicts()
    lines = table(run("export", kind, *span, *ORG).out)
    assert len(book) == len(lines) == rows
    for cells, line in zip(book, lines, strict=True):
        assert set(cells) == set(line)
        for name, text in line.items():
            cell = cells[name]
            plain = "" if cell is None else str(cell.date()) if hasattr(cell, "date") else str(cell)
            assert plain == text or float(plain) == float(text), (name, plain, text)


def test_sites_are_exported_with_their_facts_and_come_in_again(held, run, tmp_path):
    make_site(held.org, "=Annexe", postcode="BS1 1AA")
    said = run("export", "sites", *ORG)
    assert "2 rows of sites." in said.err
    rows = {row["name"]: row for row in table(said.out)}
    assert rows["Harbour House"]["floor_area_m2"] == "1200.0"
    assert rows["Harbour House"]["is_active"] == "true"
    assert "'=Annexe" in rows  # no spreadsheet runs it
    assert "Elsewhere Works" not in said.out
    path = tmp_path / "sites.csv"
    path.write_text(said.out)
    again = json.loads(run("import", path, "-t", "sites", "--json", *ORG).out)
    assert (again["rows"], again["accepted"], again["rejected"]) == (2, 2, 0)
    assert sorted(held.org.sites.values_list("name", flat=True)) == ["=Annexe", "Harbour House"]
    assert len(table(run("export", "sites", "--meter", held.meter.identifier, *ORG).out)) == 1


def test_more_rows_than_a_workbook_holds_are_refused_and_no_file_is_left(held, run, tmp_path, monkeypatch):
    monkeypatch.setattr("eclectyc.reports.sheets.MOST_XLSX_ROWS", 93)
    path = tmp_path / "out.xlsx"
    said = run("export", "readings", "--from", "2025-03-29", "--to", "2025-03-31", "-f", "xlsx", "-o", path, *ORG)
    assert said.code == 2
    assert "A workbook holds at most 93 rows. Choose CSV instead." in said.err
    assert not list(tmp_path.glob("*out*"))


def test_an_export_of_nothing_has_its_header(held, run):
    said = run("export", "daily", "-d", "2020-01-01", *ORG)
    assert said.code == 0
    assert said.out.startswith("meter,name,site,")
    assert said.out.count("\n") == 1


def test_exported_readings_come_in_again_and_change_nothing(held, run, tmp_path):
    path = tmp_path / "readings.csv"
    run("export", "readings", "--from", "2025-03-29", "--to", "2025-03-31", "-o", path, *ORG)
    said = run("import", path, "--json", *ORG)
    answer = json.loads(said.out)
    assert said.code == 0, said.out
    assert answer["stamps"] == "start"
    assert (answer["added"], answer["changed"], answer["unchanged"], answer["kept"]) == (0, 0, 93, 0)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("what", ["daily", "monthly"])
@pytest.mark.parametrize("option", ["auto", "daily", "meters"])
def test_exported_totals_are_taken_neither_for_readings_nor_for_a_list_of_meters(
    held, run, tmp_path, what, form, option
):
    path = tmp_path / f"totals.{form}"
    run("export", what, "--from", "2025-03-01", "--to", "2025-04-01", "-f", form, "-o", path, *ORG)
    said = run("import", path, "-t", option, *ORG)
    assert said.code == 2
    assert "holds totals that were exported from Eclectyc" in said.err
    assert "eclectyc export readings" in said.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["daily", "--sftp"], "not available yet"),
        (["hourly"], "There is no export 'hourly'"),
        (["daily", "-f", "xml"], "There is no format 'xml'"),
        (["daily", "-d", "31/12/2025"], "is not a day"),
        (["daily", "-d", "2025-02-30"], "is not a day"),
        (["daily", "--from", "2025-02-02", "--to", "2025-02-02"], "contains no day"),
        (["daily", "-d", "2025-02-02", "--to", "2025-02-03"], "Give either"),
        (["daily", "--meter", "NOBODY"], "There is no meter NOBODY"),
    ],
)
def test_what_cannot_be_exported_is_said(held, run, words, why):
    said = run("export", *words, *ORG)
    assert (said.code, said.out) == (2, "")
    assert why in said.err
