"""Detect the interval of readings from the timestamps of each channel. Pure.

The most common distance between neighbouring timestamps is the interval. A series has its slots on the grid of its
local day, so an interval that starts off that grid (hourly UTC data at a half-hour's offset, days from 05:00)
needs a finer step, over which each reading is spread.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import gcd

import numpy as np
import polars as pl

from eclectyc.intake.alignment.clocks import DAY_S, MINUTE_S
from eclectyc.intake.alignment.reading_arrays import ReadingRows
from eclectyc.kernel.days import STEPS

HOUR_S = 3_600
MANY_GAPS = 10  # fewer prove little: they may be a handful of corrections


@dataclass(slots=True)
class ChannelStamps:
    """Statistics of one channel's timestamps."""

    first: int = np.iinfo(np.int64).max
    last: int = np.iinfo(np.int64).min
    rising: int = 0  # neighbouring rows that go forward in time, and
    falling: int = 0  # those that go back: a file may have its newest row first
    gaps: Counter[int] = field(default_factory=Counter)  # [s], without their sign
    minutes: Counter[int] = field(default_factory=Counter)  # seconds past the hour
    traps: Counter[tuple[int, bool]] = field(default_factory=Counter)  # see stamp_convention.py
    midnights: int = 0  # stamps of 00:00

    @property
    def is_newest_first(self) -> bool:
        return self.falling > self.rising

    @property
    def interval_s(self) -> int | None:
        """The most common distance between timestamps; the shortest of those equally common."""
        return min(self.gaps, key=lambda gap: (-self.gaps[gap], gap)) if self.gaps else None

    @property
    def is_regular(self) -> bool:
        """Whether there are many timestamps, most of them at one distance."""
        return self.gaps.total() >= MANY_GAPS and max(self.gaps.values()) * 2 >= self.gaps.total()

    @property
    def residue_s(self) -> int:
        """The most common offset of timestamps from the hour."""
        return min(self.minutes, key=lambda s: (-self.minutes[s], s)) if self.minutes else 0


