"""A file of reads, or of a tank's entries, on its way in: one batch, or only what it would do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.batches.lifecycle import COUNTS, Claim, Made, begin, note, writers_turn
from eclectyc.batches.models import Batch
from eclectyc.derived.invalidation import remarks_on
from eclectyc.intake.commit import kept_report, take_result
from eclectyc.intake.provisioning import Provisioning
from eclectyc.intake.register_files.file_series import FileSeries
from eclectyc.intake.report import ErrorLog, ImportReport, grouped_warnings
from eclectyc.intake.resolve import Point, Resolver
from eclectyc.lake.lease import Lease
from eclectyc.lake.write import WriteResult
from eclectyc.readers.blocks import Recognition
from eclectyc.readers.prefetch import PrefetchingReader
from eclectyc.registers.commit_consumption import preview_use, wanted_by, write_use
from eclectyc.registers.consumption import Worked


@dataclass(frozen=True, slots=True)
class ReadsImport:
    """An import of reads, or of a tank's entries, on its way: who imports what, and where its report grows.

    unit : what every register of the file counts in, where that was told.
    """

    actor: Actor
    organisation: Organisation
    seen: Recognition
    resolver: Resolver
    making: Provisioning
    report: ImportReport
    log: ErrorLog
    say: Callable[..., None]
    claim: Claim
    file: PrefetchingReader
    unit: str = ""


class Case(Protocol):
    """What a file tells, put beside what the registry knows, and the use that follows.

    steps : minutes of the slots of each point, which a meter that is made is given.
    """

    points: list[Point]
    steps: list[int]
    worked: Worked

    def prepare(self, organisation: Organisation, made: Made) -> None:
        """Make what the entries stand on, once the meters are there; called within the batch's first transaction."""
        ...

    def keep(self, batch: Batch) -> None:
        """Write down what the file tells."""
        ...

    def tell(self, report: ImportReport) -> None:
        """Fill into the report what the file held of each register or tank."""
        ...


def bring_in(import_: ReadsImport, count: int, case_of: Callable[[], Case]) -> None:
    """Commit what a file tells as one batch, or find out what that would do.

    count : how many reads or entries it has. case_of : looks the registry up; called while it stands still.
    """
    report = import_.report
    report.reads = count
    if report.dry_run or not count:
        case = case_of()
        if count:
            maker = FileSeries(case.points, import_.making, case.steps)
            would_do = preview_use(case.worked, maker, import_.organisation)
            take_result(report, would_do)
            report.warnings += remarks_on(would_do.touched)
            planned = maker.planned(wanted_by(case.worked)[0])
            report.created_sites, report.created_meters = import_.making.count_new(planned)
        _complete(import_, case)
        return
    with writers_turn(
        f"import {report.file}",
        waiting=lambda other: import_.say(phase="waiting", text=f"waiting for another import ({other})"),
    ) as lease:
        import_.say(phase="writing", text="", done=0, total=count)
        _write(import_, case_of(), lease)


def _write(import_: ReadsImport, case: Case, lease: Lease) -> None:
    report = import_.report

    def begun(made: Made) -> Batch:
        digest = import_.file.sha256()
        earlier = Batch.objects.filter(organisation=import_.organisation, sha256=digest, state=Batch.DONE).first()
        batch = begin(
            import_.actor, lease, organisation=import_.organisation, made=made, file_name=report.file[-255:],
            sha256=digest, format=report.format[:30], upload_id=import_.claim.upload, derives_use=True,
        )  # fmt: skip
        case.prepare(import_.organisation, made)
        report.batch = batch.pk
        report.created_meters, report.created_sites = len(made.meters), len(made.sites)
        if earlier:
            report.warnings.insert(0, f"This very file came in before, as batch {earlier.pk}.")
        return batch

    def before_commit(batch: Batch, result: WriteResult) -> None:
        take_result(report, result)
        _complete(import_, case)
        report.warnings += remarks_on(result.touched)
        counts = {name: getattr(report, name) for name in COUNTS}
        note(batch, touched=result.touched, report=kept_report(report), **counts)

    maker = FileSeries(case.points, import_.making, case.steps)
    write_use(
        case.worked, maker, lease, under=import_.claim.held, begin=begun, keep=case.keep, before_commit=before_commit
    )


def _complete(import_: ReadsImport, case: Case) -> None:
    """Fill in what is known once the use is worked out."""
    report = import_.report
    report.readings = report.added + report.changed + report.unchanged + report.kept
    case.tell(report)
    report.kwh = float(sum(one.total for one in report.series if one.unit == "kWh"))
    report.warnings = grouped_warnings([*report.warnings, *case.worked.notes])
    report.add_errors(import_.log)
