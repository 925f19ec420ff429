"""Parse instants: ISO 8601 with an offset. Pure.

A time without an offset is refused, never guessed: it may be local or UTC, and twice a year it would be neither.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import numpy as np

FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2100
_STAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})?",
    re.ASCII,
)
_WRITE: Final = "Write it like 2025-06-01T10:00:00Z or 2025-06-01T11:00:00+01:00."
_LENGTHS: Final = {20: 1, 25: 6}  # of a text to the second: length of its offset
_CLOCK: Final = 19


class BadStamp(ValueError):
    """A text that is not an instant; ``reason`` follows the name of its field."""

    def __init__(self, reason: str, remedy: str = _WRITE) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


def instant_of(text: str) -> int:
    """Return an instant [s since 1970]; raise ``BadStamp`` for anything else.

    >>> instant_of("1970-01-01T01:00:00+01:00"), instant_of("1970-01-01T00:01Z")
    (0, 60)
    """
    text = text.strip()
    match = _STAMP.fullmatch(text)
    try:
        if match is None:
            raise ValueError(text)
        if match[3] is None:
            raise BadStamp(
                f"{text} has no offset, so its moment is unknown.",
                "Add Z for UTC, or the offset of the local time, such as +01:00.",
            )
        moment = datetime.fromisoformat(text.upper())
    except BadStamp:
        raise
    except ValueError:
        raise BadStamp(f"{text[:40]!r} is not an instant.") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise BadStamp(f"{text} is not between {FIRST_YEAR} and {LAST_YEAR}.", "Check the year.")
    if moment.microsecond:
        raise BadStamp(f"{text} is not on a whole second.", "Readings start on a whole minute: leave out the fraction.")
    return int(moment.timestamp())


def instants_of(texts: list[str]) -> np.ndarray | None:
    """Return many instants at once, int64 [s since 1970]; None if one is written in an unusual way.

    Usual is to the second, with ``Z`` or ``+01:00``, all of one length. ``instant_of`` returns the same for these.
    """
    try:
        data = "".join(texts).encode("ascii")
    except (TypeError, UnicodeEncodeError):
        return None
    wide = len(texts[0]) if texts else 0
    if wide not in _LENGTHS or len(data) != wide * len(texts) or set(map(len, texts)) != {wide}:
        return None
    letters = np.frombuffer(data, np.uint8).reshape(len(texts), wide)
    ahead_s = _offsets(letters[:, _CLOCK:])
    if ahead_s is None or not _is_clock(letters):
        return None
    clock = letters[:, :_CLOCK].copy().view("S19").reshape(-1)
    try:
        local = clock.astype("datetime64[s]")
    except ValueError:  # the thirty-first of June
        return None
    years = local.astype("datetime64[Y]").astype(np.int64) + 1970
    if years.min() < FIRST_YEAR or years.max() > LAST_YEAR:
        return None
    return local.astype(np.int64) - ahead_s


def _is_clock(letters: np.ndarray) -> bool:
    """Return whether all have the form 2025-06-01T10:00:00, with exactly these marks between the digits."""
    marks = (letters[:, [4, 7, 10, 13, 16]] == np.frombuffer(b"--T::", np.uint8)).all()
    digits = letters[:, [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18]] - np.uint8(ord("0"))
    return bool(marks and (digits <= 9).all())


def _offsets(letters: np.ndarray) -> np.ndarray | None:
    """Return offsets [s] that are all ``Z`` or all like ``+01:00``; None if they are not."""
    if letters.shape[1] == _LENGTHS[20]:
        return np.zeros(len(letters), np.int64) if (letters == ord("Z")).all() else None
    digits = letters[:, [1, 2, 4, 5]] - np.uint8(ord("0"))
    is_ahead, is_behind = letters[:, 0] == ord("+"), letters[:, 0] == ord("-")
    if not ((is_ahead | is_behind).all() and (letters[:, 3] == ord(":")).all() and (digits <= 9).all()):
        return None
    hours, minutes = digits[:, 0] * 10 + digits[:, 1], digits[:, 2] * 10 + digits[:, 3]
    if (hours > 23).any() or (minutes > 59).any():
        return None
    size_s = hours.astype(np.int64) * 3600 + minutes.astype(np.int64) * 60
    return np.where(is_ahead, size_s, -size_s)
