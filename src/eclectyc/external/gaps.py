"""Gaps in values by time: runs of days or slots without one. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from eclectyc.kernel.plurals import counted

ONE_DAY = timedelta(days=1)
_SHOWN = 3  # runs that a sentence names
Run = tuple[date, date]  # the first and the last day, or slot, both included


@dataclass(frozen=True, slots=True)
class Gaps:
    """The times at which values of a place are needed and missing. noun : "gas day"."""

    noun: str
    place: str
    runs: tuple[Run, ...]
    step: timedelta = ONE_DAY

    @property
    def count(self) -> int:
        """How many days or slots are missing."""
        return sum((last - first) // self.step + 1 for first, last in self.runs)

    def words(self) -> str:
        """Return the gaps in words: "3 gas days of SE (1–3 June 2025)"."""
        place = f" of {self.place}" if self.place else ""
        return f"{counted(self.count, self.noun)}{place} ({runs_in_words(self.runs)})"


def gaps_between(first: date, last: date, known: Container[date], *, step: timedelta = ONE_DAY) -> tuple[Run, ...]:
    """Return the runs of times from ``first`` to ``last`` (included) that are not known.

    >>> gaps_between(date(2025, 6, 1), date(2025, 6, 4), [date(2025, 6, 2)])[1]
    (datetime.date(2025, 6, 3), datetime.date(2025, 6, 4))
    """
    times = (first + n * step for n in range((last - first) // step + 1))
    return runs_of([time for time in times if time not in known], step=step)


def runs_of(times: Iterable[date], *, step: timedelta = ONE_DAY) -> tuple[Run, ...]:
    """Return times in order as runs, the first and the last time of each."""
    runs: list[Run] = []
    for time in times:
        if runs and time - runs[-1][1] == step:
            runs[-1] = (runs[-1][0], time)
        else:
            runs.append((time, time))
    return tuple(runs)


def runs_in_words(runs: Sequence[Run]) -> str:
    """Return the first few runs in words: "1–3 June 2025, 7 June 2025"."""
    more = " and others" if len(runs) > _SHOWN else ""
    return ", ".join(_span(first, last) for first, last in runs[:_SHOWN]) + more


def _span(first: date, last: date) -> str:
    if isinstance(first, datetime):
        return f"{first:%-d %B %Y %H:%M}" + (f" – {last:%-d %B %Y %H:%M}" if last != first else "")
    if first == last:
        return f"{first:%-d %B %Y}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{last:%-d %B %Y}"
    return f"{first:%-d %B %Y} – {last:%-d %B %Y}"
