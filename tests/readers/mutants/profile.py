"""A file that can only be read with a profile: decimal commas, German dates and words."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from tests.readers.formats.golden import ExpectedSeries, Golden
from tests.readers.mutants import plain_cells as cell
from tests.readers.mutants.plain import Expected, Key
from tests.readers.mutants.plain_text import NoText, Unclear, lines_of, table_of

MPAN = "1200023305967"
PROFILE = """layout = "long"
[file]
delimiter = ";"
[columns]
meter = "Zählpunkt"
stamp = "Von"
value = "Verbrauch"
flag = "Güte"
[meaning]
stamps = "start"
timezone = "UTC"
dates = "DD.MM.YYYY HH:mm"
decimal = "comma"
unit = "Wh"
missing = ["n/a"]
[flags]
W = "actual"
G = "estimated"
F = "missing"
"""
_HEADER = ["Zählpunkt", "Von", "Verbrauch", "Güte"]
_FLAGS = {"W": [1], "G": [2], "F": list[int](), "A": [1], "E": [2], "": [1], "-": [1]}


def _content() -> bytes:
    """One day of January: half-hour k holds 1000 + k/4 watt-hours, the last but one is an estimate."""
    lines = [";".join(_HEADER)]
    for k in range(48):
        at, value = datetime(2024, 1, 1) + timedelta(minutes=30 * k), f"{1000 + k / 4:.2f}".replace(".", ",")
        lines.append(f"{MPAN};{at:%d.%m.%Y %H:%M};{value};{'G' if k == 46 else 'W'}")
    return ("\n".join(lines) + "\n").encode()


# 48 × 1,000 Wh, and 0 + 0.25 + … + 11.75.
DECLARED = Golden("declared.txt", "long", _content(), 48, {(MPAN, "import"): ExpectedSeries("kWh", 30, 48, 48.282)})


def declared(content: bytes) -> Expected:
    """Read it the plain way."""
    expected = Expected()
    try:
        rows = table_of(lines_of(content), ";")
    except NoText:
        expected.must_refuse = True
        return expected
    except Unclear as unclear:
        return expected.vague(str(unclear))
    headers = [n for n, (_, row) in enumerate(rows) if all(row.count(name) == 1 for name in _HEADER)]
    if not headers:
        return expected.vague("no header like the golden file's")
    at = [rows[headers[0]][1].index(name) for name in _HEADER]
    width = len(rows[headers[0]][1])
    for line, row in rows[headers[0] + 1 :]:
        meter, stamp, value, flag = (row[n].strip() if n < len(row) else "" for n in at)
        values = [one / 1000 for one in _numbers(value)]
        starts = [one.replace(tzinfo=UTC) for one in _stamps(stamp)]
        keys = [Key(one, "import", "", "kWh", start) for one in cell.identifiers(meter) for start in starts]
        qualities = _FLAGS.get(flag, cell.flags(flag))
        expected.add(keys, values, qualities, line, sure=len(row) == width)
    return expected


def _stamps(text: str) -> list[datetime]:
    match = re.fullmatch(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4}) +([0-9]{1,2}):([0-9]{2})", text)
    if not match:
        return []
    day, month, year, hour, minute = (int(part) for part in match.groups())
    try:
        at = datetime(year, month, day) + timedelta(hours=hour, minutes=minute)
    except (ValueError, OverflowError):
        return []
    return [at] if 1970 <= year <= 2100 and minute < 60 and (hour, minute) <= (24, 0) else []


def _numbers(text: str) -> list[float]:
    """Return a number with a decimal comma; points and spaces group thousands."""
    if re.fullmatch(r"[+-]?[0-9]{1,3}([. \u00a0\u202f'][0-9]{3})+(,[0-9]*)?", text):
        text = re.sub(r"[. \u00a0\u202f']", "", text)
    return cell.numbers(text.replace(",", ".")) if text.count(",") <= 1 and "." not in text else []
