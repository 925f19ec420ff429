"""n3rgy's API: consumption or production of a smart meter, stamped at each period's end, in UTC.

Both generations of responses are read: ``values`` at the top, and ``values`` of each of ``devices``. The number in the
resource's name is the household's, not the meter's (it may be an MPRN for electricity), so the meter must be stated.
Source for the clock and the stamps: n3rgy's support pages, "Data, dates, times, consumption and tariffs" (2023).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from eclectyc.kernel.units import is_unit
from eclectyc.readers.blocks import LineError, Recognition, RowBlock, UnreadableFile, changed_since_recognised
from eclectyc.readers.files.json_document import load_document
from eclectyc.readers.files.source import Source
from eclectyc.readers.reader import Reader, ReadOptions
from eclectyc.readers.tables.document_readings import BadReading, DocumentReadings, stamp_of, value_of
from eclectyc.readers.tables.file_sample import FileSample

NO_VALUE: Final = 16777.215  # 0xFFFFFF Wh: a smart meter's value for a period that it has not recorded
_VALUES: Final = ("value", "primaryValue")
_UNIT: Final = "The response does not state its unit."


class N3rgy(Reader):
    name = "n3rgy"
    kind = "readings"
    document_type = "json"
    sender = "n3rgy"

    def recognise(self, sample: FileSample) -> Recognition | None:
        answer = _answer(sample.source)
        if answer is None:
            return None
        return Recognition(
            self.name,
            "JSON with a resource, a granularity and values with timestamps",
            1.0,
            stamps="end",
            stamps_why="n3rgy timestamps are period ends",
            timezone="UTC",
            step=30,
            is_table=False,
            why_no_default_unit=_UNIT,
        )

    def read(
        self, source: Source, recognition: Recognition, options: ReadOptions
    ) -> Iterator[tuple[RowBlock, list[LineError]]]:
        answer = _answer(source)
        if answer is None:
            raise changed_since_recognised(source.name, self.name)
        unit, quantity = _unit(answer, source.name), _quantity(answer)
        readings = DocumentReadings()
        for number, (place, cell) in enumerate(_cells(answer), 1):
            try:
                if not isinstance(cell, dict):
                    raise BadReading("", "This is not a reading.")
                moment = stamp_of(cell.get("timestamp"), ".timestamp")
                readings.add(number, moment.clock - (moment.offset or timedelta(0)), _value(cell))
            except BadReading as bad:
                readings.reject(number, place, bad)
        yield readings.block(quantity=quantity, unit=unit, in_utc=False), readings.errors


def _answer(source: Source) -> dict[str, Any] | None:
    """Return the file's response, or None if it is from another API."""
    if source.kind != "json":
        return None
    answer = load_document(source)
    if not isinstance(answer, dict) or not isinstance(answer.get("resource"), str):
        return None
    first = next((cell for _, cell in _cells(answer)), None)
    if "prices" in answer or (isinstance(first, dict) and {"standingCharges", "prices"} & first.keys()):
        raise UnreadableFile(f"{source.name} holds a tariff, not readings.", "Request consumption or production.")
    if not isinstance(answer.get("granularity"), str):
        return None
    if answer["granularity"] != "halfhour":
        raise UnreadableFile(
            f"{source.name} has values by {answer['granularity']!s:.20}, whose timestamps are ambiguous.",
            "Request granularity=halfhour.",
        )
    if first is None and isinstance(answer.get("values", answer.get("devices")), list):
        raise UnreadableFile(f"{source.name} is a response without readings.", "Request another period.")
    is_ours = isinstance(first, dict) and "timestamp" in first and any(key in first for key in _VALUES)
    return answer if is_ours else None


def _cells(answer: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each reading with its path."""
    groups = [("", answer)]
    if isinstance(answer.get("devices"), list):
        groups = [(f"devices[{n}].", device) for n, device in enumerate(answer["devices"]) if isinstance(device, dict)]
    for place, group in groups:
        values = group.get("values")
        for n, cell in enumerate(values if isinstance(values, list) else ()):
            yield f"{place}values[{n}]", cell


def _value(cell: dict[str, Any]) -> float | None:
    key = next((key for key in _VALUES if key in cell), _VALUES[0])
    if cell.get(key) == "invalid value":
        raise BadReading(f".{key}", "The meter recorded no valid value here.", "No action is needed.")
    value = value_of(cell.get(key), f".{key}")
    if value == NO_VALUE:
        reason = f"{NO_VALUE} is a smart meter's value for a period that it has not recorded."
        raise BadReading(f".{key}", reason, "No action is needed.")
    return value


def _unit(answer: dict[str, Any], name: str) -> str | None:
    unit = answer.get("unit")
    if unit in (None, ""):
        return None
    if not isinstance(unit, str) or not is_unit(unit):
        raise UnreadableFile(f"{name} is in {unit!r:.40}, which is not a known unit.", "Choose --unit kWh or m3.")
    return unit


def _quantity(answer: dict[str, Any]) -> str | None:
    """Return export for production; consumption is the meter's own direction."""
    return "export" if "/production" in answer["resource"].lower() else None
