"""Find the series of a Green Button feed: point, quantity, unit and interval; and which are skipped, and why."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

from eclectyc.kernel.days import STEPS
from eclectyc.readers.blocks import Recognition, UnreadableFile
from eclectyc.readers.formats.greenbutton_feed import Entry
from eclectyc.readers.tables.document_readings import most_common

LOCAL_DAYS_S: Final = (82_800, 86_400, 90_000)  # 23, 24 and 25 hours
WHOLE: Final = re.compile(r"-?[0-9]{1,12}")
_DAY_S: Final = 86_400

# uom -> unit and its power of ten
_UNITS: Final = {
    "72": ("kWh", -3),
    "71": ("kVAh", -3),
    "73": ("kVArh", -3),
    "38": ("kW", -3),
    "31": ("MJ", -6),
    "42": ("m3", 0),
    "119": ("ft3", 0),
    "134": ("litre", 0),
    "169": ("therm", 0),
}
_POWER: Final = "38"
_NAMED: Final = {
    "0": "no unit",
    "5": "amperes",
    "29": "volts",
    "33": "hertz",
    "61": "VA",
    "63": "VAr",
    "80": "money",
    "65": "power factors",
    "106": "ampere-hours",
    "122": "ft³/h",
    "125": "m³/h",
    "128": "US gallons",
    "132": "BTU",
}
_OF_INTERVAL: Final = (None, "0", "4")  # accumulationBehaviour: usage in the interval; others are registers
_MEAN: Final = (None, "0", "2", "12")  # dataQualifier of a power: not its maximum or minimum
_MONEY: Final = "3"  # kind
_DIRECTIONS: Final = {None: None, "0": None, "1": "import", "19": "export"}


@dataclass(frozen=True, slots=True)
class FeedSeries:
    """The series of some entries. exponent : the power of ten from printed values to ``unit``."""

    point: str
    quantity: str | None
    unit: str
    exponent: int
    length_s: int
    quality: str  # of readings without one; empty if the type has none either
    tz_offset_s: int | None

    @property
    def is_daily(self) -> bool:
        return self.length_s in LOCAL_DAYS_S

    @property
    def measured(self) -> tuple[str, str | None, str]:
        """The point and what is measured; a power and its energy count as the same."""
        return self.point, self.quantity, "energy" if self.unit in ("kWh", "kW", "MJ") else self.unit

    @property
    def rank(self) -> tuple[bool, int]:
        """For choosing the best: energy before power, short intervals before long."""
        return self.unit == "kW", _DAY_S if self.is_daily else self.length_s


def find_series(
    entries: list[Entry], name: str, stated_quantity: str, recognition: Recognition
) -> dict[int, FeedSeries]:
    """Return the series of each entry with usable readings; warn of those that are skipped."""
    meters, points, types = (
        _LinkedEntries.from_entries(entries, thing) for thing in ("MeterReading", "UsagePoint", "ReadingType")
    )
    offsets = {entry.fields.get("tzOffset", "") for entry in entries if entry.thing == "LocalTimeParameters"}
    offset = next(iter(offsets)) if len(offsets) == 1 else ""
    lengths: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    kinds: dict[int, tuple[Entry, str]] = {}
    for n, block in enumerate(entries):
        if not block.lengths_s:
            continue
        meter = meters.owner(block)
        kind = _type_of(meter or block, types, name)
        point = points.owner(meter or block) or points.only
        kinds[n] = kind, point.own if point else ""
        lengths[id(kind), kinds[n][1]] += block.lengths_s
    found, skipped = {}, dict[str, None]()
    for n, (kind, point_name) in kinds.items():
        length_s = _length_s(lengths[id(kind), point_name], kind)
        why = _why_not(kind, length_s, stated_quantity)
        if why:
            skipped[why] = None
            continue
        found[n] = _series_of(kind, point_name, length_s, int(offset) if WHOLE.fullmatch(offset) else None)
    recognition.warnings += [f"Not read: {why}" for why in skipped]
    return found


def _series_of(kind: Entry, point: str, length_s: int, tz_offset_s: int | None) -> FeedSeries:
    unit, exponent = _UNITS[kind.fields["uom"]]
    quantity = _DIRECTIONS.get(kind.fields.get("flowDirection"))
    if unit == "kVArh" and quantity:
        quantity = f"reactive_{quantity}"
    return FeedSeries(
        point=point.rstrip("/").rpartition("/")[2],
        quantity=quantity,
        unit=unit,
        exponent=exponent + int(kind.fields.get("powerOfTenMultiplier", "0")),
        length_s=length_s,
        quality=kind.fields.get("defaultQuality", ""),
        tz_offset_s=tz_offset_s,
    )


@dataclass(frozen=True, slots=True)
class _LinkedEntries:
    """The entries of one kind, by their own link and by their related links."""

    entries: list[Entry]
    by_own: dict[str, Entry]
    by_related: dict[str, Entry]

    @classmethod
    def from_entries(cls, entries: list[Entry], thing: str) -> Self:
        mine = [entry for entry in entries if entry.thing == thing]
        related = {link: entry for entry in reversed(mine) for link in entry.related}
        return cls(mine, {entry.own: entry for entry in reversed(mine) if entry.own}, related)

    @property
    def only(self) -> Entry | None:
        return self.entries[0] if len(self.entries) == 1 else None

    def owner(self, entry: Entry) -> Entry | None:
        """Return the entry that owns another: named by its ``up``, naming it as related, or a prefix of its path."""
        found = self.by_related.get(entry.up or entry.own) or self.by_related.get(entry.own) or self.named_by(entry)
        path = entry.up or entry.own
        while found is None and "/" in path:
            path = path.rpartition("/")[0]
            found = self.by_own.get(path)
        return found

    def named_by(self, entry: Entry) -> Entry | None:
        """Return the first entry that another one links to."""
        links = (entry.up, *entry.related)
        return next((self.by_own[link] for link in links if link in self.by_own), None)


def _type_of(entry: Entry, types: _LinkedEntries, name: str) -> Entry:
    found = types.named_by(entry) or types.only
    if found is None:
        what = "several ReadingTypes, and no link to the one of its readings" if types.entries else "no ReadingType"
        raise UnreadableFile(f"{name} has {what}.", "Fetch the whole feed again.")
    return found


def _length_s(printed: Counter[str], kind: Entry) -> int:
    """Return the usual length of the intervals [s], or else their type's; 0 if unknown."""
    stated = Counter({int(text): count for text, count in printed.items() if WHOLE.fullmatch(text) and int(text) > 0})
    if stated:
        return most_common(stated)
    length = kind.fields.get("intervalLength", "")
    return int(length) if WHOLE.fullmatch(length) else 0


