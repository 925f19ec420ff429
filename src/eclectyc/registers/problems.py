"""Describe what could not be calculated: which register, when, and what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from eclectyc.kernel.plurals import counted
from eclectyc.registers.advances import Fall, ReadSequences
from eclectyc.registers.calendar import LocalDays
from eclectyc.registers.combine import DeviceOverlap
from eclectyc.registers.devices import Groups
from eclectyc.registers.register_config import START, RegisterConfig


@dataclass(frozen=True, slots=True)
class RecalculatedDays:
    """The days of each target [since 1970] that are recalculated, half-open, and their zone."""

    days: LocalDays
    first: np.ndarray
    end: np.ndarray

    def contains(self, target: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Return which days [since 1970] of targets are recalculated."""
        return (day >= self.first[target]) & (day < self.end[target])

    def touches(self, target: int, start_s: int, end_s: int) -> bool:
        """Return whether a span of a target touches such a day."""
        first, last = (int(at) + self.days.first for at in self.days.index_of(np.array([start_s, end_s])))
        return bool(first < self.end[target] and last >= self.first[target])

    def format_time(self, at_s: int) -> str:
        """Return a moment in local time."""
        return f"{datetime.fromtimestamp(at_s, UTC).astimezone(self.days.zone):%Y-%m-%d %H:%M}"


def describe_falls(config: RegisterConfig, groups: Groups, falls: list[Fall], days: RecalculatedDays) -> Iterator[str]:
    for fall in falls:
        target = int(groups.target[fall.group])
        if not days.touches(target, fall.start_s, fall.end_s):
            continue
        register, start = groups.registers[fall.group], days.format_time(fall.start_s)
        name = f"Meter {config.points[register.point].identifier}, register {register.name or '(the only one)'}"
        if fall.start_s == fall.end_s:
            digits = f" of {counted(register.digits, 'digit')}" if register.digits else ""
            yield f"{name}: a register{digits} cannot show {fall.after:g} ({start}); the read is stored but not used."
        else:
            yield (
                f"{name} fell from {fall.before:g} ({start}) to {fall.after:g} ({days.format_time(fall.end_s)}) for no "
                "known reason: no use is stored between the two. If it rolled over, enter its number of digits; if it "
                "was exchanged or reset, record that; otherwise correct the read."
            )


def describe_overlaps(
    config: RegisterConfig, groups: Groups, overlaps: list[DeviceOverlap], days: RecalculatedDays
) -> Iterator[str]:
    seen: set[tuple[int, str]] = set()
    for one in overlaps:
        if (one.target, one.counted) in seen or not days.touches(one.target, one.start_s, one.end_s):
            continue
        seen.add((one.target, one.counted))
        point = config.points[groups.targets[one.target][0]].identifier
        text = f"Meter {point}: several devices have reads at the same time (from {days.format_time(one.start_s)})"
        if one.counted:
            yield f"{text}; only {one.counted} is counted, the device installed then."
        else:
            yield (
                f"{text}, and it is not known which one is installed: no use is stored for that time. Record the "
                "device exchange, or mark the devices as counting side by side."
            )


def describe_lagging(
    config: RegisterConfig, groups: Groups, sequences: ReadSequences, days: RecalculatedDays
) -> Iterator[str]:
    """Name registers that were not read when the others of their device were: the sum waits for them."""
    last = np.full(len(groups.registers), START)
    np.maximum.at(last, sequences.group, sequences.at_s)
    of_device: dict[tuple[int, str], list[int]] = {}
    for number in np.flatnonzero(last > START).tolist():
        of_device.setdefault((int(groups.target[number]), groups.registers[number].key[0]), []).append(number)
    for (target, _), members in of_device.items():
        newest = max(int(last[number]) for number in members)
        for number in members:
            register = groups.registers[number]
            if last[number] < min(newest, register.until_s) and days.touches(target, int(last[number]), newest):
                yield (
                    f"Meter {config.points[register.point].identifier}: register {register.name} has no read after "
                    f"{days.format_time(int(last[number]))}, so no use is calculated after that. If the register is no "
                    "longer read, enter the day from which it is not."
                )
