"""Which value replaces which, slot by slot. Pure; all slots at once.

A missing slot never erases. An actual reading replaces anything. A reading without a flag acts as actual, except
that an equal value does not upgrade a stored estimate. Estimated and derived values replace only missing, estimated,
substituted and derived ones; substituted values only missing and substituted ones. Under *last wins* any value
replaces any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from eclectyc.kernel.quality import ACTUAL, DERIVED, ESTIMATED, MISSING, SUBSTITUTED, UNFLAGGED
from eclectyc.lake.schema import GUARDED, LAST_WINS
from eclectyc.lake.slot_arrays import Slots, stored_quality

_QUALITIES: Final = 6
_WEAK: Final = (MISSING, ESTIMATED, SUBSTITUTED, DERIVED)


def _table() -> np.ndarray:
    """Return, for rule × stored × claimed quality, whether the claimed value may replace the stored one."""
    may = np.zeros((2, _QUALITIES, _QUALITIES), dtype=bool)
    may[LAST_WINS, :, ACTUAL:] = True
    may[GUARDED, :, [ACTUAL, UNFLAGGED]] = True
    for claimed in (ESTIMATED, DERIVED):
        may[GUARDED, _WEAK, claimed] = True
    may[GUARDED, [MISSING, SUBSTITUTED], SUBSTITUTED] = True
    return may.reshape(-1)


_MAY_REPLACE: Final = _table()


@dataclass(frozen=True, slots=True)
class MergedSlots:
    """Days merged with a claim, and the claim's slots by outcome.

    counts : shape (days, 4): added, changed, unchanged, kept. They sum to the claim's slots that are not missing.
    """

    slots: Slots
    counts: np.ndarray

    @property
    def is_changed(self) -> np.ndarray:
        """Whether a day differs from the stored one: shape (days,), bool."""
        return (self.counts[:, 0] + self.counts[:, 1]) > 0


def merge_slots(stored: Slots, claimed: Slots, rule: int | np.ndarray = GUARDED) -> MergedSlots:
    """Merge each stored day with one claim. rule : one for all days, or one per day, shape (days,)."""
    rules = rule if isinstance(rule, int) else np.repeat(rule, claimed.lengths)
    has_claim = claimed.quality != MISSING
    is_new = has_claim & (stored.quality == MISSING)
    is_equal = claimed.values == stored.values
    quality = stored_quality(claimed.quality)
    may = _MAY_REPLACE[(rules * _QUALITIES + stored.quality) * _QUALITIES + claimed.quality]
    is_same = is_equal & (quality == stored.quality)
    no_upgrade = is_equal & (claimed.quality == UNFLAGGED) & (rules == GUARDED)
    is_replaced = has_claim & may & ~no_upgrade
    changed = is_replaced & ~is_new & ~is_same
    kept = has_claim & ~may
    counts = np.empty((len(claimed.lengths), 4), dtype=np.int64)
    counts[:, 0] = claimed.per_day(is_new)
    counts[:, 1] = claimed.per_day(changed)
    counts[:, 3] = claimed.per_day(kept)
    counts[:, 2] = claimed.per_day(has_claim) - counts[:, 0] - counts[:, 1] - counts[:, 3]
    merged = Slots(
        np.where(is_replaced, claimed.values, stored.values),
        np.where(is_replaced, quality, stored.quality),
        claimed.lengths,
    )
    return MergedSlots(merged, counts)


def is_equal(one: Slots, other: Slots) -> np.ndarray:
    """Return for each day whether two claims are equal in every slot, value and quality."""
    differs = one.quality != other.quality
    differs |= (one.values != other.values) & (one.quality != MISSING)
    return one.per_day(differs) == 0


def missing_days(lengths: np.ndarray) -> Slots:
    """Return days whose slots are all missing."""
    size = int(lengths.sum())
    return Slots(np.full(size, np.nan), np.zeros(size, dtype=np.int8), lengths)
