"""Half-open ranges of a file's line numbers, shape (n, 2), int64, and the file that stores them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

RANGES_SUFFIX: Final = ".lines"  # of the stored file: pairs of little-endian 64-bit integers, start and end
_KIND: Final = np.dtype("<i8")


def ranges_from_lines(lines: np.ndarray, each: int = 1) -> np.ndarray:
    """Return the ranges of some lines. each : how many lines each number stands for, itself the first."""
    lines = lines.astype(np.int64)
    return merge_ranges(np.stack([lines, lines + each], axis=1))


def merge_ranges(ranges: np.ndarray) -> np.ndarray:
    """Return the ranges in order, with those that overlap or touch merged."""
    if not len(ranges):
        return ranges
    ranges = ranges[np.argsort(ranges[:, 0], kind="stable")]
    reach = np.maximum.accumulate(ranges[:, 1])
    opens = np.r_[True, ranges[1:, 0] > reach[:-1]]
    return np.stack([ranges[opens, 0], reach[np.r_[opens[1:], True]]], axis=1)


def count_lines(ranges: np.ndarray) -> int:
    """Return how many lines merged ranges contain."""
    return int((ranges[:, 1] - ranges[:, 0]).sum())


def no_ranges() -> np.ndarray:
    return np.empty((0, 2), np.int64)


def write_ranges(path: Path, ranges: np.ndarray) -> None:
    """Merge ranges and write them to a file."""
    path.write_bytes(merge_ranges(ranges).astype(_KIND).tobytes())


def read_ranges(path: Path) -> np.ndarray:
    """Return the ranges in a file; an incomplete pair at its end is dropped."""
    content = path.read_bytes()
    whole = len(content) - len(content) % (2 * _KIND.itemsize)
    return np.frombuffer(content[:whole], dtype=_KIND).astype(np.int64).reshape(-1, 2)
