"""D0010: meter readings of the electricity market, pipe-separated, in local time.

``ZHV|file id|flow and version|…``, then for each metering point ``026|MPAN|validation status|``, under it for each
device ``028|serial|reading type|``, under that for each register ``030|register|moment|reading|…|``; last ``ZPT|file
id|body lines||metering points|moment|``, whose counts are checked. Readings are cumulative.

After its reading an 030 record has the time and number of maximum-demand resets, in some files a reset flag, then the
reading flag (T or F) and the method. The position of the T or F distinguishes the two layouts. A record with a reset is
of a maximum-demand register. Reads that failed validation (status or flag F) are stored and not counted. Reading types
D and O are estimates, W is withdrawn and never stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl

from eclectyc.kernel.identifiers import clean_identifier
from eclectyc.kernel.plurals import counted
from eclectyc.kernel.quality import ACTUAL, ESTIMATED
from eclectyc.readers.blocks import LineError, Recognition, RegisterBlock, UnreadableFile
from eclectyc.readers.files.source import Source, TextBlock
from eclectyc.readers.reader import NestedLines, Reader, ReadOptions
from eclectyc.readers.tables.coded_lines import CodedLines, read_units
from eclectyc.readers.tables.file_sample import FileSample
from eclectyc.readers.tables.numbers import number_matrix
from eclectyc.readers.tables.parse_csv import CsvPart, Notes
from eclectyc.readers.tables.rejected_lines import Rejects
from eclectyc.readers.tables.timestamp_columns import parse_stamps

FLOW: Final = "D0010"
_HEAD, _POINT, _DEVICE, _READ, _FOOT = b"ZHV|", b"026|", b"028|", b"030|", b"ZPT|"
_CODES: Final = (_HEAD, _POINT, _DEVICE, _READ, _FOOT)
_OTHERS: Final = (b"027|", b"029|", b"031|", b"032|", b"033|")  # records of the full flow that name no meter
_FEWEST: Final = 7  # fields of an 030 record, up to its reading flag; a shorter one is cut off
_KEPT: Final = 10  # fields that are used
_ESTIMATES: Final = ("D", "O")  # deemed; the old supplier's estimate
# Routine, customer, change of supplier or tenancy, final, initial, special, electronic, proving, amended by an agent.
_ACTUALS: Final = ("R", "C", "A", "Z", "F", "I", "S", "P", "T", "M", "Q", "")
_WITHDRAWN: Final = "W"
_FAILED: Final = (
    "Failed validation: {lines} (the first is line {line}). These reads are stored; no usage is calculated from them."
)
_NOT_STORED: Final = "Withdrawn (type W): {lines} (the first is line {line}). These reads are not stored."
_AGAIN: Final = "Fetch it again and import it: readings already imported will not change."


@dataclass(slots=True)
class _D0010State:
    """State carried from block to block, and warnings."""

    is_open: bool = False  # between a ZHV and its ZPT
    body: int = 0  # lines since the ZHV
    points: int = 0
    notes: Notes = field(default_factory=Notes)


class D0010(Reader):
    name = "d0010"
    kind = "registers"
    nested_lines = NestedLines(frozenset({"030"}), b"|", is_independent=True)

    def recognise(self, sample: FileSample) -> Recognition | None:
        lines = sample.first_lines
        cells = lines[0].split("|") if lines else []
        if len(cells) < 3 or cells[0].strip() != "ZHV" or not cells[2].strip().upper().startswith(FLOW):
            if lines and lines[0].startswith("026|") and any(line.startswith("030|") for line in lines):
                raise UnreadableFile(
                    f"{sample.name} looks like a D0010, but has no ZHV line at its start.",
                    "Fetch the whole file again.",
                )
            return None
        return Recognition(self.name, f"the first line is ZHV|…|{cells[2].strip()}", 1.0, is_table=False)

    def read(
        self, source: Source, recognition: Recognition, options: ReadOptions
    ) -> Iterator[tuple[RegisterBlock, list[LineError]]]:
        state, last = _D0010State(), 1
        for block in read_units(source, (_HEAD, _POINT, _FOOT), b"|"):
            last = block.first_line + block.lines - 1
            yield _convert(block, state, source.name)
        if state.is_open:
            missing = LineError(last, "", "The file has no ZPT line at its end: it is cut off.", _AGAIN)
            yield RegisterBlock(_empty_frame(), 0, [missing]), []
        recognition.warnings.extend(state.notes.texts())


def _convert(block: TextBlock, state: _D0010State, name: str) -> tuple[RegisterBlock, list[LineError]]:
    lines = CodedLines.from_block(block)
    is_point, is_device, is_read = (lines.starting_with(code) for code in (_POINT, _DEVICE, _READ))
    faults = block.errors + _envelope(lines, is_point, state, name) + _unknown_lines(lines)
    at = np.flatnonzero(is_read)
    if not len(at):
        return RegisterBlock(_empty_frame(), 0, faults), []
    cells = _cells(lines, is_read)
    part = CsvPart(cells, lines.numbers[at], False, np.zeros(len(at), bool), state.notes)
    rejects = Rejects(part)
    fields = lines.field_counts(b"|")[at]
    for row in np.flatnonzero(fields < _FEWEST).tolist():
        rejects.add(row, "", f"The record has {fields[row]} fields; an 030 record has at least {_FEWEST}.", _AGAIN)
    over = _ends_a_point(lines, block.errors)
    point = _above(lines, is_point, at, under=over)
    frame = _reads(part, point, _above(lines, is_device, at, under=is_point | over), rejects)
    keep = rejects.keep()
    reads = frame.filter(pl.Series(keep) & ~frame["is_withdrawn"]).drop("is_withdrawn")
    return RegisterBlock(reads, int(keep.sum()), faults), rejects.errors


def _ends_a_point(lines: CodedLines, errors: list[LineError]) -> np.ndarray:
    """Return a mask of the lines that end a metering point: ZHV, ZPT, and lines that may have named another."""
    known = np.zeros(len(lines), dtype=bool)
    for code in (*_CODES, *_OTHERS):
        known |= lines.starting_with(code)
    return lines.unidentified(known, errors) | lines.starting_with(_HEAD) | lines.starting_with(_FOOT)


def _cells(lines: CodedLines, which: np.ndarray) -> pl.DataFrame:
    """Return the first cells of some lines as text, stripped, null if blank."""
    kinds = {str(n): pl.String for n in range(_KEPT)}
    text = b"|" * (_KEPT - 1) + b"\n" + lines.text_of(which)  # Polars takes the width from the first line
    frame = pl.read_csv(
        text, has_header=False, separator="|", quote_char=None, schema=kinds, truncate_ragged_lines=True
    )
    stripped = frame.slice(1).select(pl.all().str.strip_chars())
    return stripped.select(pl.when(pl.all() != "").then(pl.all()))


def _above(lines: CodedLines, which: np.ndarray, at: np.ndarray, *, under: np.ndarray) -> pl.DataFrame:
    """Return the cells of the nearest record above each line; null if a line of ``under`` is in between."""
    heads = np.flatnonzero(which)
    nth = np.searchsorted(heads, at) - 1
    if len(heads):
        owners = np.flatnonzero(under)
        latest = np.searchsorted(owners, at) - 1
        since = np.where(latest >= 0, owners[latest] if len(owners) else -1, -1)
        nth = np.where((nth >= 0) & (heads[nth] > since), nth, -1)
    cells = _cells(lines, which) if len(heads) else pl.DataFrame({"1": [None], "2": [None]}, schema_overrides=_TEXT)
    found = pl.Series(np.where(nth >= 0, nth, 0)).cast(pl.UInt32)
    there = pl.Series(nth >= 0)
    return cells.select(
        pl.when(there).then(pl.col("1").gather(found)).alias("1"),
        pl.when(there).then(pl.col("2").gather(found)).alias("2"),
    )


_TEXT: Final = {"1": pl.String, "2": pl.String}


def _reads(part: CsvPart, point: pl.DataFrame, device: pl.DataFrame, rejects: Rejects) -> pl.DataFrame:
    """Return the reads, with the extra column ``is_withdrawn`` for those that must not be stored."""
    moments = parse_stamps(part.column(2), "moment")
    rejects.add_moments(moments.bad, "moment")
    rejects.add_blank(moments.values, "moment", "moment", moments.bad)
    values, bad = number_matrix(part.frame, ["3"], set())
    rejects.add_numbers(part.frame.select("3"), bad, ["reading"])
    value = pl.Series(values[:, 0], nan_to_null=True)
    rejects.add_blank(value, "reading", "reading", {})
    rejects.add_blank(point["1"], "MPAN", "MPAN above it (a 026 record)", {})
    rejects.add_blank(device["1"], "serial", "serial above it (an 028 record)", {})
    kind = device["2"].fill_null("").str.to_uppercase()
    _refuse_types(kind, rejects)
    flag = _flags(part)
    doubtful = ((flag == "F") | (point["2"] == "F")).fill_null(False)
    withdrawn = (kind == _WITHDRAWN).to_numpy()
    part.notes.add(_FAILED, part.lines[doubtful.to_numpy() & ~withdrawn])
    part.notes.add(_NOT_STORED, part.lines[withdrawn])
    resets = part.column(5).fill_null("0").str.strip_chars("0") != ""
    demand = part.column(4).is_not_null() | resets
    meter = point["1"]
    known = {text: clean_identifier(text) for text in meter.unique().drop_nulls().to_list()}
    return pl.DataFrame(
        {
            "line": part.lines,
            "meter": meter if all(text == clean for text, clean in known.items()) else _cleaned(meter, known),
            "quantity": _all_null(part),
            "unit": pl.select(pl.when(demand).then(pl.lit("kW")).otherwise(pl.lit("kWh"))).to_series(),
            "serial": device["1"],
            "register": part.column(1),
            "stamp": moments.values,
            "instant": pl.Series([None], dtype=pl.Datetime("us", "UTC")).new_from_index(0, len(part)),
            "value": value,
            "quality": pl.Series(np.where(kind.is_in(list(_ESTIMATES)).to_numpy(), ESTIMATED, ACTUAL), dtype=pl.Int8),
            "is_maximum": demand,
            "is_doubtful": doubtful,
            "told": kind,
            "is_withdrawn": pl.Series(withdrawn),
        }
    )


def _all_null(part: CsvPart) -> pl.Series:
    return pl.Series([None], dtype=pl.String).new_from_index(0, len(part))


def _cleaned(meter: pl.Series, known: dict[str, str]) -> pl.Series:
    return meter.replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.String)


def _flags(part: CsvPart) -> pl.Series:
    """Return each record's reading flag: the eighth cell if it is T or F, else the seventh."""
    late = part.column(7)
    is_late = late.is_in(["T", "F"]).fill_null(False) | (late.is_null() & part.column(8).is_not_null())
    return late.zip_with(is_late, part.column(6))


