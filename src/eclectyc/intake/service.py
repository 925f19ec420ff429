"""One way in: a file is read through, understood, and committed as one batch – or tried out and not written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
from django.conf import settings

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.estate.models import Quantity
from eclectyc.intake.agreement import shift_to_held
from eclectyc.intake.blocks import DayBlock, LineError, ReadOptions, Recognition, RowBlock
from eclectyc.intake.formats import Reader
from eclectyc.intake.gather import Gathered, Gatherer
from eclectyc.intake.making import Making
from eclectyc.intake.months import Months, Tally
from eclectyc.intake.place import Refusal
from eclectyc.intake.plan import FilePlan, understand
from eclectyc.intake.recognise import recognise
from eclectyc.intake.report import ErrorLog, ImportReport, SeriesReport, grouped_warnings
from eclectyc.intake.resolve import Resolver, Wishes
from eclectyc.intake.source import Source, open_source
from eclectyc.intake.spool import Spool
from eclectyc.intake.structure import Records, import_records
from eclectyc.intake.writing import Import, take_result, write_batch
from eclectyc.kernel.days import zone_of
from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.units import conversion
from eclectyc.lake.store import connect

StampsOption = Literal["auto", "start", "end"]
STAMPS: Final = ("auto", "start", "end")


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the person said about a file; see CONTRACT for each."""

    type: str = "auto"
    dry_run: bool = False
    create_meters: bool = False
    site: str = ""
    stamps: StampsOption = "auto"
    timezone: str = ""
    unit: str = ""
    meter: str = ""
    quantity: str = ""
    profile: str = ""
    strict_mpan: bool = False

    def checked(self) -> ImportOptions:
        """Return these options, or raise ``Invalid`` naming the first that cannot be taken."""
        if self.stamps not in STAMPS:
            raise Invalid(f"Stamps cannot be {self.stamps!r}.", "Use auto, start or end.", field="stamps")
        if self.timezone:
            zone_of(self.timezone)
        if self.unit:
            conversion(self.unit)
        if self.quantity and self.quantity not in Quantity.values:
            names = ", ".join(Quantity.values)
            raise Invalid(f"There is no quantity {self.quantity!r}.", f"Use one of {names}.", field="quantity")
        if self.profile:
            raise Invalid(f"There is no import profile {self.profile!r}.", "Leave --profile out.", field="profile")
        return self


@dataclass(slots=True)
class Progress:
    """How far an import is. ``done`` of ``total`` are bytes while reading, readings while writing."""

    phase: Literal["reading", "waiting", "writing", "done"] = "reading"
    done: int = 0
    total: int = 0
    rows: int = 0
    text: str = ""


@dataclass(slots=True)
class Telling:
    """Passes progress on to whoever listens."""

    listener: Callable[[Progress], None] | None = None
    state: Progress = field(default_factory=Progress)

    def say(self, **changes: object) -> None:
        for name, value in changes.items():
            setattr(self.state, name, value)
        if self.listener:
            self.listener(self.state)


def import_file(
    actor: Actor,
    *,
    organisation: Organisation,
    path: Path,
    options: ImportOptions | None = None,
    progress: Callable[[Progress], None] | None = None,
    name: str = "",
) -> ImportReport:
    """Import a file into an organisation and say what became of it.

    name : what the file is called, where ``path`` is only where an upload was put. Raises ``UnreadableFile`` for
    a file that is not understood; then nothing was written.
    """
    actor.require("imports.run", organisation.pk)
    options = (options or ImportOptions()).checked()
    if options.create_meters:
        actor.require("estate.edit", organisation.pk)
    source = open_source(Path(path))
    reader, seen = recognise(source, options.type)
    report = ImportReport(dry_run=options.dry_run, file=name or source.name, format=seen.format, why=seen.why)
    telling = Telling(progress)
    telling.say(total=source.size)
    with ErrorLog(None if options.dry_run else Path(settings.HOME) / "reports") as log:
        if reader.kind == "readings":
            _import_readings(actor, organisation, source, reader, seen, options, report, log, telling)
        else:
            actor.require("estate.edit", organisation.pk)
            import_records(Records(actor, organisation, reader, source, seen, report, log, options.site))
    telling.say(phase="done")
    return report


def _import_readings(
    actor: Actor,
    organisation: Organisation,
    source: Source,
    reader: Reader,
    seen: Recognition,
    options: ImportOptions,
    report: ImportReport,
    log: ErrorLog,
    telling: Telling,
) -> None:
    making = Making.of(actor, organisation, options.site)
    wishes = Wishes(
        meter=options.meter,
        quantity=options.quantity,
        unit=options.unit,
        creates=options.create_meters,
        zone=making.zone,
        strict_mpan=options.strict_mpan,
    )
    with Spool(Path(settings.HOME) / "tmp") as spool:
        gathered = Gathered(Resolver(organisation, wishes), spool, log)
        _read(source, reader, seen, options, gathered, telling)
        plan = understand(gathered, seen, stamps=options.stamps, timezone=options.timezone, agrees=shift_to_held)
        _describe(report, gathered, seen, plan)
        _refuse_unknown(gathered, log, report)
        for error, rows in plan.refused:
            log.extend([error], counts_lines=False)
            log.stands_for(rows)
        _store(Import(actor, organisation, source, gathered, report, telling.say), plan, making)


