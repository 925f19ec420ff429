"""Reads as parallel arrays, and which of them are effective. Pure.

Several batches can have a read of one register at the same moment. The last actual one is effective, whatever was
estimated before or after it; without one, the last estimated read is. A batch can withdraw a read: then no read of the
batches before it is effective. A read that the source itself doubts is stored but never effective.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np

from eclectyc.kernel.quality import ESTIMATED

WITHDRAWN: Final = 0
FROM_DEVICE_HISTORY: Final = -1  # the order of reads from a device's history: those of any batch take precedence


@dataclass(frozen=True, slots=True)
class Reads:
    """Reads in any order; every array has shape (reads,).

    register : which register, int64. at_s : UTC [s since 1970], int64. value : as displayed, float64.
    quality : actual, estimated, or 0 if it withdraws an earlier read, int8. is_doubtful : bool.
    order : the batch it comes from, int64: later batches take precedence.
    """

    register: np.ndarray
    at_s: np.ndarray
    value: np.ndarray
    quality: np.ndarray
    is_doubtful: np.ndarray
    order: np.ndarray

    def __len__(self) -> int:
        return len(self.register)

    def where(self, chosen: np.ndarray) -> Reads:
        """Return some of the reads: a mask or indices."""
        return Reads(*(getattr(self, part.name)[chosen] for part in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence[Reads]) -> Self:
        return cls(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)))

    @classmethod
    def none(cls) -> Self:
        whole = np.zeros(0, dtype=np.int64)
        return cls(whole, whole, np.zeros(0), whole.astype(np.int8), whole.astype(bool), whole)


def effective_reads(reads: Reads, group: np.ndarray) -> np.ndarray:
    """Return the effective reads, as indices sorted by group and moment: at most one for each moment of a group.

    group : shape (reads,), int64; reads of one group are one register's, however its name is written.
    """
    sound = np.flatnonzero(~reads.is_doubtful)
    order = sound[np.lexsort((reads.order[sound], reads.at_s[sound], group[sound]))]
    if not len(order):
        return order
    at, of = reads.at_s[order], group[order]
    opens = np.flatnonzero(np.r_[True, (at[1:] != at[:-1]) | (of[1:] != of[:-1])])
    if len(opens) == len(order):
        return order[reads.quality[order] != WITHDRAWN]
    place = np.arange(len(order))
    weak = reads.quality[order] == ESTIMATED
    last_weak = np.maximum.reduceat(np.where(weak, place, -1), opens)
    last_firm = np.maximum.reduceat(np.where(weak, -1, place), opens)
    is_withdrawn = (last_firm >= 0) & (reads.quality[order[last_firm]] == WITHDRAWN)
    last = np.where((last_firm < 0) | (is_withdrawn & (last_weak > last_firm)), last_weak, last_firm)
    kept = order[last]
    return kept[reads.quality[kept] != WITHDRAWN]
