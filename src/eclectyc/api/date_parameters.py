"""Dates and instants in addresses."""

from __future__ import annotations

import re
from datetime import date, datetime

from eclectyc.api.schemas import MOMENT
from eclectyc.kernel.errors import Invalid

_DATE_LENGTH = 10


def moment_of(text: str | None, field: str) -> date | datetime | None:
    """Return a local date or an instant with its offset; None stays None.

    A space in place of an offset's plus sign, as addresses decode it, counts as a plus sign.

    >>> moment_of("2025-06-01T10:00:00 01:00", "from").isoformat()
    '2025-06-01T10:00:00+01:00'
    """
    if text is None:
        return None
    try:
        if not re.match(MOMENT, text):
            raise ValueError(text)
        if len(text) == _DATE_LENGTH:
            return date.fromisoformat(text)
        clock, offset = text[_DATE_LENGTH + 1 :].upper(), ""
        if clock[-6] == " ":
            clock, offset = clock[:-6], "+" + clock[-5:]
        return datetime.fromisoformat(f"{text[:_DATE_LENGTH]}T{clock}{offset}")
    except (ValueError, OverflowError):
        raise Invalid(
            f"{text[:80]!r} is not a date or instant.", "Write 2025-06-01, or 2025-06-01T10:00:00Z.", field=field
        ) from None
