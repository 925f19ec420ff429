"""Clocks: from printed times to instants and back, on arrays. Pure.

Printed (wall) times and instants are whole seconds since 1970, int64. A wall time that the clocks repeat has its first
meaning (summer time) unless ``second`` is set; one that the clocks skip means the instant of the change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from eclectyc.kernel.days import zone_of

DAY_S = 86_400
MINUTE_S = 60
_FIXED = re.compile("UTC([+-])([0-9]{2}):([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of a time zone, or one that never changes.

    changes : instants at which it is put forward or back [s].
    offsets : how far it is ahead of UTC [s] before the first change, and after each; one longer than ``changes``.
    """

    name: str
    changes: np.ndarray
    offsets: np.ndarray

    @classmethod
    def fixed(cls, offset_s: int) -> Clock:
        """Return a clock that never changes: GMT for a London site."""
        hours, minutes = divmod(abs(offset_s) // MINUTE_S, 60)
        name = f"UTC{'-' if offset_s < 0 else '+'}{hours:02}:{minutes:02}" if offset_s else "UTC"
        return cls(name, np.empty(0, np.int64), np.array([offset_s], np.int64))

    @property
    def is_fixed(self) -> bool:
        return len(self.changes) == 0

    def to_wall(self, instants: np.ndarray) -> np.ndarray:
        """Return what the clock shows at each instant."""
        return instants + self._offset_at(self.changes, instants)

    def to_instants(self, walls: np.ndarray, second: np.ndarray | None = None) -> np.ndarray:
        """Return the instants of printed times.

        second : True where a repeated time means its second occurrence; None means the first everywhere.
        """
        if self.is_fixed:
            return walls - self.offsets[0]
        instants = walls - self._offset_at(self.changes + self.offsets[:-1], walls)
        if second is not None and second.any():
            after = np.searchsorted(self.changes + self.offsets[1:], walls, side="right")
            instants = np.where(second & self.repeated(walls), walls - self.offsets[after], instants)
        skipped = self.skipped(walls)
        if skipped.any():
            nth = np.searchsorted(self.changes + self.offsets[:-1], walls[skipped], side="right")
            instants[skipped] = self.changes[nth - 1]
        return instants

    def _offset_at(self, edges: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Return the offset of each time; a single one if none of the ``edges`` lies between them."""
        if len(at) == 0:
            return at
        low, high = np.searchsorted(edges, [at.min(), at.max()], side="right").tolist()
        return self.offsets[low] if low == high else self.offsets[np.searchsorted(edges, at, side="right")]

    def skipped(self, walls: np.ndarray) -> np.ndarray:
        """Mark the printed times that do not exist: the clocks jump over them, the first one included."""
        return _within(walls, self.changes + self.offsets[:-1], self.changes + self.offsets[1:])

    def repeated(self, walls: np.ndarray) -> np.ndarray:
        """Mark the printed times that come twice."""
        return _within(walls, self.changes + self.offsets[1:], self.changes + self.offsets[:-1])

    def change_days(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the wall days [days since 1970] on which the clock goes forward, and those on which it goes back."""
        forward = self.offsets[1:] > self.offsets[:-1]
        wall = (self.changes + np.minimum(self.offsets[:-1], self.offsets[1:])) // DAY_S
        return wall[forward], wall[~forward]

    def winter(self) -> Clock:
        """Return a clock that shows this zone's standard time all year."""
        return Clock.fixed(int(self.offsets.min()))


def _within(walls: np.ndarray, opens: np.ndarray, closes: np.ndarray) -> np.ndarray:
    real = closes > opens
    if len(walls):
        real &= (opens <= walls.max()) & (closes > walls.min())
    if not real.any():
        return np.zeros(walls.shape, dtype=bool)
    nth = np.searchsorted(opens[real], walls, side="right") - 1
    return (nth >= 0) & (walls < closes[real][nth])


@lru_cache(maxsize=64)
def clock_of(zone_name: str, first_year: int, last_year: int) -> Clock:
    """Return the clock of an IANA zone over some years (and one more at each end), or a fixed one: ``UTC+10:00``."""
    if match := _FIXED.fullmatch(zone_name):
        offset_s = int(match[2]) * 3600 + int(match[3]) * MINUTE_S
        return Clock.fixed(-offset_s if match[1] == "-" else offset_s)
    zone = zone_of(zone_name)
    first, end = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (first_year - 1, last_year + 2))
    offsets = [_offset(zone, at) for at in range(first, end, DAY_S)]
    changes, after = [], offsets[:1]
    for k, (before, now) in enumerate(pairwise(offsets)):
        if now != before:
            changes.append(_change(zone, first + k * DAY_S, first + (k + 1) * DAY_S))
            after.append(_offset(zone, changes[-1]))
    return Clock(zone_name, np.array(changes, np.int64), np.array(after, np.int64))


def clock_for(zone_name: str, seconds: np.ndarray) -> Clock:
    """Return a zone's clock over the years of some wall times or instants."""
    if len(seconds) == 0:
        return clock_of(zone_name, 2000, 2000)
    first, last = (datetime.fromtimestamp(int(s), UTC).year for s in (seconds.min(), seconds.max()))
    return clock_of(zone_name, first, last)


def _offset(zone: ZoneInfo, instant_s: int) -> int:
    """Return how far the zone is ahead of UTC [s] at an instant."""
    ahead = datetime.fromtimestamp(instant_s, zone).utcoffset() or timedelta(0)
    return ahead.days * DAY_S + ahead.seconds


def _change(zone: ZoneInfo, low: int, high: int) -> int:
    """Return the first instant in (low, high] at which the offset differs from that at ``low``."""
    before = _offset(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high
