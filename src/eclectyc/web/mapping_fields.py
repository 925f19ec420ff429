"""What a file's cells mean: the questions apart from its columns that its layout needs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from eclectyc.estate.models import Quantity
from eclectyc.intake.profiles.form_mapping import roles_of
from eclectyc.web.forms import Field, Form
from eclectyc.web.mapper import Mapper

_COUNTS: Final = (48, 50, 46, 24, 25, 23, 96, 100, 92, 288, 300, 276)
_LENGTHS: Final = {48: "half-hours", 24: "hours", 96: "quarters of an hour", 288: "five minutes"}
_STEPS: Final = (
    ("", "As the file shows"),
    ("5", "5 minutes"),
    ("10", "10 minutes"),
    ("15", "15 minutes"),
    ("30", "30 minutes"),
    ("60", "60 minutes"),
)

_RARE: Final = "rarely"

_STAMPS = Field(
    "stamps",
    "Times are at the",
    "select",
    "The half-hour 10:00–10:30 is written as 10:00, or as 10:30.",
    (("", "as the file shows"), ("start", "start of each interval"), ("end", "end of each interval")),
    group="Time",
)
_MIDNIGHT = Field(
    "closes_midnight",
    "00:00 is the end of its date",
    "check",
    "The last half-hour of the day has the same date and the time 00:00.",
    group="Time",
)
_SLOTS = (
    Field(
        "slots_count",
        "Columns in a day",
        "select",
        choices=tuple((str(n), f"{n} {_LENGTHS[n]}" if n in _LENGTHS else str(n)) for n in _COUNTS),
        group="The day",
    ),
    Field(
        "slots_every",
        "From one to the next",
        "select",
        "Two, if each value has its flag in the next column.",
        choices=tuple((str(n) if n > 1 else "", f"{n} column{'s' if n > 1 else ''}") for n in range(1, 11)),
        group="The day",
    ),
    Field(
        "slots_are",
        "When clocks change",
        "select",
        choices=(("position", "46 or 50 columns are filled"), ("clock", "each column is a clock time")),
        group="The day",
    ),
)
_TIMEZONE = Field(
    "timezone",
    "Time zone of the file",
    "text",
    "Europe/London, UTC, UTC+01:00 … (optional, default the site’s).",
    suggestions=("Europe/London", "UTC", "Europe/Dublin", "Europe/Berlin", "UTC+10:00"),
    group="Time",
)
_STEP = Field("step", "Interval", "select", choices=_STEPS, group=_RARE)
_DATES = Field(
    "dates",
    "Date format",
    "text",
    "Only if it is ambiguous, such as MM/DD/YYYY for month first.",
    suggestions=("MM/DD/YYYY", "MM/DD/YYYY HH:mm", "DD.MM.YYYY HH:mm", "DDMMYYYY", "DDMMYYYYHHmm", "DD MMM YY"),
    group=_RARE,
)
_TIMES = Field(
    "times",
    "Time format",
    "text",
    "Such as HHmm (optional, default 10:30).",
    suggestions=("HHmm", "HH.mm", "HHmmss"),
    group=_RARE,
)
_UNIT = Field(
    "unit",
    "Unit",
    "text",
    "kWh, Wh, MWh, kW, m3 … (optional, default the file’s, otherwise the meter’s).",
    suggestions=("kWh", "Wh", "MWh", "kW", "m3", "kVArh", "litre"),
    group="Values",
)
_QUANTITY = Field(
    "quantity",
    "Quantity",
    "select",
    choices=(("", "The meter’s main quantity"), *((value, str(label)) for value, label in Quantity.choices)),
    group="Values",
)
_DECIMAL = Field(
    "decimal", "Decimal separator", "select", choices=(("", "point: 1.5"), ("comma", "comma: 1,5")), group="Values"
)
_MISSING = Field(
    "missing", "Texts that mean no value", "textarea", "One per line, such as n/a or -9999.", rows=2, group=_RARE
)
_METER = Field("meter", "Meter", "text", "If the file doesn’t name one.", suggests="meter", group="Meters")
_UNKNOWN = Field("unknown", "Unknown meters", "select", choices=(("", "reject"), ("create", "create")), group="Meters")
_SITE = Field(
    "site", "Site for new meters", "text", "It is created if it does not exist.", suggests="site", group="Meters"
)
_SERIALS = Field(
    "add_serials", "Add up several serials of a meter", "check", "Their readings are added together.", group="Meters"
)
_LAST_WINS = Field(
    "last_wins",
    "Later files replace earlier readings",
    "check",
    "For senders who correct actual readings with estimates.",
    group=_RARE,
)


def meaning_forms(mapper: Mapper) -> dict[str, Any]:
    """Return the questions that the layout and the chosen columns leave, with the answers so far: the usual ones, and
    those that are rarely needed, and whether one of these is answered."""
    fields = _fields(mapper)
    usual = [one for one in fields if one.group != _RARE]
    rare = [replace(one, group="") for one in fields if one.group == _RARE]
    return {
        "form": Form.from_values(usual, mapper.answers, prefix="m"),
        "rare": Form.from_values(rare, mapper.answers, prefix="m"),
        "is_rare_said": any(mapper.answers.get(one.name) for one in rare),
        "carried": mapper.carried({one.name for one in fields}),
    }


def _fields(mapper: Mapper) -> list[Field]:
    layout, roles = mapper.layout, set(roles_of(mapper.answers).values())
    wanted: list[Field] = []
    if layout == "wide":
        wanted += _SLOTS
    if layout in ("long", "matrix") and "period" not in roles:
        wanted.append(_STAMPS)
        wanted += [_MIDNIGHT] if mapper.answers.get("stamps") == "end" else []
    wanted += [_DATES] if layout else []
    wanted += [_TIMES] if "time" in roles else []
    wanted += [_TIMEZONE] if layout and layout != "daily" else []
    wanted += [_STEP] if layout in ("long", "matrix") else []
    wanted += [_UNIT] if layout else []
    wanted += [_QUANTITY] if layout and "quantity" not in roles else []
    wanted += [_DECIMAL, _MISSING] if layout else []
    wanted += [_METER] if layout not in ("", "matrix") and "meter" not in roles else []
    wanted += [_UNKNOWN] if layout else []
    wanted += [_SITE] if mapper.answers.get("unknown") == "create" else []
    wanted += [_SERIALS] if "serial" in roles else []
    wanted += [_LAST_WINS] if layout and layout != "registers" else []
    return wanted
