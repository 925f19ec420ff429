"""Assign reads to devices: a read without a serial belongs to the device that the point had at the time. Pure.

A *group* is one register of one device: only reads of one group are ever differenced. Most registers are a group by
themselves. If a point's devices were exchanged, the closing and opening reads of its history replace missing reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from eclectyc.kernel.quality import ACTUAL
from eclectyc.registers.reads import FROM_DEVICE_HISTORY, Reads
from eclectyc.registers.register_config import END, START, DeviceSpan, PointFacts, RegisterConfig, RegisterFacts

_DAY_S: Final = 86_400


@dataclass(slots=True)
class Groups:
    """Groups by number. registers : of each group; ``serial`` is the device's.

    target : the target that each group adds to, int64. of_read : the group of each read, int64. is_special : for each
    target, whether its reads were assigned one by one; otherwise a group is the register of the same number.
    notes : warnings about reads that cannot be used.
    """

    reads: Reads
    of_read: np.ndarray
    registers: list[RegisterFacts]
    target: np.ndarray
    targets: list[tuple[int, str, str]]
    is_special: np.ndarray
    notes: list[str] = field(default_factory=list)

    def each(self, what: str) -> np.ndarray:
        """Return one field of every group's register as an array."""
        return np.array([getattr(register, what) for register in self.registers])


def group_reads(config: RegisterConfig, reads: Reads) -> Groups:
    """Sort reads into groups; ``reads.register`` is an index into ``config.registers``."""
    targets, target = config.targets()
    special = _targets_with_devices(config, target)
    is_special = np.isin(np.arange(len(targets)), list(special))
    groups = Groups(reads, reads.register.copy(), list(config.registers), target, targets, is_special)
    if not special:
        return groups
    of_target = list(target)
    added: list[Reads] = []
    added_group: list[int] = []
    for number, members in special.items():
        point = config.points[targets[number][0]]
        by_key = {groups.registers[n].key: n for n in members if groups.registers[n].key[0]}
        _add_digits(groups, point, by_key.values())
        for member in members:
            if not groups.registers[member].key[0]:
                _assign_to_devices(groups, member, point, by_key, of_target, number)
        for device, group in _with_single_register(groups, point, by_key):
            for read in _device_reads(groups, group, device, point):
                added.append(read)
                added_group.append(group)
    groups.target = np.array(of_target, dtype=np.int64)
    if added:
        groups.reads = Reads.joined([reads, *added])
        groups.of_read = np.r_[groups.of_read, np.array(added_group, dtype=np.int64)]
    return groups


def _targets_with_devices(config: RegisterConfig, target: np.ndarray) -> dict[int, list[int]]:
    """Return the targets whose reads must be assigned one by one: target → its registers."""
    members: dict[int, list[int]] = {}
    for number, register in enumerate(config.registers):
        point = config.points[register.point]
        if point.devices or not register.serial:
            members.setdefault(int(target[number]), [])
    if not members:
        return {}
    for number in range(len(config.registers)):
        members.get(int(target[number]), []).append(number)
    return {
        number: own
        for number, own in members.items()
        if config.points[config.registers[own[0]].point].devices or len(own) > 1
    }


def _add_digits(groups: Groups, point: PointFacts, members: Iterable[int]) -> None:
    """Take the digits of a device's registers from its history if none are declared."""
    digits = {device.serial_key: device.digits for device in point.devices if device.digits}
    for n in members:
        register = groups.registers[n]
        if register.digits is None and register.key[0] in digits:
            groups.registers[n] = replace(register, digits=digits[register.key[0]])


def _assign_to_devices(
    groups: Groups,
    member: int,
    point: PointFacts,
    by_key: dict[tuple[str, str], int],
    of_target: list[int],
    target: int,
) -> None:
    """Give the reads of a register without a serial to the devices that the point had when they were taken."""
    register = groups.registers[member]
    mine = np.flatnonzero(groups.reads.register == member)
    at = groups.reads.at_s[mine]
    for device in point.devices or [DeviceSpan(point.serial_key, START, END, None, None, None)]:
        key = device.serial_key, register.key[1]
        if not key[0] and point.devices:
            by_key[key] = member  # a device of unknown serial
        if not key[0] or (key not in by_key and not point.devices):
            continue  # it may be any device's
        inside = mine[(at >= device.since_s) & (at < device.until_s)]
        if key not in by_key:
            by_key[key] = len(groups.registers)
            digits = register.digits or device.digits
            groups.registers.append(replace(register, serial=device.serial_key, digits=digits))
            of_target.append(target)
        groups.of_read[inside] = by_key[key]


def _with_single_register(
    groups: Groups, point: PointFacts, by_key: dict[tuple[str, str], int]
) -> Iterator[tuple[DeviceSpan, int]]:
    """Yield each device whose opening and closing read can only be one register's, and that register's group."""
    for device in point.devices:
        own = [n for (serial, _), n in by_key.items() if serial == device.serial_key and groups.registers[n].counts]
        if len(own) == 1:
            yield device, own[0]
        elif own and (device.opening is not None or device.closing is not None):
            groups.notes.append(
                f"Meter {point.identifier}: device {device.serial_key} has {len(own)} registers, so it is not "
                "clear which one the reads of its exchange belong to. Enter a read for each register."
            )


def _device_reads(groups: Groups, group: int, device: DeviceSpan, point: PointFacts) -> Iterator[Reads]:
    """Yield the reads of a device's fitting and removal, unless there are other reads by then."""
    at = groups.reads.at_s[groups.of_read == group]
    if device.opening is not None and device.since_s > START and not (at <= device.since_s).any():
        yield _single_read(group, device.since_s, device.opening)
    if device.closing is not None and device.until_s < END and not (at >= device.until_s).any():
        yield _single_read(group, device.until_s, device.closing)


def _single_read(group: int, at_s: int, value: float) -> Reads:
    whole = np.array([group], dtype=np.int64)
    quality, order = np.array([ACTUAL], np.int8), np.array([FROM_DEVICE_HISTORY])
    return Reads(whole, np.array([at_s]), np.array([value]), quality, np.array([False]), order)
