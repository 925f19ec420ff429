"""Collect a file's register reads block by block: resolve their meters, times and duplicates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from eclectyc.intake.alignment.clocks import clock_for
from eclectyc.intake.report import ErrorLog
from eclectyc.intake.resolve import Channel, Resolver
from eclectyc.kernel.plurals import counted
from eclectyc.kernel.quality import ACTUAL, UNFLAGGED
from eclectyc.readers.blocks import LineError, RegisterBlock, UnreadableFile
from eclectyc.registers.register_config import code_key, serial_key

MOST: Final = 5_000_000  # reads of one file: they are kept in memory until they are sorted
_LONGEST: Final = {"serial": 64, "register": 40}
_KEPT: Final = (
    "line",
    "serial",
    "register",
    "stamp",
    "instant",
    "value",
    "quality",
    "is_maximum",
    "is_doubtful",
    "told",
)


class NamedRegister(NamedTuple):
    """A register as the file names it: by channel (meter, quantity, unit), serial and code."""

    channel: Channel
    serial: str
    code: str
    is_maximum: bool


@dataclass(frozen=True, slots=True)
class FileReads:
    """A file's reads as parallel arrays of shape (reads,). register : an index into ``registers``. at_s : UTC [s].

    source_terms : the source's own term for the kind of each read."""

    registers: list[NamedRegister]
    register: np.ndarray
    at_s: np.ndarray
    value: np.ndarray
    quality: np.ndarray
    is_doubtful: np.ndarray
    source_terms: pl.Series

    def __len__(self) -> int:
        return len(self.register)


