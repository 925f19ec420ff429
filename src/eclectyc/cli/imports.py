"""``eclectyc import``, ``undo`` and ``batches``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer

from eclectyc.cli.recompute import follow
from eclectyc.cli.session import (
    OPERATOR,
    AsJson,
    OrganisationName,
    chosen_organisation,
    print_json,
    print_table,
    ready,
    say,
)
from eclectyc.kernel.plurals import counted, plural

if TYPE_CHECKING:
    from eclectyc.accounts.models import Organisation
    from eclectyc.intake.import_options import ImportOptions, Progress, StampsOption
    from eclectyc.intake.report import ImportReport
    from eclectyc.readers.prefetch import PrefetchingReader

SHOWN_BATCHES: Final = 50
EAGER_SWITCH_S: Final = 0.001  # between threads: loading would delay reading the file


def import_file(  # noqa: PLR0913, PLR0917 - the options of CONTRACT
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to import; .gz is unpacked.")],
    type_: Annotated[
        str, typer.Option("-t", "--type", help="auto, hh, or a format's name, such as wide or nem12.")
    ] = "auto",
    dry_run: Annotated[bool, typer.Option("-n", "--dry-run", help="Report what would happen; store nothing.")] = False,
    create_meters: Annotated[bool, typer.Option("--create-meters", help="Create unknown meters.")] = False,
    site: Annotated[str, typer.Option(help="The site of new meters; created if it does not exist.")] = "",
    stamps: Annotated[
        str, typer.Option(help="Whether times mark the start or end of a period: auto, start or end.")
    ] = "auto",
    timezone: Annotated[str, typer.Option(help="The time zone of the file, such as UTC.")] = "",
    unit: Annotated[str, typer.Option(help="The unit of the values, such as kWh.")] = "",
    meter: Annotated[str, typer.Option(help="The meter, if the file names none.")] = "",
    quantity: Annotated[str, typer.Option(help="The quantity, if the file does not state it: import, export …")] = "",
    profile: Annotated[
        str, typer.Option(help="A saved import profile, or a TOML file that describes the layout.")
    ] = "",
    sheet: Annotated[str, typer.Option(help="The sheet of a workbook; by default the first that is recognised.")] = "",
    strict_mpan: Annotated[bool, typer.Option("--strict-mpan", help="Reject MPANs with a wrong check digit.")] = False,
    organisation: OrganisationName = None,
    as_json: AsJson = False,
) -> None:
    """Import a file of readings, sites or meters. Exit: 0 clean, 1 some rows rejected, 2 nothing usable."""
    from eclectyc.kernel.memory import reuse_freed_memory

    reuse_freed_memory()
    reading = None if profile else (type_, meter, unit, quantity, sheet)
    with _begun(file, reading) as ahead:  # the file is read while the rest of the program loads
        ready()
        from eclectyc.intake.import_options import ImportOptions

        options = ImportOptions(
            type=type_,
            dry_run=dry_run,
            create_meters=create_meters,
            site=site,
            stamps=cast("StampsOption", stamps),
            timezone=timezone,
            unit=unit,
            meter=meter,
            quantity=quantity,
            profile=profile,
            strict_mpan=strict_mpan,
            sheet=sheet,
        )
        report = _run(chosen_organisation(organisation), file, options, ahead, as_json=as_json)
    if not dry_run:
        follow()
    if as_json:
        print_json(report.as_dict())
    else:
        from eclectyc.cli.import_report import show

        show(report)
    raise typer.Exit(report.exit_code)


@contextmanager
def _begun(file: Path, reading: tuple[str, str, str, str, str] | None) -> Iterator[PrefetchingReader | None]:
    """Start reading a file before Django is loaded; None if a profile or a terminal has to decide first."""
    if reading is None:
        yield None
        return
    from eclectyc.readers.checksum import Digest

    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(EAGER_SWITCH_S)
    digest = Digest(file)  # while Polars loads
    try:
        from eclectyc.readers.prefetch import PrefetchingReader
        from eclectyc.readers.reader import ReadOptions

        with PrefetchingReader(file, ReadOptions(*reading), digest) as ahead:
            ahead.wait_until_opened()  # from then on reading seldom needs Python's lock
            yield ahead
    finally:
        digest.close()
        sys.setswitchinterval(usual_s)


def _run(
    owner: Organisation, file: Path, options: ImportOptions, ahead: PrefetchingReader | None, *, as_json: bool
) -> ImportReport:
    from eclectyc.batches.lifecycle import recover
    from eclectyc.intake import service
    from eclectyc.lake.store import connect
    from eclectyc.readers.blocks import UnreadableFile

    if ahead is not None and ahead.holds_readings():
        connect().open_in_background()
    if not options.dry_run:
        recover()
    try:
        with _progress(file.name) as listener:
            return service.import_file(
                OPERATOR, organisation=owner, path=file, options=options, progress=listener, ahead=ahead
            )
    except UnreadableFile as refusal:
        _offer_profiles(owner, file, options)
        if not as_json:
            raise
        print_json(_refused(file, options, refusal))
        say(f"eclectyc: {refusal}")
        raise typer.Exit(2) from None


def _offer_profiles(owner: Organisation, file: Path, options: ImportOptions) -> None:
    """Suggest saved profiles that match an unrecognised file."""
    from eclectyc.intake.profiles.match import matching_profiles
    from eclectyc.intake.profiles.sample_file import open_sample
    from eclectyc.kernel.errors import EclectycError

    if options.profile or not file.is_file():
        return
    try:
        with open_sample(file, file.name, options.sheet) as head:
            found = matching_profiles(OPERATOR, owner, head)
    except (EclectycError, OSError):
        return
    for fit in found[:3]:
        say(f"A saved profile matches: {fit.why}. Try --profile {fit.profile.name!r}.")


def _refused(file: Path, options: ImportOptions, refusal: Exception) -> dict[str, Any]:
    """Return the report of a refused file: the reason is its only error."""
    from eclectyc.intake.report import ImportReport
    from eclectyc.readers.blocks import LineError, UnreadableFile

    assert isinstance(refusal, UnreadableFile)  # noqa: S101
    report = ImportReport(dry_run=options.dry_run, file=file.name)
    report.errors, report.error_count = [LineError(0, "", refusal.reason, refusal.remedy)], 1
    error = {"code": refusal.code, "message": refusal.reason, "remedy": refusal.remedy, "field": refusal.field}
    return report.as_dict() | {"error": error}


@contextmanager
def _progress(name: str) -> Iterator[Callable[[Progress], None] | None]:
    """Show a progress bar on standard error if it is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rows]}"), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"reading {name}", total=None, rows="")

        def listener(progress: Progress) -> None:
            shown = progress.text or f"{progress.phase} {name}"
            total = progress.total or None
            rows = counted(progress.rows, "row")
            bar.update(task, description=shown, completed=progress.done, total=total, rows=rows)

        yield listener


