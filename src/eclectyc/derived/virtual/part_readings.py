"""The readings of the parts of virtual meters."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import polars as pl

from eclectyc.derived.virtual.definitions import MeterDefinition, series_frame
from eclectyc.derived.virtual.evaluate import NO_READINGS, PointReadings
from eclectyc.lake.primary_rows import primary_rows
from eclectyc.lake.store import connect


def read_parts(definitions: Iterable[MeterDefinition], start: date, end: date) -> dict[int, PointReadings]:
    """Return the primary readings of the parts of some virtual meters, by point."""
    every = list(definitions)
    series = series_frame(every)
    lake = connect()

    def spans() -> pl.DataFrame:
        return lake.span(series["series"].to_numpy())

    rows = primary_rows(lake, series, start, end, values=True, spans=spans)
    rows = rows.select("point", "day", "step", "values", "quality")
    found = {point: part for (point,), part in rows.partition_by("point", as_dict=True, maintain_order=True).items()}
    zones = {part.point: part.zone for definition in every for part in definition.parts}
    return {
        point: PointReadings.from_day_rows(found[point], zone) if point in found else NO_READINGS
        for point, zone in zones.items()
    }
