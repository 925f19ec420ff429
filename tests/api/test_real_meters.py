"""Real meters, from the file to the answer: totals equal an independent sum."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from math import fsum
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.intake.import_options import ImportOptions
from eclectyc.intake.service import import_file
from tests.api.conftest import Get
from tests.factories import World

pytestmark = pytest.mark.django_db
DATA: Final = Path(__file__).parents[1] / "data"
CAMBRIDGE: Final = DATA / "cambridge" / "electricity_hourly_kwh_2021_2022.csv.gz"
LONDON: Final = ZoneInfo("Europe/London")
BUCKETS: Final[dict[str, Callable[[date], date]]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
    "year": lambda day: day.replace(month=1, day=1),
}


def independent_sums() -> dict[str, dict[str, dict[date, float]]]:
    """Sum the file by meter, bucket and the bucket's first local day, with nothing but the standard library."""
    values: dict[tuple[str, str, date], list[float]] = defaultdict(list)
    with gzip.open(CAMBRIDGE, "rt", newline="") as file:
        rows = csv.reader(file)
        names = next(rows)[1:]
        for stamp, *cells in rows:
            day = datetime.fromisoformat(stamp).replace(tzinfo=UTC).astimezone(LONDON).date()
            for by, start_of in BUCKETS.items():
                for name, cell in zip(names, cells, strict=True):
                    values[name, by, start_of(day)].append(float(cell))
    sums: dict[str, dict[str, dict[date, float]]] = defaultdict(lambda: defaultdict(dict))
    for (name, by, start), listed in values.items():
        sums[name][by][start] = fsum(listed)
    return sums


def test_a_universitys_buildings_have_their_totals_to_the_watt_hour(get: Get, world: World) -> None:
    options = ImportOptions(create_meters=True, site="Cambridge", timezone="UTC")
    import_file(Actor.of(world.admin), organisation=world.org, path=CAMBRIDGE, options=options)
    for name, by_bucket in independent_sums().items():
        for by, wanted in by_bucket.items():
            readings = get(f"/api/meters/{name}/readings", {"by": by}).json()["readings"]
            found = {BUCKETS[by](datetime.fromisoformat(r["start"]).date()): r["value"] for r in readings}
            assert found == pytest.approx(wanted, rel=0, abs=0.001)


def test_one_meter_in_two_layouts_has_one_answer(get: Get, world: World) -> None:
    answers = []
    for name in ("wide48_settlement_local.csv", "long_period_ending_local.csv"):
        options = ImportOptions(create_meters=True, site=name)
        report = import_file(Actor.of(world.admin), organisation=world.org, path=DATA / "hh" / name, options=options)
        assert (report.readings, report.rejected) == (288, 0)
        identifier = report.series[0].meter
        answers.append(get(f"/api/meters/{identifier}/readings", {"by": "slot"}).json()["readings"])
    with (DATA / "hh" / "wide48_settlement_local.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    listed = [float(row[name]) for row in rows for name in row if name.startswith("HH") and row[name].strip()]
    for readings in answers:
        held = [reading["value"] for reading in readings if reading["present"]]
        assert held == listed
        assert round(fsum(held), 7) == 65.1339999
        assert sum(reading["estimated"] for reading in readings) == 2
    assert answers[0] == answers[1]
