"""Import one file as the product does, and collect what it would store: every slot, read and record."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import polars as pl

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.intake import commit, import_registry
from eclectyc.intake.alignment.month_frames import FileMonths
from eclectyc.intake.import_options import ImportOptions
from eclectyc.intake.import_run import ImportRun
from eclectyc.intake.register_files import commit_case
from eclectyc.intake.report import ImportReport
from eclectyc.intake.service import import_file
from eclectyc.kernel.errors import EclectycError
from eclectyc.lake.write import WriteResult
from eclectyc.readers.blocks import RegisterBlock, TankBlock
from tests.readers.mutants.plain import Key

_number = count()
MOST_S = 20  # no small file takes longer, on the slowest machine


@dataclass
class Outcome:
    """The result of an import. slots : value, quality and step of each; empty for files of other kinds."""

    refusal: EclectycError | None = None
    report: ImportReport | None = None
    slots: dict[Key, tuple[float, int, int]] = field(default_factory=dict)
    reads: list[dict[str, Any]] = field(default_factory=list)
    records: list[tuple[int, dict[str, Any]]] = field(default_factory=list)


def tried(actor: Actor, organisation: Organisation, path: Path, **options: Any) -> Outcome:
    """Import a file as a dry run. Exceptions that are not refusals are raised."""
    outcome = Outcome()
    with _watched(outcome), _in_time():
        try:
            outcome.report = import_file(
                actor, organisation=organisation, path=path, options=ImportOptions(dry_run=True, **options)
            )
        except EclectycError as refusal:
            outcome.refusal = refusal
    return outcome


@contextmanager
def _in_time() -> Iterator[None]:
    def late(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"The import took longer than {MOST_S} s.")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, MOST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _watched(outcome: Outcome) -> Iterator[None]:
    """Record what the import passes on to the lake, to the registers and to the estate."""
    connect, blocks, records = commit.connect, ImportRun.blocks, import_registry._records
    preview_consumption = commit_case.preview_consumption

    class Lake:
        """Every tenth file goes to the lake itself; the readers are what is tested."""

        def preview(self, months: FileMonths, *, rule: str) -> WriteResult:
            if next(_number) % 10 == 0:
                return connect().preview(_seen(months), rule=rule)
            return WriteResult(added=sum(1 for frame in _seen(months) for _ in frame.iter_rows()))

    def _seen(months: FileMonths) -> Iterator[pl.DataFrame]:
        for frame in months:
            _note_slots(outcome, months, frame)
            yield frame

    def _blocks(run: ImportRun) -> Iterator[Any]:
        for block, errors in blocks(run):
            if isinstance(block, RegisterBlock | TankBlock):
                outcome.reads += block.frame.to_dicts()
            yield block, errors

    def _preview_consumption(*args: Any) -> WriteResult:
        return preview_consumption(*args) if next(_number) % 10 == 0 else WriteResult(added=1)

    def _records(run: ImportRun) -> Iterator[Any]:
        for line, fields in records(run):
            outcome.records.append((line, dict(fields)))
            yield line, fields

    with (
        patch.object(commit, "connect", Lake),
        patch.object(ImportRun, "blocks", _blocks),
        patch.object(commit_case, "preview_consumption", _preview_consumption),
        patch.object(import_registry, "_records", _records),
    ):
        yield


def _note_slots(outcome: Outcome, months: FileMonths, frame: pl.DataFrame) -> None:
    targets = dict(zip(months.series.tolist(), months._plan.targets, strict=True))
    for series, day, step, values, qualities in frame.iter_rows():
        target = targets[series]
        begins = _midnight(day, months._plan.zones[target.zone])
        assert len(values) == len(qualities)
        for k, (value, quality) in enumerate(zip(values, qualities, strict=True)):
            assert (value is None) == (quality == 0), "a value without a quality, or the other way round"
            if value is not None:
                start = begins + timedelta(minutes=k * step)
                key = Key(target.point.identifier, target.quantity, target.register, target.unit, start)
                assert key not in outcome.slots, f"{key} is written twice"
                outcome.slots[key] = value, quality, step


def _midnight(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
