"""Preview an import with a mapping: the first readings as they would be stored, and the rejected lines.

Nothing is written; the importer's own functions are used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl
from django.conf import settings

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.intake.alignment.collect import FileReadings, ReadingCollector
from eclectyc.intake.alignment.interpretation import FilePlan, Target, interpret
from eclectyc.intake.alignment.match_stored import shift_to_stored
from eclectyc.intake.alignment.month_frames import FileMonths
from eclectyc.intake.alignment.spool import Spool
from eclectyc.intake.profiles.mapping import Mapping
from eclectyc.intake.profiles.profile_reader import ProfileReader
from eclectyc.intake.profiles.sample_file import SampleFile
from eclectyc.intake.provisioning import Provisioning
from eclectyc.intake.report import ErrorLog, ImportReport
from eclectyc.intake.report_building import channel_faults, complete, describe, reject_faulty_channels
from eclectyc.intake.resolve import MeterOptions, Resolver
from eclectyc.kernel.days import day_bounds
from eclectyc.kernel.quality import ACTUAL, DERIVED, ESTIMATED, MISSING, SUBSTITUTED
from eclectyc.readers.blocks import DayBlock, LineError, Recognition, RegisterBlock, RowBlock
from eclectyc.readers.files.source import Source
from eclectyc.readers.reader import ReadOptions
from eclectyc.readers.tables.file_sample import sample_of

MOST_ROWS: Final = 12
MOST_SERIES: Final = 4  # with rows in the preview
QUALITY_WORDS: Final = {
    MISSING: "missing",
    ACTUAL: "actual",
    ESTIMATED: "estimated",
    SUBSTITUTED: "substituted",
    DERIVED: "derived",
}


@dataclass(frozen=True, slots=True)
class PreviewReading:
    """A reading as it would be stored. start, end : local, with their offset; end None for a register read."""

    meter: str
    quantity: str
    start: datetime
    end: datetime | None
    value: float
    unit: str
    quality: str


@dataclass(slots=True)
class Preview:
    """The result of the first lines. rows, rejected : how many lines there are, and how many are rejected."""

    stored: list[PreviewReading] = field(default_factory=list)
    rows: int = 0
    readings: int = 0
    rejected: int = 0
    errors: list[LineError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)  # meters that would have to be created
    assumed_unit: bool = False
    stamps: str = ""
    stamps_assumed: bool = False
    zone: str = ""
    step: int = 0  # minutes of the first series


def preview_of(actor: Actor, organisation: Organisation, head: SampleFile, mapping: Mapping) -> Preview:
    """Read the head of a file with a mapping. Raises what an import would raise for the whole file."""
    reader = ProfileReader(mapping, "new profile")
    with reader.prepared(head.source) as source:
        seen = reader.recognise(sample_of(source))
        blocks = reader.read(source, seen, ReadOptions())
        site = mapping.meters.site if mapping.meters.unknown == "create" else ""
        provisioning = Provisioning.for_site(actor, organisation, site)
        options = MeterOptions(
            meter=mapping.meters.meter,
            quantity=mapping.meaning.quantity or "",
            unit=mapping.meaning.unit,
            creates=True,
            zone=provisioning.zone,
        )
        resolver = Resolver(organisation, options)
        if reader.kind == "registers":
            return _reads(list(blocks), resolver, ZoneInfo(mapping.meaning.timezone or provisioning.zone))
        return _readings(blocks, source, seen, resolver, provisioning)


def _readings(
    blocks: Iterator[tuple[object, list[LineError]]],
    source: Source,
    seen: Recognition,
    resolver: Resolver,
    provisioning: Provisioning,
) -> Preview:
    found = Preview()
    with Spool(Path(settings.HOME) / "tmp") as spool, ErrorLog(None) as log:
        collected = FileReadings(resolver, spool, log)
        collector = ReadingCollector(collected, step_s=seen.step * 60 if seen.step else None)
        for block, errors in blocks:
            if isinstance(block, DayBlock | RowBlock):
                collector.add(block, errors)
        plan = interpret(collected, seen, stamps="auto", timezone="", agrees=shift_to_stored)
        report = ImportReport(dry_run=True, file=source.name)
        describe(report, collected, seen, plan)
        reject_faulty_channels(resolver, log)
        months = FileMonths(collected, plan, provisioning.series_numbers(plan))
        found.stored = _shown(months, plan)
        complete(report, collected, plan, months.totals)
    found.rows, found.readings, found.rejected = report.rows, report.readings, report.rejected
    found.errors, found.warnings = report.errors, report.warnings
    found.stamps, found.zone = report.stamps or "", report.timezone
    found.stamps_assumed = plan.conclusion is not None and plan.conclusion.is_assumed
    found.unknown = [point.identifier for point in resolver.points.values() if point.meter is None]
    found.assumed_unit = any(channel.is_unit_assumed for channel in resolver.channels)
    found.step = plan.targets[0].step if plan.targets else 0
    return found


def _shown(months: FileMonths, plan: FilePlan) -> list[PreviewReading]:
    """Return the first readings of the first series."""
    by_number = dict(zip(months.series.tolist(), plan.targets, strict=True))
    of_series: dict[int, list[PreviewReading]] = {}
    for frame in months:
        for number, day, step, values, quality in frame.select(
            "series", "day", "step", "values", "quality"
        ).iter_rows():
            rows = of_series.setdefault(number, [])
            if len(rows) < MOST_ROWS:
                rows += islice(_slots(by_number[number], plan, day, step, values, quality), MOST_ROWS - len(rows))
    order = {number: n for n, number in enumerate(by_number)}
    series_rows = [of_series[number] for number in sorted(of_series, key=lambda one: order[one]) if of_series[number]]
    each = max(1, MOST_ROWS // max(1, min(len(series_rows), MOST_SERIES)))
    return [row for rows in series_rows[:MOST_SERIES] for row in rows[:each]]


def _slots(
    target: Target, plan: FilePlan, day: date, step: int, values: list[float | None], quality: list[int]
) -> Iterator[PreviewReading]:
    zone = ZoneInfo(plan.zones[target.zone])
    midnight, day_end = day_bounds(day, zone)
    for k, (value, flag) in enumerate(zip(values, quality, strict=True)):
        if value is None or not flag:
            continue
        start = midnight + timedelta(minutes=k * step)
        end = day_end if len(values) == 1 else min(start + timedelta(minutes=step), day_end)
        word = QUALITY_WORDS.get(flag, "actual")
        yield PreviewReading(
            target.point.identifier,
            target.quantity,
            start.astimezone(zone),
            end.astimezone(zone),
            value,
            target.unit,
            word,
        )


def _reads(blocks: list[tuple[object, list[LineError]]], resolver: Resolver, zone: ZoneInfo) -> Preview:
    """Preview register reads as they are: usage is calculated only from stored reads."""
    found = Preview(zone=zone.key)
    for block, errors in blocks:
        found.errors += errors
        if isinstance(block, RegisterBlock):
            frame = block.frame.with_columns(pl.lit(None, pl.String).alias("none"))
            channels = resolver.channels_of(frame.select("line", "meter", "quantity", "unit")).tolist()
            found.rows += block.rows
            found.readings += frame.height
            found.stored += islice(_read_rows(frame, channels, resolver, zone), MOST_ROWS - len(found.stored))
            found.errors += block.faults
    found.rejected = len({error.line for error in found.errors})
    found.rows += found.rejected
    found.errors += channel_faults(resolver)
    found.unknown = [point.identifier for point in resolver.points.values() if point.meter is None]
    found.assumed_unit = any(channel.is_unit_assumed for channel in resolver.channels)
    return found


def _read_rows(
    frame: pl.DataFrame, channels: list[int], resolver: Resolver, zone: ZoneInfo
) -> Iterator[PreviewReading]:
    columns = frame.select("stamp", "instant", "value", "quality", "serial", "register").iter_rows()
    for number, (stamp, instant, value, quality, serial, register) in zip(channels, columns, strict=True):
        channel = resolver.channels[number]
        if value is None or (stamp is None and instant is None):
            continue
        moment = instant.astimezone(zone) if instant is not None else stamp.replace(tzinfo=zone)
        named = " · ".join(part for part in (channel.point.identifier, serial, register) if part)
        yield PreviewReading(
            named,
            channel.quantity,
            moment,
            None,
            value * channel.factor,
            channel.unit,
            QUALITY_WORDS.get(quality, "actual"),
        )
