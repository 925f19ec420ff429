"""Readings as they were sent become columns; each that cannot be taken has its reason and remedy. Pure.

Nearly all pushes are of one shape, so all readings are first tried as columns at once. Where anything is unusual, the
careful way looks at one after another: it alone says what is taken.
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
    """A reading that was not taken: which one of the push, from 0, why, and what to do about it."""

    index: int
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class ReadingColumns:
    """Readings that could be read; every array has shape (readings,).

    index : which one of the push. start, end : UTC instants [s since 1970, int64], NO_END where none is told.
    value : float64. quality : int8 of ``kernel.quality``; one without ``estimated`` is unflagged.
    """

    index: np.ndarray
    start: np.ndarray
    end: np.ndarray
    value: np.ndarray
    quality: np.ndarray

    def where(self, chosen: np.ndarray) -> ReadingColumns:
        """Return some of them: a mask or indices."""
        return ReadingColumns(
            self.index[chosen], self.start[chosen], self.end[chosen], self.value[chosen], self.quality[chosen]
        )


class _Refused(Exception):
    """This reading cannot be taken: reason, remedy."""


def read_columns(readings: list[Any]) -> tuple[ReadingColumns, list[Rejection]]:
    """Return what can be read of a push's readings, and what cannot."""
    columns = at_once(readings)
    return (columns, []) if columns is not None else one_by_one(readings)


def at_once(readings: list[Any]) -> ReadingColumns | None:
    """Return all readings as columns; None where one of them is not of the usual shape."""
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
    """Return the readings that can be taken as columns, and why the others cannot."""
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
        raise _Refused("This is no object.", 'Send {"start", "value"} for each reading.')
    strange = sorted(reading.keys() - FIELDS)
    if strange:
        raise _Refused(f"There is no field {strange[0][:80]!r}.", f"Known here: {', '.join(sorted(FIELDS))}.")
    start = _instant(reading.get("start"), "start")
    end = NO_END if reading.get("end") is None else _instant(reading["end"], "end")
    flag = reading.get("estimated")
    if flag is not None and not isinstance(flag, bool):
        raise _Refused("estimated is neither true nor false.", "Send true, false, or leave it out.")
    return start, end, _value(reading.get("value")), _QUALITY[flag]


def _instant(text: Any, name: str) -> int:
    if not isinstance(text, str):
        raise _Refused(f"{name} is missing, or no text.", "Write it like 2025-06-01T10:00:00Z.")
    try:
        return instant_of(text)
    except BadStamp as bad:
        raise _Refused(f"{name} {bad.reason}", bad.remedy) from None


def _value(value: Any) -> float:
    if value is None:
        raise _Refused("It has no value.", "Leave out what is missing: a gap is not sent.")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Refused("The value is no number.", "Send a plain number, without quotes.")
    if not abs(value) <= MAX_VALUE:
        raise _Refused("The value is larger than any reading.", "Check it, and its unit.")
    return float(value)


def iso_text(instant_s: int) -> str:
    """Return an instant as it is shown in reasons.

    >>> shown(0)
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(instant_s, UTC).replace(tzinfo=None).isoformat() + "Z"
