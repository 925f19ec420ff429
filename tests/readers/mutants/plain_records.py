"""Plain readers of files whose lines begin with a code: BGlobal, Stark DF2, D0379, NEM12, NEM13, D0010."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from tests.readers.mutants import plain_cells as cell
from tests.readers.mutants.plain import Expected, Key
from tests.readers.mutants.plain_tables import Columns, Read, places
from tests.readers.mutants.plain_text import DELIMITERS, NoText, Unclear, lines_of, table_of

HALF_HOUR = timedelta(minutes=30)
MARKET = timedelta(hours=10)
_SENSORS = {"1": ("import", "kWh"), "2": ("import", "kWh"), "3": ("reactive_import", "kVArh"),
            "4": ("reactive_export", "kVArh")}  # fmt: skip
_SUFFIXES = {"E": "import", "B": "export", "Q": "reactive_import", "K": "reactive_export"}
_NEM_FLAGS = {"A": [1], "S": [2], "F": [2], "E": [2], "N": [], "V": []}


def _of_lines(content: bytes, read: Callable[[list[str], Expected], None]) -> Expected:
    expected = Expected()
    try:
        read(lines_of(content), expected)
    except NoText:
        expected.must_refuse = True
    except Unclear as unclear:
        expected.vague(str(unclear))
    return expected


def bglobal(content: bytes, zone: str) -> Expected:
    """Read days without a header."""
    clocks = Columns({}, slots=tuple(str(n) for n in range(50)), by_clock=True)

    def read(lines: list[str], expected: Expected) -> None:
        delimiter = max(DELIMITERS, key="".join(lines).count)
        rows = table_of(lines, delimiter)
        widths = {len(row) for _, row in rows}
        for line, row in rows:
            for meter in cell.identifiers(row[0]):
                for day in cell.dates(row[2]) if len(row) > 3 else []:
                    for n, text in enumerate(row[3:53]):
                        starts = places(day, n, clocks, zone or "Europe/London")
                        keys = [Key(meter, "import", "", "kWh", at) for at in starts]
                        expected.add(keys, cell.numbers(text), [1], line, sure=len(row) == max(widths))

    return _of_lines(content, read)


def stark(content: bytes, zone: str) -> Expected:
    """Read ends of half-hours in UTC under #O and #S lines."""

    def read(lines: list[str], expected: Expected) -> None:
        meters, sensor = list[str](), ""
        for number, printed in enumerate(lines, 1):
            line = printed.replace('"', "") if printed.count('"') % 2 == 0 or "," not in printed else ""
            if line.startswith("#"):
                if printed.count('"') % 2:
                    raise Unclear("quotation marks")
                rest = line[2:].rstrip(", ").strip()
                if line[:2].upper() == "#O":
                    meters, sensor = cell.identifiers(rest.split("-")[0]), ""
                elif line[:2].upper() == "#S":
                    sensor = rest.lstrip("0")
                else:
                    meters, sensor = [], ""
                continue
            row = line.split(",")
            if line.strip() and (len(row) == 1 or (not line[0].isdigit() and not "".join(row[1:]).strip())):
                meters, sensor = [], ""
            if len(row) != 4 or sensor not in _SENSORS or not row[3].strip():
                continue
            quantity, unit = _SENSORS[sensor]
            ends = [datetime(d.year, d.month, d.day) + t for d in cell.dates(row[0]) for t in cell.times(row[1])]
            keys = [Key(m, quantity, "", unit, (at - HALF_HOUR).replace(tzinfo=UTC)) for m in meters for at in ends]
            expected.add(keys, cell.numbers(row[2]), cell.flags(row[3]), number)

    return _of_lines(content, read)


def d0379(content: bytes, zone: str) -> Expected:
    """Read days in UTC of exactly 48 advances each."""

    def read(lines: list[str], expected: Expected) -> None:
        meters, of_day, quantity, days = list[str](), list[str](), "", list[date]()
        advances: list[tuple[int, str, str]] = []

        def close() -> None:
            if len(advances) != 48 or not quantity:
                return
            unit = "kVArh" if quantity.startswith("reactive") else "kWh"
            for n, (number, flag, text) in enumerate(advances):
                starts = [datetime(d.year, d.month, d.day, tzinfo=UTC) + n * HALF_HOUR for d in days]
                keys = [Key(meter, quantity, "", unit, at) for meter in of_day for at in starts]
                expected.add(keys, cell.numbers(text), cell.flags(flag), number)

        for number, line in enumerate(lines, 1):
            row = line.replace('"', "").split("|")
            if row[0] in ("25B", "26B", "ZHV", "ZPT"):
                close()
                days, advances = [], []
            if row[0] == "25B":
                meters = cell.identifiers(row[1]) if len(row) > 3 else []
                quantity = cell.QUANTITIES.get(row[2].strip().lower(), "") if len(row) > 3 else ""
            elif row[0] in ("ZHV", "ZPT") or (row[0] not in ("26B", "66L") and line.strip()):
                meters = []
            elif row[0] == "26B":
                days, of_day = cell.dates(row[1]) if len(row) > 1 else [], meters
            elif row[0] == "66L":
                advances.append((number, row[1] if len(row) > 1 else "?", row[2] if len(row) > 2 else ""))
        close()

    return _of_lines(content, read)


