"""How often something may happen: so many in a window that slides. Pure.

The last whole window counts by the part of it that is still within reach.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in a window of so many seconds."""

    name: str
    most: int
    window_s: int

    def window_at(self, now_s: float) -> int:
        """Return the number of the window in which a moment [s since 1970] lies."""
        return int(now_s // self.window_s)

    def part_at(self, now_s: float) -> float:
        """Return which part of its window has gone by at a moment [s since 1970], from 0 up to 1."""
        return now_s % self.window_s / self.window_s


@dataclass(frozen=True, slots=True)
class Count:
    """How often something happened in a window and the one before."""

    window: int
    now: int
    before: int

    def in_window(self, window: int) -> Count:
        """Return the count as it stands in a window; a clock that was set back stays where it was."""
        if window <= self.window:
            return self
        return Count(window, 0, self.now if window == self.window + 1 else 0)

    def wait_s(self, rate: Rate, part: float) -> float:
        """Return how long until one more fits, ``part`` of the window having gone by [s]; 0: at once."""
        if self.before * (1 - part) + self.now + 1 <= rate.most:
            return 0.0
        if self.now + 1 <= rate.most:  # the window before is still too near
            return (1 - (rate.most - self.now - 1) / self.before - part) * rate.window_s
        return (1 - part + 1 - (rate.most - 1) / self.now) * rate.window_s
