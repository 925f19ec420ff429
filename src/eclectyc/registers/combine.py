"""Registers of one device, and devices of one point, put together. Pure.

Day and night of one device are summed: the use of a time is known once it is known of every register that is read by
then and has not ended. A missing register makes the sum missing, never low. Two devices of one point at one time are
not summed unless that is declared: the one that the meter's history has there counts, else nothing.
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
    """Two devices that count at one time, and which of them does (none: nothing tells)."""

    target: int
    start_s: int
    end_s: int
    counted: str


@dataclass(frozen=True, slots=True)
class ReadPeriods:
    """From when to when parts are read [s], by number. first : ``END`` where one was never read. until : when a part
    has ended, at which it is wanted no more."""

    first: np.ndarray
    last: np.ndarray
    until: np.ndarray

    @classmethod
    def from_times(cls, part: np.ndarray, start: np.ndarray, end: np.ndarray, until: np.ndarray) -> ReadPeriods:
        """Take them from what each part was read at, or used between."""
        first, last = np.full(len(until), END), np.full(len(until), START)
        np.minimum.at(first, part, start)
        np.maximum.at(last, part, end)
        return cls(first, last, until)


def combine_devices(
    groups: Groups, points: list[PointFacts], pieces: Advances, reads: ReadSequences
) -> tuple[Advances, list[DeviceOverlap]]:
    """Return the use of each series-to-be: pieces that do not overlap, sorted by target and start."""
    if not len(pieces):
        return pieces, []
    device, of_device, is_beside = _devices(groups)
    single = pieces.with_owner(device[pieces.owner]).sorted()
    several = np.flatnonzero(np.bincount(device, minlength=len(of_device)) > 1)
    if len(several) and np.isin(single.owner, several).any():
        shared = np.isin(device[pieces.owner], several)
        until = np.array([register.until_s for register in groups.registers], dtype=np.int64)
        lives = _extend_to_last_read(ReadPeriods.from_times(reads.group, reads.at_s, reads.at_s, until), device)
        summed = _sum_parts(pieces.where(shared), device, lives)
        single = Advances.joined([pieces.where(~shared).with_owner(device[pieces.owner[~shared]]), summed]).sorted()
    target = np.array([number for number, _ in of_device], dtype=np.int64)
    every = single.with_owner(target[single.owner])
    order = np.lexsort((every.start, every.owner))
    every, owner = every.where(order), single.owner[order]
    clashing = _overlapping(every)
    if not len(clashing):
        return every, []
    clash = np.isin(every.owner, clashing)
    parts, overlaps = [every.where(~clash)], []
    for number in clashing.tolist():
        mine = every.owner == number
        serials = {one: of_device[one][1] for one in np.unique(owner[mine]).tolist()}
        point = points[groups.targets[number][0]]
        own = every.where(mine).with_owner(owner[mine])
        beside = {one for one in serials if is_beside[one]}
        laid, found = _combine_overlapping(own, serials, beside, point)
        parts.append(laid.with_owner(np.full(len(laid), number)))
        overlaps += [DeviceOverlap(number, start, end, chosen) for start, end, chosen in found]
    return Advances.joined(parts).sorted(), overlaps


def _devices(groups: Groups) -> tuple[np.ndarray, list[tuple[int, str]], list[bool]]:
    """Return the device of each group by number; each device's target and serial; whether it is declared to count
    beside others."""
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


def _extend_to_last_read(lives: ReadPeriods, whole: np.ndarray) -> ReadPeriods:
    """Let each part be wanted until the last read of its whole, or until its own end."""
    longest = np.full(int(whole.max()) + 1, START)
    np.maximum.at(longest, whole, lives.last)
    return ReadPeriods(lives.first, np.maximum(lives.last, np.minimum(longest[whole], lives.until)), lives.until)


def _sum_parts(pieces: Advances, whole: np.ndarray, lives: ReadPeriods) -> Advances:
    """Sum parts over the times between any two of their reads. whole : of each part by number, what it is a part of."""
    of = whole[pieces.owner]
    read = np.flatnonzero((lives.first < lives.last) & np.isin(whole, of))
    edges = [_key(whole[read], lives.first[read]), _key(whole[read], lives.last[read])]
    keys = np.unique(np.concatenate([_key(of, pieces.start), _key(of, pieces.end), *edges]))
    opens, closes = keys[:-1], keys[1:]
    real = (opens >> _SHIFT) == (closes >> _SHIFT)  # within one whole
    first = np.searchsorted(keys, _key(of, pieces.start))
    count = np.searchsorted(keys, _key(of, pieces.end)) - first
    rows = np.repeat(np.arange(len(pieces)), count)
    segment = np.repeat(first - np.cumsum(count) + count, count) + np.arange(int(count.sum()))
    length = (closes - opens)[segment]
    share = length / (pieces.end - pieces.start)[rows]
    size = len(opens)
    known = pieces.is_known[rows]
    use = np.bincount(segment, np.where(known, pieces.use[rows], 0.0) * share, minlength=size)
    sound = np.bincount(segment, known, minlength=size)
    there = np.bincount(segment, minlength=size)
    estimated = np.bincount(segment, pieces.is_estimated[rows], minlength=size) > 0
    fits = np.bincount(segment, pieces.is_in_one_slot[rows], minlength=size) == there
    wanted = _parts_expected(keys, *edges)
    held = real & (wanted > 0)
    is_known = (sound >= wanted) & (there == sound)
    owner = opens >> _SHIFT
    start, end = (opens & ((1 << _SHIFT) - 1)) - _HALF, (closes & ((1 << _SHIFT) - 1)) - _HALF
    laid = Advances(owner, start, end, np.where(is_known, use, np.nan), estimated, is_known, fits & is_known)
    return laid.where(held)


def _parts_expected(keys: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return how many parts each time between two keys wants: those read before it that have not ended."""
    change = np.zeros(len(keys) + 1, dtype=np.int64)
    np.add.at(change, np.searchsorted(keys, begins), 1)
    np.add.at(change, np.searchsorted(keys, ends), -1)
    return np.cumsum(change)[: len(keys) - 1]


