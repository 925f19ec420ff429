"""Build the report of an import: how the file was interpreted, what was rejected, what each series received."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from eclectyc.intake.alignment.collect import FileReadings
from eclectyc.intake.alignment.interpretation import FilePlan
from eclectyc.intake.alignment.month_frames import AlignmentTotals
from eclectyc.intake.alignment.to_slots import Refusal
from eclectyc.intake.report import ErrorLog, ImportReport, SeriesReport, grouped_warnings
from eclectyc.intake.resolve import Resolver
from eclectyc.kernel.plurals import counted
from eclectyc.readers.blocks import LineError, Recognition


def describe(report: ImportReport, collected: FileReadings, seen: Recognition, plan: FilePlan) -> None:
    """Add to the report how the file was interpreted."""
    report.rows = collected.rows
    report.stamps, report.stamps_why = seen.stamps, seen.stamps_why
    if plan.conclusion:
        report.stamps, report.stamps_why = plan.conclusion.stamps, plan.conclusion.why
    report.timezone = plan.timezone
    report.warnings += [*seen.warnings, *plan.warnings, *collected.resolver.warnings]
    assumed = [
        channel.point.identifier
        for channel in collected.resolver.channels
        if channel.is_unit_assumed and channel.is_accepted
    ]
    if assumed:
        several = list(dict.fromkeys(assumed))
        named = ", ".join(several[:5]) + (f" and {len(several) - 5} more" if len(several) > 5 else "")
        report.warnings.append(f"The file gives no unit. kWh is assumed for the new meters {named}.")


def reject_unknown_meters(resolver: Resolver, log: ErrorLog, report: ImportReport) -> None:
    """Add one error for each unknown meter and each rejected channel; their lines are counted already."""
    channels = resolver.channels
    remedy = "Add --create-meters --site NAME to create it, or correct the identifier."
    for point in resolver.unknown_points():
        own = [channel for channel in channels if channel.point is point]
        report.unknown_meters.append(point.identifier)
        rows = sum(channel.rows for channel in own)
        reason = f"Meter {point.identifier} does not exist ({counted(rows, 'row')})."
        log.extend([LineError(min(channel.first_line for channel in own), "meter", reason, remedy)], counts_lines=False)
    reject_faulty_channels(resolver, log)


def reject_faulty_channels(resolver: Resolver, log: ErrorLog) -> None:
    """Add one error for each rejected channel; its lines are counted already."""
    log.extend(channel_faults(resolver), counts_lines=False)


def channel_faults(resolver: Resolver) -> list[LineError]:
    """Return one error for each rejected channel, at its first line."""
    return [
        LineError(channel.first_line, channel.fault.field, channel.fault.reason, channel.fault.remedy)
        for channel in resolver.channels
        if channel.fault is not None
    ]


def complete(report: ImportReport, collected: FileReadings, plan: FilePlan, totals: AlignmentTotals) -> None:
    """Complete the report once all readings are aligned."""
    log = collected.errors
    for reason, remedy, lines in _merge_refusals(totals.refusals):
        log.extend(LineError(line, "", reason, remedy) for line in lines.tolist())
    report.warnings += _warnings_of(totals)
    report.warnings = grouped_warnings(report.warnings)
    report.readings = int(totals.readings.sum())
    report.series = [_series_report(plan, number, totals) for number in np.flatnonzero(totals.readings).tolist()]
    report.kwh = float(sum(series.total for series in report.series if series.unit == "kWh"))
    report.add_errors(log)


def _merge_refusals(refusals: list[Refusal]) -> list[tuple[str, str, np.ndarray]]:
    """Group rejected rows by reason, each line once: a line near a month's edge was aligned twice."""
    reasons: dict[tuple[str, str], list[np.ndarray]] = {}
    for refusal in refusals:
        reasons.setdefault((refusal.reason, refusal.remedy), []).append(refusal.lines)
    return [(*key, np.unique(np.concatenate(lines))) for key, lines in reasons.items()]


def _warnings_of(totals: AlignmentTotals) -> list[str]:
    notes = []
    if totals.equal:
        notes.append(
            f"{counted(totals.equal, 'period')} occurred more than once with the same value. Each counts once."
        )
    if totals.decided:
        notes.append(f"{counted(totals.decided, 'period')} had several values. The actual value counts.")
    if totals.single_hours:
        times = counted(len(totals.single_hours), "time")
        notes.append(
            f"The hour that the clocks repeat in autumn occurs only once ({times}). "
            "It is read as the first; the second stays empty. If the file's clock does not change, use --timezone UTC."
        )
    if totals.sorted_hours:
        times = counted(len(totals.sorted_hours), "time")
        notes.append(
            f"The hour that the clocks repeat in autumn is sorted in pairs ({times}). "
            "The first of each pair is read as summer time."
        )
    return notes


def _series_report(plan: FilePlan, number: int, totals: AlignmentTotals) -> SeriesReport:
    target = plan.targets[number]
    zone = ZoneInfo(plan.zones[target.zone])
    first, last = (datetime.fromtimestamp(int(at[number]), UTC).astimezone(zone) for at in (totals.first, totals.last))
    return SeriesReport(
        meter=target.point.identifier,
        quantity=target.quantity,
        register=target.register,
        unit=target.unit,
        step=target.step,
        readings=int(totals.readings[number]),
        total=float(totals.total[number]),
        first=first.isoformat(),
        last=last.isoformat(),
    )
