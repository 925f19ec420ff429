"""An import under way: what every kind of file needs to be imported as one batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.batches.lifecycle import COUNTS, CreatedRecords, UploadClaim, begin, record_result, writers_turn
from eclectyc.batches.models import Batch
from eclectyc.derived.invalidation import remarks_on
from eclectyc.intake.import_options import ImportOptions, Progress
from eclectyc.intake.provisioning import HasTargets, Provisioning
from eclectyc.intake.report import ErrorLog, ImportReport
from eclectyc.intake.resolve import MeterOptions, Resolver
from eclectyc.lake.lease import Lease
from eclectyc.lake.write import WriteResult
from eclectyc.readers.blocks import Block, LineError, Recognition
from eclectyc.readers.prefetch import PrefetchingReader


@dataclass(slots=True)
class ProgressReporter:
    """Passes changes of an import's progress on to a listener, if there is one."""

    listener: Callable[[Progress], None] | None = None
    state: Progress = field(default_factory=Progress)

    def update(self, **changes: object) -> None:
        for name, value in changes.items():
            setattr(self.state, name, value)
        if self.listener:
            self.listener(self.state)


@dataclass(frozen=True)
class ImportRun:
    """An import under way: who imports which file into which organisation, how, and where its report grows.

    claim : the stored upload that the file is, if it is one.
    """

    actor: Actor
    organisation: Organisation
    file: PrefetchingReader
    options: ImportOptions
    report: ImportReport
    log: ErrorLog
    progress: ProgressReporter
    claim: UploadClaim

    @property
    def recognition(self) -> Recognition:
        return self.file.wait_for_file().recognition

    @cached_property
    def provisioning(self) -> Provisioning:
        """Creates the sites, meters and series that are missing."""
        return Provisioning.for_site(self.actor, self.organisation, self.options.site)

    @cached_property
    def resolver(self) -> Resolver:
        """Finds the meters that the file names."""
        chosen = MeterOptions(
            meter=self.options.meter,
            quantity=self.options.quantity,
            unit=self.options.unit,
            creates=self.options.create_meters,
            zone=self.provisioning.zone,
            strict_mpan=self.options.strict_mpan,
            unit_needed_because=self.recognition.why_no_default_unit,
        )
        return Resolver(self.organisation, chosen)

    def blocks(self) -> Iterator[tuple[Block, list[LineError]]]:
        """Yield the file's blocks with the lines that the reader rejected, and report progress."""
        source = self.file.wait_for_file().source
        for block in self.file.blocks():
            yield block
            self.progress.update(done=source.position)

    @contextmanager
    def writers_turn(self, total: int) -> Iterator[Lease]:
        """Hold the writers' turn. total : the readings to be written."""

        def wait_for(other: str) -> None:
            self.progress.update(phase="waiting", text=f"waiting for another import ({other})")

        with writers_turn(f"import {self.report.file}", waiting=wait_for) as lease:
            self.progress.update(phase="writing", text="", done=0, total=total)
            yield lease

    def begin_batch(self, lease: Lease, created: CreatedRecords, **fields: Any) -> Batch:
        """Begin the import's batch; call it within the claim's transaction, with the writers' turn held."""
        report, digest = self.report, self.file.sha256()
        earlier = Batch.objects.filter(organisation=self.organisation, sha256=digest, state=Batch.DONE).first()
        batch = begin(
            self.actor,
            lease,
            organisation=self.organisation,
            created=created,
            file_name=report.file[-255:],
            sha256=digest,
            format=report.format[:30],
            upload_id=self.claim.upload,
            **fields,
        )
        report.batch = batch.pk
        report.created_meters, report.created_sites = len(created.meters), len(created.sites)
        if earlier:
            report.warnings.insert(0, f"This file was already imported (batch {earlier.pk}).")
        return batch

    def report_result(self, batch: Batch, result: WriteResult, complete: Callable[[], None]) -> None:
        """Complete the report and store it with the batch, just before the lake commits."""
        self.report.add_counts(result)
        complete()
        self.report.warnings += remarks_on(result.touched)
        counts = {name: getattr(self.report, name) for name in COUNTS}
        record_result(batch, touched=result.touched, report=self.report.for_registry(), **counts)

    def report_preview(self, result: WriteResult, planned: HasTargets) -> None:
        """Report what a dry run found. planned : the series that the import would have."""
        self.report.add_counts(result)
        self.report.warnings += remarks_on(result.touched)
        self.report.created_sites, self.report.created_meters = self.provisioning.count_new(planned)
