"""The repeated hour in autumn, in local time without offsets: find the rows of its second occurrence. Pure.

In rows in order of time, the times go back once. Newest-first files are reversed first. Sorted pairs (01:00, 01:00,
01:30, 01:30): the first of each pair is summer time. A single copy is the first occurrence. A file that repeats every
row repeats these too: its copies are distinguished from the hour's own pairs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from eclectyc.intake.alignment.clocks import DAY_S, Clock
from eclectyc.intake.alignment.interval_detection import ChannelStamps
from eclectyc.intake.alignment.reading_arrays import ReadingRows


@dataclass(frozen=True, slots=True)
class Occurrences:
    """The rows that are the second occurrence of a repeated time, and the evidence for it by (channel, day)."""

    second: np.ndarray  # bool, shape (rows,)
    single: set[tuple[int, int]] = field(default_factory=set)  # only one copy: the second hour stays empty
    pairs: set[tuple[int, int]] = field(default_factory=set)  # sorted pairs: the first of each is summer time


def second_occurrences(rows: ReadingRows, clock: Clock, channels: Mapping[int, ChannelStamps]) -> Occurrences:
    """Find the second occurrences of repeated times. ``rows.at`` are printed times of ``clock``."""
    second = np.zeros(len(rows), dtype=bool)
    repeated = clock.repeated(rows.at)
    if not repeated.any():
        return Occurrences(second)
    where = np.flatnonzero(repeated)
    channel, at, line = rows.channel[where], rows.at[where], rows.line[where]
    backwards = np.array([channels[n].is_newest_first if n in channels else False for n in channel.tolist()])
    order = np.lexsort((np.where(backwards, -line, line), at // DAY_S, channel))
    where, channel, at = where[order], channel[order], at[order]
    starts = np.flatnonzero(np.r_[True, (channel[1:] != channel[:-1]) | (at[1:] // DAY_S != at[:-1] // DAY_S)])
    copies = copies_elsewhere(rows, at, repeated)
    found = Occurrences(second)
    for low, high in zip(starts.tolist(), [*starts[1:].tolist(), len(at)], strict=True):
        night = int(channel[low]), int(at[low] // DAY_S)
        second[where[low:high]], how = _of_one_hour(at[low:high], copies.get(night, 1))
        if how == "single":
            found.single.add(night)
        elif how == "pairs":
            found.pairs.add(night)
    return found


def copies_elsewhere(rows: ReadingRows, repeated_at: np.ndarray, repeated: np.ndarray) -> dict[tuple[int, int], int]:
    """Return how often a channel's other times of these days occur: 1, or more in a file that repeats its rows."""
    days = np.unique(repeated_at // DAY_S)
    others = np.isin(rows.at // DAY_S, days) & ~repeated
    frame = pl.DataFrame({"channel": rows.channel[others], "day": rows.at[others] // DAY_S, "at": rows.at[others]})
    often = frame.group_by("channel", "day", "at").len().group_by("channel", "day").agg(pl.col("len").median())
    return {(channel, day): max(int(median), 1) for channel, day, median in often.iter_rows()}


def _of_one_hour(at: np.ndarray, each: int) -> tuple[np.ndarray, str]:
    """Mark the second occurrences among one channel's repeated times of one night, in order of time.

    each : copies of every row of the file.
    """
    rank, copies = _rank_among_equals(at)
    if each > 1:
        adjacent = bool((at[1:] == at[:-1]).any())
        second = rank >= each if adjacent else rank % 2 == 1
        doubled = copies >= 2 * each
        return second & doubled, "single" if not doubled.any() else "order"
    goes_back = np.r_[False, at[1:] <= at[:-1]]
    jumps = int(goes_back.sum())
    if jumps == 0:
        return np.zeros(len(at), dtype=bool), "single"
    if jumps == 1:
        return np.cumsum(goes_back) > 0, "order"
    return rank >= 1, "pairs"


def _rank_among_equals(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each time, how many equal ones come before it, and how many equal ones there are."""
    frame = pl.DataFrame({"at": at})
    counted = frame.select(
        rank=pl.int_range(pl.len()).over("at", mapping_strategy="group_to_rows"), copies=pl.len().over("at")
    )
    return counted["rank"].to_numpy(), counted["copies"].to_numpy()
