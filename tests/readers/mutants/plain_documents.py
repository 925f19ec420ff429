"""Plain readers of documents: the answers of three APIs, and Green Button."""

from __future__ import annotations

import gzip
import json
import re
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.readers.mutants import plain_cells as cell
from tests.readers.mutants.plain import Expected, Key
from tests.readers.mutants.plain_text import NoText, lines_of

ESPI = "{http://naesb.org/espi}"
HALF_HOUR = timedelta(minutes=30)


def _of_json(content: bytes, meter: str, each: Callable[[Any, Expected, Callable[..., None]], None]) -> Expected:
    expected = Expected()
    try:
        answer = json.loads("\n".join(lines_of(content)), parse_constant=_no_constant)
    except NoText:
        expected.must_refuse = True
        return expected
    except (ValueError, RecursionError):
        expected.must_refuse = True
        return expected

    def add(line: int, start: datetime | None, value: Any) -> None:
        if start is not None:
            expected.add([Key(meter, "import", "", "kWh", start)], _values(value), [1], line)

    try:
        each(answer, expected, add)
    except (KeyError, TypeError, AttributeError, IndexError):
        expected.vague("not in the shape of its kind")
    return expected


def _no_constant(text: str) -> float:
    raise ValueError(text)


def _values(value: Any) -> list[float]:
    if isinstance(value, str):
        return cell.numbers(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return []
    return [float(value)] if abs(value) <= 1e12 else []


def _instant(text: Any) -> datetime | None:
    found = [at - offset for at, offset in cell.stamps(text) if offset is not None] if isinstance(text, str) else []
    return found[0].replace(tzinfo=UTC) if found else None


def octopus(content: bytes, meter: str) -> Expected:
    """Read results of consumption from interval_start to interval_end."""

    def each(answer: Any, expected: Expected, add: Callable[..., None]) -> None:
        for n, result in enumerate(answer["results"], 1):
            if isinstance(result, dict):
                start, end = _instant(result.get("interval_start")), _instant(result.get("interval_end"))
                if start and end and end - start == HALF_HOUR:
                    add(n, start, result.get("consumption"))

    return _of_json(content, meter, each)


def n3rgy(content: bytes, meter: str) -> Expected:
    """Read values stamped at their end in UTC."""

    def each(answer: Any, expected: Expected, add: Callable[..., None]) -> None:
        if answer.get("unit") != "kWh" or "/production" in answer["resource"].lower() or "devices" in answer:
            expected.vague("another unit, or another quantity")
        for n, one in enumerate(answer["values"], 1):
            if isinstance(one, dict) and isinstance(one.get("timestamp"), str):
                for at, offset in cell.stamps(one["timestamp"]):
                    end = (at - (offset or timedelta(0))).replace(tzinfo=UTC)
                    add(n, end - HALF_HOUR, one.get("value"))

    return _of_json(content, meter, each)


def glowmarkt(content: bytes, meter: str) -> Expected:
    """Read pairs of epoch second and value."""

    def each(answer: Any, expected: Expected, add: Callable[..., None]) -> None:
        if answer.get("units") != "kWh" or answer.get("classifier") != "electricity.consumption":
            expected.vague("another unit, or another quantity")
        if answer["query"]["period"] != "PT30M":
            expected.vague("another period")
        for n, pair in enumerate(answer["data"], 1):
            if isinstance(pair, list) and len(pair) == 2 and not isinstance(pair[0], bool):
                add(n, _epoch(pair[0]), pair[1])

    return _of_json(content, meter, each)


def _epoch(second: Any) -> datetime | None:
    if isinstance(second, str) and re.fullmatch(r"-?[0-9]{1,12}", second):
        second = int(second)
    if isinstance(second, float) and second.is_integer() and abs(second) < 1e12:
        second = int(second)
    if not isinstance(second, int) or abs(second) > 1e11:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)


def green_button(content: bytes, meter: str) -> Expected:
    """Read the one series of a feed: value × 10^power in Wh."""
    expected = Expected()
    try:
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
            raise ET.ParseError
        root = ET.fromstring(content)
    except (ET.ParseError, ValueError, LookupError, OSError, EOFError, zlib.error):
        expected.must_refuse = True
        return expected
    types = list(root.iter(f"{ESPI}ReadingType"))
    if len(types) != 1:
        return expected.vague("not one ReadingType")
    fields = {child.tag.rpartition("}")[2]: _only(types[0], child.tag.rpartition("}")[2]) for child in types[0].iter()}
    if fields.get("uom") != "72" or not re.fullmatch(r"-?[0-9]{1,2}", fields.get("powerOfTenMultiplier", "0")):
        return expected.vague("another unit")
    if fields.get("flowDirection") != "1" or fields.get("kind") != "12":
        return expected.vague("another quantity")
    factor = 10.0 ** (int(fields.get("powerOfTenMultiplier", "0")) - 3)
    for n, one in enumerate(_named(root, "IntervalReading"), 1):
        start, value = _only(one, "start"), _only(one, "value")
        if re.fullmatch(r"-?[0-9]{1,11}", start) and re.fullmatch(r"-?[0-9]{1,12}", value):
            at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(start))
            expected.add([Key(meter, "import", "", "kWh", at)], [int(value) * factor], _qualities(one), n)
    return expected


def _named(element: ET.Element, name: str) -> list[ET.Element]:
    """Return the elements of that name, in whatever namespace."""
    return [one for one in element.iter() if one.tag.rpartition("}")[2] == name]


def _only(element: ET.Element, name: str) -> str:
    found = {(one.text or "").strip() for one in _named(element, name)}
    return found.pop() if len(found) == 1 else ""


def _qualities(one: ET.Element) -> list[int]:
    known = {"8": 2, "9": 2, "7": 2, "13": 2, "11": 4}
    found = [(child.text or "").strip() for child in _named(one, "quality")]
    return [known.get(found[0] if found else "", 1)] if len(found) < 2 else [1, 2, 4]
