"""The real London meter's six days with both clock changes, slot by slot, read with the standard library alone."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tests.readers.formats.golden import DATA, ExpectedSeries

METER = "2200000000005"
ZONE = ZoneInfo("Europe/London")
HALF_HOUR = timedelta(minutes=30)
TOTAL = 65.1339999  # as published with the sample
HELD = {(METER, "import"): ExpectedSeries("kWh", 30, 288, TOTAL)}
# The first end that each of the two runs of days prints; the rows of a run follow each other without a gap.
_RUNS = {"27/10/2012 00:30": 146, "30/03/2013 00:30": 142}


class Slot(NamedTuple):
    """One half-hour: its start in UTC, its value as printed, whether it is an estimate."""

    start: datetime
    kwh: str
    is_estimate: bool

    @property
    def end(self) -> datetime:
        return self.start + HALF_HOUR


def slots() -> list[Slot]:
    """Return the 288 half-hours in order of time."""
    with (DATA / "hh/long_period_ending_local.csv").open() as file:
        rows = list(csv.DictReader(file))
    found: list[Slot] = []
    for first, count in _RUNS.items():
        at = next(n for n, row in enumerate(rows) if row["read_datetime_end_local"] == first)
        start = datetime.strptime(first, "%d/%m/%Y %H:%M").replace(tzinfo=ZONE).astimezone(UTC) - HALF_HOUR
        for n, row in enumerate(rows[at : at + count]):
            found.append(Slot(start + n * HALF_HOUR, row["kwh"], row["flag"] == "E"))
    return found
