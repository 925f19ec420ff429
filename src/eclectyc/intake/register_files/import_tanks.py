"""Import files of deliveries and dips of tanks: collect, combine with stored entries, commit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from eclectyc.accounts.models import Organisation
from eclectyc.batches.lifecycle import CreatedRecords
from eclectyc.batches.models import Batch
from eclectyc.estate.models import Meter, Utility
from eclectyc.intake.alignment.clocks import clock_for
from eclectyc.intake.import_run import ImportRun
from eclectyc.intake.register_files.collect_reads import MOST
from eclectyc.intake.register_files.commit_case import commit_case
from eclectyc.intake.register_files.match_registers import meters_of
from eclectyc.intake.report import ImportReport, SeriesReport
from eclectyc.intake.report_building import reject_unknown_meters
from eclectyc.intake.resolve import Point
from eclectyc.kernel.days import WHOLE_DAY
from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.plurals import counted
from eclectyc.kernel.quality import ACTUAL
from eclectyc.readers.blocks import LineError, TankBlock, UnreadableFile
from eclectyc.registers.consumption import Consumption, RegisterShare
from eclectyc.registers.reads import Reads
from eclectyc.registers.register_config import PointFacts
from eclectyc.registers.repository import load_points, measured_in, pieces
from eclectyc.registers.tank_consumption import QUANTITY, UNIT, Entries, tank_consumption
from eclectyc.registers.tank_entries import FUELS, measured_by_tank, store_entries, stored_entries

_ORDER_OF_FILE: Final = 1 << 60  # after every batch that is stored
_KEPT: Final = ("line", "stamp", "instant", "value", "kind", "reference", "unit")


def import_tanks(run: ImportRun) -> None:
    """Import a file of deliveries and dips: store them, and commit the use that follows."""
    report, resolver, log = run.report, run.resolver, run.log
    frames: list[pl.DataFrame] = []
    for block, errors in run.blocks():
        log.extend(errors)
        if isinstance(block, TankBlock):
            report.rows += block.rows + len({error.line for error in errors})
            frames += _accepted_entries(run, block)
            if sum(len(frame) for frame in frames) > MOST:
                raise UnreadableFile(f"{report.file} contains more than {MOST:,} entries.", "Split the file.")
    printed = run.options.timezone or run.recognition.timezone or ""
    report.warnings += [*run.recognition.warnings, *resolver.warnings]
    reject_unknown_meters(resolver, log, report)
    frame = _without_other_utilities(run, pl.concat(frames)) if frames else pl.DataFrame()
    named = [resolver.channels[n].point for n in frame["channel"].unique(maintain_order=True)] if len(frame) else []
    points = list({id(point): point for point in named}.values())
    report.timezone = printed or ", ".join(dict.fromkeys(point.zone for point in points))
    entries = _entries(run, frame, points, printed) if len(frame) else Entries.none()
    commit_case(run, len(entries), lambda: TankCase.match(points, entries))


def _accepted_entries(run: ImportRun, block: TankBlock) -> list[pl.DataFrame]:
    """Return a block's entries with their channels, without those that cannot be imported."""
    if block.frame.is_empty():
        return []
    resolver = run.resolver
    frame = block.frame.with_columns(quantity=pl.lit(QUANTITY))
    channel = resolver.channels_of(frame.select("line", "meter", "quantity", "unit"))
    for known in resolver.channels:
        if known.fault is None and measured_in(run.options.unit or known.key.unit or UNIT, UNIT)[0] != UNIT:
            known.fault = _no_volume(known.key.unit or "")
    goes_in = np.array([known.is_accepted for known in resolver.channels])[channel]
    if not goes_in.all():
        line = frame["line"].to_numpy()
        run.log.cover_lines(np.setdiff1d(line[~goes_in], line[goes_in]))
    kept = frame.select(*_KEPT).with_columns(channel=pl.Series(channel, dtype=pl.Int32))
    return [kept.filter(pl.Series(goes_in))]


def _no_volume(unit: str) -> Invalid:
    return Invalid(f"A tank is measured in litres or m³, not in {unit!r}.", "Give --unit litre.", field="unit")


def _without_other_utilities(run: ImportRun, frame: pl.DataFrame) -> pl.DataFrame:
    """Reject entries of meters that have no tank, with one error for each meter."""
    channels = run.resolver.channels
    numbers = [channel.point.meter for channel in channels if channel.point.meter is not None]
    utility: dict[int, str] = {}
    for piece in pieces(numbers):
        utility.update(Meter.objects.filter(pk__in=piece).values_list("pk", "utility"))
    odd = [n for n, channel in enumerate(channels) if utility.get(channel.point.meter or 0, FUELS[0]) not in FUELS]
    for n in odd:
        own = frame.filter(pl.col("channel") == n)
        if len(own):
            kind = Utility(utility[channels[n].point.meter or 0]).label.lower()
            error = LineError(
                own["line"].to_list()[0],
                "meter",
                f"Meter {channels[n].point.identifier} is a meter of {kind}: it has no tank.",
                "Name a meter of oil, LPG, diesel or HVO, or correct this meter's utility.",
            )
            run.log.extend([error], counts_lines=False)
            run.log.cover_lines(own["line"].to_numpy())
    return frame.filter(~pl.col("channel").is_in(odd))


