"""What a file of register reads tells, put beside what the registry knows of these meters and registers."""

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

DEFAULT_STEP: Final = 30  # minutes: of a new meter whose reads do not show any
_ORDER_OF_FILE: Final = 1 << 60  # goes before every batch that there is


@dataclass(slots=True)
class RegisterCase:
    """What a file tells, put beside what the registry knows, and the use that follows."""

    reads: FileReads
    points: list[Point]
    steps: list[int]
    config: RegisterConfig
    of_named: np.ndarray  # which of the facts' registers each named one is
    new: Reads  # the file's reads; ``register`` counts the facts' registers
    consumption: Consumption
    source_terms: list[str] = field(default_factory=list)  # the source's own word for each read

    @classmethod
    def match(cls, told: FileReads, unit: str) -> RegisterCase:
        """Look up what is known, and work the use out; the writers' turn must be held where it counts.

        unit : what every register of the file counts in, where somebody said so.
        """
        points = list({id(named.channel.point): named.channel.point for named in told.registers}.values())
        place = {id(point): n for n, point in enumerate(points)}
        facts, by_meter = _known_points(points)
        units = [unit or named.channel.key.unit or named.channel.unit for named in told.registers]
        of_named = _match(told.registers, units, facts, place, by_meter)
        registers = [facts.registers[n] for n in of_named.tolist()]
        pairs = zip(units, registers, strict=True)
        scale = np.array([_scale(printed, one, facts.points[one.point].unit) for printed, one in pairs])
        value = told.value * scale[told.register] if len(told) and (scale != 1).any() else told.value
        register = of_named[told.register] if len(told) else told.register
        order = np.full(len(told), _ORDER_OF_FILE)
        new = Reads(register, told.at_s, value, told.quality, told.is_doubtful, order)
        _set_steps(facts, points, new)
        held = reads_around(facts, new)
        reads = Reads.joined([held, new])
        is_new = np.r_[np.zeros(len(held), bool), np.ones(len(new), bool)]
        worked = calculate_consumption(facts, reads, new, is_new)
        steps = [point.step for point in facts.points]
        return cls(told, points, steps, facts, of_named, new, worked, told.source_terms.to_list())

    def prepare(self, organisation: Organisation, made: CreatedRecords) -> None:
        """Make the registers that are not there yet."""
        create_registers(self.config.registers, meters_of(self.points, organisation))

    def store(self, batch: Batch) -> None:
        """Write the reads down."""
        store_reads(batch, self.config.registers, self.new, self.source_terms)

    def report_series(self, report: ImportReport) -> None:
        """Fill in what the file held of each register."""
        report.series = list(_series_of(self))
        if self.reads.registers and not report.readings:
            report.warnings.append(
                f"No read has another before it yet: {counted(len(self.reads.registers), 'register')}. "
                "The next read gives use."
            )


def meters_of(points: list[Point], organisation: Organisation) -> list[int]:
    """Return the number of each point's meter, once they are all made."""
    found = {point.identifier: point.meter for point in points if point.meter is not None}
    for piece in pieces([point.identifier for point in points if point.meter is None]):
        made = Meter.objects.filter(organisation=organisation, identifier__in=piece)
        found.update(made.values_list("identifier", "pk"))
    return [found[point.identifier] for point in points]


def _known_points(points: list[Point]) -> tuple[RegisterConfig, dict[int, list[int]]]:
    """Return what the registry knows of the points; and the registers that each has, by the point's index."""
    held = load_points([point.meter for point in points if point.meter is not None])
    facts = RegisterConfig(
        [held.get(point.meter or 0) or PointFacts(point.identifier, point.zone, unit=point.unit) for point in points]
    )
    index = {point.meter: n for n, point in enumerate(points) if point.meter is not None}
    by_point: dict[int, list[int]] = {}
    for meter, register in load_registers(list(held), held):
        by_point.setdefault(index[meter], []).append(len(facts.registers))
        facts.registers.append(replace(register, point=index[meter]))
    return facts, by_point


def _match(
    named: list[NamedRegister],
    units: list[str],
    facts: RegisterConfig,
    place: dict[int, int],
    by_point: dict[int, list[int]],
) -> np.ndarray:
    """Return which of the facts' registers each named one is; those that are not known yet are added."""
    found = []
    for one, unit in zip(named, units, strict=True):
        point, channel = place[id(one.channel.point)], one.channel
        kind = MAXIMUM if one.is_maximum else USE
        measured = measured_in(unit, facts.points[point].unit)
        fresh = RegisterFacts(point, channel.quantity, unit.strip()[:16], *measured, one.serial, one.code, kind)
        same = (
            n for n in by_point.get(point, ())
            if facts.registers[n].key == fresh.key and facts.registers[n].target == fresh.target
        )  # fmt: skip
        at = next(same, None)
        if at is None:
            at = len(facts.registers)
            facts.registers.append(fresh)
            by_point.setdefault(point, []).append(at)
        elif one.is_maximum:
            facts.registers[at] = replace(facts.registers[at], kind=MAXIMUM)
        found.append(at)
    return np.array(found, dtype=np.int64)


def _scale(printed: str, register: RegisterFacts, own: str) -> float:
    """Return by what a read is multiplied where the file prints another unit than the register's display has."""
    return 1.0 if printed.strip() == register.unit else measured_in(printed, own)[1] / register.factor


def _set_steps(facts: RegisterConfig, points: list[Point], new: Reads) -> None:
    """Give points that are still to be made the slots that their reads show."""
    fresh = np.array([point.meter is None for point in points])
    if not fresh.any():
        return
    of_point = np.array([register.point for register in facts.registers])[new.register]
    order = np.lexsort((new.at_s, new.register))
    gap = np.diff(new.at_s[order])
    near = (np.diff(new.register[order]) == 0) & (gap > 0) & (gap <= 3600 + 60) & fresh[of_point[order][1:]]
    gaps: dict[int, list[int]] = {}
    for point, gap_s in zip(of_point[order][1:][near].tolist(), gap[near].tolist(), strict=True):
        gaps.setdefault(point, []).append(gap_s)
    for n in np.flatnonzero(fresh).tolist():
        own = gaps.get(n)
        minutes = round(float(np.median(own)) / 60) if own else DEFAULT_STEP
        facts.points[n].step = minutes if minutes in STEPS else DEFAULT_STEP


def _series_of(case: RegisterCase) -> Iterable[SeriesReport]:
    """Yield what the file holds of each register that it names, even where one read gives no use yet."""
    count = len(case.reads.registers)
    first, last = np.full(count, np.iinfo(np.int64).max), np.full(count, np.iinfo(np.int64).min)
    np.minimum.at(first, case.reads.register, case.reads.at_s)
    np.maximum.at(last, case.reads.register, case.reads.at_s)
    for n, named in enumerate(case.reads.registers):
        if first[n] > last[n]:
            continue  # all of its reads were refused
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
