"""Interpret a file that has been read: its timestamps, its clock, the step of each channel."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from eclectyc.intake.alignment.clocks import DAY_S, MINUTE_S, Clock
from eclectyc.intake.alignment.collect import FileReadings
from eclectyc.intake.alignment.interval_detection import HOUR_S, ChannelStamps, grid_of, interval_of
from eclectyc.intake.alignment.stamp_convention import (
    StampConclusion,
    conclude,
    has_midnight_trap,
    shifts_between,
    unanimous_edges,
)
from eclectyc.intake.alignment.to_slots import NOT_IMPORTED, ChannelPlan, Convention
from eclectyc.intake.resolve import Channel, Point
from eclectyc.kernel.days import DEFAULT_ZONE
from eclectyc.readers.blocks import LineError, Recognition, Stamps

Agreement = Callable[[FileReadings, "FilePlan"], int | None]


@dataclass(frozen=True, slots=True)
class Target:
    """The series that readings will belong to: a quantity of a point, in one unit, at one step [minutes]."""

    point: Point
    quantity: str
    unit: str
    step: int
    zone: int  # index of its clock among the plan's
    register: str = ""


@dataclass(frozen=True, slots=True)
class FilePlan:
    """The interpretation of a file. ``columns_by_clock`` : whether columns are clock times; None: as their headings."""

    channels: ChannelPlan
    targets: list[Target]
    zones: list[str]
    convention: Convention
    conclusion: StampConclusion | None  # None if the file has no timestamps to interpret
    columns_by_clock: bool | None
    timezone: str
    warnings: list[str] = field(default_factory=list)
    rejected: list[tuple[LineError, int]] = field(default_factory=list)  # with the channel of the lines it covers


def interpret(
    collected: FileReadings,
    seen: Recognition,
    *,
    stamps: Literal["auto", "start", "end"],
    timezone: str,
    agrees: Agreement,
) -> FilePlan:
    """Weigh the evidence of the whole file. ``timezone`` is the requested zone, or empty."""
    zones = collected.zones()
    clocks = [collected.clock(zone) for zone in zones]
    declared = timezone or seen.timezone
    printed = collected.clock(declared) if declared else None
    common_s = collected.census.common_interval_s()
    channels = range(len(collected.resolver.channels))
    intervals_s = {number: _interval_s(collected, number, common_s, seen.step) for number in channels}
    first = Convention(printed=printed)
    plan = _plan(collected, list(zones), clocks, intervals_s, first)
    conclusion = _conclusion(collected, seen, stamps, intervals_s, plan, agrees) if collected.census.channels else None
    convention = first
    warnings: list[str] = []
    if conclusion:
        convention = Convention(conclusion.stamps, conclusion.closes_midnight, printed)
        warnings += _stamp_warnings(conclusion, _edges(collected, intervals_s, plan))
    elif stamps not in ("auto", seen.stamps):
        why = f"{seen.stamps_why} give the period of each column" if seen.stamps_why else "each row is a whole day"
        warnings.append(f"--stamps {stamps} is not applied: {why}.")
    by_clock = None
    if printed is None:
        by_clock = _columns_by_clock(collected)
        if collected.evidence.is_fixed(convention.stamps):
            fixed = clocks[0].winter()
            convention = replace(convention, printed=fixed)
            warnings.append(
                f"The file contains times that {clocks[0].name} skips in spring, so its times are read as "
                f"{fixed.name} all year."
            )
    if convention is not first:
        plan = _plan(collected, list(zones), clocks, intervals_s, convention)
    return replace(
        plan,
        conclusion=conclusion,
        columns_by_clock=by_clock,
        timezone=convention.printed.name if convention.printed else ", ".join(zones),
        warnings=warnings + plan.warnings,
    )


def _stamp_warnings(conclusion: StampConclusion, edges: list[Stamps | None]) -> list[str]:
    if conclusion.is_assumed:
        return [
            "The file does not show whether times mark the start or the end of each period. Start is assumed; "
            "change it with --stamps end if that is wrong."
        ]
    if conclusion.stamps == "end" and not conclusion.closes_midnight and set(edges) == {"start"}:
        return [
            "Times are the ends of periods, yet every meter runs from 00:00 to the last period of a day. If 00:00 "
            "means the end of its own date, the midnight readings are stored a day too early."
        ]
    return []


def _conclusion(
    collected: FileReadings,
    seen: Recognition,
    requested: Literal["auto", "start", "end"],
    intervals_s: dict[int, int],
    plan: FilePlan,
    agrees: Agreement,
) -> StampConclusion | None:
    census = collected.census.channels
    if all(intervals_s[channel] >= DAY_S for channel in census) and requested == "auto" and seen.stamps is None:
        return None  # whole days: the timestamp is the day
    trap = seen.closes_midnight or has_midnight_trap(
        (stamps, intervals_s[channel]) for channel, stamps in census.items()
    )
    needs_agreement = requested == "auto" and seen.stamps is None and not trap
    return conclude(
        requested=None if requested == "auto" else requested,
        declared=seen.stamps,
        declared_why=seen.stamps_why,
        has_trap=trap,
        agreed_shift=agrees(collected, plan) if needs_agreement else None,
        edges=_edges(collected, intervals_s, plan),
    )


def _edges(collected: FileReadings, intervals_s: dict[int, int], plan: FilePlan) -> list[Stamps | None]:
    """Return what first and last timestamps suggest, by the printed clock; of instants also by the sites' own."""
    census = collected.census.channels
    edges = unanimous_edges(census, intervals_s)
    if collected.kinds == {"instant"} and set(edges) not in ({"start"}, {"end"}):
        edges = unanimous_edges(
            {channel: _on_wall(stamps, _own(plan, channel)) for channel, stamps in census.items()}, intervals_s
        )
    return edges