def _entries(run: ImportRun, frame: pl.DataFrame, points: list[Point], printed: str) -> Entries:
    """Return a file's entries, in litres, at UTC moments."""
    channels = run.resolver.channels
    place = {id(point): n for n, point in enumerate(points)}
    tank = np.array([place.get(id(channel.point), 0) for channel in channels], dtype=np.int64)[
        frame["channel"].to_numpy()
    ]
    factor = np.array([measured_in(run.options.unit or channel.key.unit or UNIT, UNIT)[1] for channel in channels])
    zones = np.array([printed or channel.point.zone for channel in channels], dtype=object)[frame["channel"].to_numpy()]
    instant = frame["instant"].dt.epoch("s")
    at_s = instant.fill_null(0).to_numpy().copy()
    wall = frame["stamp"].dt.epoch("s").fill_null(0).to_numpy()
    clocked = instant.is_null().to_numpy()
    for zone in dict.fromkeys(zones[clocked].tolist()):
        rows = np.flatnonzero(clocked & (zones == zone))
        at_s[rows] = clock_for(str(zone), wall[rows]).to_instants(wall[rows])
    at_s, frame, tank = _without_duplicates(run, frame, tank, at_s)
    size = len(frame)
    value = frame["value"].to_numpy() * factor[frame["channel"].to_numpy()]
    quality, order = np.full(size, ACTUAL, np.int8), np.full(size, _ORDER_OF_FILE)
    reads = Reads(tank, at_s, value, quality, np.zeros(size, bool), order)
    reference = frame["reference"].fill_null("").str.slice(0, 100)
    return Entries(reads, frame["kind"].to_numpy().astype(object), reference.to_numpy().astype(object))


def _without_duplicates(
    run: ImportRun, frame: pl.DataFrame, tank: np.ndarray, at_s: np.ndarray
) -> tuple[np.ndarray, pl.DataFrame, np.ndarray]:
    """Remove repeated entries; reject different entries of one kind at the same time."""
    of = ["tank", "at_s", "kind", "reference"]
    full = frame.with_columns(tank=pl.Series(tank), at_s=pl.Series(at_s), reference=pl.col("reference").fill_null(""))
    unlike = full.filter(pl.col("value").n_unique().over(of) > 1)
    run.log.extend(
        LineError(
            line,
            "",
            "Several entries of this kind have the same time and different litres.",
            "Give each its own time, or its ticket number in a column called reference.",
        )
        for line in unlike["line"].to_list()
    )
    kept = full.filter(pl.col("value").n_unique().over(of) == 1).unique(of, keep="first", maintain_order=True)
    again = len(full) - len(unlike) - len(kept)
    if again:
        run.report.warnings.append(f"Repeated: {counted(again, 'entry', 'entries')}. Each counts once.")
    return kept["at_s"].to_numpy(), kept.drop("tank", "at_s"), kept["tank"].to_numpy()


@dataclass(slots=True)
class TankCase:
    """A file's tank entries combined with stored ones, and the consumption that follows."""

    points: list[Point]
    steps: list[int]
    entries: Entries
    facts: list[PointFacts]
    consumption: Consumption
    meters: list[int]

    @classmethod
    def match(cls, points: list[Point], entries: Entries) -> TankCase:
        """Look up the registry and calculate the consumption. For an import, call it with the writers' turn held."""
        known = load_points([point.meter for point in points if point.meter is not None])
        facts = [known.get(point.meter or 0) or PointFacts(point.identifier, point.zone) for point in points]
        meters = [point.meter for point in points]
        stored = stored_entries(meters)
        consumption = tank_consumption(facts, Entries.joined(stored, entries), entries, measured_by_tank(meters))
        return cls(points, [WHOLE_DAY] * len(points), entries, facts, consumption, [])

    def prepare(self, organisation: Organisation, created: CreatedRecords) -> None:
        """Find the meters' numbers. New meters are of diesel until an editor changes that."""
        self.meters = meters_of(self.points, organisation)
        for piece in pieces(created.meters):
            Meter.objects.filter(pk__in=piece).update(utility=Utility.DIESEL)

    def store(self, batch: Batch) -> None:
        store_entries(batch, self.meters, self.entries)

    def report_series(self, report: ImportReport) -> None:
        report.series = [self._series(n) for n in np.unique(self.entries.reads.register).tolist()]

    def _series(self, n: int) -> SeriesReport:
        at_s = self.entries.reads.at_s[self.entries.reads.register == n]
        zone = ZoneInfo(self.facts[n].zone)
        ends = (datetime.fromtimestamp(int(s), UTC).astimezone(zone) for s in (at_s.min(), at_s.max()))
        first, last = (end.isoformat() for end in ends)
        share = next(iter(self.consumption.shares.get(n, ())), RegisterShare(0, 0.0, WHOLE_DAY))
        name = self.facts[n].identifier
        return SeriesReport(name, QUANTITY, UNIT, WHOLE_DAY, share.readings, share.total, first, last)
