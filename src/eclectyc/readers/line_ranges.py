"""Which of a file's lines: half-open spans of line numbers, shape (n, 2), int64, and the file that they are kept in."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

RANGES_SUFFIX: Final = ".lines"  # how such a file's name ends: pairs of little-endian 64-bit integers, start and end
_KIND: Final = np.dtype("<i8")


def ranges_from_lines(lines: np.ndarray, each: int = 1) -> np.ndarray:
    """Return the spans of some lines. each : how many lines follow from each number."""
    lines = lines.astype(np.int64)
    return merge_ranges(np.stack([lines, lines + each], axis=1))


def merge_ranges(spans: np.ndarray) -> np.ndarray:
    """Return spans in order, those that overlap or touch as one."""
    if not len(spans):
        return spans
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    reach = np.maximum.accumulate(spans[:, 1])
    opens = np.r_[True, spans[1:, 0] > reach[:-1]]
    return np.stack([spans[opens, 0], reach[np.r_[opens[1:], True]]], axis=1)


def count_lines(spans: np.ndarray) -> int:
    """Return how many lines united spans hold."""
    return int((spans[:, 1] - spans[:, 0]).sum())


def no_ranges() -> np.ndarray:
    """Return no spans at all."""
    return np.empty((0, 2), np.int64)


def write_ranges(path: Path, spans: np.ndarray) -> None:
    """Write spans, united, to a file."""
    path.write_bytes(merge_ranges(spans).astype(_KIND).tobytes())


def read_ranges(path: Path) -> np.ndarray:
    """Return the spans that a file holds; none where it is cut short."""
    held = path.read_bytes()
    whole = len(held) - len(held) % (2 * _KIND.itemsize)
    return np.frombuffer(held[:whole], dtype=_KIND).astype(np.int64).reshape(-1, 2)
