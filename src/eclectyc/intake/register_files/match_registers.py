"""Match the reads in a file with the registers in the registry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from eclectyc.accounts.models import Organisation
from eclectyc.batches.lifecycle import CreatedRecords
from eclectyc.batches.models import Batch
from eclectyc.estate.models import Meter
from eclectyc.intake.register_files.collect_reads import FileReads, NamedRegister
from eclectyc.intake.report import ImportReport, SeriesReport
from eclectyc.intake.resolve import Point
from eclectyc.kernel.days import STEPS
from eclectyc.kernel.plurals import counted
from eclectyc.registers.consumption import Consumption, RegisterShare, calculate_consumption
from eclectyc.registers.reads import Reads
from eclectyc.registers.register_config import MAXIMUM, USE, PointFacts, RegisterConfig, RegisterFacts
from eclectyc.registers.repository import (
    load_points,
    load_registers,
    measured_in,
    pieces,
    reads_around,
)
from eclectyc.registers.save_reads import create_registers, store_reads

DEFAULT_STEP: Final = 30  # minutes: of a new meter whose reads show none
_ORDER_OF_FILE: Final = 1 << 60  # takes precedence over every stored batch


@dataclass(slots=True)
class RegisterCase:
    """A file's reads matched with the registry, and the consumption that follows."""

    reads: FileReads
    points: list[Point]
    steps: list[int]
    config: RegisterConfig
    of_named: np.ndarray  # the index of each named register in ``config``
    new: Reads  # the file's reads; ``register`` is an index into ``config``
    consumption: Consumption
    source_terms: list[str] = field(default_factory=list)  # the source's own term for the kind of each read

    @classmethod
    def match(cls, reads: FileReads, unit: str) -> RegisterCase:
        """Look up the registry and calculate the consumption. For an import, call it with the writers' turn held.

        unit : of every register of the file, if the person gave one.
        """
        points = list({id(named.channel.point): named.channel.point for named in reads.registers}.values())
        place = {id(point): n for n, point in enumerate(points)}
        config, by_meter = _known_points(points)
        units = [unit or named.channel.key.unit or named.channel.unit for named in reads.registers]
        of_named = _match(reads.registers, units, config, place, by_meter)
        registers = [config.registers[n] for n in of_named.tolist()]
        pairs = zip(units, registers, strict=True)
        scale = np.array([_scale(printed, one, config.points[one.point].unit) for printed, one in pairs])
        value = reads.value * scale[reads.register] if len(reads) and (scale != 1).any() else reads.value
        register = of_named[reads.register] if len(reads) else reads.register
        order = np.full(len(reads), _ORDER_OF_FILE)
        new = Reads(register, reads.at_s, value, reads.quality, reads.is_doubtful, order)
        _set_steps(config, points, new)
        stored = reads_around(config, new)
        every = Reads.joined([stored, new])
        is_new = np.r_[np.zeros(len(stored), bool), np.ones(len(new), bool)]
        consumption = calculate_consumption(config, every, new, is_new)
        steps = [point.step for point in config.points]
        return cls(reads, points, steps, config, of_named, new, consumption, reads.source_terms.to_list())

    def prepare(self, organisation: Organisation, created: CreatedRecords) -> None:
        """Create the registers that are missing."""
        create_registers(self.config.registers, meters_of(self.points, organisation))

    def store(self, batch: Batch) -> None:
        store_reads(batch, self.config.registers, self.new, self.source_terms)

    def report_series(self, report: ImportReport) -> None:
        report.series = list(_series_of(self))
        if self.reads.registers and not report.readings:
            report.warnings.append(
                f"Only one read so far: {counted(len(self.reads.registers), 'register')}. "
                "Usage can be calculated from the next read on."
            )


def meters_of(points: list[Point], organisation: Organisation) -> list[int]:
    """Return the number of each point's meter, once all of them exist."""
    found = {point.identifier: point.meter for point in points if point.meter is not None}
    for piece in pieces([point.identifier for point in points if point.meter is None]):
        meters = Meter.objects.filter(organisation=organisation, identifier__in=piece)
        found.update(meters.values_list("identifier", "pk"))
    return [found[point.identifier] for point in points]


