"""What a file's cells mean: the questions beside its columns, those that its layout has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from eclectyc.estate.models import Quantity
from eclectyc.intake.profiles.form_mapping import roles_of
from eclectyc.web.forms import Field, Form
from eclectyc.web.mapper import Mapper

_COUNTS: Final = (48, 50, 46, 24, 25, 23, 96, 100, 92, 288, 300, 276)
_LENGTHS: Final = {48: "half-hours", 24: "hours", 96: "quarters of an hour", 288: "five minutes"}
_STEPS: Final = (("", "As the file shows"), ("5", "5 minutes"), ("10", "10 minutes"), ("15", "15 minutes"),
                 ("30", "30 minutes"), ("60", "60 minutes"))  # fmt: skip

_RARE: Final = "rarely"

_STAMPS = Field(
    "stamps", "A time marks the", "select", "A half-hour 10:00–10:30 is printed as 10:00, or as 10:30.",
    (("", "as the file shows"), ("start", "start of its period"), ("end", "end of its period")), group="Time",
)  # fmt: skip
_MIDNIGHT = Field(
    "closes_midnight", "00:00 closes its date", "check",
    "The day’s last half-hour is printed with the same date and 00:00.", group="Time",
)  # fmt: skip
_SLOTS = (
    Field("slots_count", "Columns in a day", "select", choices=tuple(
        (str(n), f"{n} {_LENGTHS[n]}" if n in _LENGTHS else str(n)) for n in _COUNTS), group="The day"),
    Field("slots_every", "From one to the next", "select", "Two, where each value has its flag beside it.",
          choices=tuple((str(n) if n > 1 else "", f"{n} column{'s' if n > 1 else ''}") for n in range(1, 11)),
          group="The day"),
    Field("slots_are", "When clocks change", "select", choices=(
        ("position", "46 or 50 are filled"), ("clock", "each is its clock time")), group="The day"),
)  # fmt: skip
_TIMEZONE = Field(
    "timezone", "Clock of the file", "text", "Europe/London, UTC, UTC+01:00 … Empty: each meter’s site’s.",
    suggestions=("Europe/London", "UTC", "Europe/Dublin", "Europe/Berlin", "UTC+10:00"), group="Time",
)  # fmt: skip
_STEP = Field("step", "A period lasts", "select", choices=_STEPS, group=_RARE)
_DATES = Field(
    "dates", "Dates are printed as", "text", "Only where that is not plain: MM/DD/YYYY for month first.",
    suggestions=("MM/DD/YYYY", "MM/DD/YYYY HH:mm", "DD.MM.YYYY HH:mm", "DDMMYYYY", "DDMMYYYYHHmm", "DD MMM YY"),
    group=_RARE,
)  # fmt: skip
_TIMES = Field("times", "Times are printed as", "text", "Such as HHmm. Empty: 10:30.",
               suggestions=("HHmm", "HH.mm", "HHmmss"), group=_RARE)  # fmt: skip
_UNIT = Field("unit", "Unit of the values", "text", "kWh, Wh, MWh, kW, m3 … Empty: the file’s, else the meter’s.",
              suggestions=("kWh", "Wh", "MWh", "kW", "m3", "kVArh", "litre"), group="Values")  # fmt: skip
_QUANTITY = Field("quantity", "What is measured", "select", choices=(
    ("", "As the meter is"), *((value, str(label)) for value, label in Quantity.choices)), group="Values")  # fmt: skip
_DECIMAL = Field("decimal", "Decimals stand after a", "select", choices=(("", "point: 1.5"), ("comma", "comma: 1,5")),
                 group="Values")  # fmt: skip
_MISSING = Field("missing", "Texts that mean no value", "textarea", "One a line, such as n/a or -9999.", rows=2,
                 group=_RARE)  # fmt: skip
_METER = Field("meter", "The file’s one meter", "text", "For a file that names none.", suggests="meter",
               group="Meters")  # fmt: skip
_UNKNOWN = Field("unknown", "Meters that are not known", "select", choices=(
    ("", "are rejected, and listed"), ("create", "are made"))[:2], group="Meters")  # fmt: skip
_SITE = Field("site", "at the site", "text", "It is made if there is none of that name.", suggests="site",
              group="Meters")  # fmt: skip
_SERIALS = Field("add_serials", "Several serials of a meter are its parts", "check", "Counted together.",
                 group="Meters")  # fmt: skip
_LAST_WINS = Field("last_wins", "What comes last replaces whatever is held", "check",
                   "For senders who correct actual readings by estimates.", group=_RARE)  # fmt: skip


def meaning_forms(mapper: Mapper) -> dict[str, Any]:
    """Return the questions that the layout and the chosen columns leave, with the answers so far: the usual ones, and
    those that are rarely needed, and whether one of these is answered."""
    fields = _fields(mapper)
    usual = [one for one in fields if one.group != _RARE]
    rare = [replace(one, group="") for one in fields if one.group == _RARE]
    return {
        "form": Form.holding(usual, mapper.answers, prefix="m"), "rare": Form.holding(rare, mapper.answers, prefix="m"),
        "is_rare_said": any(mapper.answers.get(one.name) for one in rare),
        "carried": mapper.carried({one.name for one in fields}),
    }  # fmt: skip


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
