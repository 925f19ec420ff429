"""The local days of one zone and their slots, for arrays of moments. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self
from zoneinfo import ZoneInfo

import numpy as np

from eclectyc.kernel.days import midnights, zone_of

_DAY_S: Final = 86_400
_MARGIN: Final = 3  # days


@dataclass(frozen=True, slots=True)
class LocalDays:
    """Consecutive local days of a zone. first : the first [days since 1970]. opens : the start of each and of the one
    after the last, UTC [s]."""

    zone: ZoneInfo
    first: int
    opens: np.ndarray

    @classmethod
    def covering(cls, zone: str, at_s: np.ndarray) -> Self:
        """Return the days of some moments, and a few more at either end."""
        low, high = (int(at_s.min()), int(at_s.max())) if len(at_s) else (0, 0)
        return cls.between(zone, low // _DAY_S - _MARGIN, high // _DAY_S + _MARGIN)

    @classmethod
    def between(cls, zone: str, first: int, last: int) -> Self:
        """Return the days from ``first`` to ``last``, both included [days since 1970]."""
        found = zone_of(zone)
        return cls(found, first, midnights(np.arange(first, last + 2).astype("datetime64[D]"), found))

    def __len__(self) -> int:
        return len(self.opens) - 1

    def index_of(self, at_s: np.ndarray) -> np.ndarray:
        """Return the index of each moment's day; a midnight belongs to the day that it opens."""
        return np.searchsorted(self.opens, at_s, side="right") - 1

    def ending_at(self, at_s: np.ndarray) -> np.ndarray:
        """Return which of these days ends at or after each moment, the moment itself excluded."""
        return np.searchsorted(self.opens, at_s, side="left") - 1

    def snap_to_slots(self, at_s: np.ndarray, slot_s: np.ndarray, tolerance_s: np.ndarray) -> np.ndarray:
        """Move moments to the nearest edge of a slot of ``slot_s`` [s] if it is within ``tolerance_s``.

        A slot as long as a day or longer is the local day itself.
        """
        day = self.index_of(at_s)
        opens, closes = self.opens[day], self.opens[day + 1]
        whole = slot_s >= _DAY_S
        below = np.where(whole, opens, at_s - (at_s - opens) % np.where(whole, _DAY_S, slot_s))
        above = np.where(whole, closes, np.minimum(below + slot_s, closes))
        nearest = np.where(at_s - below <= above - at_s, below, above)
        return np.where(np.abs(nearest - at_s) <= tolerance_s, nearest, at_s)

    def is_in_one_slot(self, start: np.ndarray, end: np.ndarray, slot_s: np.ndarray) -> np.ndarray:
        """Return which spans lie within one slot."""
        day, last = self.index_of(start), self.ending_at(end)
        length = np.where(slot_s >= _DAY_S, np.int64(2 * _DAY_S), slot_s)
        opens = self.opens[day]
        return (day == last) & ((start - opens) // length == (end - 1 - opens) // length)
