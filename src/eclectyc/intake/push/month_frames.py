"""The readings of a batch of pushes as month frames for the lake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from eclectyc.intake.push.merge import MergedPushes
from eclectyc.kernel.days import slot_counts, zone_of
from eclectyc.kernel.quality import MISSING
from eclectyc.lake.errors import BadReadings
from eclectyc.lake.slot_arrays import Slots


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """A series in the registry. step [minutes]; zone : of its site."""

    meter: str
    quantity: str
    unit: str
    step: int
    zone: str


class PushMonths:
    """Month frames of merged pushes; they can be iterated repeatedly."""

    def __init__(self, merged: MergedPushes, known: Mapping[int, SeriesFacts]) -> None:
        slots, series = merged.slots, merged.series
        opens = np.r_[True, (series[1:] != series[:-1]) | (slots.day[1:] != slots.day[:-1])]
        self._slots = slots
        self._starts = np.flatnonzero(opens)  # of each day in ``slots``
        self._series, self._day = series[opens], slots.day[opens].astype("datetime64[D]")
        self._step, self._lengths = _shape(self._series, self._day, known)
        sizes = np.diff(np.append(self._starts, len(series)))
        if (slots.slot >= np.repeat(self._lengths, sizes)).any():
            raise BadReadings(
                "A slot is beyond the end of its day.", "Check the site's time zone: it has changed since the push."
            )

    def __iter__(self) -> Iterator[pl.DataFrame]:
        month = self._day.astype("datetime64[M]")
        for one in np.unique(month):
            yield self._frame(np.flatnonzero(month == one))

    def _frame(self, rows: np.ndarray) -> pl.DataFrame:
        lengths = self._lengths[rows]
        ends = np.append(self._starts[1:], len(self._slots))[rows]
        sizes = ends - self._starts[rows]
        chosen = np.repeat(self._starts[rows] - np.cumsum(sizes) + sizes, sizes) + np.arange(int(sizes.sum()))
        where = np.repeat(np.cumsum(lengths) - lengths, sizes) + self._slots.slot[chosen]
        values, quality = np.full(int(lengths.sum()), np.nan), np.full(int(lengths.sum()), MISSING, np.int8)
        values[where], quality[where] = self._slots.value[chosen], self._slots.quality[chosen]
        columns = {
            "series": pl.Series(self._series[rows].astype(np.int32)),
            "day": pl.Series(self._day[rows]).cast(pl.Date),
            "step": pl.Series(self._step[rows].astype(np.int16)),
        }
        return pl.DataFrame(columns | Slots(values, quality, lengths).columns())


def _shape(series: np.ndarray, day: np.ndarray, known: Mapping[int, SeriesFacts]) -> tuple[np.ndarray, np.ndarray]:
    """Return the step [minutes] and the number of slots of each day."""
    numbers, of = np.unique(series, return_inverse=True)
    facts = [known[number] for number in numbers.tolist()]
    step = np.array([one.step for one in facts], np.int64)[of]
    zones = np.array([one.zone for one in facts])[of]
    lengths = np.ones(len(series), np.int64)
    for zone in np.unique(zones).tolist():
        for minutes in np.unique(step[zones == zone]).tolist():
            mine = (zones == zone) & (step == minutes)
            lengths[mine] = slot_counts(day[mine], zone_of(zone), minutes)
    return step, lengths
