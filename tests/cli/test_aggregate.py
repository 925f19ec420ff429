"""aggregate: periods, totals with their coverage, summaries checked against the readings, telemetry kept."""

import json
from datetime import date

import polars as pl
import pytest

from eclectyc.operations import summaries
from tests.factories import make_series
from tests.filled import write_days

pytestmark = pytest.mark.django_db(transaction=True)
ORG = ("--organisation", "Harbour Estates")


@pytest.mark.parametrize(
    ("range", "start", "end"),
    [
        ("daily", date(2025, 6, 5), date(2025, 6, 6)),
        ("weekly", date(2025, 6, 2), date(2025, 6, 9)),
        ("monthly", date(2025, 6, 1), date(2025, 7, 1)),
        ("annual", date(2025, 1, 1), date(2026, 1, 1)),
    ],
)
def test_a_period_is_the_day_week_month_or_year_that_holds_the_day(range, start, end):
    assert summaries.period(range, date(2025, 6, 5)) == (start, end)


@pytest.fixture
def held(world, home):
    write_days(make_series(world.meter), date(2025, 5, 31), days=1, kwh=0.5)
    write_days(world.meter.series.get(), date(2025, 6, 1), days=1, kwh=0.5)
    return world


def test_the_totals_of_a_period_are_printed_with_their_coverage(held, run):
    answer = json.loads(run("aggregate", "--range", "monthly", "-d", "2025-06-20", "--json", *ORG).out)
    (row,) = answer["totals"]
    assert (row["label"], row["unit"], row["value"], row["present"]) == ("electricity", "kWh", 24.0, 48)
    assert (answer["start"], answer["end"]) == ("2025-06-01", "2025-07-01")
    assert (answer["days"], answer["readings"], answer["differing"]) == (1, 48, 0)
    said = run("aggregate", "--all", "--verbose", *ORG)
    assert said.code == 0
    assert "Harbour House" in said.out
    assert "48.0  kWh" in said.out


def test_the_telemetry_of_each_run_is_kept(held, run):
    run("aggregate", "--range", "daily", "-d", "2025-06-01", *ORG)
    run("aggregate", "--all", *ORG)
    first, second = summaries.last_runs()
    assert (first["range"], first["days"], first["readings"]) == ("daily", 1, 48)
    assert (second["range"], second["start"], second["end"]) == ("all", "2025-05-31", "2025-06-02")
    assert oct(summaries.telemetry_file().stat().st_mode & 0o777) == "0o600"


def test_a_summary_that_does_not_fit_its_readings_is_found(held, run, monkeypatch):
    from eclectyc.lake.store import Lake

    true_days = Lake.days
    monkeypatch.setattr(
        Lake, "days", lambda *a, **k: true_days(*a, **k).with_columns((pl.col("total") + 0.01).alias("total"))
    )
    said = run("aggregate", "--all", "--json", *ORG)
    assert said.code == 1
    assert json.loads(said.out)["differing"] == 2


def test_an_import_that_was_cut_off_is_settled(held, run):
    from eclectyc.batches.models import Batch

    left = Batch.objects.create(organisation=held.org)
    answer = json.loads(run("aggregate", "--all", "--json", *ORG).out)
    assert answer["settled"] == 1
    left.refresh_from_db()
    assert left.state == Batch.FAILED


def test_without_readings_it_says_so(world, run):
    said = run("aggregate", "--all", *ORG)
    assert said.code == 0
    assert "There are no readings" in said.out


@pytest.mark.parametrize("words", [[], ["--all", "--range", "daily"], ["--range", "hourly"]])
def test_the_period_has_to_be_said_once(world, run, words):
    assert run("aggregate", *words, *ORG).code == 2
