"""Hears of changes in the estate, and passes on those that bear on the kWh of gas.

Every command is made ready for this; what works with arrays is loaded only when there is something to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eclectyc.estate.change_events import Change

OF_SITE: Final = frozenset({"gas_region", "timezone"})
OF_METER: Final = frozenset({"utility", "correction", "site_id"})
DATED: Final = frozenset({"meter.correction_set", "meter.correction_corrected", "meter.correction_removed"})


def hear(changes: Sequence[Change]) -> None:
    """Mark what changes of sites or meters bear on."""
    bearing = [
        change for change in changes
        if change.action in DATED or (change.before and change.told & (OF_SITE | OF_METER))
    ]  # fmt: skip
    if bearing:
        from eclectyc.gas.invalidation import follow

        follow(bearing)
