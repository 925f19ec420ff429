"""Sparklines as SVG paths, drawn on the server: no script, no inline style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 120
HEIGHT: Final = 24


@dataclass(frozen=True, slots=True)
class Spark:
    """The line and the area under it, on a canvas of 120 × 24; both break where a value is missing."""

    line: str
    under: str


def spark(values: Sequence[float | None]) -> Spark | None:
    """Return the sparkline of evenly spaced values, zero-based; None where there is nothing to draw."""
    known = [value for value in values if value is not None]
    if len(known) < 2 or len(values) < 2:
        return None
    top = max(*known, 0.0) or 1.0
    step = WIDTH / (len(values) - 1)
    line: list[str] = []
    under: list[str] = []
    for run in _runs(values):
        points = [(n * step, HEIGHT - 1 - max(v, 0.0) / top * (HEIGHT - 2)) for n, v in run]
        drawn = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        line.append(f"M{drawn}" if len(points) > 1 else f"M{drawn}h.5")
        under.append(f"M{points[0][0]:.1f} {HEIGHT}L{drawn}L{points[-1][0]:.1f} {HEIGHT}Z")
    return Spark("".join(line), "".join(under))


def _runs(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    runs: list[list[tuple[int, float]]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((place, value))
    return [run for run in runs if run]
