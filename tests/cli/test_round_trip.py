"""What is exported comes in again elsewhere as it was: slot by slot, with its quality, in any zone, at any step."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from eclectyc.accounts.models import Organisation
from eclectyc.batches.models import Batch
from eclectyc.estate.models import Meter, Series
from eclectyc.lake.lease import writer_lease
from eclectyc.lake.store import connect
from tests.cli.conftest import Answer
from tests.factories import make_meter, make_series, make_site

pytestmark = pytest.mark.django_db(transaction=True)
Run = Callable[..., Answer]
HERE, THERE = "Here", "There"

# meter, its utility and direction, quantity, unit, and the steps that its days come in, one after the other [minutes]
MEASURED = [
    ("HALF", "electricity", "import", "import", "kWh", [30]),
    ("DAILY", "electricity", "import", "import", "kWh", [1440]),
    ("MIXED", "electricity", "import", "import", "kWh", [30, 1440, 1440]),
    ("QUARTER", "electricity", "import", "import", "kWh", [15, 30]),
    ("SOLAR", "solar", "export", "export", "kWh", [30]),
    ("7654321", "gas", "import", "volume", "m3", [1440, 30]),
]
ZONES = {  # and days around their changes of the clocks
    "Europe/London": [date(2025, 3, 28), date(2025, 10, 24)],
    "Australia/Lord_Howe": [date(2025, 4, 4), date(2025, 10, 3)],  # by half an hour
    "America/St_Johns": [date(2025, 3, 7), date(2025, 10, 31)],
    "Asia/Kolkata": [date(2025, 3, 28)],
    "Africa/Casablanca": [date(2025, 2, 21), date(2025, 4, 4)],  # back for Ramadan
    "America/Santiago": [date(2025, 4, 4), date(2025, 9, 5)],  # at midnight
}
Key = tuple[str, str, str, int, date]
Days = dict[Key, tuple[list[float | None], list[int]]]


def slots_of(day: date, step: int, zone: ZoneInfo) -> int:
    """Count a local day's slots by walking through it in UTC."""
    if step == 1440:
        return 1
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)
    inside = 0
    for _ in range(3 * 24 * 60 // step):
        inside += at.astimezone(zone).date() == day
        at += timedelta(minutes=step)
    return inside


def estate(zone: str, chance: np.random.Generator) -> Days:
    days: Days = {}
    for meter, _, _, quantity, unit, steps in MEASURED:
        for first in ZONES[zone]:
            for n in range(6):
                day, step = first + timedelta(days=n), steps[n % len(steps)]
                quality = chance.choice([0, 1, 1, 1, 1, 2], slots_of(day, step, ZoneInfo(zone)))
                quality[0] = quality[0] or 1  # a day of which nothing is known is not held
                drawn = zip(chance.normal(20, 30, len(quality)), quality, strict=True)
                values = [round(float(value), 3) if known else None for value, known in drawn]
                days[meter, quantity, unit, step, day] = values, [int(q) for q in quality]
    return days


def hold(organisation: Organisation, days: Days, zone: str) -> None:
    site = make_site(organisation, "Site", timezone=zone)
    known = {
        meter: make_meter(site, meter, utility=utility, direction=direction, unit=unit, step_minutes=steps[0])
        for meter, utility, direction, _, unit, steps in MEASURED
    }
    series = {
        key: make_series(known[key[0]], quantity=key[1], unit=key[2], step_minutes=key[3])
        for key in dict.fromkeys(key[:4] for key in days)
    }
    rows = [(series[key[:4]].pk, key[4], key[3], *held) for key, held in days.items()]
    schema = {"series": pl.Int32, "day": pl.Date, "step": pl.Int16,
              "values": pl.List(pl.Float64), "quality": pl.List(pl.Int8)}  # fmt: skip
    frame = pl.DataFrame(rows, schema=schema, orient="row").sort("series", "day")
    months = [frame.filter(pl.col("day").dt.month() == month) for month in frame["day"].dt.month().unique().sort()]
    with writer_lease("test") as lease:
        batch = Batch.objects.create(organisation=organisation, fence=lease.fence)
        connect().write(months, lease=lease, batch=batch.pk)
    Batch.objects.update(state=Batch.DONE)


def held(organisation: Organisation) -> Days:
    series = {s.pk: s for s in Series.objects.filter(meter__organisation=organisation).select_related("meter")}
    rows = connect().days(list(series), date(2025, 1, 1), date(2026, 1, 1), values=True)
    return {
        (series[pk].meter.identifier, series[pk].quantity, series[pk].unit, step, day): (values, quality)
        for pk, day, step, values, quality in rows.select("series", "day", "step", "values", "quality").iter_rows()
    }


@pytest.mark.parametrize(
    ("zone", "meters"),
    [*((zone, []) for zone in ZONES), *(("Europe/London", [meter]) for meter in ("DAILY", "MIXED", "7654321"))],
)
def test_an_export_comes_in_elsewhere_slot_by_slot(run: Run, tmp_path: Path, zone: str, meters: list[str]) -> None:
    Organisation.objects.all().delete()
    here, there = (Organisation.objects.create(name=name) for name in (HERE, THERE))
    days = estate(zone, np.random.default_rng(5))
    hold(here, days, zone)
    make_site(there, "Site", timezone=zone)
    asked = [word for meter in meters for word in ("--meter", meter)]
    file = tmp_path / "readings.csv"
    span = ("--from", "2025-01-01", "--to", "2026-01-01")
    assert run("export", "readings", *span, "-o", file, *asked, "--organisation", HERE).code == 0
    said = run("import", file, "--create-meters", "--site", "Site", "--organisation", THERE, "--json")
    report = json.loads(said.out)
    assert (said.code, report["errors"], report["stamps"]) == (0, [], "start")
    expected = {key: value for key, value in days.items() if not meters or key[0] in meters}
    assert held(there) == expected
    directions = dict(Meter.objects.filter(organisation=there).values_list("identifier", "direction"))
    assert directions == {m: d for m, _, d, *_ in MEASURED if not meters or m in meters}