def undo(
    batch: Annotated[int, typer.Argument(metavar="BATCH", help="The batch number, as in eclectyc batches.")],
    as_json: AsJson = False,
) -> None:
    """Undo an import. Readings it changed return to their earlier values."""
    ready()
    from dataclasses import asdict

    from eclectyc.intake.undo import undo_batch

    undone = undo_batch(OPERATOR, batch=batch, waiting=lambda other: say(f"waiting for another import ({other})"))
    follow()
    if as_json:
        print_json(asdict(undone))
        return
    print(
        f"Batch {undone.batch} is undone (by batch {undone.by}): "
        f"{counted(undone.removed, 'reading')} {plural(undone.removed, 'is', 'are')} gone, "
        f"{undone.changed:,} {plural(undone.changed, 'has its', 'have their')} earlier value again."
    )
    if undone.meters_kept:
        stay = plural(undone.meters_kept, "The meter it created stays", "The meters it created stay")
        print(f"{stay} ({undone.meters_kept:,}).")


def batches(
    every: Annotated[bool, typer.Option("--all", help="All batches, not only the latest.")] = False,
    organisation: OrganisationName = None,
    as_json: AsJson = False,
) -> None:
    """List imports, the latest first."""
    ready()
    from eclectyc.batches.lifecycle import recover
    from eclectyc.batches.models import Batch

    recover()
    found = Batch.objects.visible_to(OPERATOR).select_related("organisation", "undoes")
    if organisation:
        found = found.filter(organisation=chosen_organisation(organisation))
    shown = list(found if every else found[:SHOWN_BATCHES])
    if as_json:
        print_json({"items": [_as_dict(batch) for batch in shown], "count": found.count()})
        return
    if not shown:
        say("Nothing has been imported yet. Start with: eclectyc import FILE")
        return
    rows = [
        (
            b.pk,
            f"{b.created_at:%Y-%m-%d %H:%M}",
            _what(b),
            b.state,
            b.file_name,
            b.format,
            f"{b.rows:,}",
            f"{b.rejected:,}",
            f"{b.added:,}",
            f"{b.changed:,}",
            f"{b.unchanged:,}",
            f"{b.kept:,}",
        )
        for b in shown
    ]
    headings = (
        "batch",
        "when (UTC)",
        "what",
        "state",
        "file",
        "format",
        "rows",
        "rejected",
        "added",
        "changed",
        "unchanged",
        "kept",
    )
    print_table(headings, rows, right=(0, 6, 7, 8, 9, 10, 11))


def _what(batch: Any) -> str:
    return f"undo of {batch.undoes_id}" if batch.undoes_id else str(batch.kind)


def _as_dict(batch: Any) -> dict[str, Any]:
    return {
        "batch": batch.pk,
        "organisation": batch.organisation.name,
        "kind": batch.kind,
        "state": batch.state,
        "undoes": batch.undoes_id,
        "file": batch.file_name,
        "format": batch.format,
        "by": batch.actor_label,
        "created_at": batch.created_at.isoformat(),
        "finished_at": batch.finished_at.isoformat() if batch.finished_at else None,
        "rows": batch.rows,
        "accepted": batch.accepted,
        "rejected": batch.rejected,
        "added": batch.added,
        "changed": batch.changed,
        "unchanged": batch.unchanged,
        "kept": batch.kept,
    }
