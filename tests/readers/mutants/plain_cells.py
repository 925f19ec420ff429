"""What a printed cell can mean, with the standard library alone: slow, simple, and sharing nothing with the product.

Each function returns every reading of a cell that a careful person could defend. None at all: the cell says nothing
that may be stored.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_remembered = lru_cache(1 << 16)  # most cells of a mutant are those of the golden file

ACTUAL, ESTIMATED = 1, 2
FLAGS = {"": ACTUAL, "-": ACTUAL, "a": ACTUAL, "act": ACTUAL, "actual": ACTUAL,
         "e": ESTIMATED, "est": ESTIMATED, "estimate": ESTIMATED, "estimated": ESTIMATED}  # fmt: skip
QUANTITIES = {"ai": "import", "active": "import", "import": "import", "ae": "export", "export": "export",
              "ri": "reactive_import", "re": "reactive_export", "kvarh": "reactive_import",
              "kwh": "import"}  # fmt: skip
UNITS = {"wh": ("kWh", 0.001), "kwh": ("kWh", 1.0), "mwh": ("kWh", 1000.0), "kvarh": ("kVArh", 1.0),
         "varh": ("kVArh", 0.001), "m3": ("m3", 1.0), "m³": ("m3", 1.0), "litre": ("litre", 1.0),
         "litres": ("litre", 1.0), "l": ("litre", 1.0), "gwh": ("kWh", 1e6), "mvarh": ("kVArh", 1000.0)}  # fmt: skip
_DATES = ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d %b %Y", "%d-%b-%Y", "%d %B %Y",
          "%d/%m/%y", "%d-%m-%y", "%d.%m.%y", "%d %b %y", "%d-%b-%y")  # fmt: skip
_TIMES = ("%H:%M", "%H:%M:%S", "%H.%M", "%H%M", "%H%M%S", "%I:%M %p", "%I:%M%p")
_OFFSET = re.compile(r" ?(Z|z|UTC|GMT|[+-][0-9]{2}:?(?:[0-9]{2})?)$")


@_remembered
def numbers(text: str) -> list[float]:
    """Return what a cell can be as a number."""
    text = text.strip()
    if re.fullmatch(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", text):
        text = text.replace(",", "")
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        return []
    value = float(text)
    return [value] if abs(value) <= 1e12 else []


def is_blank(text: str) -> bool:
    """Return whether a cell means that there is no value."""
    return text.strip() in ("", "-", "–", "—")


@_remembered
def dates(text: str) -> list[date]:
    """Return the day that a cell can name: day first, always."""
    text = " ".join(text.split())
    if re.fullmatch(r"[0-9]{8}", text):
        return _between([_strptime(text, "%Y%m%d")])
    if re.fullmatch(r"[0-9]{5}(\.0*)?", text):
        return _between([datetime(1899, 12, 30) + timedelta(days=int(text[:5]))])
    midnight = r"00?:?00(:?00(\.[0-9]+)?)?( ?AM)?|0?\.0+|12:00(:00)? ?[aA][mM]"
    if match := re.fullmatch(rf"(.+?)[T ,]+({midnight})([ Z+].*)?", text):
        return dates(match[1])
    return _between([_strptime(text, form) for form in _DATES])


def _between(found: list[datetime | None]) -> list[date]:
    return list(dict.fromkeys(at.date() for at in found if at and 1970 <= at.year <= 2100))


def _strptime(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)
    except ValueError:
        return None


@_remembered
def times(text: str) -> list[timedelta]:
    """Return the time of day that a cell can name; 24:00 is 24 hours."""
    text = text.strip()
    if re.fullmatch(r"24[:.]?00([:.]00)?", text):
        return [timedelta(days=1)]
    if re.fullmatch(r"0?\.[0-9]+|[01](\.0*)?", text):
        seconds = float(text) * 86_400
        return [timedelta(seconds=round(seconds)), timedelta(seconds=round(seconds / 60) * 60)]
    text = re.sub(r"(:[0-9]{2}:[0-9]{2})[.,][0-9]+", r"\1", text)
    lengths = {"%H%M": (3, 4), "%H%M%S": (6,)}  # "60" is no time, though strptime takes it for six o'clock
    found = [_strptime(text, form) for form in _TIMES if len(text) in lengths.get(form, (len(text),))]
    return list(dict.fromkeys(timedelta(hours=at.hour, minutes=at.minute, seconds=at.second) for at in found if at))


@_remembered
def stamps(text: str) -> list[tuple[datetime, timedelta | None]]:
    """Return the moments that a cell can name: as printed, and its offset from UTC where it carries one."""
    text, offset = re.sub(r"(?<=[:/-]) +(?=[0-9])", "0", " ".join(text.split())), None
    match = _OFFSET.search(text)
    if match and re.search(r"[T ][0-9]{1,2}:?[0-9]{2}", text[: match.start()]):
        text, offset = text[: match.start()], _offset(match[1])
        if offset is None:
            return []
    if offset is None and re.fullmatch(r"[0-9]{5}(\.[0-9]*)?", text):
        at = datetime(1899, 12, 30) + timedelta(days=float(text))
        return [(at.replace(microsecond=0), None), (_to_minute(at), None)] if 1970 <= at.year <= 2100 else []
    parts = re.fullmatch(r"(.+?)[T ,]+([0-9]{1,2}[:.]?[0-9]{2}.*)", text)
    if re.fullmatch(r"[0-9]{12}([0-9]{2})?", text):
        parts = re.fullmatch(r"([0-9]{8})([0-9]+)", text)
    if not parts:
        return []
    return [
        (datetime(day.year, day.month, day.day) + time, offset) for day in dates(parts[1]) for time in times(parts[2])
    ]


def _to_minute(at: datetime) -> datetime:
    return (at + timedelta(seconds=30)).replace(second=0, microsecond=0)


def _offset(text: str) -> timedelta | None:
    if text[0] not in "+-":
        return timedelta(0)
    digits = text[1:].replace(":", "")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return (-size if text[0] == "-" else size) if size <= timedelta(hours=15) else None


@_remembered
def identifiers(text: str) -> list[str]:
    """Return the meter that a cell can name."""
    text = "".join(text.split()).removeprefix("'")
    text = re.sub(r"^([0-9]+)\.0+$", r"\1", text)
    if not text or re.fullmatch(r"[0-9]([.,][0-9]+)?[eE]\+?[0-9]{1,2}", text):
        return []
    return [text[8:] if len(text) == 21 and text[8:].isdigit() else text]


def flags(text: str) -> list[int]:
    """Return the quality that a flag can mean."""
    return [FLAGS[key] for key in [text.strip().lower()] if key in FLAGS]


@_remembered
def instants(at: datetime, zone: str) -> list[datetime]:
    """Return the moments in UTC at which a clock can have shown a time; none where it skipped it."""
    if zone.startswith("UTC"):
        hours = float(zone[3:6] or 0) if len(zone) > 3 else 0.0
        return [(at - timedelta(hours=hours)).replace(tzinfo=UTC)]
    found = [at.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1)]
    sound = [one for one in found if one.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == at]
    return list(dict.fromkeys(sound))


@_remembered
def midnight(day: date, zone: str) -> datetime:
    """Return when a local day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
