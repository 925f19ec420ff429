"""Combine the registers of one device, and the devices of one point. Pure.

Day and night of one device are summed: the use of a time is known once it is known for every register that is read by
then and has not ended. A missing register makes the sum missing, never low. Two devices of one point at the same time
are not summed unless they are marked as counting side by side: only the one that the meter's history has then counts;
if it has neither, the use is not known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from eclectyc.registers.advances import Advances, ReadSequences
from eclectyc.registers.devices import Groups
from eclectyc.registers.register_config import END, START, PointFacts

_SHIFT = 41  # bits for a moment [s]; what is above them orders owners
_HALF = 1 << 40


class DeviceOverlap(NamedTuple):
    """Two devices with reads at the same time. counted : the serial of the one that counts; empty if unknown."""

    target: int
    start_s: int
    end_s: int
    counted: str


@dataclass(frozen=True, slots=True)
class ReadPeriods:
    """When each part is first and last read [s], by number. first : ``END`` if it was never read. until : when the part
    ends; after that the sum does not need it."""

    first: np.ndarray
    last: np.ndarray
    until: np.ndarray

    @classmethod
    def from_times(cls, part: np.ndarray, start: np.ndarray, end: np.ndarray, until: np.ndarray) -> ReadPeriods:
        first, last = np.full(len(until), END), np.full(len(until), START)
        np.minimum.at(first, part, start)
        np.maximum.at(last, part, end)
        return cls(first, last, until)


def combine_devices(
    groups: Groups, points: list[PointFacts], advances: Advances, reads: ReadSequences
) -> tuple[Advances, list[DeviceOverlap]]:
    """Return the use of each target: advances that do not overlap, sorted by target and start."""
    if not len(advances):
        return advances, []
    device, of_device, is_beside = _devices(groups)
    single = advances.with_owner(device[advances.owner]).sorted()
    several = np.flatnonzero(np.bincount(device, minlength=len(of_device)) > 1)
    if len(several) and np.isin(single.owner, several).any():
        shared = np.isin(device[advances.owner], several)
        until = np.array([register.until_s for register in groups.registers], dtype=np.int64)
        periods = _extend_to_last_read(ReadPeriods.from_times(reads.group, reads.at_s, reads.at_s, until), device)
        summed = _sum_parts(advances.where(shared), device, periods)
        single = Advances.joined([advances.where(~shared).with_owner(device[advances.owner[~shared]]), summed]).sorted()
    target = np.array([number for number, _ in of_device], dtype=np.int64)
    every = single.with_owner(target[single.owner])
    order = np.lexsort((every.start, every.owner))
    every, owner = every.where(order), single.owner[order]
    overlapping = _overlapping(every)
    if not len(overlapping):
        return every, []
    overlaps_here = np.isin(every.owner, overlapping)
    parts, overlaps = [every.where(~overlaps_here)], []
    for number in overlapping.tolist():
        mine = every.owner == number
        serials = {one: of_device[one][1] for one in np.unique(owner[mine]).tolist()}
        point = points[groups.targets[number][0]]
        own = every.where(mine).with_owner(owner[mine])
        beside = {one for one in serials if is_beside[one]}
        combined, found = _combine_overlapping(own, serials, beside, point)
        parts.append(combined.with_owner(np.full(len(combined), number)))
        overlaps += [DeviceOverlap(number, start, end, chosen) for start, end, chosen in found]
    return Advances.joined(parts).sorted(), overlaps


def _devices(groups: Groups) -> tuple[np.ndarray, list[tuple[int, str]], list[bool]]:
    """Return the device of each group by number; each device's target and serial; whether it counts beside others."""
    number: dict[tuple[int, str], int] = {}
    beside: list[bool] = []
    of_group = []
    for register, target in zip(groups.registers, groups.target.tolist(), strict=True):
        key = target, register.key[0]
        if key not in number:
            number[key] = len(number)
            beside.append(False)
        beside[number[key]] |= register.is_beside
        of_group.append(number[key])
    return np.array(of_group, dtype=np.int64), list(number), beside


def _extend_to_last_read(periods: ReadPeriods, whole: np.ndarray) -> ReadPeriods:
    """Extend each part to the last read of its whole, or to its own end: the sum needs it until then."""
    longest = np.full(int(whole.max()) + 1, START)
    np.maximum.at(longest, whole, periods.last)
    return ReadPeriods(
        periods.first, np.maximum(periods.last, np.minimum(longest[whole], periods.until)), periods.until
    )


