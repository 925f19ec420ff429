"""Green Button (ESPI): interval readings of one or more usage points, in XML.

A reading is value × 10^powerOfTenMultiplier of the unit (``uom``) that its ReadingType names, from ``start`` [s since
1970, UTC]. Only usage per interval is read: registers, costs, demands and currents are skipped, with a warning.
Sources: the ESPI schema (NAESB REQ.21) as public implementations of it show it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from eclectyc.kernel.quality import ACTUAL, DERIVED, ESTIMATED, UNFLAGGED
from eclectyc.readers.blocks import Block, LineError, Recognition, UnreadableFile
from eclectyc.readers.files.source import Source
from eclectyc.readers.formats.greenbutton_feed import Reading, outline, readings
from eclectyc.readers.formats.greenbutton_series import LOCAL_DAYS_S, WHOLE, FeedSeries, best_series, find_series
from eclectyc.readers.reader import Reader, ReadOptions
from eclectyc.readers.tables.dates import FIRST_YEAR, LAST_YEAR
from eclectyc.readers.tables.document_readings import BadReading, DocumentReadings, day_of
from eclectyc.readers.tables.file_sample import FileSample
from eclectyc.readers.tables.numbers import MAX_VALUE

NAMESPACE: Final = b"http://naesb.org/espi"
PER_BLOCK: Final = 20_000  # readings
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_S: Final = int((datetime(FIRST_YEAR, 1, 2, tzinfo=UTC) - _EPOCH).total_seconds())
_LAST_S: Final = int((datetime(LAST_YEAR, 12, 30, tzinfo=UTC) - _EPOCH).total_seconds())
_HOUR_S, _DAY_S = 3_600, 86_400

# 0 valid, 7 edited, 8 and 9 estimated, 10 questionable, 11 derived, 13 mixed, 14 raw, 17 validated, 18 verified, 19 of
# revenue quality. 12 (projected) and 15 (weather-normalised) were never measured.
_QUALITIES: Final = {
    **dict.fromkeys(("0", "10", "14", "17", "18", "19"), ACTUAL),
    **dict.fromkeys(("7", "8", "9", "13"), ESTIMATED),
    "11": DERIVED,
}
_QUESTIONABLE: Final = "10"
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,12})?")


class GreenButton(Reader):
    name = "greenbutton"
    kind = "readings"
    document_type = "xml"
    sender = "Green Button"

    def recognise(self, sample: FileSample) -> Recognition | None:
        if sample.source.kind != "xml" or NAMESPACE not in sample.text:
            return None
        return Recognition(
            self.name,
            "XML in the Green Button (ESPI) namespace",
            1.0,
            stamps="start",
            stamps_why="Green Button intervals are given by their start",
            is_table=False,
        )

    def read(
        self, source: Source, recognition: Recognition, options: ReadOptions
    ) -> Iterator[tuple[Block, list[LineError]]]:
        of_entry = best_series(find_series(outline(source), source.name, options.quantity, recognition), recognition)
        if not of_entry:
            raise UnreadableFile(
                " ".join([f"{source.name} has no usage of energy, gas or water per interval.", *recognition.warnings]),
                "Request interval readings.",
            )
        steps = {series.length_s // 60 for series in of_entry.values() if not series.is_daily}
        recognition.step = steps.pop() if len(steps) == 1 else None
        points = {series.point for series in of_entry.values()}
        builder = _BlockBuilder(of_entry, names_points=len(points) > 1)
        for some in readings(source):
            builder.add(some)
            yield from builder.blocks(PER_BLOCK)
        yield from builder.blocks(0)
        recognition.warnings += builder.warnings()


class _BlockBuilder:
    """Collects readings by series, and makes blocks of them."""

    def __init__(self, of_entry: Mapping[int, FeedSeries], *, names_points: bool) -> None:
        self._of_entry = of_entry
        self._names_points = names_points
        self._collected: dict[tuple[FeedSeries, bool], DocumentReadings] = defaultdict(DocumentReadings)
        self._count = 0
        self._questionable = 0

    def add(self, some: Sequence[Reading]) -> None:
        for reading in some:
            self._count += 1
            series = self._of_entry.get(reading.entry)
            if series is None:
                continue
            try:
                moment, is_day = _moment(reading, series)
                value = _value(reading.fields.get("value", ""), series.exponent)
                self._collected[series, is_day].add(self._count, moment, value, self._quality(reading, series))
            except BadReading as bad:
                self._collected[series, False].reject(self._count, f"IntervalReading[{self._count}]", bad)

    def blocks(self, least: int) -> Iterator[tuple[Block, list[LineError]]]:
        """Yield and drop the series with at least ``least`` readings."""
        for (series, is_day), collected in list(self._collected.items()):
            if len(collected) + len(collected.errors) < max(least, 1):
                continue
            meter = series.point if self._names_points else None
            if is_day:
                block: Block = collected.day_block(meter=meter, quantity=series.quantity, unit=series.unit)
            else:
                block = collected.block(meter=meter, quantity=series.quantity, unit=series.unit, in_utc=True)
            yield block, collected.errors
            del self._collected[series, is_day]

    def warnings(self) -> list[str]:
        if not self._questionable:
            return []
        return [f"{self._questionable:,} readings are marked questionable (quality 10) and imported as actual."]

    def _quality(self, reading: Reading, series: FeedSeries) -> int:
        """Return the worst of a reading's qualities; ``BadReading`` if one is unknown."""
        stated = reading.qualities or ([series.quality] if series.quality else [])
        unknown = next((quality for quality in stated if quality not in _QUALITIES), None)
        if unknown is not None:
            raise BadReading(
                ".quality", f"Quality {unknown!r:.20} is not a known quality.", "Ask the sender what it means."
            )
        self._questionable += _QUESTIONABLE in stated
        ranked = [_QUALITIES[quality] for quality in stated]
        return next((worst for worst in (ESTIMATED, DERIVED, ACTUAL) if worst in ranked), UNFLAGGED)


