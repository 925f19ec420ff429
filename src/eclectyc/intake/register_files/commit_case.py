"""A file of reads, or of a tank's entries, committed as one batch, or only tested."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from eclectyc.accounts.models import Organisation
from eclectyc.batches.lifecycle import CreatedRecords
from eclectyc.batches.models import Batch
from eclectyc.intake.import_run import ImportRun
from eclectyc.intake.register_files.file_series import FileSeries
from eclectyc.intake.report import ImportReport, grouped_warnings
from eclectyc.intake.resolve import Point
from eclectyc.lake.lease import Lease
from eclectyc.lake.write import WriteResult
from eclectyc.registers.commit_consumption import commit_consumption, preview_consumption, series_requests
from eclectyc.registers.consumption import Consumption


class Case(Protocol):
    """A file's reads matched with the registry, and the use that follows.

    steps : minutes of the slots of each point, given to a meter that is created.
    """

    points: list[Point]
    steps: list[int]
    consumption: Consumption

    def prepare(self, organisation: Organisation, created: CreatedRecords) -> None:
        """Create what the reads belong to, once the meters exist; called within the batch's first transaction."""
        ...

    def store(self, batch: Batch) -> None:
        """Store the file's reads."""
        ...

    def report_series(self, report: ImportReport) -> None:
        """Report what the file holds for each register or tank."""
        ...


def commit_case(run: ImportRun, count: int, case_of: Callable[[], Case]) -> None:
    """Commit a file's reads as one batch, or find out what that would do.

    count : how many reads or entries there are. case_of : looks up the registry; for an import, called with the
    writers' turn held.
    """
    run.report.reads = count
    if count and not run.report.dry_run:
        with run.writers_turn(count) as lease:
            _write(run, case_of(), lease)
        return
    case = case_of()
    if count:
        series = FileSeries(case.points, run.provisioning, case.steps)
        result = preview_consumption(case.consumption, series, run.organisation)
        run.report_preview(result, series.planned(series_requests(case.consumption)[0]))
    _complete(run, case)


def _write(run: ImportRun, case: Case, lease: Lease) -> None:
    def begin(created: CreatedRecords) -> Batch:
        batch = run.begin_batch(lease, created, derives_use=True)
        case.prepare(run.organisation, created)
        return batch

    def before_commit(batch: Batch, result: WriteResult) -> None:
        run.report_result(batch, result, lambda: _complete(run, case))

    series = FileSeries(case.points, run.provisioning, case.steps)
    commit_consumption(
        case.consumption,
        series,
        lease,
        transaction=run.claim.transaction,
        begin=begin,
        store=case.store,
        before_commit=before_commit,
    )


def _complete(run: ImportRun, case: Case) -> None:
    """Report what is known once the use is calculated."""
    report = run.report
    report.readings = report.added + report.changed + report.unchanged + report.kept
    case.report_series(report)
    report.kwh = float(sum(one.total for one in report.series if one.unit == "kWh"))
    report.warnings = grouped_warnings([*report.warnings, *case.consumption.notes])
    report.add_errors(run.log)