def _read(
    source: Source, reader: Reader, seen: Recognition, options: ImportOptions, gathered: Gathered, telling: Telling
) -> None:
    gatherer = Gatherer(gathered, step_s=seen.step * 60 if seen.step else None)
    for block, errors in reader.read(source, seen, ReadOptions(options.type)):
        if isinstance(block, DayBlock | RowBlock):
            gatherer.take(block, errors)
        telling.say(done=source.position, rows=gathered.rows)


def _describe(report: ImportReport, gathered: Gathered, seen: Recognition, plan: FilePlan) -> None:
    """Write into the report how the file was understood."""
    report.rows = gathered.rows
    report.stamps, report.stamps_why = seen.stamps, seen.stamps_why
    if plan.verdict:
        report.stamps, report.stamps_why = plan.verdict.stamps, plan.verdict.why
    report.timezone = plan.timezone
    report.warnings += [*seen.warnings, *plan.warnings, *gathered.resolver.warnings]
    assumed = [lane.point.identifier for lane in gathered.resolver.lanes if lane.is_unit_assumed and lane.is_taken]
    if assumed:
        several = list(dict.fromkeys(assumed))
        named = ", ".join(several[:5]) + (f" and {len(several) - 5} more" if len(several) > 5 else "")
        report.warnings.append(f"The file names no unit: kWh is assumed for the new meters {named}.")


def _refuse_unknown(gathered: Gathered, log: ErrorLog, report: ImportReport) -> None:
    """One error for each unknown meter and each lane that cannot be taken; its lines are counted already."""
    lanes = gathered.resolver.lanes
    remedy = "Add --create-meters --site NAME to make it, or correct the identifier."
    for point in gathered.resolver.unknown():
        own = [lane for lane in lanes if lane.point is point]
        report.unknown_meters.append(point.identifier)
        rows = sum(lane.rows for lane in own)
        reason = f"There is no meter {point.identifier} ({rows} {'row' if rows == 1 else 'rows'})."
        log.extend([LineError(min(lane.first_line for lane in own), "meter", reason, remedy)], counts_lines=False)
    for lane in lanes:
        if lane.fault is not None:
            error = LineError(lane.first_line, lane.fault.field, lane.fault.reason, lane.fault.remedy)
            log.extend([error], counts_lines=False)


def _store(import_: Import, plan: FilePlan, making: Making) -> None:
    """Commit what was read, or find out what that would do."""
    report, gathered = import_.report, import_.gathered
    months = Months(gathered, plan, making.known(plan))
    if months.is_empty():
        _complete(report, gathered, plan, months.tally)
    elif report.dry_run:
        take_result(report, connect().preview(months))
        report.created_sites, report.created_meters = making.would_make(plan)
        _complete(report, gathered, plan, months.tally)
    else:
        write_batch(import_, plan, making, months, complete=lambda: _complete(report, gathered, plan, months.tally))


def _complete(report: ImportReport, gathered: Gathered, plan: FilePlan, tally: Tally) -> None:
    """Fill in what is known once everything is placed."""
    log = gathered.errors
    for reason, remedy, lines in _merged(tally.refusals):
        log.extend(LineError(line, "", reason, remedy) for line in lines.tolist())
    report.warnings += _notes_of(tally)
    report.warnings = grouped_warnings(report.warnings)
    report.readings = int(tally.readings.sum())
    report.series = [_series_report(plan, number, tally) for number in np.flatnonzero(tally.readings).tolist()]
    report.kwh = float(sum(series.total for series in report.series if series.unit == "kWh"))
    report.take_errors(log)


def _merged(refusals: list[Refusal]) -> list[tuple[str, str, np.ndarray]]:
    """Put refusals for one reason together; a line near a month's edge was looked at twice."""
    reasons: dict[tuple[str, str], list[np.ndarray]] = {}
    for refusal in refusals:
        reasons.setdefault((refusal.reason, refusal.remedy), []).append(refusal.lines)
    return [(*key, np.unique(np.concatenate(lines))) for key, lines in reasons.items()]


def _notes_of(tally: Tally) -> list[str]:
    notes = []
    if tally.equal:
        notes.append(f"{tally.equal} periods come more than once with the same value: each counts once.")
    if tally.decided:
        notes.append(f"{tally.decided} periods come with several values: the actual one counts.")
    if tally.single_hours:
        notes.append(
            f"The hour that the clocks repeat comes only once ({len(tally.single_hours)} times): it is taken as "
            "the first, the second stays empty. If the file's clock does not change, say --timezone UTC."
        )
    if tally.sorted_hours:
        notes.append(
            f"The hour that the clocks repeat comes sorted in pairs ({len(tally.sorted_hours)} times): the first of "
            "each pair is taken as summer time."
        )
    return notes


def _series_report(plan: FilePlan, number: int, tally: Tally) -> SeriesReport:
    target = plan.targets[number]
    zone = ZoneInfo(plan.zones[target.zone])
    first, last = (datetime.fromtimestamp(int(at[number]), UTC).astimezone(zone) for at in (tally.first, tally.last))
    return SeriesReport(
        meter=target.point.identifier,
        quantity=target.quantity,
        unit=target.unit,
        step=target.step,
        readings=int(tally.readings[number]),
        total=float(tally.total[number]),
        first=first.isoformat(),
        last=last.isoformat(),
    )
