"""Measure each line's interval if a file prints its start and end: half-hours and whole days can be mixed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import polars as pl

from eclectyc.kernel.days import STEPS, WHOLE_DAY
from eclectyc.readers.blocks import DayBlock, RowBlock
from eclectyc.readers.tables.timestamp_columns import parse_dates, parse_stamps

_UNKNOWN = 0  # no usable length: the step is derived from the distance of the stamps
_MINUTE_S, _DAY_S = 60, 86_400
_LONGEST_CHANGE_S = 2 * 3600  # the most by which a day is longer or shorter
_WITHIN_A_DAY = [step for step in STEPS if step != WHOLE_DAY]


def measure_intervals(starts: pl.Series, ends: pl.Series, found: Mapping[str, pl.Series]) -> pl.DataFrame:
    """Return ``step`` [minutes] and, for whole days, ``day`` of each line; step 0 if the interval is not usable.

    starts, ends : the cells as printed. found : the parsed starts, ``stamp`` or ``instant`` of each line.
    A day lasts from one printed midnight to the next, also on clock-change days. Shorter intervals are only measured
    between stamps with offsets, since local times an hour apart may differ by none or two when the clocks change.
    """
    closing = parse_stamps(ends, ends.name)
    by_clock = _seconds(found["stamp"], closing.values)
    by_instant = _seconds(found["instant"], closing.instants) if closing.instants is not None else by_clock * np.nan
    step = np.where(np.isin(by_instant, np.array(_WITHIN_A_DAY) * _MINUTE_S), by_instant / _MINUTE_S, _UNKNOWN)
    about_a_day = (by_clock == _DAY_S) | (np.abs(by_instant - _DAY_S) <= _LONGEST_CHANGE_S)
    day = pl.Series("day", [None], dtype=pl.Date).new_from_index(0, len(starts))
    if about_a_day.any():
        maybe = pl.Series(about_a_day)
        opens, closes = (parse_dates(cells.set(~maybe, None), cells.name).values for cells in (starts, ends))
        is_day = (closes - opens == timedelta(days=1)).fill_null(False)
        day = opens.alias("day").set(~is_day, None)
        step = np.where(is_day.to_numpy(), WHOLE_DAY, step)
    return pl.DataFrame({"step": step.astype(np.int32), "day": day})


def _seconds(start: pl.Series, end: pl.Series) -> np.ndarray:
    """Return the seconds from start to end; NaN if either is missing."""
    return (end - start).dt.total_seconds().cast(pl.Float64).fill_null(float("nan")).to_numpy()


def split_by_interval(block: RowBlock, lines: np.ndarray, measured: pl.DataFrame) -> list[RowBlock | DayBlock]:
    """Split a block's rows by the length of their interval; whole days become day blocks.

    measured : ``step`` and ``day`` (:func:`measure_intervals`) of ``lines``, which may include rejected ones.
    """
    if measured["step"].n_unique() == 1 and measured["step"][0] == _UNKNOWN:
        return [block]
    of_lines = measured.with_columns(line=pl.Series(lines))
    frame = block.frame.join(of_lines.rename({"day": "whole"}), on="line", how="left", maintain_order="left")
    parts: list[RowBlock | DayBlock] = []
    for (step,), rows in frame.partition_by("step", as_dict=True, include_key=False, maintain_order=True).items():
        line_count = rows["line"].n_unique()
        if step == WHOLE_DAY:
            parts.append(_days(rows, line_count))
        else:
            parts.append(RowBlock(rows.drop("whole"), line_count, int(step) or None))
    return parts or [block]


def _days(rows: pl.DataFrame, line_count: int) -> DayBlock:
    frame = rows.select("line", "meter", "quantity", "unit", day="whole")
    values = rows["value"].fill_null(float("nan")).to_numpy().reshape(-1, 1)
    return DayBlock(frame, values, rows["quality"].to_numpy().reshape(-1, 1), WHOLE_DAY, "position", line_count)
