"""Where a byte stands in a text, found without asking the system for room each time."""

from __future__ import annotations

import threading

import numpy as np


class _Room(threading.local):
    """Each thread's own, as large as the largest text so far."""

    def __init__(self) -> None:
        self.flags = np.empty(0, dtype=bool)


_room = _Room()


def byte_mask(text: np.ndarray, byte: int) -> np.ndarray:
    """Say of each byte of a text (uint8) whether it is this one; it holds until this thread asks again."""
    if len(_room.flags) < len(text):
        _room.flags = np.empty(len(text), dtype=bool)
    return np.equal(text, byte, out=_room.flags[: len(text)])


def count_byte(text: np.ndarray, byte: int) -> int:
    """Return how often a byte stands in a text (uint8)."""
    return int(np.count_nonzero(byte_mask(text, byte)))
