"""What a chart shows, as plain data: the page's scripts draw it, list it as a table and save it.

Values travel in the series' own unit, rounded only of floating-point dust; ``scale`` says how the axis prints them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from eclectyc.kernel.number_format import scale_for, unit_name

Values = Sequence[float | None]
DIGITS: Final = 6  # [decimals] kept of a value
KEYBOARD_HELP: Final = (
    "Use the arrow keys to read each value, plus and minus to zoom, 0 to reset the zoom. "
    "The Table button shows the values as a table."
)
TICK_HOURS: Final = (0, 3, 6, 9, 12, 15, 18, 21)


@dataclass(frozen=True, slots=True)
class Key:
    """One entry above a chart: how it looks (a class of charts.css) and what it is."""

    name: str
    colour: str = "other"
    look: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """One series of a bar chart. ``shape``: bar, line, or ticks (a short rule across each bar).

    coverage, estimated : a share [1] for each value, where it matters.
    """

    name: str
    values: Values
    colour: str = "electricity"
    shape: str = "bar"
    stack: str = ""
    coverage: Values | None = None
    estimated: Values | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of one page. ``name`` is its id there, ``summary`` its text for who cannot see it."""

    name: str
    title: str
    summary: str
    data: dict[str, Any]
    note: str = ""
    keys: Sequence[Key] = field(default=())
    nothing: str = "There are no readings to draw here."

    @property
    def keyboard_help(self) -> str:
        """How the keyboard reads it, for its label."""
        return KEYBOARD_HELP

    @property
    def script(self) -> str:
        """The id of the element that holds the data."""
        return f"{self.name}-data"

    @property
    def is_empty(self) -> bool:
        """Whether there is no value to draw."""
        return not self.data


def clean(values: Values) -> list[float | None]:
    """Return values for JSON, without floating-point dust; NaN becomes None."""
    return [None if v is None or v != v else round(float(v), DIGITS) for v in values]  # noqa: PLR0124


def _axis(unit: str, values: Sequence[Values]) -> dict[str, Any]:
    known = [abs(v) for entry in values for v in entry if v is not None]
    scale = scale_for(max(known, default=0.0), unit)
    return {"unit": unit_name(unit), "scale": {"divisor": scale.divisor, "unit": scale.unit}}


def bars(
    *,
    heading: str,
    labels: Sequence[str],
    spans: Sequence[str],
    series: Sequence[Bars],
    unit: str,
    file: str,
    links: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Return a bar chart's data: short ``labels`` for the axis, full ``spans`` for tooltips and table."""
    if not any(v is not None for entry in series for v in entry.values):
        return {}
    drawn = []
    for entry in series:
        one: dict[str, Any] = {"name": entry.name, "colour": entry.colour, "shape": entry.shape}
        one["values"] = clean(entry.values)
        if entry.stack:
            one["stack"] = entry.stack
        if entry.coverage is not None:
            one["coverage"] = entry.coverage
        if entry.estimated is not None and any(entry.estimated):
            one["estimated"] = entry.estimated
        drawn.append(one)
    heights = [_stacked(series)] if any(entry.stack for entry in series) else [entry.values for entry in series]
    data = {"kind": "bars", "heading": heading, "labels": list(labels), "spans": list(spans), "series": drawn}
    return data | _axis(unit, heights) | {"file": file} | ({"links": list(links)} if links else {})


def _stacked(series: Sequence[Bars]) -> list[float | None]:
    return [sum(v for v in column if v is not None) for column in zip(*(e.values for e in series), strict=True)]


def day(
    *,
    values: Values,
    quality: Sequence[int],
    starts: Sequence[str],
    spans: Sequence[str],
    unit: str,
    colour: str,
    file: str,
    band: tuple[Values, Values] | None = None,
    compare: tuple[str, Values] | None = None,
) -> dict[str, Any]:
    """Return a day's data. ``starts`` are local clock times "HH:MM", ``spans`` the full "from–to" of each slot."""
    every = [values, band[1] if band else (), compare[1] if compare else ()]
    data: dict[str, Any] = {"kind": "day", "labels": list(starts), "spans": list(spans), "colour": colour}
    data["ticks"] = [n for n, s in enumerate(starts) if s.endswith(":00") and int(s[:2]) in TICK_HOURS]
    data |= {"values": clean(values), "quality": list(quality)} | _axis(unit, every) | {"file": file}
    if band:
        data["band"] = {"low": clean(band[0]), "high": clean(band[1])}
    if compare:
        data["compare"] = {"name": compare[0], "values": clean(compare[1])}
    return data


def rows(
    *,
    heading: str,
    word: str,
    labels: Sequence[str],
    values: Values,
    coverage: Values,
    colours: Sequence[str],
    unit: str,
    file: str,
    links: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Return horizontal bars' data: groups against each other, in the order given."""
    if not any(v is not None for v in values):
        return {}
    data: dict[str, Any] = {"kind": "rows", "heading": heading, "word": word, "labels": list(labels)}
    data |= {"values": clean(values), "coverage": list(coverage), "colours": list(colours), "file": file}
    return data | _axis(unit, [values]) | ({"links": list(links)} if links else {})


def heat(
    *,
    days: Sequence[date],
    slots: Sequence[str],
    values: Sequence[Values],
    unit: str,
    file: str,
    word: str = "use",
    link: str = "",
) -> dict[str, Any]:
    """Return a heat map's data: one row of ``values`` per day, one column per slot; a day opens at link + day."""
    if not any(v is not None for row in values for v in row):
        return {}
    data: dict[str, Any] = {
        "kind": "heat",
        "days": [d.isoformat() for d in days],
        "months": [f"{d:%b}" for d in days],
        "names": [f"{d:%a} {d.day} {d:%b %Y}" for d in days],
        "slots": list(slots),
        "values": values,
        "word": word,
        "file": file,
    }
    return data | _axis(unit, values) | ({"link": link} if link else {})
