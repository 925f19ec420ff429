"""How a fact from outside is declared: values by place and time, from a file, a form, the API or a feed.

From the declaration come checked changes (``external.values``), files (``external.files``) and summaries by month
(``external.summaries``). The model stays in the room that uses the fact; its rows have an organisation, a place with
its key, a time, a value, a source and ``told_at``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from enum import Enum
from typing import Any, Generic, Literal, TypeVar

from django.db import models

from eclectyc.accounts.models import Organisation
from eclectyc.estate import checks
from eclectyc.kernel.errors import Invalid

OutsideRow = TypeVar("OutsideRow", bound=models.Model)
Time = date | datetime  # a day, or the instant at which a slot starts


class Grain(Enum):
    """How long a value holds."""

    DAY = timedelta(days=1)
    HOUR = timedelta(hours=1)
    HALF_HOUR = timedelta(minutes=30)

    def checked(self, field: str, given: Any) -> Time:
        """Return a day, or an instant that starts a slot; an instant without an offset is in UTC."""
        if self is Grain.DAY:
            return checks.day_required(field, given)
        found = checks.moment(field, given)
        if (found - datetime.min.replace(tzinfo=found.tzinfo)) % self.value:
            minutes = int(self.value.total_seconds()) // 60
            raise Invalid(f"{found:%H:%M} starts no slot of {minutes} minutes.", "Round the time.", field=field)
        return found


@dataclass(frozen=True, slots=True)
class OutsideFact(Generic[OutsideRow]):
    """Values by place and time.

    name, plural : in errors and remarks. model : its rows. place : the kind of place, and the model's field; the field
    ``<place>_key`` identifies one in any case and spacing. time, value : the model's fields. column : the value's name
    in files and in the API. headings, place_headings, time_headings : how files
    may head these columns. unit : of the value as stored. units :
    what a file may give, by ``unit_key``, with the factor to ``unit``. bounds : refused outside. usual : a warning
    outside. places : decimals stored. example, hint : the remedies of a value that is no number or not plausible.
    time_name : "gas day". permission : to store values, at the organisation. events : of storing and removing.
    default_place : of an organisation, for values that name none. dependants : marks what depends on the values of a
    place at some times for recalculation, and returns how many meters that concerns.
    """

    name: str
    plural: str
    model: type[OutsideRow]
    place: Literal["region", "location"]
    time: str
    value: str
    grain: Grain
    column: str
    headings: tuple[str, ...]
    place_headings: tuple[str, ...]
    time_headings: tuple[str, ...]
    unit: str
    units: Mapping[str, Decimal]
    bounds: tuple[Decimal, Decimal]
    usual: tuple[Decimal, Decimal]
    places: int
    example: str
    hint: str
    time_name: str
    permission: str
    events: tuple[str, str]
    default_place: Callable[[Organisation], str]
    dependants: Callable[[Organisation, str, list[Any]], int]

    @property
    def place_field(self) -> str:
        """The model's field that identifies a place."""
        return f"{self.place}_key"

    def checked_place(self, given: object) -> str:
        """Return the name of a place; empty for the organisation's default."""
        name = checks.text(self.place, "" if given is None else given)
        longest = getattr(self.model._meta.get_field(self.place), "max_length", None) or 0
        if len(name) > longest:
            raise Invalid(f"The {self.place}'s name is too long.", f"Use {longest} characters.", field=self.place)
        return name

    def checked_value(self, given: object) -> Decimal:
        """Return an exact value in ``unit``; more decimals than are stored are refused, never rounded."""
        text = str(given).strip()[:40]
        try:
            found = Decimal(str(given).strip())
        except InvalidOperation:
            found = Decimal("NaN")
        if isinstance(given, bool) or not found.is_finite():
            raise Invalid(f"{str(given)[:40]!r} is not a number.", f"Write it as {self.example}.", field=self.column)
        if not self.bounds[0] <= found <= self.bounds[1]:
            raise Invalid(f"{text} {self.unit} is not a plausible {self.name}.", self.hint, field=self.column)
        kept = found.quantize(Decimal(1).scaleb(-self.places), rounding=ROUND_DOWN)
        if kept != found:
            raise Invalid(f"{found} has too many decimals.", f"Give at most {self.places}.", field=self.column)
        return kept


def place_key(name: str) -> str:
    """Return what identifies a place: its name in lower case with single spaces.

    >>> place_key(" North  West ") == place_key("north west")
    True
    """
    return " ".join(name.split()).casefold()
