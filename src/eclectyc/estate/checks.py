"""Checks of single fields: each returns the stored form of a value, or refuses it naming the field."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any, Final

from eclectyc.kernel.days import STEPS, zone_of
from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.identifiers import clean_identifier, has_lost_digits
from eclectyc.kernel.typed_numbers import plain_number
from eclectyc.kernel.units import CANONICAL, conversion

Check = Callable[[str, Any], Any]

MOST_DIGITS: Final = 40
FIRST_DAY: Final = date(1900, 1, 1)
LAST_DAY: Final = date(2200, 1, 1)
USUAL_CORRECTION: Final = Decimal("1.02264")  # of volumes of gas: the UK's standard conditions
_EMAIL: Final = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\".]+")
_RATIO: Final = re.compile(r"([0-9]{1,6})\s*/\s*([0-9]{1,6})")


def named(field: str) -> str:
    """Return a field as words at the start of a sentence."""
    return f"The {field.replace('_', ' ')}"


def text(field: str, value: Any) -> str:
    """Text on one line, blanks made single; an address's lines are joined by commas, notes keep theirs."""
    if not isinstance(value, str):
        raise Invalid(f"{named(field)} must be text.", "Give it as text.", field=field)
    if any(ord(c) < 32 and c not in "\r\n\t" for c in value) or "\x7f" in value:
        raise Invalid(f"{named(field)} has characters that cannot be printed.", "Remove them.", field=field)
    if any(0xD800 <= ord(c) <= 0xDFFF for c in value):
        raise Invalid(f"{named(field)} has half a character.", "Type it again.", field=field)
    lines = [" ".join(line.split()) for line in value.splitlines()]
    if field == "notes":
        return "\n".join(lines).strip()
    if field == "address":
        return ", ".join(line.rstrip(",") for line in lines if line.rstrip(","))
    return " ".join(value.split())


def required(field: str, value: Any) -> str:
    """Text that is not empty."""
    words = text(field, value)
    if not words:
        raise Invalid(f"{named(field)} is empty.", "Give one.", field=field)
    return words


def choice(field: str, value: Any) -> str:
    """A word in lower case; the model knows its choices."""
    return text(field, value).lower()


def named_or_given(field: str, value: Any) -> Any:
    """A thing, or the words that name it."""
    return text(field, value) if isinstance(value, str) else value


def number(low: float, high: float) -> Check:
    """Return the check of a number between two limits; nothing is null."""

    def check(field: str, value: Any) -> float | None:
        if value is None or value == "":
            return None
        try:
            found = float(value)
        except (TypeError, ValueError, OverflowError):
            found = float(plain_number(str(value), named(field), field=field))
        if isinstance(value, bool) or not math.isfinite(found) or not low <= found <= high:
            raise Invalid(f"{named(field)} {value} is out of range.", f"Use {low:g} to {high:g}.", field=field)
        return found

    return check


def decimal(field: str, value: Any, *, digits: int = 15, places: int = 3) -> Decimal:
    """An exact number of so many digits in all; more than are stored are refused, never rounded."""
    given = plain_number(str(value), named(field), field=field)
    if len(given) > MOST_DIGITS:
        raise Invalid(f"{named(field)} is too large.", f"Give at most {digits - places} digits.", field=field)
    found = Decimal(given)
    if found != found.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN):
        raise Invalid(f"{named(field)} {given} has too many decimals.", f"Give at most {places}.", field=field)
    if abs(found) >= Decimal(10) ** (digits - places):
        raise Invalid(f"{named(field)} {given} is too large.", f"Give at most {digits - places} digits.", field=field)
    return found.quantize(Decimal(1).scaleb(-places))


def decimal_or_none(field: str, value: Any) -> Decimal | None:
    """An exact number, or nothing."""
    return None if value is None or value == "" else decimal(field, value)


def whole(low: int, high: int) -> Check:
    """Return the check of a whole number between two limits; nothing is null."""

    def check(field: str, value: Any) -> int | None:
        if value is None or value == "":
            return None
        given = plain_number(str(value), named(field), field=field)
        if not re.fullmatch(r"[+-]?[0-9]{1,12}", given) or not low <= int(given) <= high:
            words = f"{named(field)} {str(value)[:40]!r} is not a whole number from {low:,} to {high:,}."
            raise Invalid(words, field=field)
        return int(given)

    return check


def zone(field: str, value: Any) -> str:
    """An IANA time zone."""
    return zone_of(required(field, value)).key


def unit(field: str, value: Any) -> str:
    """A unit that readings can have, in its canonical form."""
    words = required(field, value)
    if words in CANONICAL:
        return words
    known = conversion(words)
    return "kW" if known.is_power else known.unit


def step(field: str, value: Any) -> int:
    """The minutes of a slot."""
    try:
        found = int(str(value))
    except ValueError:
        found = 0
    if found not in STEPS:
        given = str(value)[:40]
        raise Invalid(f"A step of {given} minutes cannot be stored.", "Use a divisor of 60, or 1440.", field=field)
    return found


