"""Validate month frames before they are merged. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from eclectyc.kernel.quality import MISSING, UNFLAGGED
from eclectyc.lake.errors import BadReadings
from eclectyc.lake.schema import BATCH_COLUMNS, KEY
from eclectyc.lake.slot_arrays import Slots

_REMEDY = "This is a bug in the program that built these rows, not in the file: please report it."


@dataclass(frozen=True, slots=True)
class BatchDays:
    """The days of a batch, sorted by series and day. days : series, day, step. key : see :func:`key_of`."""

    days: pl.DataFrame
    key: np.ndarray
    slots: Slots

    def __len__(self) -> int:
        return len(self.key)

    def take(self, rows: np.ndarray) -> BatchDays:
        return BatchDays(self.days[rows], self.key[rows], self.slots.take(rows))


def key_of(frame: pl.DataFrame) -> np.ndarray:
    """Return one int64 for each row, which sorts like (series, day)."""
    day = frame["day"].to_physical().to_numpy().astype(np.int64)
    return (frame["series"].to_numpy().astype(np.int64) << 32) + day


def months_of(frame: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Split a frame by calendar month, named like ``2025-06``. Most frames are one month already."""
    frame = _with_types(frame)
    if frame.is_empty():
        return
    month = pl.col("day").dt.strftime("%Y-%m")
    first, last = (pl.Series([edge]).dt.strftime("%Y-%m").item() for edge in (frame["day"].min(), frame["day"].max()))
    if first == last:
        yield first, frame
        return
    named = frame.with_columns(month=month)
    parts = named.partition_by("month", as_dict=True, include_key=False)
    yield from ((str(name), part) for (name,), part in sorted(parts.items()))


def months_once(frames: Iterable[pl.DataFrame]) -> Iterator[tuple[str, pl.DataFrame]]:
    """Split frames by calendar month; raise ``BadReadings`` if a month is in more than one of them."""
    seen: set[str] = set()
    for frame in frames:
        for month, part in months_of(frame):
            if month in seen:
                raise BadReadings(f"The month {month} came twice.", "Give each month as one frame.")
            seen.add(month)
            yield month, part


def validate(frame: pl.DataFrame) -> BatchDays:
    """Return the days of a frame of ``months_of``, or raise ``BadReadings``. Days without any reading are left out."""
    slots = Slots.from_frame(frame)
    _check_slots(frame, slots)
    key = key_of(frame)
    if len(key) > 1 and not (key[1:] > key[:-1]).all():
        order = np.argsort(key, kind="stable")
        frame, key, slots = frame[order], key[order], slots.take(order)
        twice = np.flatnonzero(key[1:] == key[:-1])
        if len(twice):
            series, day = frame.select(KEY).row(int(twice[0]))
            raise BadReadings(f"Series {series} has {day} twice.", _REMEDY)
    batch_days = BatchDays(frame.select("series", "day", "step"), key, slots)
    if slots.quality.all():
        return batch_days
    has_claim = slots.per_day(slots.quality != MISSING) > 0
    return batch_days if has_claim.all() else batch_days.take(np.flatnonzero(has_claim))


def _with_types(frame: pl.DataFrame) -> pl.DataFrame:
    absent = [name for name in BATCH_COLUMNS if name not in frame.columns]
    if absent:
        raise BadReadings(f"Day rows have no column {', '.join(absent)}.", _REMEDY)
    try:
        frame = frame.select(pl.col(name).cast(dtype) for name, dtype in BATCH_COLUMNS.items())
    except pl.exceptions.PolarsError as error:
        raise BadReadings(f"Day rows have columns of the wrong type: {error}.", _REMEDY) from error
    empty = [name for name in BATCH_COLUMNS if frame[name].null_count()]
    if empty:
        raise BadReadings(f"Day rows have nulls in {', '.join(empty)}.", _REMEDY)
    lengths = frame["values"].list.len()
    wrong = (lengths != frame["quality"].list.len()) | (lengths == 0)
    if wrong.any():
        series, day = frame.filter(wrong).select(KEY).row(0)
        raise BadReadings(f"Series {series} on {day} has no values, or not as many as qualities.", _REMEDY)
    if frame["quality"].explode(empty_as_null=False).null_count():
        raise BadReadings("A slot has no quality.", _REMEDY)
    return frame


def _check_slots(frame: pl.DataFrame, slots: Slots) -> None:
    if not len(slots.lengths):
        return
    if int(slots.quality.min()) < MISSING or int(slots.quality.max()) > UNFLAGGED:
        raise BadReadings("A slot has an unknown quality.", _REMEDY)
    batch_days = frame["values"].explode(empty_as_null=False)
    is_number = bool(np.isfinite(slots.values).all()) or bool(batch_days.is_finite().all())
    if not is_number:
        series, day = _day_of(frame, slots, (~batch_days.is_finite().fill_null(True)).to_numpy())
        raise BadReadings(f"Series {series} on {day} has a value that is not a number.", "Leave it out.")
    if not slots.quality.all():
        is_contradictory = (slots.quality == MISSING) & ~np.isnan(slots.values)
        if is_contradictory.any():
            series, day = _day_of(frame, slots, is_contradictory)
            raise BadReadings(f"Series {series} on {day} has a value marked as missing.", _REMEDY)


def _day_of(frame: pl.DataFrame, slots: Slots, flags: np.ndarray) -> tuple[object, ...]:
    row = int(np.flatnonzero(slots.per_day(flags))[0])
    return frame.select(KEY).row(row)
