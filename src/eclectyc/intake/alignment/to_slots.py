"""From printed timestamps to slots of the local day. Pure: arrays in, arrays out.

A timestamp is read by the file's clock, becomes the instants at which its period starts and ends, and then a slot of
the day on the clock of the series' own zone. An end is localised as printed and only then stepped back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from eclectyc.intake.alignment.clocks import DAY_S, MINUTE_S, Clock
from eclectyc.intake.alignment.interval_detection import ChannelStamps
from eclectyc.intake.alignment.reading_arrays import POSITION_DAY_S, ReadingRows
from eclectyc.intake.alignment.repeated_hour import copies_elsewhere, second_occurrences
from eclectyc.kernel.quality import ACTUAL, DERIVED, ESTIMATED, UNFLAGGED
from eclectyc.readers.blocks import Stamps

NOT_IMPORTED = -1


@dataclass(frozen=True, slots=True)
class ChannelPlan:
    """How the rows of each channel are read; every array has shape (channels,).

    target : index of the target series, NOT_IMPORTED if the channel is rejected (its meter is unknown).
    zone : index of the series' clock in ``clocks``. interval_s, grid_s : length of a reading and of a slot.
    residue_s : where intervals start, from midnight of the printed clock, modulo the interval.
    factor : from the printed unit to the canonical one, a power's hours included.
    additive : whether a longer reading is the sum of its parts (energy), not their mean (temperature).
    mean_of_day : whether a reading is the mean power of a day. ``factor`` is then for 24 hours; a day on which the
        clocks change has one more or fewer.
    """

    target: np.ndarray
    zone: np.ndarray
    clocks: tuple[Clock, ...]
    interval_s: np.ndarray
    residue_s: np.ndarray
    grid_s: np.ndarray
    factor: np.ndarray
    additive: np.ndarray
    mean_of_day: np.ndarray

    def each(self, name: str, channel: np.ndarray) -> np.ndarray:
        """Return a property of each row's channel; a single value if all imported channels share it."""
        values: np.ndarray = getattr(self, name)
        imported = values[self.target != NOT_IMPORTED]
        if len(imported) and (imported == imported[0]).all():
            return imported[0]
        return values[channel]


@dataclass(frozen=True, slots=True)
class Convention:
    """How a file's timestamps are read. ``printed`` is the clock they were printed by; None: each site's own."""

    stamps: Stamps = "start"
    closes_midnight: bool = False
    printed: Clock | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Rows rejected for one reason: line numbers, shape (rows,); the reason names the first one's timestamp."""

    lines: np.ndarray
    reason: str
    remedy: str


@dataclass(slots=True)
class SlotValues:
    """Values with their slots; every array has shape (slots,). day [days since 1970], line: the file's own."""

    target: np.ndarray
    day: np.ndarray
    slot: np.ndarray
    value: np.ndarray
    quality: np.ndarray
    line: np.ndarray

    def __len__(self) -> int:
        return len(self.target)

    def where(self, chosen: np.ndarray) -> SlotValues:
        """Return the slots of a mask or of indices."""
        return SlotValues(
            self.target[chosen],
            self.day[chosen],
            self.slot[chosen],
            self.value[chosen],
            self.quality[chosen],
            self.line[chosen],
        )


@dataclass(slots=True)
class Alignment:
    """Rows aligned with slots, and those that were rejected."""

    slots: SlotValues
    refusals: list[Refusal] = field(default_factory=list)
    single_hours: set[tuple[int, int]] = field(default_factory=set)  # (channel, day): see repeated_hour.py
    sorted_hours: set[tuple[int, int]] = field(default_factory=set)


def align(rows: ReadingRows, plan: ChannelPlan, how: Convention, channels: Mapping[int, ChannelStamps]) -> Alignment:
    """Align readings with the slots of their series' local days. Rows without a value are dropped."""
    if (plan.target == NOT_IMPORTED).any():
        rows = rows.where(plan.target[rows.channel] != NOT_IMPORTED)
    is_blank = np.isnan(rows.value)
    if is_blank.any():
        rows = rows.where(~is_blank)
    aligned = Alignment(no_slots())
    if len(rows) == 0:
        return aligned
    rows = _on_grid(rows, plan, aligned)
    parts = []
    for zone, own in enumerate(plan.clocks):
        mine = rows if len(plan.clocks) == 1 else rows.where(plan.zone[rows.channel] == zone)
        if len(mine):
            mine, starts, ends = _periods(mine, plan, how, own, channels, aligned)
            if len(mine):
                parts.append(_slots_of(mine, starts, ends, plan, own))
    if parts:
        aligned.slots = parts[0] if len(parts) == 1 else concat_slots(parts)
    return aligned