def _why_not(kind: Entry, length_s: int, stated_quantity: str) -> str:
    """Return why the readings of a type are skipped; empty if they are read."""
    fields = kind.fields
    uom, power = fields.get("uom", ""), fields.get("powerOfTenMultiplier", "0")
    if fields.get("kind") == _MONEY:
        return "costs, which are not readings."
    if uom not in _UNITS:
        return f"values in {_NAMED.get(uom, f'an unknown unit (uom {uom[:20]!r})')}."
    if fields.get("accumulationBehaviour") not in _OF_INTERVAL and uom != _POWER:
        return f"a register (accumulationBehaviour {fields['accumulationBehaviour'][:20]})."
    if uom == _POWER and fields.get("dataQualifier") not in _MEAN:
        return "the maximum or minimum power of each interval."
    if not WHOLE.fullmatch(power) or abs(int(power)) > 12:
        return f"values with an invalid powerOfTenMultiplier {power[:20]!r}."
    if fields.get("flowDirection") not in _DIRECTIONS and not stated_quantity:
        return (
            f"values whose direction (flowDirection {fields['flowDirection'][:20]}) is neither import nor export; "
            "--quantity states it."
        )
    if length_s not in LOCAL_DAYS_S and (length_s % 60 or length_s // 60 not in STEPS):
        return f"intervals of {timedelta(seconds=length_s)}, which is not a supported interval."
    return ""


def best_series(found: dict[int, FeedSeries], recognition: Recognition) -> dict[int, FeedSeries]:
    """Keep the best series of each quantity that a point measures."""
    best: dict[tuple[str, str | None, str], tuple[bool, int]] = {}
    for series in found.values():
        best[series.measured] = min(best.get(series.measured, series.rank), series.rank)
    kept = {n: series for n, series in found.items() if series.rank == best[series.measured]}
    if len(kept) < len(found):
        recognition.warnings.append("Not read: the same usage as power, or summed over longer intervals.")
    return kept
