"""Readings of a file committed as one batch: what is new in the registry first, then the lake in one commit."""

from __future__ import annotations

from eclectyc.batches.lifecycle import committing
from eclectyc.batches.own_lake import require_own_lake
from eclectyc.intake.alignment.collect import FileReadings
from eclectyc.intake.alignment.interpretation import FilePlan
from eclectyc.intake.alignment.month_frames import FileMonths
from eclectyc.intake.import_run import ImportRun
from eclectyc.intake.report_building import complete
from eclectyc.kernel.failpoints import failpoint
from eclectyc.lake.store import connect
from eclectyc.lake.write import WriteResult


def commit_readings(run: ImportRun, readings: FileReadings, plan: FilePlan, months: FileMonths) -> None:
    """Commit a file's readings as one batch, or find out what that would do."""

    def complete_report() -> None:
        complete(run.report, readings, plan, months.totals)

    if months.is_empty():
        complete_report()
    elif run.report.dry_run:
        require_own_lake()
        run.report_preview(connect().preview(months, rule=_rule_of(run)), plan)
        complete_report()
    else:
        with run.writers_turn(readings.values) as lease:
            with run.claim.transaction():
                months.series, created = run.provisioning.create(plan)
                batch = run.begin_batch(lease, created)
            failpoint("intake.after_pending")

            def before_commit(result: WriteResult) -> None:
                run.report_result(batch, result, complete_report)
                failpoint("intake.before_write")

            store, written = connect(), 0

            def count(more: int) -> None:
                nonlocal written
                written += more
                run.progress.update(done=written)

            with committing(batch, store, lease):
                store.write(
                    months,
                    lease=lease,
                    batch=batch.pk,
                    rule=_rule_of(run),
                    progress=count,
                    before_commit=before_commit,
                )
                failpoint("intake.after_commit")


def _rule_of(run: ImportRun) -> str:
    """Return which readings replace which (see ``lake.precedence``): the last ones if the import profile says so."""
    mapping = getattr(run.file.wait_for_file().reader, "mapping", None)  # of a profile's reader
    return "last_wins" if mapping is not None and mapping.last_wins else "guarded"
