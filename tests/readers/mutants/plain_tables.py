"""Plain readers of tables: a line a reading, a line a day, a column a meter, reads, deliveries, sites and meters."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from tests.readers.mutants import plain_cells as cell
from tests.readers.mutants.plain import Expected, Key
from tests.readers.mutants.plain_text import DELIMITERS, NoText, Unclear, lines_of, table_of

Rows = list[tuple[int, list[str]]]


def key_of(heading: str) -> str:
    return re.sub(r"[^a-z0-9]", "", heading.lower().replace("³", "3").replace("²", "2"))


@dataclass(frozen=True)
class Columns:
    """The columns that a golden table has. roles : heading key -> meter, stamp, date, time, flag, quantity, value …

    slots : the heading keys of a day's slots, in order; ``flag_slots`` of their flags. by_clock : the headings are
    clock times. unit : of each value heading, else of all. zone : of the printed times.
    """

    roles: dict[str, str]
    units: dict[str, str] = field(default_factory=dict)
    slots: tuple[str, ...] = ()
    flag_slots: tuple[str, ...] = ()
    by_clock: bool = False
    stamps: str = "start"
    zone: str = "Europe/London"
    step: int = 30
    ignored: frozenset[str] = frozenset()

    @property
    def wanted(self) -> list[str]:
        return [*self.roles, *self.slots, *self.flag_slots]


@dataclass
class Table:
    """A table found in a file: its rows, and where each heading stands."""

    rows: Rows
    at: dict[str, int]
    width: int

    def cell(self, row: list[str], key: str) -> str:
        index = self.at[key]
        return row[index].strip() if index < len(row) else ""

    def is_whole(self, row: list[str]) -> bool:
        """Say whether a row has no cell too few, and none too many that says anything."""
        return len(row) >= self.width and not any(text.strip() for text in row[self.width :])


def found_in(content: bytes, columns: Columns, rows: Rows | None = None) -> Table:
    """Find the table. ``Unclear`` where its headings are not plainly those of the golden file, each once."""
    wanted = columns.wanted
    for delimiter in DELIMITERS if rows is None else "?":
        expected = table_of(lines_of(content), delimiter) if rows is None else rows
        for nth, (_, row) in enumerate(expected[:60]):
            keys = [key_of(text) for text in row]
            if all(keys.count(key) == 1 for key in wanted):
                if any(role.partition(" ")[2] not in row[keys.index(key)] for key, role in columns.roles.items()):
                    raise Unclear("another meter in a heading")
                last = max(n for n, key in enumerate(keys) if key)
                if set(keys) - set(wanted) - {""} - columns.ignored:
                    raise Unclear("a heading that is not the golden file's")
                width = max(len(row), last + 1)
                header = [text.strip() for text in row]
                body = [(n, r) for n, r in expected[nth + 1 :] if [text.strip() for text in r] != header]
                return Table(body, {key: keys.index(key) for key in wanted}, last + 1 if rows else width)
    raise Unclear("no header like the golden file's")


def readings(
    content: bytes, columns: Columns, rows: Rows | None = None, *, zone: str = "", stamps: str = ""
) -> Expected:
    """Read a line a reading, or a line a moment with a column for each meter. zone,
    stamps : as the import took them."""
    expected = Expected()
    table = _table(content, columns, rows, expected)
    if table is None:
        return expected
    zone, stamps = zone or columns.zone, stamps or columns.stamps
    own = {role: key for key, role in columns.roles.items()}
    for line, row in table.rows:
        meters = cell.identifiers(table.cell(row, own["meter"])) if "meter" in own else [""]
        starts = [
            start for at, offset in _moments(table, row, own) for start in _starts(at, offset, columns, zone, stamps)
        ]
        flags = cell.flags(table.cell(row, own["flag"])) if "flag" in own else [cell.ACTUAL]
        quantity = _quantity(table, row, own)
        for key, role in columns.roles.items():
            if role.startswith("value") and quantity:
                unit, factor = cell.UNITS[columns.units.get(key, "kwh")]
                unit = "kVArh" if quantity.startswith("reactive") else unit
                meter = [role.partition(" ")[2]] if "meter" not in own else meters
                values = [value * factor for value in cell.numbers(table.cell(row, key))]
                keys = [Key(one, quantity, "", unit, start) for one in meter for start in starts]
                expected.add(keys, values, flags, line, sure=table.is_whole(row))
    return expected


def _table(content: bytes, columns: Columns, rows: Rows | None, expected: Expected) -> Table | None:
    try:
        return found_in(content, columns, rows)
    except Unclear as unclear:
        expected.vague(str(unclear))
    except NoText:
        expected.must_refuse = True
    return None


def _moments(table: Table, row: list[str], own: dict[str, str]) -> list[tuple[datetime, timedelta | None]]:
    if "stamp" in own:
        return cell.stamps(table.cell(row, own["stamp"]))
    days = cell.dates(table.cell(row, own["date"]))
    clocks = cell.times(table.cell(row, own["time"]))
    return [(datetime(day.year, day.month, day.day) + clock, None) for day in days for clock in clocks]


def _starts(at: datetime, offset: timedelta | None, columns: Columns, zone: str, stamps: str) -> list[datetime]:
    step = timedelta(minutes=columns.step)
    expected = cell.instants(at - offset, "UTC") if offset is not None else cell.instants(at, zone)
    if not expected and stamps == "end" and offset is None:  # the gap's first moment closes the period before it
        expected = [one + step for one in cell.instants(at - step, zone)]
    return [one - step if stamps == "end" else one for one in expected]


def _quantity(table: Table, row: list[str], own: dict[str, str]) -> str:
    text = table.cell(row, own["quantity"]) if "quantity" in own else ""
    return cell.QUANTITIES.get(key_of(text), "") if text else "import"


def days(content: bytes, columns: Columns, rows: Rows | None = None, *, zone: str = "", stamps: str = "") -> Expected:
    """Read a line a day, of slots or of one value."""
    expected = Expected()
    table = _table(content, columns, rows, expected)
    if table is None:
        return expected
    own = {role: key for key, role in columns.roles.items()}
    for line, row in table.rows:
        meters = cell.identifiers(table.cell(row, own["meter"]))
        quantity = _quantity(table, row, own)
        if not quantity:
            continue
        unit = "kVArh" if quantity.startswith("reactive") else "kWh"
        whole = table.is_whole(row) or (bool(columns.slots) and not any(text.strip() for text in row[table.width :]))
        for day in cell.dates(table.cell(row, own["date"])):
            for n, value_key in enumerate(columns.slots or (own["value"],)):
                flag = table.cell(row, columns.flag_slots[n]) if columns.flag_slots else ""
                flag = table.cell(row, own["flag"]) if "flag" in own else flag
                starts = places(day, n, columns, zone or columns.zone)
                keys = [Key(meter, quantity, "", unit, start) for meter in meters for start in starts]
                expected.add(keys, cell.numbers(table.cell(row, value_key)), cell.flags(flag), line, sure=whole)
    return expected


def places(day: date, n: int, columns: Columns, zone: str) -> list[datetime]:
    """Return where slot n of a day may be: by position; by clock where the headings are clock times."""
    step = timedelta(minutes=columns.step)
    if not columns.slots:
        return [cell.midnight(day, "Europe/London")]
    begins = cell.instants(datetime(day.year, day.month, day.day), zone)[0]
    ends = cell.instants(datetime(day.year, day.month, day.day) + timedelta(days=1), zone)[0]
    by_position = [begins + n * step] if begins + n * step < ends else []
    if ends - begins == timedelta(days=1):
        return by_position
    at = datetime(day.year, day.month, day.day) + n * step
    return list(dict.fromkeys([*by_position, *cell.instants(at, zone)])) if columns.by_clock else by_position


class Read(NamedTuple):
    """One read, or one entry of a tank. code : its register, or its kind. at : as printed."""

    line: int
    meter: str
    serial: str
    code: str
    at: datetime
    value: float
    qualities: tuple[int, ...]


def reads(content: bytes, columns: Columns, rows: Rows | None = None) -> list[Read] | None:
    """Return what a table of reads or deliveries may say, line by line; None where that is unclear."""
    expected = Expected()
    table = _table(content, columns, rows, expected)
    if table is None:
        return [] if expected.must_refuse else None
    own = {role: key for key, role in columns.roles.items()}
    found = []
    for line, row in table.rows:
        printed = table.cell(row, own["stamp"] if "stamp" in own else own["date"])
        moments = [at for at, _ in cell.stamps(printed)] if "stamp" in own else []
        moments += [datetime(day.year, day.month, day.day) for day in cell.dates(printed)]  # its midnight
        for meter in cell.identifiers(table.cell(row, own["meter"])):
            for at in moments:
                for value in cell.numbers(table.cell(row, own["value"])):
                    kind = table.cell(row, own["kind"]).lower() if "kind" in own else ""
                    serial = table.cell(row, own["serial"]) if "serial" in own else ""
                    qualities = cell.flags(table.cell(row, own["flag"])) if "flag" in own else [cell.ACTUAL]
                    found.append(Read(line, meter, serial, kind, at, value, tuple(qualities)))
    return found


def records(content: bytes, columns: Columns, rows: Rows | None = None) -> dict[int, dict[str, str]] | None:
    """Return each line's cells by heading key; None where that is unclear."""
    expected = Expected()
    table = _table(content, columns, rows, expected)
    if table is None:
        return {} if expected.must_refuse else None
    return {line: {key: table.cell(row, key) for key in columns.roles} for line, row in table.rows}
