"""Search for a byte in a text without allocating memory each time."""

from __future__ import annotations

import threading

import numpy as np


class _Buffer(threading.local):
    """One per thread, as large as its largest text so far."""

    def __init__(self) -> None:
        self.flags = np.empty(0, dtype=bool)


_buffer = _Buffer()


def byte_mask(text: np.ndarray, byte: int) -> np.ndarray:
    """Return a mask of the bytes of a text (uint8) that equal ``byte``; valid until this thread's next call."""
    if len(_buffer.flags) < len(text):
        _buffer.flags = np.empty(len(text), dtype=bool)
    return np.equal(text, byte, out=_buffer.flags[: len(text)])


def count_byte(text: np.ndarray, byte: int) -> int:
    """Return how often a byte occurs in a text (uint8)."""
    return int(np.count_nonzero(byte_mask(text, byte)))
