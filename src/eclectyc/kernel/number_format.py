"""Pure. Numbers as British people read them, the same on pages, in mails, on the terminal and in charts.

1,695 · 93% · 412.3 MWh. Figures have at most four significant digits and turn kWh into MWh and GWh before they need a
fifth; tables are exact. A missing number is a dash, never a zero. ``static/js/charts/numbers.js`` agrees with this.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

MINUS: Final = "\u2212"
NOTHING: Final = "–"
FIGURES: Final = 4  # [significant digits]
LADDERS: Final = {"kWh": ("kWh", "MWh", "GWh", "TWh"), "kW": ("kW", "MW", "GW"), "kVArh": ("kVArh", "MVArh", "GVArh")}
PRINTED: Final = {"m3": "m³", "degC": "°C", "kWh/m2": "kWh/m²", "litre": "litres"}


@dataclass(frozen=True, slots=True)
class Scale:
    """What a number is divided by, and the unit shown then."""

    divisor: float
    unit: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A number ready to show, and its unit."""

    text: str
    unit: str

    def __str__(self) -> str:
        return f"{self.text} {self.unit}".strip()


def unit_name(unit: str) -> str:
    """Return a stored unit as people write it.

    >>> unit_name("m3")
    'm³'
    """
    return PRINTED.get(unit, unit)


def scale_for(largest: float | None, unit: str) -> Scale:
    """Return the scale at which ``largest`` needs at most four digits before the point.

    >>> scale_for(12_345.0, "kWh")
    Scale(divisor=1000, unit='MWh')
    """
    ladder = LADDERS.get(unit, (unit_name(unit),))
    size = abs(largest or 0.0)
    rung = 0
    while rung + 1 < len(ladder) and size >= 9_999.5 * 1000**rung:
        rung += 1
    return Scale(1000**rung, ladder[rung])


def grouped(value: float, decimals: int = 0) -> str:
    """Return a number with thousands commas and a true minus sign.

    >>> grouped(-1234567.5, 1)
    '−1,234,567.5'
    """
    text = f"{abs(value):,.{decimals}f}"
    return MINUS + text if value < 0 and any(c in "123456789" for c in text) else text


def significant(value: float, digits: int = FIGURES) -> str:
    """Return a number rounded to ``digits`` significant figures; all digits before the point are shown.

    >>> significant(412.3456), significant(12345.6), significant(0.05)
    ('412.3', '12,350', '0.05')
    """
    if value == round(value) and abs(value) < 10**digits:
        return grouped(value)
    magnitude = math.floor(math.log10(abs(value)))
    rounded = round(value, digits - 1 - magnitude)
    magnitude = math.floor(math.log10(abs(rounded)))  # 9999.6 becomes 10000
    decimals = max(0, digits - 1 - magnitude)
    text = grouped(rounded, decimals)
    return text.rstrip("0").rstrip(".") if abs(value) < 1 and decimals else text


def figure(value: float | None, unit: str = "", digits: int = FIGURES) -> Figure:
    """Return a number as a figure: scaled, at most four significant digits, unit beside.

    >>> str(figure(412_345.0, "kWh"))
    '412.3 MWh'
    """
    scale = scale_for(value, unit)
    if value is None or not math.isfinite(value):
        return Figure(NOTHING, "")
    return Figure(significant(value / scale.divisor, digits), scale.unit)


def exact(value: float | None, decimals: int = 6) -> str:
    """Return a number as a table shows it: nothing rounded away, no trailing zeros.

    >>> exact(1234.5), exact(0.1 + 0.2), exact(None)
    ('1,234.5', '0.3', '–')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    text = grouped(round(value, decimals), decimals)
    return text.rstrip("0").rstrip(".") if "." in text else text


def share(part: float | None, whole: float | None) -> float | None:
    """Return part / whole [1], or None if there is no whole."""
    return part / whole if part is not None and whole else None


def percent(fraction: float | None) -> str:
    """Return a share as a percentage: never rounded up to 100 nor down to 0.

    >>> percent(0.9996), percent(1), percent(0.934), percent(None)
    ('99.9%', '100%', '93%', '–')
    """
    if fraction is None:
        return NOTHING
    hundredths = fraction * 100
    if 99 < hundredths < 100:
        return f"{math.floor(hundredths * 10) / 10:g}%"
    if 0 < hundredths < 1:
        return f"{max(0.1, round(hundredths, 1)):g}%"
    return f"{hundredths:.0f}%"


def change_words(percent_change: float | None) -> str:
    """Return a change [%] with its sign and arrow.

    >>> change_words(-6.1), change_words(0.4), change_words(None)
    ('▼ \u22126.1%', '▲ +0.4%', '–')
    """
    if percent_change is None:
        return NOTHING
    size = abs(percent_change)
    text = f"{size:.1f}" if size < 9.95 else grouped(size)
    if float(text.replace(",", "")) == 0:
        return "no change"
    return f"▲ +{text}%" if percent_change > 0 else f"▼ {MINUS}{text}%"
