"""One measured figure, its floor, and the number it should reach."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured number beside its floor.

    ``runs`` : every repeat in order; ``value`` is their median unless said otherwise.
    ``floor`` : the same work with nothing of ours in it, measured in the same run; ``floor_is`` says what.
    ``limit`` : the number to reach; ``at_least`` turns it round. None where nothing was promised.
    """

    name: str
    value: float
    unit: str
    floor: float | None = None
    floor_is: str = ""
    limit: float | None = None
    at_least: bool = False
    note: str = ""
    runs: list[float] = field(default_factory=list)

    @property
    def is_met(self) -> bool | None:
        """Whether the promised number is reached; None where there is none."""
        if self.limit is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def as_json(self) -> dict[str, Any]:
        """Return all of it for a program."""
        names = ("name", "value", "unit", "floor", "floor_is", "limit", "at_least", "note", "runs")
        return {name: getattr(self, name) for name in names} | {"met": self.is_met}


def shown(value: float, unit: str) -> str:
    """Return a number with its unit, to three or four figures."""
    if unit in ("", "×", "%"):
        return f"{value:,.2f}{unit}"
    return f"{value:,.0f} {unit}" if value >= 1000 else f"{value:,.4g} {unit}"


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table."""
    rows = [("what", "measured", "floor", "to reach", "")]
    for figure in figures:
        floor = "" if figure.floor is None else f"{shown(figure.floor, figure.unit)} ({figure.floor_is})"
        sign = "≥" if figure.at_least else "≤"
        limit = "" if figure.limit is None else f"{sign} {shown(figure.limit, figure.unit)}"
        verdict = {True: "met", False: "NOT MET", None: ""}[figure.is_met]
        name = f"{figure.name} – {figure.note}" if figure.note else figure.name
        rows.append((name, shown(figure.value, figure.unit), floor, limit, verdict))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def timed(work: Callable[[], object], *, repeats: int = 7, warm_up: int = 2) -> list[float]:
    """Return how long some work takes [s], each repeat, after some that do not count."""
    for _ in range(warm_up):
        work()
    runs = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        runs.append(time.perf_counter() - start)
    return runs


def median(runs: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(runs)
