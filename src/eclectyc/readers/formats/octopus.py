"""Octopus Energy's API: a response with consumption, newest first, with offsets from UTC.

It states neither meter nor unit. Electricity is in kWh; gas is in kWh from SMETS1 meters and in m³ from SMETS2 meters,
so the unit of gas is never assumed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from eclectyc.kernel.days import STEPS, WHOLE_DAY
from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.identifiers import clean_identifier, identify
from eclectyc.readers.blocks import Block, LineError, Recognition, UnreadableFile, changed_since_recognised
from eclectyc.readers.files.json_document import load_document
from eclectyc.readers.files.source import Source
from eclectyc.readers.reader import Reader, ReadOptions
from eclectyc.readers.tables.document_readings import BadReading, DocumentReadings, instant_of, most_common, value_of
from eclectyc.readers.tables.file_sample import FileSample

_LINK: Final = re.compile(r"/(electricity|gas)-meter-points/([^/]+)/meters/([^/]+)/")
_KEYS: Final = {"consumption", "interval_start", "interval_end"}
_DAY_S: Final = 86_400
_LOCAL_DAYS_S: Final = (82_800, _DAY_S, 90_000)  # 23, 24 and 25 hours
_UNIT: Final = (
    "Octopus gives gas in kWh from some meters (SMETS1) and in m³ from others (SMETS2), and does not state which."
)


class _Link(NamedTuple):
    """The meter in a link to the next page."""

    fuel: str = ""
    point: str = ""
    serial: str = ""


class _Interval(NamedTuple):
    """One result. start : its instant. clock : its local time. length_s : its duration."""

    line: int
    start: datetime
    clock: datetime
    length_s: int
    value: float | None


class Octopus(Reader):
    name = "octopus"
    kind = "readings"
    document_type = "json"
    sender = "Octopus"

    def recognise(self, sample: FileSample) -> Recognition | None:
        answer = _answer(sample.source)
        if answer is None:
            return None
        link = _link_of(answer)
        recognition = Recognition(
            self.name,
            "JSON with consumption from interval_start to interval_end",
            1.0,
            stamps="start",
            stamps_why="interval_start is the start of each interval",
            is_table=False,
            why_no_default_unit=_UNIT,
        )
        recognition.columns = {"point": link.point} if link.point else {}
        if isinstance(answer.get("count"), int) and answer["count"] > len(answer["results"]):
            recognition.warnings.append(
                f"The response is one page of several: {len(answer['results']):,} of {answer['count']:,} readings."
            )
        return recognition

    def read(
        self, source: Source, recognition: Recognition, options: ReadOptions
    ) -> Iterator[tuple[Block, list[LineError]]]:
        answer = _answer(source)
        if answer is None:
            raise changed_since_recognised(source.name, self.name)
        link = _link_of(answer)
        _check_meter(link, options.meter, recognition)
        is_electric = link.fuel == "electricity" or identify(options.meter).kind == "mpan"
        unit = "kWh" if is_electric and link.fuel != "gas" else None
        readings = DocumentReadings()
        intervals = _intervals(answer["results"], readings)
        length_s = most_common(Counter(one.length_s for one in intervals)) if intervals else 0
        if length_s in _LOCAL_DAYS_S and all(one.clock.time() == datetime.min.time() for one in intervals):
            recognition.step = WHOLE_DAY
            _add_intervals(intervals, readings, _LOCAL_DAYS_S, by_clock=True)
            yield readings.day_block(quantity=None, unit=unit), readings.errors
            return
        if intervals and (length_s % 60 or length_s // 60 not in STEPS or length_s >= _DAY_S):
            raise UnreadableFile(
                f"{source.name} has sums over {timedelta(seconds=length_s)}, which is not a supported interval.",
                "Request half-hours, without group_by, or hours or days.",
            )
        recognition.step = length_s // 60 or None
        _add_intervals(intervals, readings, (length_s,), by_clock=False)
        yield readings.block(quantity=None, unit=unit, in_utc=True), readings.errors


def _answer(source: Source) -> dict[str, Any] | None:
    """Return the file's response, or None if it is from another API."""
    if source.kind != "json":
        return None
    answer = load_document(source)
    if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
        return None
    results = answer["results"]
    if not results and {"count", "next", "previous"} <= answer.keys():
        raise UnreadableFile(f"{source.name} is a response without readings.", "Request another period.")
    is_ours = bool(results) and isinstance(results[0], dict) and len(_KEYS & results[0].keys()) >= 2
    return answer if is_ours else None


def _link_of(answer: dict[str, Any]) -> _Link:
    for link in (answer.get("next"), answer.get("previous")):
        if isinstance(link, str) and (found := _LINK.search(link)):
            return _Link(*found.groups())
    return _Link()


def _check_meter(link: _Link, stated: str, recognition: Recognition) -> None:
    """Refuse a response without a stated meter; warn if its own link names another one."""
    if not stated:
        hint = f" {link.point}, which its link to the next page names" if link.point else ""
        raise Invalid("The file names no meter.", f"Name the meter with --meter{hint}.", field="meter")
    stated = clean_identifier(stated)
    if link.point and stated not in (clean_identifier(link.point), clean_identifier(link.serial)):
        recognition.warnings.append(
            f"The file's link names meter {link.point}; its readings are imported for {stated}."
        )


def _intervals(results: list[Any], readings: DocumentReadings) -> list[_Interval]:
    intervals = []
    for number, result in enumerate(results):
        try:
            intervals.append(_interval(number + 1, result))
        except BadReading as bad:
            readings.reject(number + 1, f"results[{number}]", bad)
    return intervals


def _interval(line: int, result: Any) -> _Interval:
    if not isinstance(result, dict):
        raise BadReading("", "This is not a reading.")
    start = instant_of(result.get("interval_start"), ".interval_start")
    end = instant_of(result.get("interval_end"), ".interval_end")
    value = value_of(result.get("consumption"), ".consumption")
    assert start.instant is not None  # noqa: S101 - instant_of ensures it
    assert end.instant is not None  # noqa: S101
    length_s = int((end.instant - start.instant).total_seconds())
    if length_s <= 0:
        raise BadReading(".interval_end", "The interval ends before it starts.")
    return _Interval(line, start.instant, start.clock, length_s, value)


def _add_intervals(
    intervals: list[_Interval], readings: DocumentReadings, lengths_s: tuple[int, ...], *, by_clock: bool
) -> None:
    """Add the intervals of the usual length; reject the others, which are not of the same series."""
    for one in intervals:
        if one.length_s in lengths_s:
            readings.add(one.line, one.clock if by_clock else one.start, one.value)
        else:
            usual = " or ".join(str(timedelta(seconds=length)) for length in lengths_s)
            reason = f"The interval lasts {timedelta(seconds=one.length_s)}; the file's last {usual}."
            readings.reject(one.line, f"results[{one.line - 1}]", BadReading(".interval_end", reason))