def _refuse_types(kind: pl.Series, rejects: Rejects) -> None:
    known = kind.is_in([*_ACTUALS, *_ESTIMATES, _WITHDRAWN])
    for row in np.flatnonzero(~known.to_numpy()).tolist():
        remedy = "Types are R, C, A, F, I, S, P, Z, T, M, Q (actual), D and O (estimated), W (withdrawn)."
        rejects.add(row, "reading type", f"{kind[row]!r} is not a known reading type.", remedy)


def _envelope(lines: CodedLines, is_point: np.ndarray, state: _D0010State, name: str) -> list[LineError]:
    """Check the ZHV and ZPT lines: their order, and the counts of each ZPT against the lines above it."""
    faults = []
    is_head, is_foot, is_blank = lines.starting_with(_HEAD), lines.starting_with(_FOOT), lines.blank()
    body, points = np.cumsum(~is_blank), np.cumsum(is_point)
    done_body, done_points = 0, 0
    for n in np.flatnonzero(is_head | is_foot).tolist():
        cells = [cell.strip() for cell in lines.text[lines.starts[n] : lines.ends[n]].tobytes().decode().split("|")]
        above, of_points = int(body[n]) - 1 - done_body, int(points[n]) - done_points
        if is_head[n]:
            if not (len(cells) > 2 and cells[2].upper().startswith(FLOW)):
                shown = "|".join(cells)[:40]
                raise UnreadableFile(
                    f"Line {lines.numbers[n]} of {name} begins another flow: {shown!r}.", "Import each separately."
                )
            if state.is_open:
                faults.append(_fault(lines, n, "This ZHV line comes before the ZPT line of the file above it."))
        else:
            faults += _counts(lines, n, cells, state.body + above, state.points + of_points)
        state.is_open, state.body, state.points = bool(is_head[n]), 0, 0
        done_body, done_points = int(body[n]), int(points[n])
    state.body += int(body[-1]) - done_body if len(body) else 0
    state.points += int(points[-1]) - done_points if len(points) else 0
    return faults