def factor(field: str, value: Any) -> Decimal:
    """A multiplier: above 0, six decimals."""
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        found = Decimal(plain_number(str(value), "The multiplier", field=field))
    if isinstance(value, bool) or not found.is_finite() or not 0 < found < 1_000_000:
        raise Invalid(f"The multiplier {str(value)[:40]} is out of range.", "Use a number above 0.", field=field)
    kept = found.quantize(Decimal("0.000001"))
    if kept != found:
        raise Invalid(f"The multiplier {str(value)[:40]} has too many decimals.", "Give at most 6.", field=field)
    return kept


def correction(field: str, value: Any) -> Decimal:
    """A correction of a volume of gas for temperature and pressure: six decimals; empty is the usual one."""
    if value is None or value == "":
        return USUAL_CORRECTION
    found = decimal(field, value, digits=8, places=6)
    if not Decimal("0.5") <= found <= 50:
        raise Invalid(
            f"A correction of {found.normalize():f} is not plausible.", "Use 1.02264 if it is not known.", field=field
        )
    return found


def ratio(field: str, value: Any) -> tuple[int, int] | None:
    """The ratio of current transformers [A/A], as "200/5"; nothing is none."""
    if value is None or value == "":
        return None
    seen = _RATIO.fullmatch(str(value).strip())
    if seen is None or not int(seen[1]) or not int(seen[2]):
        raise Invalid(f"{str(value)[:40]!r} is not a CT ratio.", "Write it as 200/5.", field=field)
    return int(seen[1]), int(seen[2])


def day(field: str, value: Any) -> date | None:
    """A calendar day; nothing is null."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        value = value.date()
    if not isinstance(value, date):
        try:
            if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", str(value).strip()):
                raise ValueError(value)
            value = date.fromisoformat(str(value).strip())
        except ValueError:
            given = str(value)[:40]
            raise Invalid(f"{named(field)} {given!r} is not a date.", "Use YYYY-MM-DD.", field=field) from None
    if not FIRST_DAY <= value <= LAST_DAY:
        raise Invalid(f"{named(field)} {value} is not a plausible date.", "Check the year.", field=field)
    return value


def day_required(field: str, value: Any) -> date:
    """A calendar day that must be given."""
    found = day(field, value)
    if found is None:
        raise Invalid(f"{named(field)} is missing.", "Give a date: YYYY-MM-DD.", field=field)
    return found


def yes_or_no(field: str, value: Any) -> bool:
    """True or false, in words too."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in ("true", "yes", "1", "active"):
        return True
    if word in ("false", "no", "0", "inactive"):
        return False
    raise Invalid(f"{named(field)} {word[:40]!r} is neither yes nor no.", "Use true or false.", field=field)


def moment(field: str, value: Any) -> datetime:
    """An instant; a date alone is its midnight in UTC."""
    from django.utils.timezone import is_naive, make_aware

    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            given = value[:40]
            raise Invalid(f"{named(field)} {given!r} is not a date.", "Use YYYY-MM-DD.", field=field) from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime) or not FIRST_DAY <= value.date() <= LAST_DAY:
        raise Invalid(f"{named(field)} {str(value)[:40]!r} is not a date.", "Use YYYY-MM-DD.", field=field)
    return make_aware(value) if is_naive(value) else value


def identifier(field: str, value: Any) -> str:
    """A meter's identifier, without what spreadsheets add to it."""
    words = required(field, str(value) if isinstance(value, int) and not isinstance(value, bool) else value)
    if has_lost_digits(words):
        raise Invalid(f"The identifier {words} has lost its digits.", "Format the column as text.", field=field)
    return clean_identifier(words)


def parent(field: str, value: Any) -> Any:
    """A meter, or the identifier that names it."""
    return (identifier(field, value) if value.strip() else "") if isinstance(value, str) else value


def email(field: str, value: Any) -> str:
    """An e-mail address, or nothing."""
    words = text(field, value)
    if words and not _EMAIL.fullmatch(words):
        raise Invalid(f"{words[:80]!r} is not an e-mail address.", "Write name@company.example.", field=field)
    return words


def web_address(field: str, value: Any) -> str:
    """An address on the web, or nothing: never a script."""
    words = text(field, value)
    if words and not re.fullmatch(r"https?://[^\s\"'<>]+", words):
        raise Invalid(f"{words[:80]!r} is not a web address.", "Write https://…", field=field)
    return words


def references(field: str, value: Any) -> dict[str, str]:
    """Identifiers in other systems, by the system's name."""
    if value is not None and not isinstance(value, Mapping):
        raise Invalid("Outside references are names with values.", "Give an object.", field=field)
    found = {required(field, name): text(field, str(given)) for name, given in (value or {}).items()}
    if len(found) > 50 or any(len(name) > 60 or len(given) > 200 for name, given in found.items()):
        raise Invalid("Outside references are too long.", "Give at most 50, of 200 characters each.", field=field)
    return found