def _known_points(points: list[Point]) -> tuple[RegisterConfig, dict[int, list[int]]]:
    """Look up points with their registers. Return them, and the registers of each point by its index."""
    stored = load_points([point.meter for point in points if point.meter is not None])
    config = RegisterConfig(
        [stored.get(point.meter or 0) or PointFacts(point.identifier, point.zone, unit=point.unit) for point in points]
    )
    index = {point.meter: n for n, point in enumerate(points) if point.meter is not None}
    by_point: dict[int, list[int]] = {}
    for meter, register in load_registers(list(stored), stored):
        by_point.setdefault(index[meter], []).append(len(config.registers))
        config.registers.append(replace(register, point=index[meter]))
    return config, by_point


def _match(
    named: list[NamedRegister],
    units: list[str],
    config: RegisterConfig,
    place: dict[int, int],
    by_point: dict[int, list[int]],
) -> np.ndarray:
    """Return the index of each named register in ``config``; new ones are added to it."""
    found = []
    for one, unit in zip(named, units, strict=True):
        point, channel = place[id(one.channel.point)], one.channel
        kind = MAXIMUM if one.is_maximum else USE
        measured = measured_in(unit, config.points[point].unit)
        fresh = RegisterFacts(point, channel.quantity, unit.strip()[:16], *measured, one.serial, one.code, kind)
        known = {(config.registers[n].key, config.registers[n].target): n for n in reversed(by_point.get(point, []))}
        at = known.get((fresh.key, fresh.target))
        if at is None:
            at = len(config.registers)
            config.registers.append(fresh)
            by_point.setdefault(point, []).append(at)
        elif one.is_maximum:
            config.registers[at] = replace(config.registers[at], kind=MAXIMUM)
        found.append(at)
    return np.array(found, dtype=np.int64)


def _scale(printed: str, register: RegisterFacts, own: str) -> float:
    """Return the factor from the file's unit to that of the register's display."""
    return 1.0 if printed.strip() == register.unit else measured_in(printed, own)[1] / register.factor


def _set_steps(config: RegisterConfig, points: list[Point], new: Reads) -> None:
    """Give new points the slot length that their reads show."""
    fresh = np.array([point.meter is None for point in points])
    if not fresh.any():
        return
    of_point = np.array([register.point for register in config.registers])[new.register]
    order = np.lexsort((new.at_s, new.register))
    gap = np.diff(new.at_s[order])
    near = (np.diff(new.register[order]) == 0) & (gap > 0) & (gap <= 3600 + 60) & fresh[of_point[order][1:]]
    gaps: dict[int, list[int]] = {}
    for point, gap_s in zip(of_point[order][1:][near].tolist(), gap[near].tolist(), strict=True):
        gaps.setdefault(point, []).append(gap_s)
    for n in np.flatnonzero(fresh).tolist():
        own = gaps.get(n)
        minutes = round(float(np.median(own)) / 60) if own else DEFAULT_STEP
        config.points[n].step = minutes if minutes in STEPS else DEFAULT_STEP


def _series_of(case: RegisterCase) -> Iterable[SeriesReport]:
    """Yield a report for each register in the file, even if it has only one read so far."""
    count = len(case.reads.registers)
    first, last = np.full(count, np.iinfo(np.int64).max), np.full(count, np.iinfo(np.int64).min)
    np.minimum.at(first, case.reads.register, case.reads.at_s)
    np.maximum.at(last, case.reads.register, case.reads.at_s)
    for n, named in enumerate(case.reads.registers):
        if first[n] > last[n]:
            continue  # all of its reads were rejected
        at = int(case.of_named[n])
        register, point = case.config.registers[at], case.config.points[case.config.registers[at].point]
        zone = ZoneInfo(point.zone)
        moments = [datetime.fromtimestamp(int(s[n]), UTC).astimezone(zone).isoformat() for s in (first, last)]
        for share in case.consumption.shares.get(at) or [RegisterShare(0, 0.0, 1440)]:
            yield SeriesReport(
                meter=point.identifier,
                quantity=register.quantity,
                unit=register.measured if register.counts else register.unit,
                step=share.step,
                readings=share.readings,
                total=share.total,
                first=moments[0],
                last=moments[1],
                register=named.code,
                serial=named.serial,
            )