def concat_slots(parts: list[SlotValues]) -> SlotValues:
    return SlotValues(
        *(
            np.concatenate([getattr(p, name) for p in parts]) for name in SlotValues.__dataclass_fields__
        )  # in their order
    )


def no_slots() -> SlotValues:
    """Return an empty set of slots."""
    whole = np.empty(0, np.int32)
    return SlotValues(whole, whole, whole, whole.astype(float), whole.astype(np.int8), whole.astype(np.int64))


def _on_grid(rows: ReadingRows, plan: ChannelPlan, aligned: Alignment) -> ReadingRows:
    interval = plan.each("interval_s", rows.channel)
    off = ((rows.at - plan.each("residue_s", rows.channel)) % interval != 0) & (interval >= MINUTE_S)
    if not off.any():
        return rows
    first = rows.where(off)
    minutes = int(plan.interval_s[first.channel[0]]) // MINUTE_S
    shown = np.datetime64(int(first.at[0]), "s").astype("datetime64[s]").item().strftime("%H:%M:%S")
    aligned.refusals.append(
        Refusal(
            first.line,
            f"{shown} does not fit the {minutes}-minute interval of this meter's other times.",
            "Correct the time.",
        )
    )
    return rows.where(~off)


def _periods(
    rows: ReadingRows,
    plan: ChannelPlan,
    how: Convention,
    own: Clock,
    channels: Mapping[int, ChannelStamps],
    aligned: Alignment,
) -> tuple[ReadingRows, np.ndarray, np.ndarray]:
    """Return the rows whose times exist, and the instants [s] at which their periods start and end."""
    clock = how.printed or own
    interval = plan.each("interval_s", rows.channel)
    if rows.kind == "position":
        rows, starts = _positions(rows, clock, aligned)
        return rows, starts, starts + plan.each("interval_s", rows.channel)
    if rows.kind == "instant":
        starts = rows.at if how.stamps == "start" else rows.at - interval
        return rows, starts, starts + interval
    at = rows.at
    if how.closes_midnight:
        at = np.where(at % DAY_S == 0, at + DAY_S, at)
    by_start = how.stamps == "start" or _ends_are_stepped_starts(at, rows, clock)
    if how.stamps == "end" and by_start:
        at = at - interval
    rows = ReadingRows("clock", rows.channel, rows.line, at, rows.value, rows.quality)
    rows = _existing(rows, clock, by_start, aligned)
    occurrences = second_occurrences(rows, clock, channels)
    starts = ends = clock.to_instants(rows.at, occurrences.second)
    if by_start:
        ends = starts + plan.each("interval_s", rows.channel)
    else:
        starts = ends - plan.each("interval_s", rows.channel)
    aligned.single_hours |= occurrences.single
    aligned.sorted_hours |= occurrences.pairs
    return rows, *_whole_days(rows, starts, ends, plan, clock, by_start)


