"""Imports: a file is opened, recognised, and imported as one batch, or only tested."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.batches.lifecycle import Guard, UploadClaim
from eclectyc.intake.alignment.collect import FileReadings, ReadingCollector
from eclectyc.intake.alignment.interpretation import FilePlan, interpret
from eclectyc.intake.alignment.match_stored import shift_to_stored
from eclectyc.intake.alignment.month_frames import FileMonths
from eclectyc.intake.alignment.spool import Spool
from eclectyc.intake.commit import commit_readings
from eclectyc.intake.import_options import ImportOptions, Progress
from eclectyc.intake.import_run import ImportRun, ProgressReporter
from eclectyc.intake.report import ErrorLog, ImportReport
from eclectyc.intake.report_building import describe, reject_unknown_meters
from eclectyc.readers.blocks import DayBlock, RowBlock
from eclectyc.readers.prefetch import PrefetchingReader

if TYPE_CHECKING:
    from eclectyc.intake.profiles.profile_reader import ProfileReader


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
    guard: Guard = nullcontext,
) -> ImportReport:
    """Import a file into an organisation and report the result.

    name : the file's name, if ``path`` is only where an upload is stored. ahead : the file, if reading it has begun
    already; it is closed here. upload, guard : for background work, the stored upload and the transaction in which its
    batch may begin; raises ``AlreadyImported`` if the upload was imported before. Raises ``UnreadableFile`` for a file
    that cannot be read; then nothing was written.
    """
    profile, options = _with_profile(actor, organisation, options or ImportOptions())
    with ahead or PrefetchingReader(Path(path), replace(options.reading, reader=profile)) as file:
        actor.require("imports.run", organisation.pk)
        options.checked()
        if options.create_meters:
            actor.require("estate.edit", organisation.pk)
        with _recognised(actor, organisation, file, options, UploadClaim(upload, guard), name, progress) as run:
            _importer_for(run)(run)
        run.progress.update(phase="done")
    if profile and profile.profile_id is not None and run.report.batch is not None:
        from eclectyc.intake.profiles.service import record_use

        record_use(profile.profile_id, Path(path))
    return run.report


def _with_profile(
    actor: Actor, organisation: Organisation, options: ImportOptions
) -> tuple[ProfileReader | None, ImportOptions]:
    """Return the reader of the chosen profile, if any, and the options; those left open are the profile's."""
    if not options.profile:
        return None, options
    actor.require("imports.run", organisation.pk)
    from eclectyc.intake.profiles.selected_profile import selected_reader

    profile = selected_reader(actor, organisation, options.profile)
    meaning, meters = profile.mapping.meaning, profile.mapping.meters
    return profile, replace(
        options,
        unit=options.unit or meaning.unit,
        quantity=options.quantity or meaning.quantity or "",
        meter=options.meter or meters.meter,
        site=options.site or meters.site,
        create_meters=options.create_meters or meters.unknown == "create",
        sheet=options.sheet or profile.mapping.file.sheet,
    )


@contextmanager
def _recognised(
    actor: Actor,
    organisation: Organisation,
    file: PrefetchingReader,
    options: ImportOptions,
    claim: UploadClaim,
    name: str,
    listener: Callable[[Progress], None] | None,
) -> Iterator[ImportRun]:
    """Wait until the file is recognised, and yield its import with an empty report."""
    source, found = file.wait_for_file().source, file.wait_for_file().recognition
    report = ImportReport(
        dry_run=options.dry_run, file=name or source.name, format=found.format, why=found.why, sure=found.sure
    )
    progress = ProgressReporter(listener)
    progress.update(total=source.size)
    writes = not options.dry_run or claim.upload is not None  # a stored upload may have its report stored too
    with ErrorLog(Path(settings.HOME) / "reports" if writes else None) as log:
        yield ImportRun(actor, organisation, file, options, report, log, progress, claim)


def _importer_for(run: ImportRun) -> Callable[[ImportRun], None]:
    """Return what imports this kind of file; each is loaded when it is needed."""
    kind = run.file.wait_for_file().reader.kind
    if kind == "readings":
        return _import_readings
    if kind == "registers":
        from eclectyc.intake.register_files.import_registers import import_registers

        return import_registers
    if kind == "tank":
        from eclectyc.intake.register_files.import_tanks import import_tanks

        return import_tanks
    from eclectyc.intake.import_registry import import_records

    return import_records


def _import_readings(run: ImportRun) -> None:
    with Spool(Path(settings.HOME) / "tmp") as spool:
        readings = _collect(run, spool)
        plan = _interpret(run, readings)
        months = FileMonths(readings, plan, run.provisioning.series_numbers(plan))
        commit_readings(run, readings, plan, months)


def _collect(run: ImportRun, spool: Spool) -> FileReadings:
    """Read the whole file: resolve each row's meter, and gather what its timestamps look like."""
    readings = FileReadings(run.resolver, spool, run.log)
    step = run.recognition.step
    collector = ReadingCollector(readings, step_s=step * 60 if step else None)
    for block, errors in run.blocks():
        if isinstance(block, DayBlock | RowBlock):
            collector.add(block, errors)
        run.progress.state.rows = readings.rows
    return readings


def _interpret(run: ImportRun, readings: FileReadings) -> FilePlan:
    """Decide what the timestamps mean, and report that and what cannot be imported."""
    found, options = run.recognition, run.options
    plan = interpret(readings, found, stamps=options.stamps, timezone=options.timezone, agrees=shift_to_stored)
    describe(run.report, readings, found, plan)
    reject_unknown_meters(readings.resolver, run.log, run.report)
    if plan.rejected:
        run.log.extend((error for error, _ in plan.rejected), counts_lines=False)
        run.log.cover_lines(readings.spool.lines_of([channel for _, channel in plan.rejected]))
    return plan
