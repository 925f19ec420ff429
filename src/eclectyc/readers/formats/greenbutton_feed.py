"""Parse a Green Button feed (ESPI, in Atom): first its outline, then its readings one by one.

Entries refer to each other by links: an IntervalBlock belongs to a MeterReading, that to a UsagePoint; a ReadingType
describes the values. They come in any order, so the outline of the whole feed is read before the first reading. The
format's code numbers are kept as printed; ``greenbutton.py`` interprets them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.files.source import Source
from eclectyc.readers.files.xml_stream import local_name, parse_xml

MOST_ENTRIES: Final = 50_000
MOST_LINKS: Final = 20  # of an entry
MOST_TEXT: Final = 500  # characters: of a value, of a link
MOST_KINDS: Final = 20  # of lengths in a block, of qualities of a reading
_THINGS: Final = {"UsagePoint", "MeterReading", "ReadingType", "LocalTimeParameters", "IntervalBlock"}
_SERIES_FIELDS = "accumulationBehaviour dataQualifier flowDirection kind powerOfTenMultiplier uom"
_DEFAULT_FIELDS = "defaultQuality intervalLength tzOffset"
_FIELDS: Final = {*_SERIES_FIELDS.split(), *_DEFAULT_FIELDS.split()}


@dataclass(slots=True)
class Entry:
    """One entry of the feed: its kind of thing, its links, and its fields by name.

    lengths_s : the durations of its readings, as printed, with their counts.
    """

    thing: str = ""
    own: str = ""
    up: str = ""
    related: list[str] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    lengths_s: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Reading:
    """One IntervalReading, as printed. entry : the number of its entry."""

    entry: int
    fields: dict[str, str] = field(default_factory=dict)
    qualities: list[str] = field(default_factory=list)


class _Feed:
    """Handles the events of a feed: collects ``entries`` or, if wanted, ``readings``."""

    def __init__(self, name: str, *, wants_readings: bool) -> None:
        self.depth = 0
        self.entries: list[Entry] = []
        self.readings: list[Reading] = []
        self._name = name
        self._wants_readings = wants_readings
        self._count = 0  # of entries
        self._entry = Entry()
        self._reading: Reading | None = None
        self._is_inside = False  # the entry's thing
        self._text = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self._text = ""
        what = local_name(name)
        if what == "entry":
            self._begin_entry()
        elif what == "link" and not self._is_inside:
            self._link(attributes.get("rel", ""), attributes.get("href", "")[:MOST_TEXT])
        elif what == "IntervalReading":
            self._reading = Reading(max(self._count - 1, 0))
        elif what in _THINGS and not self._is_inside:
            if self._count == 0:  # a thing without a feed around it
                self._begin_entry()
            self._entry.thing, self._is_inside = what, True

    def end(self, name: str) -> None:
        self.depth -= 1
        what, text = local_name(name), self._text.strip()
        self._text = ""
        if self._reading is not None:
            self._end_in_reading(what, text)
        elif what in _THINGS and what == self._entry.thing:
            self._is_inside = False
        elif self._is_inside and text and what in _FIELDS:
            _set_field(self._entry.fields, what, text)

    def text(self, text: str) -> None:
        if len(self._text) <= MOST_TEXT:
            self._text += text[: MOST_TEXT + 1]

    def _begin_entry(self) -> None:
        self._count += 1
        if self._count > MOST_ENTRIES:
            raise UnreadableFile(f"{self._name} has more than {MOST_ENTRIES:,} entries.", "Fetch shorter periods.")
        self._entry, self._is_inside = Entry(), False
        if not self._wants_readings:
            self.entries.append(self._entry)

    def _link(self, rel: str, href: str) -> None:
        if not href:
            return
        if rel == "self":
            self._entry.own = href
        elif rel == "up":
            self._entry.up = href
        elif rel == "related" and len(self._entry.related) < MOST_LINKS:
            self._entry.related.append(href)

    def _end_in_reading(self, what: str, text: str) -> None:
        assert self._reading is not None  # noqa: S101
        if what == "quality" and len(self._reading.qualities) < MOST_KINDS:
            self._reading.qualities.append(text)
        elif what in ("start", "duration", "value"):
            _set_field(self._reading.fields, what, text)
        elif what == "IntervalReading":
            if self._wants_readings:
                self.readings.append(self._reading)
            else:
                self._count_length(self._reading.fields.get("duration", ""))
            self._reading = None

    def _count_length(self, printed: str) -> None:
        lengths = self._entry.lengths_s
        if printed in lengths or len(lengths) < MOST_KINDS:
            lengths[printed] += 1


def _set_field(fields: dict[str, str], what: str, text: str) -> None:
    """Set a field. If it comes with two texts, both are joined, which makes the field unknown."""
    before = fields.setdefault(what, text)
    if before != text:
        fields[what] = f"{before} and {text}"[:MOST_TEXT]


def outline(source: Source) -> list[Entry]:
    """Return the entries of a feed, in order, without their readings."""
    feed = _Feed(source.name, wants_readings=False)
    for _ in parse_xml(source.pieces(), feed, source.name):
        pass
    return feed.entries


def readings(source: Source) -> Iterator[list[Reading]]:
    """Yield the readings of a feed, in order, some at a time."""
    feed = _Feed(source.name, wants_readings=True)
    for _ in parse_xml(source.pieces(), feed, source.name):
        if feed.readings:
            yield feed.readings
            feed.readings = []