def _whole_days(
    rows: ReadingRows, starts: np.ndarray, ends: np.ndarray, plan: ChannelPlan, clock: Clock, by_start: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Let a day's reading last from one timestamp to the same time of the next day, even if the clocks change."""
    daily = plan.each("interval_s", rows.channel) == DAY_S
    if np.any(daily) and not clock.is_fixed:
        if by_start:
            ends = np.where(daily, clock.to_instants(rows.at + DAY_S), ends)
        else:
            starts = np.where(daily, clock.to_instants(rows.at - DAY_S), starts)
    return starts, ends


def _ends_are_stepped_starts(at: np.ndarray, rows: ReadingRows, clock: Clock) -> bool:
    """Return whether ends were printed as start plus step, ignoring the clock change: in autumn the end of the repeated
    hour then occurs twice, and its beginning once."""
    if clock.is_fixed:
        return False
    back = clock.offsets[1:] < clock.offsets[:-1]
    opens, closes = (clock.changes + clock.offsets[1:])[back], (clock.changes + clock.offsets[:-1])[back]
    near = np.isin(at, np.r_[opens, closes])
    if not near.any():
        return False
    counts = pl.DataFrame({"channel": rows.channel[near], "at": at[near]}).group_by("channel", "at").len()
    copies = copies_elsewhere(rows, at[near], near)
    twice = [
        time for channel, time, count in counts.iter_rows() if count == 2 * copies.get((channel, time // DAY_S), 1)
    ]
    return bool(np.isin(twice, closes).any()) and not bool(np.isin(twice, opens).any())


def _existing(rows: ReadingRows, clock: Clock, by_start: bool, aligned: Alignment) -> ReadingRows:
    """Reject times that the clock skips. An end at the gap's first moment is the moment of the change."""
    skipped = clock.skipped(rows.at)
    if not by_start:
        skipped &= ~np.isin(rows.at, clock.changes + clock.offsets[:-1])
    if not skipped.any():
        return rows
    padding = skipped & (rows.value == 0)
    wrong = rows.where(skipped & ~padding)
    if len(wrong):
        shown = np.datetime64(int(wrong.at[0]), "s").item().strftime("%d/%m/%Y %H:%M")
        reason = f"{shown} does not exist in {clock.name}: the clocks go forward."
        aligned.refusals.append(
            Refusal(wrong.line, reason, "Give the file's own time zone with --timezone, such as UTC.")
        )
    return rows.where(~skipped)


def _positions(rows: ReadingRows, clock: Clock, aligned: Alignment) -> tuple[ReadingRows, np.ndarray]:
    day = rows.day
    starts = clock.to_instants(day * DAY_S) + rows.at % POSITION_DAY_S
    beyond = starts >= clock.to_instants((day + 1) * DAY_S)
    if not beyond.any():
        return rows, starts
    wrong = rows.where(beyond & (rows.value != 0))
    if len(wrong):
        shown = np.datetime64(int(wrong.day[0]), "D").item().strftime("%d/%m/%Y")
        reason = f"{shown} has more periods than the day has in {clock.name}."
        aligned.refusals.append(
            Refusal(wrong.line, reason, "Check the date, or give the file's time zone with --timezone.")
        )
    return rows.where(~beyond), starts[~beyond]


def _slots_of(rows: ReadingRows, starts: np.ndarray, ends: np.ndarray, plan: ChannelPlan, own: Clock) -> SlotValues:
    """Split periods into the slots of the local day and spread their values over them."""
    channel, line, value, quality = (
        rows.channel,
        rows.line,
        rows.value * plan.each("factor", rows.channel),
        rows.quality,
    )
    if plan.mean_of_day.any():
        value = np.where(plan.each("mean_of_day", channel), value * ((ends - starts) / DAY_S), value)
    grid = plan.each("grid_s", channel)
    if (plan.interval_s > plan.grid_s).any():
        pieces = np.broadcast_to(np.where(grid == DAY_S, 1, -((starts - ends) // grid)), channel.shape)
        value = np.where(plan.each("additive", channel), value / pieces, value)
        measured = (quality == ACTUAL) | (quality == UNFLAGGED)
        quality = np.where((pieces > 1) & measured, np.int8(DERIVED), quality)
        within = np.arange(int(pieces.sum())) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        channel, line, value, quality, starts = (np.repeat(a, pieces) for a in (channel, line, value, quality, starts))
        grid = plan.each("grid_s", channel)
        starts = starts + within * grid
    day = own.to_wall(starts) // DAY_S
    first = int(day.min())
    midnights = own.to_instants(np.arange(first, int(day.max()) + 1) * DAY_S)
    slot = np.where(grid == DAY_S, 0, (starts - midnights[day - first]) // grid)
    slots = SlotValues(plan.target[channel], day.astype(np.int32), slot.astype(np.int32), value, quality, line)
    if (plan.interval_s[plan.target != NOT_IMPORTED] < MINUTE_S).any():
        fine = plan.interval_s[channel] < MINUTE_S
        return _to_the_minute(slots, starts, fine, plan.additive[channel])
    return slots


def _to_the_minute(slots: SlotValues, starts: np.ndarray, fine: np.ndarray, additive: np.ndarray) -> SlotValues:
    """Sum (or average) readings of less than a minute to minutes; a second that occurs twice counts once."""
    part = slots.where(fine)
    frame = pl.DataFrame(
        {
            "target": part.target,
            "day": part.day,
            "slot": part.slot,
            "value": part.value,
            "quality": part.quality,
            "line": part.line,
            "start": starts[fine],
            "additive": additive[fine],
        }
    ).unique(["target", "start"], maintain_order=True)
    value = pl.when(pl.col("additive").first()).then(pl.col("value").sum()).otherwise(pl.col("value").mean())
    summed = frame.group_by("target", "day", "slot", maintain_order=True).agg(
        value, _weakest_quality(), pl.col("line").first()
    )
    minutes = SlotValues(*(summed[name].to_numpy() for name in ("target", "day", "slot", "value", "quality", "line")))
    return concat_slots([slots.where(~fine), minutes])


def _weakest_quality() -> pl.Expr:
    estimated = pl.col("quality") == ESTIMATED
    return pl.when(estimated.any()).then(pl.lit(ESTIMATED, pl.Int8)).otherwise(pl.col("quality").max()).alias("quality")
