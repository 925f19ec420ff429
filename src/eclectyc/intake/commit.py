"""A batch committed: what it makes in the registry and its row first, then the lake in one commit, then done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.batches.lifecycle import Claim, begin, committing, note, writers_turn
from eclectyc.batches.models import Batch
from eclectyc.derived.invalidation import remarks_on
from eclectyc.intake.alignment.collect import FileReadings
from eclectyc.intake.alignment.interpretation import FilePlan
from eclectyc.intake.alignment.month_frames import FileMonths
from eclectyc.intake.provisioning import Provisioning
from eclectyc.intake.report import ImportReport
from eclectyc.kernel.failpoints import failpoint
from eclectyc.lake.lease import Lease
from eclectyc.lake.store import connect
from eclectyc.lake.write import WriteResult
from eclectyc.readers.prefetch import PrefetchingReader

KEPT_SERIES: Final = 2000  # of a batch's report in the registry; the printed one has them all


@dataclass(frozen=True, slots=True)
class Import:
    """An import on its way: who imports what, where its report grows, and how progress is told."""

    actor: Actor
    organisation: Organisation
    file: PrefetchingReader
    gathered: FileReadings
    report: ImportReport
    say: Callable[..., None]
    claim: Claim = Claim()  # noqa: RUF009 - it never changes
    rule: str = "guarded"


def write_batch(
    import_: Import, plan: FilePlan, making: Provisioning, months: FileMonths, *, complete: Callable[[], None]
) -> None:
    """Commit a file's readings as one batch. ``complete`` fills the report in once every month is placed."""
    report, say = import_.report, import_.say
    with writers_turn(
        f"import {report.file}",
        waiting=lambda other: say(phase="waiting", text=f"waiting for another import ({other})"),
    ) as lease:
        say(phase="writing", text="", done=0, total=import_.gathered.values)
        batch = _begin(import_, plan, making, months, lease)
        failpoint("intake.after_pending")

        def before_commit(result: WriteResult) -> None:
            take_result(report, result)
            complete()
            report.warnings += remarks_on(result.touched)
            note(batch, touched=result.touched, report=kept_report(report), **_counts(report))
            failpoint("intake.before_write")

        _commit(batch, months, lease, before_commit, say, import_.rule)


def _begin(import_: Import, plan: FilePlan, making: Provisioning, months: FileMonths, lease: Lease) -> Batch:
    report = import_.report
    with import_.claim.held():
        months.series, made = making.create(plan)
        digest = import_.file.sha256()
        earlier = Batch.objects.filter(organisation=import_.organisation, sha256=digest, state=Batch.DONE).first()
        batch = begin(
            import_.actor, lease, organisation=import_.organisation, made=made, file_name=report.file[-255:],
            sha256=digest, format=report.format[:30], upload_id=import_.claim.upload,
        )  # fmt: skip
    report.batch = batch.pk
    report.created_meters, report.created_sites = len(made.meters), len(made.sites)
    if earlier:
        report.warnings.insert(0, f"This very file came in before, as batch {earlier.pk}.")
    return batch


def _commit(
    batch: Batch,
    months: FileMonths,
    lease: Lease,
    before_commit: Callable[[WriteResult], None],
    say: Callable[..., None],
    rule: str,
) -> None:
    store = connect()
    written = 0

    def wrote(readings: int) -> None:
        nonlocal written
        written += readings
        say(done=written)

    with committing(batch, store, lease):
        store.write(months, lease=lease, batch=batch.pk, rule=rule, progress=wrote, before_commit=before_commit)
        failpoint("intake.after_commit")


def take_result(report: ImportReport, result: WriteResult) -> None:
    """Take over what became of the slots."""
    report.added, report.changed = result.added, result.changed
    report.unchanged, report.kept = result.unchanged, result.kept


def kept_report(report: ImportReport) -> dict[str, Any]:
    """Return what the registry keeps of a report."""
    kept = report.as_dict()
    kept["series"] = kept["series"][:KEPT_SERIES]
    return kept


def _counts(report: ImportReport) -> dict[str, int]:
    names = ("rows", "accepted", "rejected", "added", "changed", "unchanged", "kept")
    return {name: getattr(report, name) for name in names}
