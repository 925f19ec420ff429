"""List columns as flat arrays and back.

A frame of days becomes two flat arrays, day after day: ``values`` float64, with NaN for a missing slot, and
``quality`` int8. ``lengths`` is the number of slots of each day. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from eclectyc.kernel.quality import ACTUAL, DERIVED, MISSING, UNFLAGGED


@dataclass(frozen=True, slots=True)
class Slots:
    """The slots of many days. values, quality : shape (sum of lengths,); lengths : shape (days,).

    column : the list column that the values come from, if any, so that it need not be built again.
    """

    values: np.ndarray
    quality: np.ndarray
    lengths: np.ndarray
    column: pl.Series | None = None

    def __reduce__(self) -> tuple[type[Slots], tuple[np.ndarray, ...]]:
        return Slots, (self.values, self.quality, self.lengths)  # to a cluster the values go once

    @classmethod
    def from_frame(cls, frame: pl.DataFrame) -> Self:
        """Return the ``values`` and ``quality`` of a frame; quality is missing where the value is null."""
        lengths = frame["values"].list.len().to_numpy()
        flat = frame["values"].explode(empty_as_null=False)
        quality = frame["quality"].explode(empty_as_null=False).to_numpy()
        if flat.null_count():
            values = flat.fill_null(float("nan")).to_numpy()
            quality = np.where(np.isnan(values), np.int8(MISSING), quality)
        else:
            values = flat.to_numpy()
        return cls(values, quality, lengths.astype(np.int64, copy=False), frame["values"])

    @property
    def starts(self) -> np.ndarray:
        starts = np.zeros(len(self.lengths), dtype=np.int64)
        np.cumsum(self.lengths[:-1], out=starts[1:])
        return starts

    def per_day(self, flags: np.ndarray) -> np.ndarray:
        """Return how many of each day's slots have a true flag."""
        if flags.all():
            return self.lengths
        if not flags.any():
            return np.zeros(len(self.lengths), dtype=np.int64)
        if _is_uniform(self.lengths):
            return np.einsum("ij->i", flags.view(np.uint8).reshape(len(self.lengths), -1), dtype=np.int64)
        return np.add.reduceat(flags, self.starts, dtype=np.int64)

    def take(self, days: np.ndarray) -> Slots:
        """Return some of the days, by index, in that order."""
        if _is_uniform(self.lengths):
            wide = int(self.lengths[0]) if len(self.lengths) else 1
            values = self.values.reshape(-1, wide)[days].reshape(-1)
            return Slots(values, self.quality.reshape(-1, wide)[days].reshape(-1), self.lengths[days])
        lengths = self.lengths[days]
        ends = np.cumsum(lengths)
        at = np.repeat(self.starts[days] - ends + lengths, lengths) + np.arange(int(lengths.sum()))
        return Slots(self.values[at], self.quality[at], lengths)

    def replace(self, days: np.ndarray, slots: Slots) -> Slots:
        """Return the days with some of them, by index, replaced."""
        ends = np.cumsum(slots.lengths)
        at = np.repeat(self.starts[days] - ends + slots.lengths, slots.lengths) + np.arange(len(slots.values))
        values, quality = self.values.copy(), self.quality.copy()
        values[at], quality[at] = slots.values, slots.quality
        return Slots(values, quality, self.lengths)

    def columns(self) -> dict[str, pl.Series]:
        """Return the list columns ``values`` and ``quality``; NaN becomes null."""
        values = self.column
        return {
            "values": ragged(pl.Series(self.values, nan_to_null=True), self.lengths) if values is None else values,
            "quality": ragged(pl.Series(self.quality), self.lengths),
        }


def _is_uniform(lengths: np.ndarray) -> bool:
    return not len(lengths) or bool((lengths == lengths[0]).all())


def ragged(flat: pl.Series, lengths: np.ndarray) -> pl.Series:
    """Cut a flat series into lists of the given lengths, without a copy."""
    from arro3.core import Array, list_array  # comes with deltalake; Polars cannot do this

    offsets = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=offsets[1:])
    return pl.Series(list_array(Array.from_numpy(offsets), Array.from_arrow(flat.rechunk())))


def summarise(slots: Slots) -> dict[str, pl.Series]:
    """Return the summary columns of days.

    total, low and peak are null where no slot has a value. peak_slot is the first slot of the peak. Derived
    slots count in the total and in ``estimated`` (slots that are not readings), never in low or peak.
    """
    values, quality, starts = slots.values, slots.quality, slots.starts
    is_actual = quality == ACTUAL
    if is_actual.all():
        present, estimated = slots.lengths, np.zeros_like(slots.lengths)
        total, low, peak = _reduce(values, values, values, starts)
    else:
        is_held = quality != MISSING
        present = slots.per_day(is_held)
        estimated = slots.per_day(is_held & ~is_actual)
        is_measured = is_held & (quality != DERIVED)
        total, low, peak = _reduce(
            np.where(is_held, values, 0.0),
            np.where(is_measured, values, np.inf),
            np.where(is_measured, values, -np.inf),
            starts,
        )
        total[present == 0] = np.nan
        low[np.isinf(low)] = peak[np.isinf(peak)] = np.nan
    return {
        "total": pl.Series(total, nan_to_null=True),
        "low": pl.Series(low, nan_to_null=True),
        "peak": pl.Series(peak, nan_to_null=True),
        "peak_slot": _first_peak(slots, peak, starts),
        "present": pl.Series(present.astype(np.int16)),
        "slots": pl.Series(slots.lengths.astype(np.int16)),
        "estimated": pl.Series(estimated.astype(np.int16)),
    }


def _reduce(
    summed: np.ndarray, lowest: np.ndarray, highest: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if not len(starts):
        return np.zeros(0), np.zeros(0), np.zeros(0)
    return (
        np.add.reduceat(summed, starts),
        np.minimum.reduceat(lowest, starts),
        np.maximum.reduceat(highest, starts),
    )


def _first_peak(slots: Slots, peak: np.ndarray, starts: np.ndarray) -> pl.Series:
    has_peak = ~np.isnan(peak)
    at_peak = _is_peak(slots, peak)
    slot = np.zeros(len(starts), dtype=np.int16)
    if len(starts) and _is_uniform(slots.lengths):
        slot = at_peak.reshape(len(starts), -1).argmax(axis=1).astype(np.int16)
    else:
        where = np.flatnonzero(at_peak)
        first = np.searchsorted(where, starts)
        slot[has_peak] = where[first[has_peak]] - starts[has_peak]
    return pl.select(pl.when(pl.Series(has_peak)).then(pl.Series(slot)).alias("peak_slot")).to_series()


def _is_peak(slots: Slots, peak: np.ndarray) -> np.ndarray:
    """Return which slots have their day's peak; derived slots never do."""
    days = len(slots.lengths)
    if days and _is_uniform(slots.lengths):
        at_peak = (slots.values.reshape(days, -1) == peak[:, None]).reshape(-1)
    else:
        at_peak = slots.values == np.repeat(peak, slots.lengths)
    is_derived = slots.quality == DERIVED
    return at_peak & ~is_derived if is_derived.any() else at_peak


def stored_quality(quality: np.ndarray) -> np.ndarray:
    """Return quality as day rows store it: a slot without a flag is actual."""
    return np.where(quality == UNFLAGGED, np.int8(ACTUAL), quality)