def _counts(lines: CodedLines, n: int, cells: list[str], body: int, points: int) -> list[LineError]:
    """Compare the counts of a ZPT line with the file; an empty count is ignored."""
    counts = {what: cells[k] if len(cells) > k else "" for what, k in (("line", 2), ("metering point", 4))}
    faults = []
    for (what, text), found in zip(counts.items(), (body, points), strict=True):
        if text and text.isdigit() and int(text) != found:
            reason = f"The ZPT line counts {counted(int(text), what)}; the file has {found:,}."
            faults.append(_fault(lines, n, reason))
    return faults


def _fault(lines: CodedLines, n: int, reason: str) -> LineError:
    return LineError(int(lines.numbers[n]), "", reason, f"The file is incomplete, or was joined from several. {_AGAIN}")


def _unknown_lines(lines: CodedLines) -> list[LineError]:
    known = np.zeros(len(lines), dtype=bool)
    for code in _CODES:
        known |= lines.starting_with(code)
    return lines.unknown_lines(known, "is not a D0010 record.", "Records are ZHV, 026, 028, 030 and ZPT.")


def _empty_frame() -> pl.DataFrame:
    return pl.DataFrame(
        schema={
            "line": pl.Int64,
            "meter": pl.String,
            "quantity": pl.String,
            "unit": pl.String,
            "serial": pl.String,
            "register": pl.String,
            "stamp": pl.Datetime("us"),
            "instant": pl.Datetime("us", "UTC"),
            "value": pl.Float64,
            "quality": pl.Int8,
            "is_maximum": pl.Boolean,
            "is_doubtful": pl.Boolean,
            "told": pl.String,
        }
    )
