"""Hears of changes in the estate, and passes on those that bear on the kWh of gas.

Every command is made ready for this; what works with arrays is loaded only when there is something to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import Model

OF_SITE: Final = frozenset({"gas_region", "timezone"})
OF_METER: Final = frozenset({"utility", "correction", "site_id"})
DATED: Final = frozenset({"meter.correction_set", "meter.correction_corrected", "meter.correction_removed"})


def hear(thing: Model, action: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Mark what a change of a site or a meter bears on."""
    if action not in DATED and not (before and (before.keys() | after.keys()) & (OF_SITE | OF_METER)):
        return
    from eclectyc.gas.following import follow

    follow(thing, action, before, after)
