"""The readings of a push as one small blob in the inbox, rather than a row a reading. Pure."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Final

import numpy as np

_HEAD: Final = struct.Struct("<BI")  # form, slots
_FORM: Final = 1
_COLUMNS: Final = (("day", "<i4"), ("slot", "<i2"), ("quality", "i1"), ("value", "<f8"))
_SLOT_BYTES: Final = sum(np.dtype(kind).itemsize for _, kind in _COLUMNS)


@dataclass(frozen=True, slots=True)
class PushedSlots:
    """Values in slots of the local days of one series, sorted, no slot twice; every array has shape (slots,).

    day [days since 1970] int32, slot int16, value float64 in the series' unit, quality int8 (UNFLAGGED included).
    """

    day: np.ndarray
    slot: np.ndarray
    value: np.ndarray
    quality: np.ndarray

    def __len__(self) -> int:
        return len(self.day)

    def where(self, chosen: np.ndarray) -> PushedSlots:
        """Return the slots of a mask or of indices."""
        return PushedSlots(self.day[chosen], self.slot[chosen], self.value[chosen], self.quality[chosen])

    @property
    def key(self) -> np.ndarray:
        """One int64 for each slot that orders like (day, slot)."""
        return (self.day.astype(np.int64) << SLOT_BITS) + self.slot


SLOT_BITS: Final = 11  # a day has 1,500 minutes at most


def pack(pushed: PushedSlots) -> bytes:
    """Return the slots as bytes."""
    columns = (getattr(pushed, name).astype(kind).tobytes() for name, kind in _COLUMNS)
    # Level 1: the days and slots of a run shrink to nothing, values hardly more at any level.
    return _HEAD.pack(_FORM, len(pushed)) + zlib.compress(b"".join(columns), 1)


def unpack(data: bytes) -> PushedSlots:
    """Return the slots of bytes from ``pack``; raise ``ValueError`` for anything else."""
    try:
        form, size = _HEAD.unpack_from(data)
        plain = zlib.decompress(data[_HEAD.size :])
    except (struct.error, zlib.error) as error:
        raise ValueError(f"a push cannot be unpacked: {error}") from error
    if form != _FORM or len(plain) != size * _SLOT_BYTES:
        raise ValueError(f"a push of form {form} has {len(plain)} bytes for {size} slots")
    columns, at = {}, 0
    for name, kind in _COLUMNS:
        columns[name] = np.frombuffer(plain, kind, size, at)
        at += columns[name].nbytes
    return PushedSlots(**columns)
