"""Workbooks: the London meter's six days in three kinds of file and two layouts; a list of meters."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from tests.readers.formats import london
from tests.readers.formats.golden import ExpectedSeries, Golden
from tests.readers.formats.sheets import ods, xls, xlsx

_LONG_HEADER = ["MPAN", "Read datetime end local", "kWh", "Flag"]


def long_rows() -> list[list[Any]]:
    """A title, a header under it, a line a half-hour with the end that the local clock shows, and a total below."""
    rows: list[list[Any]] = [["Half-hourly data"], [], _LONG_HEADER]
    for slot in london.slots():
        end = slot.end.astimezone(london.ZONE).replace(tzinfo=None)
        rows.append([london.METER, end, float(slot.kwh), "E" if slot.is_estimate else "A"])
    return [*rows, ["Total", None, london.TOTAL]]


def wide_rows() -> list[list[Any]]:
    """A line a day, fifty columns; days of 46 and 48 half-hours end early."""
    days: dict[date, list[float]] = {}
    for slot in london.slots():
        days.setdefault(slot.start.astimezone(london.ZONE).date(), []).append(float(slot.kwh))
    header = ["MPAN", "Settlement Date", *(f"HH{n:02}" for n in range(1, 51))]
    return [header, *([int(london.METER), day, *values] for day, values in days.items())]


def odd_hours() -> list[list[Any]]:
    """One day of hours, with the date and the time in cells of their own."""
    meter, day = "1000000000040", date(2025, 6, 1)
    rows = [[meter, day, datetime(2025, 6, 1, hour).time(), hour / 4] for hour in range(24)]
    return [["MPAN", "Date", "Start time", "kWh"], *rows]


_METERS = [["MPAN", "Site", "Utility"], [1000000000040, "Dock Office", "gas"]]
_COVER = [["Prepared for Dock Office"], ["See the next sheet"]]
_HOURS = {("1000000000040", "import"): ExpectedSeries("kWh", 60, 24, 69.0)}  # (0 + 1 + … + 23) / 4

FILES = [
    Golden("london-long.xlsx", "long", xlsx({"Cover": _COVER, "Data": long_rows()}), 288, london.HELD),
    Golden("london-wide.xlsx", "wide", xlsx({"Sheet1": wide_rows()}), 6, london.HELD),
    Golden("london-long.xls", "long", xls({"Cover": _COVER, "Data": long_rows()}), 288, london.HELD),
    Golden("london-wide.ods", "wide", ods({"Sheet1": wide_rows()}), 6, london.HELD),
    Golden("hours.ods", "long", ods({"Sheet1": odd_hours()}), 24, _HOURS),
    Golden("hours.xls", "long", xls({"Sheet1": odd_hours()}), 24, _HOURS),
    Golden("hours.xlsx", "long", xlsx({"Sheet1": odd_hours()}), 24, _HOURS),
    Golden("meters.xlsx", "meters", xlsx({"Sheet1": _METERS}), 1),
]
