"""Glowmarkt's (Bright's) API: pairs of epoch second and value, each pair at the start of its period."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from eclectyc.kernel.days import WHOLE_DAY
from eclectyc.kernel.units import is_unit
from eclectyc.readers.blocks import Block, LineError, Recognition, UnreadableFile, changed_since_recognised
from eclectyc.readers.files.json_document import load_document
from eclectyc.readers.files.source import Source
from eclectyc.readers.reader import Reader, ReadOptions
from eclectyc.readers.tables.dates import FIRST_YEAR, LAST_YEAR
from eclectyc.readers.tables.document_readings import BadReading, DocumentReadings, value_of
from eclectyc.readers.tables.file_sample import FileSample

_KEYS: Final = {"resourceId", "resourceTypeId", "classifier", "units", "query", "status", "name"}
_PERIODS: Final = {"PT1M": 1, "PT30M": 30, "PT1H": 60, "P1D": WHOLE_DAY}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_S: Final = int((datetime(FIRST_YEAR, 1, 2, tzinfo=UTC) - _EPOCH).total_seconds())
_LAST_S: Final = int((datetime(LAST_YEAR, 12, 30, tzinfo=UTC) - _EPOCH).total_seconds())
_UNIT: Final = "The response does not state its unit."


class Glowmarkt(Reader):
    name = "glowmarkt"
    kind = "readings"
    document_type = "json"
    sender = "Glowmarkt"

    def recognise(self, sample: FileSample) -> Recognition | None:
        answer = _answer(sample.source)
        if answer is None:
            return None
        return Recognition(
            self.name,
            "JSON with pairs of epoch second and value",
            1.0,
            stamps="start",
            stamps_why="Glowmarkt timestamps are period starts",
            step=_step(answer, sample.name),
            is_table=False,
            why_no_default_unit=_UNIT,
        )

    def read(
        self, source: Source, recognition: Recognition, options: ReadOptions
    ) -> Iterator[tuple[Block, list[LineError]]]:
        answer = _answer(source)
        if answer is None:
            raise changed_since_recognised(source.name, self.name)
        unit = None if options.unit else _unit(answer, source.name)
        classifier = str(answer.get("classifier", "")).lower()
        quantity = "export" if "export" in classifier or "production" in classifier else None
        readings = DocumentReadings()
        for number, pair in enumerate(answer["data"]):
            try:
                readings.add(number + 1, *_pair(pair))
            except BadReading as bad:
                readings.reject(number + 1, f"data[{number}]", bad)
        if recognition.step == WHOLE_DAY:
            yield readings.day_block(quantity=quantity, unit=unit), readings.errors
        else:
            yield readings.block(quantity=quantity, unit=unit, in_utc=True), readings.errors


def _answer(source: Source) -> dict[str, Any] | None:
    """Return the file's response, or None if it is from another API."""
    if source.kind != "json":
        return None
    answer = load_document(source)
    if not isinstance(answer, dict) or not isinstance(answer.get("data"), list) or not _KEYS & answer.keys():
        return None
    classifier, units = str(answer.get("classifier", "")), str(answer.get("units", ""))
    if classifier.endswith(".cost") or units.lower() in ("pence", "gbp", "p", "£"):
        raise UnreadableFile(f"{source.name} holds costs, not readings.", "Request the resource of the consumption.")
    if not answer["data"]:
        raise UnreadableFile(f"{source.name} is a response without readings.", "Request another period.")
    first = answer["data"][0]
    return answer if isinstance(first, list) and len(first) == 2 else None


def _step(answer: dict[str, Any], name: str) -> int | None:
    """Return the minutes of a period, None if the response does not state them."""
    query = answer["query"] if isinstance(answer.get("query"), dict) else {}
    if query.get("function", "sum") != "sum":
        raise UnreadableFile(f"{name} has {query['function']!r:.20}, not sums.", "Request function=sum.")
    period = query.get("period")
    if period is None:
        return None
    if not isinstance(period, str) or period not in _PERIODS:
        raise UnreadableFile(
            f"{name} has values of {period!r:.20}, which is not a supported interval.", "Request PT30M, PT1H or P1D."
        )
    return _PERIODS[period]


def _pair(pair: Any) -> tuple[datetime, float | None]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise BadReading("", "This is not a pair of epoch second and value.")
    seconds = value_of(pair[0], "[0]")
    if seconds is None or seconds % 1 or not _FIRST_S <= seconds <= _LAST_S:
        raise BadReading("[0]", f"{pair[0]!r:.40} is not an epoch second between {FIRST_YEAR} and {LAST_YEAR}.")
    return _EPOCH + timedelta(seconds=int(seconds)), value_of(pair[1], "[1]")


def _unit(answer: dict[str, Any], name: str) -> str | None:
    units = answer.get("units")
    if units in (None, ""):
        return None
    if not isinstance(units, str) or not is_unit(units):
        raise UnreadableFile(f"{name} is in {units!r:.40}, which is not a known unit.", "Choose --unit kWh or m3.")
    return units
