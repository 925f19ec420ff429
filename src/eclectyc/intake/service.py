"""One way in: a file is read through, understood, and committed as one batch – or tried out and not written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from django.conf import settings

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.batches.lifecycle import Claim, Under
from eclectyc.derived.invalidation import remarks_on
from eclectyc.estate.models import Quantity
from eclectyc.intake.alignment.collect import FileReadings, ReadingCollector
from eclectyc.intake.alignment.interpretation import FilePlan, interpret
from eclectyc.intake.alignment.match_stored import shift_to_stored
from eclectyc.intake.alignment.month_frames import FileMonths
from eclectyc.intake.alignment.spool import Spool
from eclectyc.intake.commit import Import, take_result, write_batch
from eclectyc.intake.provisioning import Provisioning
from eclectyc.intake.report import ErrorLog, ImportReport
from eclectyc.intake.report_building import complete, describe, reject_unknown_meters
from eclectyc.intake.resolve import MeterOptions, Resolver
from eclectyc.kernel.days import zone_of
from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.units import conversion
from eclectyc.lake.store import connect
from eclectyc.readers.blocks import Block, DayBlock, LineError, ReadOptions, RowBlock
from eclectyc.readers.prefetch import PrefetchingReader

if TYPE_CHECKING:
    from eclectyc.intake.profiles.profile_reader import ProfileReader

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
    sheet: str = ""

    @property
    def reading(self) -> ReadOptions:
        """What of these the readers need to know."""
        return ReadOptions(self.type, self.meter, self.unit, self.quantity, self.sheet)

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
    ahead: PrefetchingReader | None = None,
    upload: int | None = None,
    under: Under = nullcontext,
) -> ImportReport:
    """Import a file into an organisation and say what became of it.

    name : what the file is called, where ``path`` is only where an upload was put. ahead : the file, where its
    reading has begun already; it is closed here. upload, under : the kept file that it is, and what its batch is
    begun under, where background work does it: ``AlreadyIn`` is raised where it has come in before. Raises
    ``UnreadableFile`` for a file that is not understood; then nothing was written.
    """
    options = options or ImportOptions()
    declared = None
    if options.profile:
        actor.require("imports.run", organisation.pk)
        from eclectyc.intake.profiles.selected_profile import selected_reader

        declared = selected_reader(actor, organisation, options.profile)
        options = _completed(options, declared)
    with ahead or PrefetchingReader(Path(path), replace(options.reading, reader=declared)) as file:
        actor.require("imports.run", organisation.pk)
        options.checked()
        if options.create_meters:
            actor.require("estate.edit", organisation.pk)
        report = _import(actor, organisation, file, options, progress, name, Claim(upload, under))
    if declared and declared.profile_id is not None and report.batch is not None:
        from eclectyc.intake.profiles.service import record_use

        record_use(declared.profile_id, Path(path))
    return report


def _completed(options: ImportOptions, declared: ProfileReader) -> ImportOptions:
    """Return options with what a profile says wherever they leave it open."""
    meaning, meters = declared.mapping.meaning, declared.mapping.meters
    return replace(
        options, unit=options.unit or meaning.unit, quantity=options.quantity or meaning.quantity or "",
        meter=options.meter or meters.meter, site=options.site or meters.site,
        create_meters=options.create_meters or meters.unknown == "create",
        sheet=options.sheet or declared.mapping.file.sheet,
    )  # fmt: skip


def _import(
    actor: Actor,
    organisation: Organisation,
    file: PrefetchingReader,
    options: ImportOptions,
    progress: Callable[[Progress], None] | None,
    name: str,
    claim: Claim,
) -> ImportReport:
    opened = file.wait_for_file()
    source, reader, seen = opened.source, opened.reader, opened.recognition
    report = ImportReport(dry_run=options.dry_run, file=name or source.name, format=seen.format, why=seen.why)
    report.sure = seen.sure
    telling = Telling(progress)
    telling.say(total=source.size)
    writes = not options.dry_run or claim.upload is not None  # a file that is kept may have its report kept too
    with ErrorLog(Path(settings.HOME) / "reports" if writes else None) as log:
        if reader.kind == "readings":
            _import_readings(actor, organisation, file, options, report, log, telling, claim)
        elif reader.kind in ("registers", "tank"):
            _import_reads(actor, organisation, file, options, report, log, telling, claim)
        else:
            from eclectyc.intake.import_registry import Records, import_records

            actor.require("estate.edit", organisation.pk)
            import_records(Records(actor, organisation, reader, source, seen, report, log, options.site, claim))
    telling.say(phase="done")
    return report


def _import_readings(
    actor: Actor,
    organisation: Organisation,
    file: PrefetchingReader,
    options: ImportOptions,
    report: ImportReport,
    log: ErrorLog,
    telling: Telling,
    claim: Claim,
) -> None:
    making = Provisioning.for_site(actor, organisation, options.site)
    wishes = MeterOptions(
        meter=options.meter,
        quantity=options.quantity,
        unit=options.unit,
        creates=options.create_meters,
        zone=making.zone,
        strict_mpan=options.strict_mpan,
        unit_needed_because=file.wait_for_file().recognition.why_no_default_unit,
    )
    with Spool(Path(settings.HOME) / "tmp") as spool:
        gathered = FileReadings(Resolver(organisation, wishes), spool, log)
        seen = file.wait_for_file().recognition
        _read(file, gathered, telling)
        plan = interpret(gathered, seen, stamps=options.stamps, timezone=options.timezone, agrees=shift_to_stored)
        describe(report, gathered, seen, plan)
        reject_unknown_meters(gathered.resolver, log, report)
        if plan.rejected:
            log.extend((error for error, _ in plan.rejected), counts_lines=False)
            log.cover_lines(spool.lines_of([channel for _, channel in plan.rejected]))
        import_ = Import(actor, organisation, file, gathered, report, telling.say, claim, _rule_of(file))
        _store(import_, plan, making)


def _rule_of(file: PrefetchingReader) -> str:
    """Return which readings replace which: as ever, or the last ones where a profile says so (see ``lake.precedence``)."""
    mapping = getattr(file.wait_for_file().reader, "mapping", None)  # of one that a profile makes
    return "last_wins" if mapping is not None and mapping.last_wins else "guarded"


def _import_reads(
    actor: Actor,
    organisation: Organisation,
    file: PrefetchingReader,
    options: ImportOptions,
    report: ImportReport,
    log: ErrorLog,
    telling: Telling,
    claim: Claim,
) -> None:
    """Import what registers showed, or what went into tanks: kept as it is, and use worked out from it."""
    from eclectyc.intake.register_files.import_reads import ReadsImport
    from eclectyc.intake.register_files.import_registers import import_registers
    from eclectyc.intake.register_files.import_tanks import import_tanks

    making = Provisioning.for_site(actor, organisation, options.site)
    wishes = MeterOptions(meter=options.meter, quantity=options.quantity, unit=options.unit, creates=options.create_meters,
                    zone=making.zone, strict_mpan=options.strict_mpan)  # fmt: skip
    import_ = ReadsImport(
        actor, organisation, file.wait_for_file().recognition, Resolver(organisation, wishes), making, report, log, telling.say,
        claim, file, options.unit,
    )  # fmt: skip
    work_in = import_registers if file.wait_for_file().reader.kind == "registers" else import_tanks
    work_in(import_, _told(file, telling), timezone=options.timezone)


def _told(file: PrefetchingReader, telling: Telling) -> Iterator[tuple[Block, list[LineError]]]:
    for told in file.blocks():
        yield told
        telling.say(done=file.wait_for_file().source.position)


def _read(file: PrefetchingReader, gathered: FileReadings, telling: Telling) -> None:
    source, seen = file.wait_for_file().source, file.wait_for_file().recognition
    gatherer = ReadingCollector(gathered, step_s=seen.step * 60 if seen.step else None)
    for block, errors in file.blocks():
        if isinstance(block, DayBlock | RowBlock):
            gatherer.add(block, errors)
        telling.say(done=source.position, rows=gathered.rows)


def _store(import_: Import, plan: FilePlan, making: Provisioning) -> None:
    """Commit what was read, or find out what that would do."""
    report, gathered = import_.report, import_.gathered
    months = FileMonths(gathered, plan, making.series_numbers(plan))
    if months.is_empty():
        complete(report, gathered, plan, months.totals)
    elif report.dry_run:
        would_do = connect().preview(months, rule=import_.rule)
        take_result(report, would_do)
        report.warnings += remarks_on(would_do.touched)
        report.created_sites, report.created_meters = making.count_new(plan)
        complete(report, gathered, plan, months.totals)
    else:
        write_batch(import_, plan, making, months, complete=lambda: complete(report, gathered, plan, months.totals))
