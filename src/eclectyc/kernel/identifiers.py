"""MPAN, MPRN and other identifiers of metering points."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

MPAN_WEIGHTS: Final = (3, 5, 7, 13, 17, 19, 23, 29, 31, 37, 41, 43)
ELECTRIC: Final = frozenset({"electricity", "solar", "ev", "battery"})
CACHED: Final = 4096  # cleaned identifiers: an import needs each several times
# One digit before the point, as spreadsheets write it: "12E34567" is a serial number.
_LOST_DIGITS = re.compile(r"[0-9]([.,][0-9]+)?[eE]\+?[0-9]{1,2}")


@dataclass(frozen=True, slots=True)
class Identifier:
    """A metering point's identifier as it is stored, its kind, and a warning."""

    text: str
    kind: str  # mpan, mprn or other
    warning: str = ""


def mpan_check_digit(first_twelve: str) -> int:
    """Return the check digit of an MPAN core from its first twelve digits.

    >>> mpan_check_digit("120002330596")
    7
    """
    return sum(int(d) * w for d, w in zip(first_twelve, MPAN_WEIGHTS, strict=True)) % 11 % 10


def is_valid_mpan(core: str) -> bool:
    """Return whether thirteen digits end in the right check digit."""
    return bool(re.fullmatch(r"[0-9]{13}", core)) and int(core[12]) == mpan_check_digit(core[:12])


def has_lost_digits(text: str) -> bool:
    """Return whether a spreadsheet has turned an identifier into a rounded number (``1.20E+12``)."""
    return bool(_LOST_DIGITS.fullmatch(text.strip()))


@lru_cache(CACHED)
def clean_identifier(text: str) -> str:
    """Return an identifier without what spreadsheets add: spaces, a leading ``'``, a trailing ``.0``.

    A full MPAN of 21 characters gives its core, the last 13.

    >>> clean_identifier("'12 0002 3305 967.0")
    '1200023305967'
    """
    text = re.sub(r"\s+", "", text).removeprefix("'")
    if re.fullmatch(r"[0-9]+\.0+", text):
        text = text.split(".")[0]
    if len(text) == 21 and re.fullmatch(r"[0-9]{13}", text[8:]):
        return text[8:]
    return text


@lru_cache(CACHED)
def identify(text: str, *, utility: str = "electricity") -> Identifier:
    """Classify an identifier: 13 digits of electricity are an MPAN, 6–10 of gas an MPRN, all else is free text.

    A wrong MPAN check digit is a warning: such numbers are common in samples and demos.
    """
    core = clean_identifier(text)
    if utility in ELECTRIC and re.fullmatch(r"[0-9]{13}", core):
        odd = "" if is_valid_mpan(core) else f"The check digit of MPAN {core} is wrong."
        return Identifier(core, "mpan", odd)
    if utility == "gas" and re.fullmatch(r"[0-9]{6,10}", core):
        return Identifier(core, "mprn")
    return Identifier(core, "other")