@dataclass(slots=True)
class ReadCollector:
    resolver: Resolver
    log: ErrorLog
    name: str
    rows: int = 0
    warnings: list[str] = field(default_factory=list)
    _frames: list[pl.DataFrame] = field(default_factory=list)
    _reads: int = 0

    def add(self, block: RegisterBlock, errors: list[LineError]) -> None:
        """Add a block, and the lines that the reader rejected."""
        self.log.extend(errors)
        self.log.extend(block.faults, counts_lines=False)
        self.rows += block.rows + len({error.line for error in errors})
        frame = self._without_long_names(block.frame)
        if frame.is_empty():
            return
        self._reads += len(frame)
        if self._reads > MOST:
            raise UnreadableFile(
                f"{self.name} contains more than {MOST:,} reads.", "Split the file and import the parts one by one."
            )
        channel = self.resolver.channels_of(frame.select("line", "meter", "quantity", "unit"))
        goes_in = np.array([known.is_accepted for known in self.resolver.channels])[channel]
        if not goes_in.all():
            line = frame["line"].to_numpy()
            self.log.cover_lines(np.setdiff1d(line[~goes_in], line[goes_in]))
        kept = frame.select(*_KEPT).with_columns(channel=pl.Series(channel, dtype=pl.Int32))
        self._frames.append(kept.filter(pl.Series(goes_in)))

    def _without_long_names(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Reject reads whose serial or register is too long to be stored."""
        for column, most in _LONGEST.items():
            long = frame[column].str.len_chars().fill_null(0) > most
            if long.any():
                for line in frame.filter(long)["line"].unique().to_list():
                    self.log.extend(
                        [LineError(line, column, f"The {column} is too long.", f"Use at most {most} characters.")]
                    )
                frame = frame.filter(~long)
        return frame

    def finish(self, printed_zone: str) -> FileReads:
        """Return all reads. printed_zone : of the file's clock times; empty if it is that of each site."""
        frame = pl.concat(self._frames) if self._frames else pl.DataFrame(schema=_schema())
        registers, number = _number_registers(frame, self.resolver)
        at_s = _instants(frame, number, self.resolver, printed_zone)
        quality = np.where(frame["quality"].to_numpy() == UNFLAGGED, np.int8(ACTUAL), frame["quality"].to_numpy())
        kept = self._one_a_moment(frame, number, at_s, quality.astype(np.int8))
        return FileReads(
            registers,
            number[kept],
            at_s[kept],
            frame["value"].to_numpy()[kept],
            quality[kept].astype(np.int8),
            frame["is_doubtful"].to_numpy()[kept],
            frame["told"].fill_null("")[kept],
        )

    def _one_a_moment(
        self, frame: pl.DataFrame, number: np.ndarray, at_s: np.ndarray, quality: np.ndarray
    ) -> np.ndarray:
        """Return the indices of the reads to import: equal ones once; of different ones the actual one, or none."""
        value = frame["value"].to_numpy()
        doubt = frame["is_doubtful"].to_numpy().astype(np.int8)
        order = np.lexsort((np.arange(len(value)), quality + 2 * doubt, at_s, number))
        if not len(order):
            return order
        opens = np.r_[True, (number[order][1:] != number[order][:-1]) | (at_s[order][1:] != at_s[order][:-1])]
        starts = np.flatnonzero(opens)
        if len(starts) == len(order):
            return order
        sizes = np.diff(np.r_[starts, len(order)])
        low, high = (part.reduceat(value[order], starts) for part in (np.minimum, np.maximum))
        unlike = np.flatnonzero(low != high)
        repeated = int((sizes - 1).sum() - (sizes[unlike] - 1).sum())
        if repeated:
            again = counted(repeated, "read")
            self.warnings.append(f"Repeated with the same value: {again}. Each counts once.")
        refused = self._reject_contradictions(
            order, starts, sizes, unlike, frame["line"].to_numpy(), value, quality + 2 * doubt
        )
        decided = len(unlike) - len(refused)
        if decided:
            self.warnings.append(f"With several values: {counted(decided, 'moment')}. The actual one counts.")
        return np.delete(order[starts], refused)

    def _reject_contradictions(
        self,
        order: np.ndarray,
        starts: np.ndarray,
        sizes: np.ndarray,
        unlike: np.ndarray,
        line: np.ndarray,
        value: np.ndarray,
        rank: np.ndarray,
    ) -> list[int]:
        """Reject moments with several different reads, unless exactly one value is actual. Return their indices."""
        refused = []
        for n in unlike.tolist():
            several = order[starts[n] : starts[n] + sizes[n]]
            if len(set(value[several[rank[several] == ACTUAL]].tolist())) == 1:
                continue
            refused.append(n)
            shown = " and ".join(f"{v:g}" for v in dict.fromkeys(value[several].tolist()))
            self.log.extend(
                LineError(at, "", f"One register has the reads {shown} at the same time.", "Keep the correct line.")
                for at in line[several].tolist()
            )
        return refused


def _number_registers(frame: pl.DataFrame, resolver: Resolver) -> tuple[list[NamedRegister], np.ndarray]:
    """Return the registers that a file names, and the index of each read's register."""
    keys = frame.select("channel", pl.col("serial").fill_null(""), pl.col("register").fill_null(""), "is_maximum")
    names = ("channel", "serial", "register")
    distinct = keys.group_by(*names, maintain_order=True).agg(pl.col("is_maximum").any())
    number: dict[tuple[int, str, str, str, str], int] = {}
    registers: list[NamedRegister] = []
    of_print = []
    for channel, serial, code, is_maximum in distinct.iter_rows():
        known = resolver.channels[channel]
        key = (id(known.point), known.quantity, known.unit, serial_key(serial), code_key(code))
        at = number.setdefault(key, len(number))
        if at == len(registers):
            registers.append(NamedRegister(known, serial.strip(), code.strip(), is_maximum or known.is_power))
        of_print.append(at)
    numbered = distinct.select(names).with_columns(number=pl.Series(of_print, dtype=pl.Int64))
    joined = keys.select(names).join(numbered, on=names, how="left", maintain_order="left")
    return registers, joined["number"].to_numpy()


def _instants(frame: pl.DataFrame, number: np.ndarray, resolver: Resolver, printed_zone: str) -> np.ndarray:
    """Return the UTC moment of each read [s]. Of two reads in the repeated hour the lower came first."""
    instant = frame["instant"].dt.epoch("s")
    at_s = instant.fill_null(0).to_numpy().copy()
    clocked = np.flatnonzero(instant.is_null().to_numpy())
    wall, value = frame["stamp"].dt.epoch("s").fill_null(0).to_numpy(), frame["value"].to_numpy()
    zone_of = np.array([printed_zone or channel.point.zone for channel in resolver.channels], dtype=object)
    zones = zone_of[frame["channel"].to_numpy()[clocked]] if len(clocked) else zone_of[:0]
    for zone in dict.fromkeys(zones.tolist()):
        rows = clocked[zones == zone]
        clock = clock_for(str(zone), wall[rows])
        second = np.zeros(len(rows), dtype=bool)
        twice = np.flatnonzero(clock.repeated(wall[rows]))
        if len(twice):
            second[twice] = _is_second(number[rows[twice]], wall[rows[twice]], value[rows[twice]])
        at_s[rows] = clock.to_instants(wall[rows], second)
    return at_s


def _is_second(number: np.ndarray, wall: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Return which reads in the repeated hour are of its second pass: the higher of two different ones."""
    frame = pl.DataFrame({"number": number, "wall": wall, "value": value})
    of = ["number", "wall"]
    two = pl.col("value").n_unique().over(of) == 2
    return frame.select((two & (pl.col("value") == pl.col("value").max().over(of))).alias("x"))["x"].to_numpy()


def _schema() -> dict[str, pl.DataType]:
    return {
        "line": pl.Int64(),
        "serial": pl.String(),
        "register": pl.String(),
        "stamp": pl.Datetime("us"),
        "instant": pl.Datetime("us", "UTC"),
        "value": pl.Float64(),
        "quality": pl.Int8(),
        "is_maximum": pl.Boolean(),
        "is_doubtful": pl.Boolean(),
        "told": pl.String(),
        "channel": pl.Int32(),
    }