def _own(plan: FilePlan, channel: int) -> Clock:
    return plan.channels.clocks[int(plan.channels.zone[channel])]


def _on_wall(stamps: ChannelStamps, own: Clock) -> ChannelStamps:
    first, last = own.to_wall(np.array([stamps.first, stamps.last])).tolist()
    return ChannelStamps(first=first, last=last)


def _interval_s(collected: FileReadings, number: int, common_s: int | None, declared: int | None) -> int:
    """Return the length of one reading of a channel [s]."""
    if (stated_s := collected.steps_s.get(number) or collected.stated_s.get(number)) is not None:
        return stated_s
    channel = collected.resolver.channels[number]
    stored = {s.step for s in channel.point.series if (s.quantity, s.unit) == (channel.quantity, channel.unit)}
    return interval_of(
        collected.census.channels[number],
        declared=declared,
        stored_steps=stored,
        common_s=common_s,
        usual=channel.point.step,
    )


def _columns_by_clock(collected: FileReadings) -> bool | None:
    signs = collected.evidence.columns
    return None if signs["clock"] == signs["position"] else collected.evidence.columns_by_clock(False)


def _plan(
    collected: FileReadings, zones: list[str], clocks: list[Clock], intervals_s: dict[int, int], convention: Convention
) -> FilePlan:
    """Give each channel its target, step and factor; reject a channel that fits no step."""
    channels = collected.resolver.channels
    size = len(channels)
    read = ChannelPlan(
        target=np.full(size, NOT_IMPORTED, np.int32),
        zone=np.zeros(size, np.int32),
        clocks=tuple(clocks),
        interval_s=np.ones(size, np.int64),
        residue_s=np.zeros(size, np.int64),
        grid_s=np.ones(size, np.int64),
        factor=np.ones(size),
        additive=np.ones(size, bool),
        mean_of_day=np.zeros(size, bool),
    )
    targets: dict[tuple[str, str, str, str, int], Target] = {}
    order: dict[tuple[str, str, str, str, int], int] = {}
    rejected, finer = [], []
    shifts = _ClockShifts(collected, clocks, convention)
    for number, channel in enumerate(channels):
        if not channel.is_accepted:
            continue
        zone, interval_s = zones.index(channel.point.zone or DEFAULT_ZONE), intervals_s[number]
        residue_s = _residue_s(collected.census.channels.get(number), interval_s)
        step = grid_of(interval_s, residue_s, shifts.for_channel(number, zone))
        if step is None:
            rejected.append((_unsupported_interval(channel, interval_s), number))
            continue
        if step * MINUTE_S < interval_s:
            finer.append(channel.point.identifier)
        key = (channel.point.identifier, channel.quantity, channel.unit, channel.register, step)
        targets.setdefault(key, Target(channel.point, channel.quantity, channel.unit, step, zone, channel.register))
        read.target[number] = order.setdefault(key, len(order))
        read.zone[number], read.interval_s[number], read.residue_s[number] = zone, interval_s, residue_s
        read.grid_s[number] = step * MINUTE_S
        read.factor[number] = channel.factor * (interval_s / HOUR_S if channel.is_power else 1.0)
        read.mean_of_day[number] = channel.is_power and interval_s == DAY_S
        read.additive[number] = channel.is_additive
    warnings = [_finer_step_warning(finer)] if finer else []
    return FilePlan(read, list(targets.values()), zones, convention, None, None, "", warnings, rejected)


class _ClockShifts:
    """How far a channel's printed clock is from the clock of its days [s], calculated once for each pair of clocks."""

    def __init__(self, collected: FileReadings, clocks: list[Clock], convention: Convention) -> None:
        self._collected = collected
        self._clocks = clocks
        self._printed = convention.printed
        self._known: dict[tuple[int, str], set[int]] = {}

    def for_channel(self, channel: int, zone: int) -> set[int]:
        is_column = channel in self._collected.steps_s
        if is_column and self._printed is None and channel not in self._collected.clock_channels:
            return {0}  # positions in the local day are on its grid, whatever the clocks do
        own = self._clocks[zone]
        printed = self._printed or own
        if not is_column and self._collected.kinds == {"instant"}:
            printed = Clock.fixed(0)
        key = (zone, printed.name)
        if key not in self._known:
            first, last = self._collected.first_day * DAY_S, (self._collected.last_day + 1) * DAY_S
            self._known[key] = shifts_between(printed, own, first, last)
        return self._known[key]


def _residue_s(stamps: ChannelStamps | None, interval_s: int) -> int:
    """Return the offset of interval starts from midnight of the printed clock [s], modulo the interval."""
    if stamps is None or interval_s < MINUTE_S:
        return 0
    return (stamps.residue_s if interval_s <= HOUR_S else stamps.first) % interval_s


def _unsupported_interval(channel: Channel, interval_s: int) -> LineError:
    apart = f"{interval_s // MINUTE_S} minutes" if interval_s < DAY_S else f"{interval_s / DAY_S:g} days"
    identifier = channel.point.identifier
    return LineError(
        channel.first_line,
        "",
        f"The {channel.rows} rows of meter {identifier} are {apart} apart. Such intervals are not supported.",
        "Supply readings every 1 to 60 minutes (a divisor of 60), or daily.",
    )


def _finer_step_warning(identifiers: Iterable[str]) -> str:
    several = list(dict.fromkeys(identifiers))
    shown = ", ".join(several[:5]) + (f" and {len(several) - 5} more" if len(several) > 5 else "")
    return (
        f"The periods of {shown} do not start on the boundaries of the local day's intervals. "
        "Their readings are spread over shorter intervals."
    )
