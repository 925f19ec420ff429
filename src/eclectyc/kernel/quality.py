"""Quality of a slot: where its value came from. Stored as int8 beside each value."""

from __future__ import annotations

from typing import Final

MISSING: Final = 0
ACTUAL: Final = 1
ESTIMATED: Final = 2  # by the source
SUBSTITUTED: Final = 3  # by us
DERIVED: Final = 4  # spread from a register or a total

# Only in claims, never in day rows: the source gave no flag. It counts as actual, but an equal value does not upgrade
# a stored estimate.
UNFLAGGED: Final = 5

NAMES: Final = {
    MISSING: "missing",
    ACTUAL: "actual",
    ESTIMATED: "estimated",
    SUBSTITUTED: "substituted",
    DERIVED: "derived",
}
