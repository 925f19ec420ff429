"""What could not be worked out, in words: which register, when, and what to do about it. Pure."""

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
    """What lies within the days to be worked out anew, and how moments are printed."""

    days: LocalDays
    first: np.ndarray
    end: np.ndarray

    def contains(self, target: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Say which days [since 1970] of targets are to be worked out."""
        return (day >= self.first[target]) & (day < self.end[target])

    def touches(self, target: int, start_s: int, end_s: int) -> bool:
        """Say whether a span of a target touches such a day."""
        first, last = (int(at) + self.days.first for at in self.days.index_of(np.array([start_s, end_s])))
        return bool(first < self.end[target] and last >= self.first[target])

    def format_time(self, at_s: int) -> str:
        """Print a moment by the local clock."""
        return f"{datetime.fromtimestamp(at_s, UTC).astimezone(self.days.zone):%Y-%m-%d %H:%M}"


def describe_falls(facts: RegisterConfig, groups: Groups, falls: list[Fall], inside: RecalculatedDays) -> Iterator[str]:
    for fall in falls:
        target = int(groups.target[fall.group])
        if not inside.touches(target, fall.start_s, fall.end_s):
            continue
        register = groups.registers[fall.group]
        what = f"Meter {facts.points[register.point].identifier}, register {register.name or '(the only one)'}"
        if fall.start_s == fall.end_s:
            digits = f" of {counted(register.digits, 'digit')}" if register.digits else ""
            yield f"{what}: a register{digits} cannot show {fall.after:g} ({inside.format_time(fall.start_s)}); the read is " \
                  "kept and not counted."  # fmt: skip
        else:
            yield (
                f"{what} fell from {fall.before:g} ({inside.format_time(fall.start_s)}) to {fall.after:g} "
                f"({inside.format_time(fall.end_s)}), and nothing explains it: no use is stored between the two. If it rolled "
                "over, say how many digits it has; if it was exchanged or set back, write that down; else correct the "
                "read."
            )


def describe_overlaps(
    facts: RegisterConfig, groups: Groups, overlaps: list[DeviceOverlap], inside: RecalculatedDays
) -> Iterator[str]:
    seen: set[tuple[int, str]] = set()
    for one in overlaps:
        if (one.target, one.counted) in seen or not inside.touches(one.target, one.start_s, one.end_s):
            continue
        seen.add((one.target, one.counted))
        point = facts.points[groups.targets[one.target][0]].identifier
        if one.counted:
            yield f"Meter {point}: several devices count at one time (from {inside.format_time(one.start_s)}); {one.counted} " \
                  "is the one it has then, and alone is counted."  # fmt: skip
        else:
            yield (
                f"Meter {point}: several devices count at one time (from {inside.format_time(one.start_s)}), and nothing "
                "tells which is the meter's: no use is stored for it. Write the exchange down, or declare that they "
                "count beside each other."
            )


def describe_lagging(
    facts: RegisterConfig, groups: Groups, standing: ReadSequences, inside: RecalculatedDays
) -> Iterator[str]:
    """Name registers that were not read when the others of their device were: the sum waits for them."""
    last = np.full(len(groups.registers), START)
    np.maximum.at(last, standing.group, standing.at_s)
    of_device: dict[tuple[int, str], list[int]] = {}
    for number in np.flatnonzero(last > START).tolist():
        of_device.setdefault((int(groups.target[number]), groups.registers[number].key[0]), []).append(number)
    for (target, _), members in of_device.items():
        newest = max(int(last[number]) for number in members)
        for number in members:
            register = groups.registers[number]
            if last[number] < min(newest, register.until_s) and inside.touches(target, int(last[number]), newest):
                yield (
                    f"Meter {facts.points[register.point].identifier}: register {register.name} has no read after "
                    f"{inside.format_time(int(last[number]))}; the use after that waits for it. If nobody reads it any more, "
                    "say since when."
                )
