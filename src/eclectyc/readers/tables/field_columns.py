"""Find the column of each field of a table: by its heading or, if that is ambiguous, by its cells.

A table with two columns for one field is refused, and both are named.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Literal

from eclectyc.kernel.days import WHOLE_DAY
from eclectyc.kernel.units import is_volume
from eclectyc.readers.blocks import Stamps, UnreadableFile
from eclectyc.readers.tables.cell_vocabulary import flag_of, is_utility, quantity_of
from eclectyc.readers.tables.dates import BadDate, parse_date, parse_stamp, parse_time
from eclectyc.readers.tables.file_sample import TableSample
from eclectyc.readers.tables.headings import TableColumn
from eclectyc.readers.tables.numbers import parse_number

MomentKind = Literal["stamp", "date", "time", "period", ""]
_SAMPLE = 200  # cells


@dataclass(slots=True)
class Fields:
    """The columns a reader needs; None if the file has no such column."""

    meter: TableColumn | None = None
    stamp: TableColumn | None = None
    end: TableColumn | None = None  # the end of the period, if the file prints start and end
    date: TableColumn | None = None
    time: TableColumn | None = None
    period: TableColumn | None = None
    unit: TableColumn | None = None
    flag: TableColumn | None = None
    quantity: TableColumn | None = None
    values: list[TableColumn] = field(default_factory=list)
    totals: list[TableColumn] = field(default_factory=list)
    others: list[TableColumn] = field(default_factory=list)
    step: int | None = None  # minutes from start to end, if the file prints both
    all_midnight: bool = False  # the sample has only whole days, printed with a time of midnight

    @property
    def has_moment(self) -> bool:
        return bool(self.stamp or (self.date and (self.time or self.period)))

    @property
    def day(self) -> TableColumn | None:
        return self.date or self.stamp

    def stamp_declaration(self) -> tuple[Stamps | None, str]:
        """Return whether headings declare stamps as starts or ends, and the heading."""
        if self.stamp and self.end:
            return "start", f"columns {self.stamp.name!r} and {self.end.name!r} are start and end"
        for column in (self.stamp, self.time, self.date):
            if column and column.starts != column.ends:
                return ("start" if column.starts else "end"), f"the heading {column.name!r}"
        return None, ""

    def declared_timezone(self) -> str | None:
        """Return ``UTC`` if a heading contains utc or gmt."""
        used = (self.stamp, self.time, self.date)
        return "UTC" if any(column and column.clock == "UTC" for column in used) else None


def find_fields(table: TableSample, skip: frozenset[int] = frozenset()) -> Fields:
    """Find the fields of a table; ``skip`` names columns already used (a wide file's slots)."""
    columns = [_by_content(table, column) for column in table.columns if column.index not in skip and column.name]
    found = Fields()
    found.meter = _only("meter", _best_tier([c for c in columns if c.role == "meter"]))
    found.unit = _only("unit", [c for c in columns if c.role == "unit"])
    found.quantity = _only("quantity", [c for c in columns if c.role == "quantity"])
    found.flag = _flag(table, [c for c in columns if c.role == "flag"])
    found.values = _values([c for c in columns if c.role == "value"])
    found.totals = [c for c in columns if c.role == "total"]
    _set_moments(table, found, [c for c in columns if c.role == "moment"])
    used = {c.index for c in (found.meter, found.stamp, found.end, found.date, found.time, found.period) if c}
    found.others = [c for c in columns if c.role in ("", "meter", "moment") and c.index not in used]
    return found


def _by_content(table: TableSample, column: TableColumn) -> TableColumn:
    """Resolve a role that the heading leaves ambiguous."""
    if column.role not in ("flag", "quantity"):
        return column
    cells = table.cells(column.index)[:_SAMPLE]
    numeric = bool(cells) and all(parse_number(cell) is not None for cell in cells)
    if column.key in ("ae", "quantity") and numeric:
        quantity = "export" if column.key == "ae" else None
        return replace(column, role="value", quantity=quantity)
    if column.role == "flag" and cells and all(quantity_of(cell) for cell in cells):
        return replace(column, role="quantity", quantity=None)
    if cells and all(is_utility(cell) for cell in cells):
        return replace(column, role="")
    return column


def _only(what: str, candidates: list[TableColumn]) -> TableColumn | None:
    if len(candidates) > 1:
        names = " and ".join(f"{c.name!r} (column {c.index + 1})" for c in candidates)
        raise UnreadableFile(
            f"There are {len(candidates)} columns for the {what}: {names}.",
            "Keep one of them, or rename the others.",
            field=candidates[0].name,
        )
    return candidates[0] if candidates else None


def _best_tier(candidates: list[TableColumn]) -> list[TableColumn]:
    best = min((c.tier for c in candidates), default=0)
    return [c for c in candidates if c.tier == best]


def has_readings(table: TableSample) -> bool:
    """Return whether a table has values and moments, and so is not a list of meters or sites."""
    has_values = any(column.role == "value" for column in table.columns)
    return has_values and any(column.role == "moment" and moment_kind(table, column) for column in table.columns)


def _flag(table: TableSample, candidates: list[TableColumn]) -> TableColumn | None:
    known = [c for c in candidates if all(flag_of(cell) is not None for cell in table.cells(c.index)[:_SAMPLE])]
    filled = [c for c in known if table.cells(c.index)]
    return _only("flag", filled or known or candidates)


def _values(candidates: list[TableColumn]) -> list[TableColumn]:
    """Check that there is one column per quantity. A volume beside an energy is a series of its own."""
    energies = [c for c in candidates if not is_volume(c.unit or "")]
    if energies:
        candidates = [c if c in energies else replace(c, quantity="volume") for c in candidates]
    for quantity in {c.quantity or "import" for c in candidates}:
        _only(f"value ({quantity})", [c for c in candidates if (c.quantity or "import") == quantity])
    return candidates


def _set_moments(table: TableSample, found: Fields, candidates: list[TableColumn]) -> None:
    kinds = {c.index: moment_kind(table, c) for c in candidates}
    candidates = [c for c in candidates if kinds[c.index]]
    if any(c.tier == 0 and kinds[c.index] in ("stamp", "date") for c in candidates):
        candidates = [c for c in candidates if c.tier == 0]

    def of(kind: MomentKind) -> list[TableColumn]:
        return [c for c in candidates if kinds[c.index] == kind]

    found.stamp, found.end = _start_and_end("date and time", of("stamp"))
    if found.stamp:
        found.step = _step(table, found.stamp, found.end) if found.end else None
        found.all_midnight = found.step == WHOLE_DAY or (found.step is None and _all_midnight(table, found.stamp))
        return
    found.date, _ = _start_and_end("date", of("date"))
    found.time, _ = _start_and_end("time", of("time"))
    found.period = _only("period", of("period"))
    if found.time and found.period:
        found.period = None


def _start_and_end(what: str, candidates: list[TableColumn]) -> tuple[TableColumn | None, TableColumn | None]:
    starts = [c for c in candidates if c.starts and not c.ends]
    ends = [c for c in candidates if c.ends and not c.starts]
    if len(starts) == 1 and len(ends) == 1 and len(candidates) == 2:
        return starts[0], ends[0]
    return _only(what, candidates), None


def moment_kind(table: TableSample, column: TableColumn) -> MomentKind:
    """Return what a column of moments holds, judged by most of its cells or else by its heading."""
    cells = _distinct(table, column)

    def mostly(test: Callable[[str], bool]) -> bool:
        return 2 * sum(test(cell) for cell in cells) > len(cells)

    counts = mostly(lambda cell: bool(re.fullmatch(r"[0-9]{1,2}(\.0)?", cell)))
    if counts and ("period" in column.key or column.key == "sp"):
        return "period"
    if mostly(lambda cell: _parses(parse_date, cell)):
        timed = mostly(lambda cell: ":" in cell)
        one_midnight_of_many = len(cells) == 1 and len(table.rows) > 1
        may_have_time = "time" in column.key or column.starts or column.ends or one_midnight_of_many
        return "stamp" if timed and may_have_time else "date"
    if mostly(lambda cell: _parses(parse_stamp, cell)):
        return "stamp"
    if mostly(lambda cell: _parses(parse_time, cell)):
        return "time"
    if not table.rows and (column.starts or column.ends):
        return "stamp"
    if "date" not in column.key and "time" not in column.key:
        return ""
    if mostly(lambda cell: ":" in cell) and "date" not in column.key:
        return "stamp" if mostly(lambda cell: len(cell) > 8) else "time"
    if mostly(lambda cell: ":" in cell) or "datetime" in column.key or "timestamp" in column.key:
        return "stamp"
    return "date" if "date" in column.key else "time"


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except BadDate as error:
        return error.of_other_times or (error.month_first and (parse is parse_date) == (":" not in text))
    return True


def _all_midnight(table: TableSample, column: TableColumn) -> bool:
    moments = _clocks(table, column)
    return len(set(moments)) > 1 and all((m.hour, m.minute, m.second) == (0, 0, 0) for m in moments)


def _clocks(table: TableSample, column: TableColumn) -> list[datetime]:
    """Return the sampled stamps of a column that can be parsed."""
    found = []
    for cell in _distinct(table, column):
        try:
            found.append(parse_stamp(cell).clock)
        except BadDate:
            continue
    return found


def _step(table: TableSample, start: TableColumn, end: TableColumn) -> int | None:
    """Return the minutes from start to end, if they are the same in all sampled lines."""
    steps = set()
    for row in table.rows[:_SAMPLE]:
        try:
            first, last = parse_stamp(row[start.index]), parse_stamp(row[end.index])
        except (BadDate, IndexError):
            continue
        shift = (first.offset or timedelta(0)) - (last.offset or timedelta(0))
        is_day = last.clock - first.clock == timedelta(days=1) and first.clock.time() == time()
        steps.add(WHOLE_DAY if is_day else (last.clock - first.clock + shift) // timedelta(minutes=1))
    return steps.pop() if len(steps) == 1 else None


def _distinct(table: TableSample, column: TableColumn) -> list[str]:
    return list(dict.fromkeys(table.cells(column.index)))[:_SAMPLE]
