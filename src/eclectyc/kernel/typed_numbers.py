"""Pure. Numbers as people type them into a form: 2,150 · 1 024.50 · 1,024.50 · −4.1."""

from __future__ import annotations

import re
from typing import Final

from eclectyc.kernel.errors import Invalid

_SPACES: Final = "\u00a0\u2009\u202f"
_PLAIN: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_GROUPED: Final = re.compile(r"[+-]?[1-9][0-9]{0,2}(([, ])[0-9]{3})(\2[0-9]{3})*(\.[0-9]+)?")
_DECIMAL_COMMA: Final = re.compile(r"[+-]?[0-9]+([. ][0-9]{3})*,[0-9]+")
MOST_SHOWN: Final = 40  # characters of a wrong value that are quoted


def plain_number(text: str, what: str = "", *, field: str = "") -> str:
    """Return a typed number as digits with a decimal point, for float or Decimal.

    Commas or spaces may group thousands. A decimal comma is refused with a question, never guessed.

    what : the name of the value, at the start of the error.

    >>> plain_number("2,150"), plain_number("1 024.50"), plain_number("\u22124.1")
    ('2150', '1024.50', '-4.1')
    >>> plain_number("2,5", "The floor area")
    Traceback (most recent call last):
        ...
    eclectyc.kernel.errors.Invalid: The floor area '2,5' has a decimal comma. Did you mean 2.5? Write a decimal point.
    """
    typed = " ".join(str(text).replace("\u2212", "-").translate(dict.fromkeys(map(ord, _SPACES), " ")).split())
    if _PLAIN.fullmatch(typed):
        return typed
    if _GROUPED.fullmatch(typed):
        return typed.replace(",", "").replace(" ", "")
    name = f"{what} {typed[:MOST_SHOWN]!r}".strip()
    if _DECIMAL_COMMA.fullmatch(typed):
        meant = re.sub(r"[. ]", "", typed).replace(",", ".")
        raise Invalid(f"{name} has a decimal comma.", f"Did you mean {meant}? Write a decimal point.", field=field)
    raise Invalid(f"{name} is not a number.", "Write digits, such as 2,150 or 1024.5.", field=field)
