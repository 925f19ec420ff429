"""Convert pushed readings to columns; each rejected one has a reason and a remedy. Pure.

Nearly all pushes have the same shape, so all readings are first converted at once. If anything is unusual, they are
checked one by one: only that decides what is rejected.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from eclectyc.intake.push.instants import BadStamp, instant_of, instants_of
from eclectyc.kernel.quality import ACTUAL, ESTIMATED, UNFLAGGED
from eclectyc.readers.tables.numbers import MAX_VALUE

FIELDS: Final = frozenset({"start", "end", "value", "estimated"})
NO_END: Final = np.iinfo(np.int64).min
_QUALITY: Final = {None: UNFLAGGED, False: ACTUAL, True: ESTIMATED}


@dataclass(frozen=True, slots=True)
class Rejection:
    """A rejected reading: its index in the push, from 0, reason and remedy."""

    index: int
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class ReadingColumns:
    """Accepted readings; every array has shape (readings,).

    index : in the push. start, end : UTC instants [s since 1970, int64], NO_END if there is none.
    value : float64. quality : int8 of ``kernel.quality``; unflagged without ``estimated``.
    """

    index: np.ndarray
    start: np.ndarray
    end: np.ndarray
    value: np.ndarray
    quality: np.ndarray

    def where(self, chosen: np.ndarray) -> ReadingColumns:
        """Return the readings of a mask or of indices."""
        return ReadingColumns(
            self.index[chosen], self.start[chosen], self.end[chosen], self.value[chosen], self.quality[chosen]
        )


class _Refused(Exception):
    """This reading is rejected: reason, remedy."""


def read_columns(readings: list[Any]) -> tuple[ReadingColumns, list[Rejection]]:
    """Return the accepted readings of a push, and the rejected ones."""
    columns = at_once(readings)
    return (columns, []) if columns is not None else one_by_one(readings)


def at_once(readings: list[Any]) -> ReadingColumns | None:
    """Return all readings as columns; None if one of them does not have the usual shape."""
    if set(map(type, readings)) != {dict} or not all(map(FIELDS.issuperset, readings)):
        return None
    values = [reading.get("value") for reading in readings]
    flags = [reading.get("estimated") for reading in readings]
    if not set(map(type, values)) <= {int, float} or not set(map(type, flags)) <= {bool, type(None)}:
        return None
    value = np.array(values, np.float64)
    start = instants_of([reading.get("start") for reading in readings])
    ends = [reading.get("end") for reading in readings]
    end = np.full(len(ends), NO_END) if ends.count(None) == len(ends) else instants_of(ends)
    if start is None or end is None or not (np.abs(value) <= MAX_VALUE).all():
        return None
    quality = np.array([_QUALITY[flag] for flag in flags], np.int8)
    return ReadingColumns(np.arange(len(readings)), start, end, value, quality)


def one_by_one(readings: list[Any]) -> tuple[ReadingColumns, list[Rejection]]:
    """Return the accepted readings as columns, and the rejected ones; check them one by one."""
    rows: list[tuple[int, int, int, float, int]] = []
    rejected = []
    for nth, reading in enumerate(readings):
        try:
            rows.append((nth, *_read(reading)))
        except _Refused as refused:
            rejected.append(Rejection(nth, *refused.args))
    index, start, end, value, quality = zip(*rows, strict=True) if rows else [()] * 5
    columns = ReadingColumns(
        np.array(index, np.int64),
        np.array(start, np.int64),
        np.array(end, np.int64),
        np.array(value, np.float64),
        np.array(quality, np.int8),
    )
    return columns, rejected


def _read(reading: Any) -> tuple[int, int, float, int]:
    if not isinstance(reading, dict):
        raise _Refused("The reading is not an object.", 'Send {"start", "value"} for each reading.')
    unknown = sorted(reading.keys() - FIELDS)
    if unknown:
        raise _Refused(f"A reading has no field {unknown[0][:80]!r}.", f"Use {', '.join(sorted(FIELDS))}.")
    start = _instant(reading.get("start"), "start")
    end = NO_END if reading.get("end") is None else _instant(reading["end"], "end")
    flag = reading.get("estimated")
    if flag is not None and not isinstance(flag, bool):
        raise _Refused("estimated must be true or false.", "Send true or false, or leave it out.")
    return start, end, _value(reading.get("value")), _QUALITY[flag]


def _instant(text: Any, name: str) -> int:
    if not isinstance(text, str):
        raise _Refused(f"{name} is missing, or is not text.", "Write it like 2025-06-01T10:00:00Z.")
    try:
        return instant_of(text)
    except BadStamp as bad:
        raise _Refused(f"{name} {bad.reason}", bad.remedy) from None


def _value(value: Any) -> float:
    if value is None:
        raise _Refused("The value is missing.", "Do not send readings without a value.")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Refused("The value is not a number.", "Send a plain number, without quotes.")
    if not abs(value) <= MAX_VALUE:
        raise _Refused("The value is larger than any reading can be.", "Check the value and its unit.")
    return float(value)


def iso_text(instant_s: int) -> str:
    """Return an instant as text for reasons.

    >>> shown(0)
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(instant_s, UTC).replace(tzinfo=None).isoformat() + "Z"