def _sum_parts(advances: Advances, whole: np.ndarray, periods: ReadPeriods) -> Advances:
    """Sum parts over the times between any two of their reads. whole : the number of the sum that each part adds to."""
    of = whole[advances.owner]
    read = np.flatnonzero((periods.first < periods.last) & np.isin(whole, of))
    edges = [_key(whole[read], periods.first[read]), _key(whole[read], periods.last[read])]
    keys = np.unique(np.concatenate([_key(of, advances.start), _key(of, advances.end), *edges]))
    opens, closes = keys[:-1], keys[1:]
    real = (opens >> _SHIFT) == (closes >> _SHIFT)  # within one whole
    first = np.searchsorted(keys, _key(of, advances.start))
    count = np.searchsorted(keys, _key(of, advances.end)) - first
    rows = np.repeat(np.arange(len(advances)), count)
    segment = np.repeat(first - np.cumsum(count) + count, count) + np.arange(int(count.sum()))
    length = (closes - opens)[segment]
    share = length / (advances.end - advances.start)[rows]
    size = len(opens)
    known = advances.is_known[rows]
    use = np.bincount(segment, np.where(known, advances.use[rows], 0.0) * share, minlength=size)
    sound = np.bincount(segment, known, minlength=size)
    there = np.bincount(segment, minlength=size)
    estimated = np.bincount(segment, advances.is_estimated[rows], minlength=size) > 0
    fits = np.bincount(segment, advances.is_in_one_slot[rows], minlength=size) == there
    expected = _parts_expected(keys, *edges)
    is_needed = real & (expected > 0)
    is_known = (sound >= expected) & (there == sound)
    owner = opens >> _SHIFT
    start, end = (opens & ((1 << _SHIFT) - 1)) - _HALF, (closes & ((1 << _SHIFT) - 1)) - _HALF
    combined = Advances(owner, start, end, np.where(is_known, use, np.nan), estimated, is_known, fits & is_known)
    return combined.where(is_needed)


def _parts_expected(keys: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return how many parts each time between two keys needs: those read before it that have not ended."""
    change = np.zeros(len(keys) + 1, dtype=np.int64)
    np.add.at(change, np.searchsorted(keys, begins), 1)
    np.add.at(change, np.searchsorted(keys, ends), -1)
    return np.cumsum(change)[: len(keys) - 1]


def _key(owner: np.ndarray, at_s: np.ndarray) -> np.ndarray:
    return (owner.astype(np.int64) << _SHIFT) + (at_s + _HALF)


def _overlapping(advances: Advances) -> np.ndarray:
    """Return the targets with overlapping advances, which are sorted by owner and start."""
    key_start, key_end = _key(advances.owner, advances.start), _key(advances.owner, advances.end)
    reach = np.maximum.accumulate(key_end)
    return np.unique(advances.owner[1:][key_start[1:] < reach[:-1]])


def _combine_overlapping(
    advances: Advances, serials: dict[int, str], beside: set[int], point: PointFacts
) -> tuple[Advances, list[tuple[int, int, str]]]:
    """Combine overlapping devices of one point: those that count side by side are summed, of the others one counts."""
    found: list[tuple[int, int, str]] = []
    alone = advances.where(~np.isin(advances.owner, list(beside)))
    combined = _keep_one_device(alone, serials, _device_at(point), found)
    together = advances.where(np.isin(advances.owner, list(beside)))
    if not len(together):
        return combined, found
    part = np.r_[np.searchsorted(np.unique(together.owner), together.owner) + 1, np.zeros(len(combined), np.int64)]
    both = Advances.joined([together, combined]).with_owner(part)
    whole = np.zeros(int(part.max()) + 1, dtype=np.int64)
    return _sum_parts(both, whole, ReadPeriods.from_times(both.owner, both.start, both.end, whole)), found


def _device_at(point: PointFacts) -> Callable[[int], str]:
    """Return a function that gives the serial of a point's device at a moment."""

    def at(moment_s: int) -> str:
        is_needed = (one.serial_key for one in point.devices if one.since_s <= moment_s < one.until_s)
        return next(is_needed, point.serial_key)

    return at


def _keep_one_device(
    advances: Advances, serials: dict[int, str], device_at: Callable[[int], str], found: list[tuple[int, int, str]]
) -> Advances:
    """Keep the device that is installed; if none of them is, the use of that time is not known."""
    edges = np.unique(np.r_[advances.start, advances.end])
    parts: list[Advances] = []
    for opens, closes in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        here = np.flatnonzero((advances.start <= opens) & (advances.end >= closes))
        if not len(here):
            continue
        names = {serials[int(advances.owner[n])]: int(n) for n in here}
        chosen = names.get(device_at(opens)) if len(here) > 1 else int(here[0])
        if len(here) > 1:
            found.append((opens, closes, serials[int(advances.owner[chosen])] if chosen is not None else ""))
        one = advances.where(here[:1] if chosen is None else np.array([chosen]))
        whole = (one.end == closes) & (one.start == opens)
        use = one.use * ((closes - opens) / (one.end - one.start))
        known = one.is_known & (chosen is not None)
        times, in_one_slot = (np.array([opens]), np.array([closes])), one.is_in_one_slot & whole & known
        parts.append(Advances(one.owner, *times, np.where(known, use, np.nan), one.is_estimated, known, in_one_slot))
    return Advances.joined(parts) if parts else advances