def _moment(reading: Reading, series: FeedSeries) -> tuple[datetime, bool]:
    """Return the start of a reading, and whether it is a whole local day."""
    start = reading.fields.get("start", "")
    if not WHOLE.fullmatch(start) or not _FIRST_S <= int(start) <= _LAST_S:
        raise BadReading(".start", f"{start!r:.40} is not an epoch second between {FIRST_YEAR} and {LAST_YEAR}.")
    length = reading.fields.get("duration", "")
    lengths_s = LOCAL_DAYS_S if series.is_daily else (series.length_s,)
    if length and (not WHOLE.fullmatch(length) or int(length) not in lengths_s):
        usual = timedelta(seconds=series.length_s)
        raise BadReading(".duration", f"The interval lasts {length:.20} s; the others of its series last {usual}.")
    moment = _EPOCH + timedelta(seconds=int(start))
    if not series.is_daily:
        return moment, False
    if series.tz_offset_s is None:
        return moment, True
    past_midnight_s = (int(start) + series.tz_offset_s) % _DAY_S
    if past_midnight_s not in (0, _DAY_S - _HOUR_S):  # an hour earlier in summer time
        return moment, False
    local = moment + timedelta(seconds=series.tz_offset_s + _HOUR_S)
    return datetime.combine(day_of(local.replace(tzinfo=None)), datetime.min.time()), True


def _value(printed: str, exponent: int) -> float | None:
    if not printed:
        return None
    if not _NUMBER.fullmatch(printed):
        raise BadReading(".value", f"{printed!r:.40} is not a number.")
    value = float(Decimal(printed).scaleb(exponent))
    if abs(value) > MAX_VALUE:
        raise BadReading(".value", f"{printed} is larger than any reading.")
    return value
