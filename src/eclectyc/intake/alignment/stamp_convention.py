"""Do a file's timestamps mark the start or the end of periods, and by which clock? Weigh the evidence. Pure.

In this order (docs/imports.md): what was requested; what the file declares; the midnight trap; the shift that agrees
with stored readings; the first and last timestamp of every meter, if unanimous. Else *start* is assumed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from eclectyc.intake.alignment.clocks import DAY_S, Clock
from eclectyc.intake.alignment.interval_detection import ChannelStamps
from eclectyc.intake.alignment.reading_arrays import POSITION_DAY_S, DayRows, ReadingRows, distinct
from eclectyc.readers.blocks import Stamps

MIN_COMPARED = 8  # slots: fewer prove nothing


@dataclass(frozen=True, slots=True)
class StampConclusion:
    """The convention of a file's timestamps, and the evidence for it.

    closes_midnight : the last interval of day D is labelled ``D 00:00`` (the midnight trap).
    """

    stamps: Stamps
    why: str
    is_assumed: bool = False
    closes_midnight: bool = False


def conclude(
    *,
    requested: Stamps | None,
    declared: Stamps | None,
    declared_why: str,
    has_trap: bool,
    agreed_shift: int | None,
    edges: Iterable[Stamps | None],
) -> StampConclusion:
    """Weigh the evidence in its order.

    agreed_shift : slots by which the timestamps, read as starts, differ from stored readings.
    edges : what each meter's first and last timestamp suggest (see :func:`edge_of`).
    """
    if requested:
        return StampConclusion(requested, "your setting", closes_midnight=has_trap and requested == "end")
    if declared:
        return StampConclusion(declared, declared_why, closes_midnight=has_trap and declared == "end")
    if has_trap:
        return StampConclusion("end", "00:00 is next to 23:30 of the same date", closes_midnight=True)
    if agreed_shift in (0, -1):
        return StampConclusion("start" if agreed_shift == 0 else "end", "this way the readings agree with stored ones")
    suggested = set(edges)
    if suggested == {"start"}:
        return StampConclusion("start", "every meter runs from 00:00 to the last period of a day")
    if suggested == {"end"}:
        return StampConclusion("end", "every meter runs from the first period's end to 00:00")
    return StampConclusion("start", "the file does not show it", is_assumed=True)


def edge_of(first: int, last: int, interval_s: int) -> Stamps | None:
    """Return the convention that a meter's first and last timestamp [s] suggest, or None.

    >>> edge_of(0, 86_400 - 1_800, 1_800)
    'start'
    >>> edge_of(1_800, 86_400, 1_800)
    'end'
    """
    if interval_s >= DAY_S:
        return None
    opens, closes = first % DAY_S, last % DAY_S
    if opens == 0 and closes == DAY_S - interval_s:
        return "start"
    if opens == interval_s and closes == 0:
        return "end"
    return None


def has_midnight_trap(channels: Iterable[tuple[ChannelStamps, int]]) -> bool:
    """Return whether ``D 00:00`` closes day D: it is next to the last period's timestamp of the same date.

    channels : statistics and interval [s] of each channel. The jump goes against the direction of the rows, and most
    midnights must have it: one row out of order proves nothing.
    """
    return any(
        0 < stamps.midnights <= 2 * stamps.traps[interval_s, stamps.is_newest_first] for stamps, interval_s in channels
    )


def agreeing_shift(imported: np.ndarray, stored: np.ndarray) -> int | None:
    """Return by how many slots (0, -1 or 1) ``imported`` must move to agree with ``stored``; None if not clear.

    imported, stored : one value per slot of the same span, float64, NaN = missing; read as period starts.
    """
    shares = {}
    moving = np.r_[False, imported[1:] != imported[:-1]]  # flat stretches agree with any shift
    for shift in (0, -1, 1):
        moved = np.full_like(stored, np.nan)
        if shift == 0:
            moved[:] = stored
        elif shift < 0:
            moved[1:] = stored[:-1]
        else:
            moved[:-1] = stored[1:]
        compared = moving & ~np.isnan(imported) & ~np.isnan(moved)
        if compared.sum() < MIN_COMPARED:
            return None
        shares[shift] = float(np.isclose(imported[compared], moved[compared], rtol=1e-9, atol=1e-9).mean())
    best = max(shares, key=lambda s: shares[s])
    others = max(share for shift, share in shares.items() if shift != best)
    return best if shares[best] >= 0.9 and others <= 0.5 else None


@dataclass(slots=True)
class ClockEvidence:
    """Signs that a file's clock never changes, collected block by block.

    A fixed clock shows times that a local clock skips. Days of 48 columns contain them too, but there zeros are
    padding: in the gap (the columns are clock times) or in the last columns (they are positions).
    """

    inside: int = 0  # stamps within a spring gap, its first moment aside
    opening: Counter[tuple[int, int]] = field(default_factory=Counter)  # (channel, gap) at the gap's first moment
    closing: set[tuple[int, int]] = field(default_factory=set)  # (channel, gap) at its end
    columns: Counter[str] = field(default_factory=Counter)  # fixed, clock or position: spring days that suggest it

    def add_rows(self, rows: ReadingRows, clock: Clock) -> None:
        """Add printed times of a file whose sites have ``clock``."""
        if rows.kind == "position":
            self._add_positions(rows, clock)
            return
        if rows.kind != "clock" or clock.is_fixed:
            return
        opens, closes = _gaps(clock)
        for nth in np.flatnonzero(np.isin(opens // DAY_S, distinct(rows.day))).tolist():
            after = rows.at - opens[nth]
            width = closes[nth] - opens[nth]
            self.inside += int(((after > 0) & (after < width)).sum())
            self.opening.update((channel, nth) for channel in rows.channel[after == 0].tolist())
            self.closing.update((channel, nth) for channel in rows.channel[after == width].tolist())

    def _add_positions(self, rows: ReadingRows, clock: Clock) -> None:
        opens, closes = _gaps(clock)
        for open_s, close_s in zip(opens.tolist(), closes.tolist(), strict=True):
            of_day = rows.where(rows.day == open_s // DAY_S)
            second = of_day.at % POSITION_DAY_S
            if not (second >= DAY_S - (close_s - open_s)).any():
                continue
            filled = np.nan_to_num(of_day.value) != 0
            in_gap = (second >= open_s % DAY_S) & (second < open_s % DAY_S + close_s - open_s)
            is_last = second >= DAY_S - (close_s - open_s)
            for channel in np.unique(of_day.channel).tolist():
                mine = filled & (of_day.channel == channel)
                self.columns[_column_sign(bool((mine & in_gap).any()), bool((mine & is_last).any()))] += 1

    def add_days(self, days: DayRows, clock: Clock) -> None:
        """Add the spring days of a file with a column for each period of 24 hours."""
        width = DAY_S // 60 // days.step
        if days.values.shape[1] < width or width == 1:
            return
        opens, closes = _gaps(clock)
        step_s = days.step * 60
        for open_s, close_s in zip(opens.tolist(), closes.tolist(), strict=True):
            filled = np.nan_to_num(days.values[days.day == open_s // DAY_S, :width]) != 0
            skipped = (close_s - open_s) // step_s
            first = open_s % DAY_S // step_s
            for row in filled:
                sign = _column_sign(bool(row[first : first + skipped].any()), bool(row[-skipped:].any()))
                if sign != "clock" or days.values.shape[1] == width:  # columns beyond 24 hours can only be positions
                    self.columns[sign] += 1

    def is_fixed(self, stamps: Stamps) -> bool:
        """Return whether the clock is fixed, given what the timestamps mark.

        An end at the gap's first moment is the moment of the change: it counts only if the gap's other end is
        there as well.
        """
        opening = self.opening if stamps == "start" else {key for key in self.opening if key in self.closing}
        return self.inside > 0 or bool(opening) or self.columns["fixed"] > 0

    def columns_by_clock(self, headed_by_clock: bool) -> bool:
        """Return whether columns are clock times rather than positions, if spring days show it."""
        clock, position = self.columns["clock"], self.columns["position"]
        return headed_by_clock if clock == position else clock > position


def _gaps(clock: Clock) -> tuple[np.ndarray, np.ndarray]:
    forward = clock.offsets[1:] > clock.offsets[:-1]
    return (clock.changes + clock.offsets[:-1])[forward], (clock.changes + clock.offsets[1:])[forward]


def _column_sign(gap_filled: bool, last_filled: bool) -> str:
    if gap_filled and last_filled:
        return "fixed"
    if last_filled:
        return "clock"
    return "position" if gap_filled else "nothing"


def shifts_between(printed: Clock, own: Clock, first: int, last: int) -> set[int]:
    """Return how far ``own`` is from ``printed`` [s] at any time between two instants, also within a change day."""
    at = np.unique(np.clip(np.r_[first, last, printed.changes, own.changes], first, last))
    shifts = set((own.to_wall(at) - printed.to_wall(at)).tolist())
    for instant in own.changes[(own.changes >= first) & (own.changes <= last)]:
        # After a change, a day's elapsed time runs ahead of or behind its clock.
        before, after = own.to_wall(np.array([instant - 1, instant])) - np.array([instant - 1, instant])
        shifts.update({s + int(before - after) for s in shifts} if printed.name == own.name else set())
    return shifts


def unanimous_edges(channels: Mapping[int, ChannelStamps], intervals_s: Mapping[int, int]) -> list[Stamps | None]:
    """Return what each channel's first and last timestamp suggest; channels of whole days are left out."""
    return [
        edge_of(stamps.first, stamps.last, intervals_s[channel])
        for channel, stamps in channels.items()
        if intervals_s[channel] < DAY_S
    ]