class StampCensus:
    """Counts the timestamps of each channel, block by block."""

    def __init__(self) -> None:
        self.channels: dict[int, ChannelStamps] = defaultdict(ChannelStamps)

    def add(self, rows: ReadingRows) -> None:
        """Count a block's rows. Neighbours are rows of one channel that follow each other within the block."""
        if len(rows) == 0:
            return
        channel, at = rows.channel, rows.at
        if (channel[1:] < channel[:-1]).any():
            order = np.argsort(channel, kind="stable")
            channel, at = channel[order], at[order]
        starts = np.flatnonzero(np.r_[True, channel[1:] != channel[:-1]])
        lows, highs = np.minimum.reduceat(at, starts), np.maximum.reduceat(at, starts)
        for index, low, high in zip(channel[starts].tolist(), lows.tolist(), highs.tolist(), strict=True):
            stamps = self.channels[index]
            stamps.first, stamps.last = min(stamps.first, low), max(stamps.last, high)
        self._count_minutes(channel, at)
        self._count_gaps(channel, at)

    def _count_minutes(self, channel: np.ndarray, at: np.ndarray) -> None:
        second = at % HOUR_S
        for common in (0, HOUR_S // 2):
            mine = second == common
            self._add_counts("minutes", common, np.bincount(channel[mine]))
            if common == 0:
                midnights = np.bincount(channel[mine][at[mine] % DAY_S == 0])
                for index in np.flatnonzero(midnights).tolist():
                    self.channels[index].midnights += int(midnights[index])
            channel, second = channel[~mine], second[~mine]
        for index, value, count in (
            pl.DataFrame({"channel": channel, "at": second}).group_by("channel", "at").len().iter_rows()
        ):
            self.channels[index].minutes[value] += count

    def _add_counts(self, counter: str, value: int, counts: np.ndarray) -> None:
        for index in np.flatnonzero(counts).tolist():
            getattr(self.channels[index], counter)[value] += int(counts[index])

    def _count_gaps(self, channel: np.ndarray, at: np.ndarray) -> None:
        same = channel[1:] == channel[:-1]
        step = at[1:] - at[:-1]
        rises, falls = same & (step > 0), same & (step < 0)
        self._count_directions(channel, at, rises, falls)
        if rises.any() and falls.any():  # rows in no order have their neighbours in time elsewhere
            order = np.lexsort((at, channel))
            channel, at = channel[order], at[order]
            step, same = at[1:] - at[:-1], channel[1:] == channel[:-1]
        counted = same & (step != 0)
        gap, channel = np.abs(step[counted]), channel[1:][counted]
        if len(gap) == 0:
            return
        usual = int(gap[0])
        self._add_counts("gaps", usual, np.bincount(channel[gap == usual]))
        others = pl.DataFrame({"channel": channel[gap != usual], "gap": gap[gap != usual]})
        for index, value, count in others.group_by("channel", "gap").len().iter_rows():
            self.channels[index].gaps[value] += count

    def _count_directions(self, channel: np.ndarray, at: np.ndarray, rises: np.ndarray, falls: np.ndarray) -> None:
        rising, falling = np.bincount(channel[1:][rises]), np.bincount(channel[1:][falls])
        for index in np.flatnonzero(rising).tolist():
            self.channels[index].rising += int(rising[index])
        for index in np.flatnonzero(falling).tolist():
            self.channels[index].falling += int(falling[index])
        moved = np.flatnonzero((rises | falls) & (np.abs(at[1:] - at[:-1]) > DAY_S // 2))
        one, other = at[moved], at[moved + 1]
        trap = (one // DAY_S == other // DAY_S) & (np.minimum(one, other) % DAY_S == 0)
        for where in _sound_traps(channel, at, moved[trap]).tolist():
            apart = abs(int(at[where + 1] - at[where]))
            self.channels[int(channel[where])].traps[DAY_S - apart, bool(rises[where])] += 1

    def common_interval_s(self) -> int | None:
        """The most common interval over all channels."""
        every: Counter[int] = Counter()
        for stamps in self.channels.values():
            every.update(stamps.gaps)
        return min(every, key=lambda gap: (-every[gap], gap)) if every else None


def _sound_traps(channel: np.ndarray, at: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Leave out pairs of rows that are neighbours only because a day is repeated: its 00:00 is then next to the same
    date on its other side, or occurs elsewhere as well."""
    if len(where) == 0:
        return where
    is_second = at[where] % DAY_S != 0
    midnight = where + is_second
    beyond = np.clip(midnight + np.where(is_second, 1, -1), 0, len(at) - 1)
    leads_on = (
        (beyond != midnight) & (channel[beyond] == channel[midnight]) & (at[beyond] // DAY_S == at[midnight] // DAY_S)
    )
    others = np.setdiff1d(np.flatnonzero(at % DAY_S == 0), midnight)
    again = pl.DataFrame({"channel": channel[others], "at": at[others]}).unique()
    is_again = pl.DataFrame({"channel": channel[midnight], "at": at[midnight]}).join(
        again.with_columns(there=True), on=["channel", "at"], how="left", maintain_order="left"
    )["there"]
    return where[~leads_on & is_again.is_null().to_numpy()]


def interval_of(
    stamps: ChannelStamps, *, declared: int | None, stored_steps: Iterable[int], common_s: int | None, usual: int
) -> int:
    """Return the length of one reading's period [s].

    What the file declares [minutes] holds if the timestamps allow it. Many timestamps at one distance decide by
    themselves. For few or scattered ones the steps of the meter's stored series [minutes] decide, then the rest of the
    file, then what is usual for the meter [minutes].
    """
    own = stamps.interval_s
    if declared in STEPS and _fits(stamps, declared * MINUTE_S):
        return declared * MINUTE_S
    if own is not None and (own < MINUTE_S or stamps.is_regular):
        return own
    for step_s in sorted((step * MINUTE_S for step in stored_steps), key=lambda s: (s != own, s)):
        if _fits(stamps, step_s):
            return step_s
    for known_s in (common_s, own):
        if known_s is not None and known_s // MINUTE_S in STEPS and _fits(stamps, known_s):
            return known_s
    likely = (usual * MINUTE_S, HOUR_S // 2, HOUR_S // 4, 5 * MINUTE_S, MINUTE_S)
    return next(step_s for step_s in likely if _fits(stamps, step_s))


def _fits(stamps: ChannelStamps, interval_s: int) -> bool:
    if interval_s <= MINUTE_S:
        return True
    on_grid = all(s % interval_s == stamps.residue_s % interval_s for s in stamps.minutes)
    if interval_s > HOUR_S:
        on_grid = on_grid and len(stamps.minutes) == 1
    return on_grid and all(gap % interval_s == 0 for gap in stamps.gaps)


def grid_of(interval_s: int, residue_s: int, shifts_s: Iterable[int]) -> int | None:
    """Return the step [minutes] whose slots make up whole intervals, or None.

    residue_s : where an interval starts, from midnight of the printed clock [s].
    shifts_s : how far the series' own clock is from the printed one, at any time in the file [s].
    """
    if interval_s < MINUTE_S:
        return 1
    if DAY_S % interval_s:
        return None
    offsets = [(residue_s + shift) % interval_s for shift in shifts_s]
    if interval_s == DAY_S and not any(offsets):
        return DAY_S // MINUTE_S
    common_s = gcd(interval_s, HOUR_S, *offsets)
    minutes = common_s // MINUTE_S
    return minutes if common_s % MINUTE_S == 0 and minutes in STEPS else None
