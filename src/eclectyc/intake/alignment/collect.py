"""Collect a file's blocks: resolve each row's meter and gather statistics of its timestamps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from eclectyc.intake.alignment.clocks import Clock, clock_of
from eclectyc.intake.alignment.end_headed_columns import normalise_last_column
from eclectyc.intake.alignment.interval_detection import StampCensus
from eclectyc.intake.alignment.reading_arrays import POSITION_DAY_S, DayRows, Kind, ReadingRows, distinct
from eclectyc.intake.alignment.spool import Spool
from eclectyc.intake.alignment.stamp_convention import ClockEvidence
from eclectyc.intake.report import ErrorLog
from eclectyc.intake.resolve import Resolver
from eclectyc.kernel.days import DEFAULT_ZONE
from eclectyc.readers.blocks import DayBlock, LineError, RowBlock

SAMPLE_CHANNELS = 5  # channels whose readings are compared with stored ones
SAMPLE_ROWS = 3000
HALF_HOUR_S = 1800


@dataclass(slots=True)
class FileReadings:
    """The readings of a file, and what was learnt about them on the way."""

    resolver: Resolver
    spool: Spool
    errors: ErrorLog
    census: StampCensus = field(default_factory=StampCensus)
    evidence: ClockEvidence = field(default_factory=ClockEvidence)
    kinds: set[Kind] = field(default_factory=set)
    samples: list[ReadingRows] = field(default_factory=list)
    steps_s: dict[int, int] = field(default_factory=dict)  # of the channels whose layout fixes the interval
    stated_s: dict[int, int] = field(default_factory=dict)  # of the channels whose rows contain their start and end
    clock_channels: set[int] = field(default_factory=set)  # channels with a day a row whose columns are clock times
    rows: int = 0  # the file's data lines, rejected ones included
    values: int = 0  # slots that hold a value, or about that many
    first_day: int = 2**31  # as printed [days since 1970]
    last_day: int = -(2**31)
    _zones: dict[str, np.ndarray] = field(default_factory=dict)  # of the first ``_zoned`` channels
    _zoned: int = 0

    def zones(self) -> dict[str, np.ndarray]:
        """Return, for each time zone, the channels in it (bool, shape (channels,))."""
        if self._zoned != len(self.resolver.channels):
            zone_of = np.array([channel.point.zone or DEFAULT_ZONE for channel in self.resolver.channels], dtype=object)
            self._zones = {str(zone): zone_of == zone for zone in dict.fromkeys(zone_of.tolist())}
            self._zoned = len(zone_of)
        return self._zones

    def clock(self, zone: str) -> Clock:
        """Return a zone's clock over the file's years."""
        if self.first_day > self.last_day:
            return clock_of(zone, 2000, 2000)  # no rows
        first, last = (
            int(np.datetime64(day, "D").astype("datetime64[Y]").astype(int)) + 1970
            for day in (self.first_day, self.last_day)
        )
        return clock_of(zone, first, last)


class ReadingCollector:
    """Collects a reader's blocks. ``step_s`` is the layout's own step, if it has one."""

    def __init__(self, collected: FileReadings, *, step_s: int | None) -> None:
        self.collected = collected
        self._period_s = step_s or HALF_HOUR_S
        self._sampled: dict[int, int] = {}
        self._is_accepted = np.zeros(0, bool)  # of each channel

    def add(self, block: DayBlock | RowBlock, errors: list[LineError]) -> None:
        """Add a block and the lines that its reader rejected."""
        self.collected.errors.extend(errors)
        self.collected.rows += block.rows + len({error.line for error in errors})
        if block.frame.height == 0:
            return
        if isinstance(block, DayBlock):
            self._add_days(block)
        else:
            for rows in self._split_by_kind(block):
                self._add_rows(rows)

    def _add_days(self, block: DayBlock) -> None:
        channel = self.collected.resolver.channels_of(block.frame, block.step)
        line = block.frame["line"].to_numpy()
        accepted = self._accepted(channel, line + block.lines_from, block.lines_each)
        day = block.frame["day"].to_physical().to_numpy()
        by_clock = block.placing == "clock"
        days = DayRows(channel, line, day, block.values, block.quality, step=block.step, by_clock=by_clock)
        if not accepted.all():
            days, channel = days.where(accepted), channel[accepted]
        if len(days) == 0:
            return
        self._extend_span(days.day)
        present = distinct(channel).tolist()
        self.collected.steps_s.update(dict.fromkeys(present, block.step * 60))
        self.collected.clock_channels.update(present if days.by_clock else ())
        for zone, mine in self.collected.zones().items():
            of_zone = mine[channel]
            if block.by_end and of_zone.any():
                days = normalise_last_column(days, of_zone, self.collected.clock(zone))
            if of_zone.any():
                self.collected.evidence.add_days(
                    days if of_zone.all() else days.where(of_zone), self.collected.clock(zone)
                )
        self.collected.values += int(np.count_nonzero(days.quality))
        self.collected.spool.add_days(days)

    def _split_by_kind(self, block: RowBlock) -> Iterator[ReadingRows]:
        """Split a block by kind of timestamp."""
        frame = block.frame
        channel = self.collected.resolver.channels_of(frame, block.step)
        if block.step is not None:
            self.collected.stated_s.update(dict.fromkeys(distinct(channel).tolist(), block.step * 60))
        accepted = self._accepted(channel, frame["line"].to_numpy())
        if not accepted.all():
            frame, channel = frame.filter(pl.Series(accepted)), channel[accepted]
        line, value = frame["line"].to_numpy(), frame["value"].fill_null(float("nan")).to_numpy()
        quality = frame["quality"].to_numpy()
        elapsed_s = (pl.col("period") - 1).cast(pl.Int64) * self._period_s
        position = pl.col("day").to_physical().cast(pl.Int64) * POSITION_DAY_S + elapsed_s
        moments: dict[Kind, pl.Series] = {
            "clock": frame["stamp"].dt.epoch("s"),
            "instant": frame["instant"].dt.epoch("s"),
            "position": frame.select(position.alias("position"))["position"],
        }
        for kind, at in moments.items():
            if at.null_count() == len(at):
                continue
            rows = ReadingRows(kind, channel, line, at.fill_null(0).to_numpy(), value, quality)
            yield rows.where(at.is_not_null().to_numpy()) if at.null_count() else rows

    def _accepted(self, channel: np.ndarray, line: np.ndarray, lines_each: int = 1) -> np.ndarray:
        """Mark the rows of accepted channels; lines without any are counted as rejected."""
        channels = self.collected.resolver.channels
        if len(self._is_accepted) != len(channels):  # this is known once a channel is first seen
            self._is_accepted = np.array([known.is_accepted for known in channels])
        accepted = self._is_accepted[channel]
        if not accepted.all():
            self.collected.errors.cover_lines(np.setdiff1d(line[~accepted], line[accepted]), lines_each)
        return accepted

    def _add_rows(self, rows: ReadingRows) -> None:
        self.collected.kinds.add(rows.kind)
        self._extend_span(rows.day)
        if rows.kind == "position":
            self.collected.steps_s.update(dict.fromkeys(distinct(rows.channel).tolist(), self._period_s))
        else:
            self.collected.census.add(rows)
        if rows.kind != "instant":
            for zone, mine in self.collected.zones().items():
                of_zone = mine[rows.channel]
                if of_zone.any():
                    self.collected.evidence.add_rows(
                        rows if of_zone.all() else rows.where(of_zone), self.collected.clock(zone)
                    )
        self._add_sample(rows)
        self.collected.values += len(rows)
        self.collected.spool.add_rows(rows)

    def _extend_span(self, days: np.ndarray) -> None:
        self.collected.first_day = min(self.collected.first_day, int(days.min()))
        self.collected.last_day = max(self.collected.last_day, int(days.max()))

    def _add_sample(self, rows: ReadingRows) -> None:
        """Keep the first readings of a few channels whose meter has stored readings."""
        if rows.kind == "position" or (
            len(self._sampled) == SAMPLE_CHANNELS and all(count >= SAMPLE_ROWS for count in self._sampled.values())
        ):
            return
        for number, channel in enumerate(self.collected.resolver.channels):
            if not channel.is_accepted or not channel.point.series:
                continue
            if number not in self._sampled and len(self._sampled) >= SAMPLE_CHANNELS:
                break
            room = SAMPLE_ROWS - self._sampled.get(number, 0)
            own = np.flatnonzero(rows.channel == number)[: max(room, 0)]
            if len(own):
                self._sampled[number] = self._sampled.get(number, 0) + len(own)
                self.collected.samples.append(rows.where(own))
