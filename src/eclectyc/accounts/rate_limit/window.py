"""Rates in a sliding window. Pure.

The window before counts by the part of it that is less than one window ago.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``most`` in a window of ``window_s`` seconds."""

    name: str
    most: int
    window_s: int

    def window_at(self, now_s: float) -> int:
        """Return the number of the window of a moment [s since 1970]."""
        return int(now_s // self.window_s)

    def part_at(self, now_s: float) -> float:
        """Return the part of its window that has passed at a moment [s since 1970], from 0 up to 1."""
        return now_s % self.window_s / self.window_s


@dataclass(frozen=True, slots=True)
class Count:
    """The counts of a window and the one before."""

    window: int
    now: int
    before: int

    def in_window(self, window: int) -> Count:
        """Return the count as of a window; an earlier one (a clock that was set back) changes nothing."""
        if window <= self.window:
            return self
        return Count(window, 0, self.now if window == self.window + 1 else 0)

    def wait_s(self, rate: Rate, part: float) -> float:
        """Return how long until one more is allowed [s], if ``part`` of the window has passed; 0: now."""
        if self.before * (1 - part) + self.now + 1 <= rate.most:
            return 0.0
        if self.now + 1 <= rate.most:  # the window before still counts too much
            return (1 - (rate.most - self.now - 1) / self.before - part) * rate.window_s
        return (1 - part + 1 - (rate.most - 1) / self.now) * rate.window_s