def _key(owner: np.ndarray, at_s: np.ndarray) -> np.ndarray:
    return (owner.astype(np.int64) << _SHIFT) + (at_s + _HALF)


def _overlapping(pieces: Advances) -> np.ndarray:
    """Return the targets of which two pieces overlap; ``pieces`` is sorted by owner and start."""
    key_start, key_end = _key(pieces.owner, pieces.start), _key(pieces.owner, pieces.end)
    reach = np.maximum.accumulate(key_end)
    return np.unique(pieces.owner[1:][key_start[1:] < reach[:-1]])


def _combine_overlapping(
    pieces: Advances, serials: dict[int, str], beside: set[int], point: PointFacts
) -> tuple[Advances, list[tuple[int, int, str]]]:
    """Lay the devices of one point beside each other: those declared so are summed, of the others one counts."""
    found: list[tuple[int, int, str]] = []
    alone = pieces.where(~np.isin(pieces.owner, list(beside)))
    laid = _keep_one_device(alone, serials, _device_at(point), found)
    together = pieces.where(np.isin(pieces.owner, list(beside)))
    if not len(together):
        return laid, found
    part = np.r_[np.searchsorted(np.unique(together.owner), together.owner) + 1, np.zeros(len(laid), np.int64)]
    both = Advances.joined([together, laid]).with_owner(part)
    whole = np.zeros(int(part.max()) + 1, dtype=np.int64)
    return _sum_parts(both, whole, ReadPeriods.from_times(both.owner, both.start, both.end, whole)), found


def _device_at(point: PointFacts) -> Callable[[int], str]:
    """Return what says which device a point has at a moment."""

    def at(moment_s: int) -> str:
        held = (one.serial_key for one in point.devices if one.since_s <= moment_s < one.until_s)
        return next(held, point.serial_key)

    return at


def _keep_one_device(
    pieces: Advances, serials: dict[int, str], in_force: Callable[[int], str], found: list[tuple[int, int, str]]
) -> Advances:
    """Of devices at one time keep the one that is in force; where none of them is, the use is not known."""
    edges = np.unique(np.r_[pieces.start, pieces.end])
    parts: list[Advances] = []
    for opens, closes in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        here = np.flatnonzero((pieces.start <= opens) & (pieces.end >= closes))
        if not len(here):
            continue
        names = {serials[int(pieces.owner[n])]: int(n) for n in here}
        chosen = names.get(in_force(opens)) if len(here) > 1 else int(here[0])
        if len(here) > 1:
            found.append((opens, closes, serials[int(pieces.owner[chosen])] if chosen is not None else ""))
        one = pieces.where(here[:1] if chosen is None else np.array([chosen]))
        whole = (one.end == closes) & (one.start == opens)
        use = one.use * ((closes - opens) / (one.end - one.start))
        known = one.is_known & (chosen is not None)
        parts.append(Advances(one.owner, np.array([opens]), np.array([closes]), np.where(known, use, np.nan),
                            one.is_estimated, known, one.is_in_one_slot & whole & known))  # fmt: skip
    return Advances.joined(parts) if parts else pieces