def nem12(content: bytes, zone: str) -> Expected:
    """Read days on market time, their quality by one letter or by 400 rows."""

    def read(lines: list[str], expected: Expected) -> None:
        stream: tuple[str, str, str, str, float, int] | None = None
        rows = [line.replace('"', "").rstrip().split(",") for line in lines]
        for n, row in enumerate(rows):
            if row[0] == "200":
                stream = _stream(row)
            elif row[0] not in ("300", "400", "500") and any(text.strip() for text in row):
                stream = None
            elif row[0] == "300" and stream:
                meter, quantity, register, unit, factor, step = stream
                width = 1440 // step
                while row and len(row) > 7 + width and not row[-1]:
                    row.pop()
                of_row = _nem_flags(row[2 + width]) if len(row) > 2 + width else None
                if of_row is None or len(row) > 7 + width:
                    continue
                parts = _parts(rows, n + 1)
                for day in cell.dates(row[1]):
                    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - MARKET
                    for k in range(width):
                        flag = parts.get(k + 1, of_row)
                        keys = [Key(meter, quantity, register, unit, midnight + timedelta(minutes=step * k))]
                        expected.add(keys, [value * factor for value in cell.numbers(row[2 + k])], flag, n + 1)

    return _of_lines(content, read)


def _stream(row: list[str]) -> tuple[str, str, str, str, float, int] | None:
    texts = [text.strip() for text in row]
    if len(texts) < 9 or texts[8] not in ("5", "15", "30") or texts[7].lower() not in cell.UNITS:
        return None
    unit, factor = cell.UNITS[texts[7].lower()]
    suffix = texts[4].upper()
    return (
        (texts[1].upper(), _SUFFIXES[suffix[0]], suffix, unit, factor, int(texts[8]))
        if suffix[:1] in _SUFFIXES
        else None
    )


def _nem_flags(text: str) -> list[int] | None:
    match = re.fullmatch(r"([AEFNSV])[0-9]{0,2}", text.strip())
    return _NEM_FLAGS[match[1]] if match else None


def _parts(rows: list[list[str]], at: int) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    while at < len(rows) and rows[at][0] in ("400", "500", ""):
        row = rows[at]
        if row[0] == "400" and len(row) > 3 and row[1].strip().isdigit() and row[2].strip().isdigit():
            for k in range(int(row[1]), min(int(row[2]), 300) + 1):
                found[k] = _nem_flags(row[3]) or []
        at += 1
    return found


def nem13(content: bytes) -> list[Read] | None:
    """Return the two reads of each 250 row, moments in UTC."""
    found: list[Read] = []
    try:
        lines = lines_of(content)
    except NoText:
        return []
    for number, line in enumerate(lines, 1):
        row = [text.strip() for text in line.replace('"', "").split(",")]
        if row[0] != "250" or len(row) < 15:
            continue
        for value_at, moment_at in ((8, 9), (13, 14)):
            for at, _ in cell.stamps(row[moment_at]):
                for value in cell.numbers(row[value_at]):
                    flag = _nem_flags(row[moment_at + 1]) if len(row) > moment_at + 1 else []
                    found.append(Read(number, row[1].upper(), row[6], row[4].upper(), at, value, tuple(flag or ())))
    return found


def d0010(content: bytes) -> list[Read] | None:
    """Return the read of each 030 record, its moment as printed."""
    found: list[Read] = []
    try:
        lines = lines_of(content)
    except NoText:
        return []
    meters, serial, quality = list[str](), "", 1
    for number, line in enumerate(lines, 1):
        row = [text.strip() for text in line.replace('"', "").split("|")]
        if row[0] == "026":
            meters, serial = cell.identifiers(row[1]) if len(row) > 1 else [], ""
        elif row[0] == "028":
            serial = row[1] if len(row) > 1 else ""
            quality = 2 if len(row) > 2 and row[2].upper() in ("D", "O") else 1
        elif row[0] not in ("027", "029", "030", "031", "032", "033") and line.strip():
            meters, serial = [], ""
        elif row[0] == "030" and len(row) > 3 and serial:
            for meter in meters:
                for at, _ in cell.stamps(row[2]):
                    values = cell.numbers(row[3])
                    found += [Read(number, meter, serial, row[1], at, value, (quality,)) for value in values]
    return found
