"""Changes in the registry that bear on what virtual meters hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import Model

NAME: Final = "virtual"  # of the kind of derivation
_OF_ITS_OWN: Final = frozenset({"formula", "unit", "direction", "site_id"})
_OF_ITS_LIFE: Final = frozenset({"installed", "removed"})


def follow_change(thing: Model, action: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Have worked out anew what a change of a meter bears on: its own formula, or those that name it."""
    from eclectyc.estate.models import FormulaPart, Meter

    if not isinstance(thing, Meter):
        return
    told = before.keys() | after.keys()
    meters = [thing.pk] if thing.is_virtual and told & _OF_ITS_OWN else []
    if told & _OF_ITS_LIFE:
        meters += FormulaPart.objects.filter(part=thing).order_by().values_list("meter", flat=True).distinct()
    if not meters:
        return
    from eclectyc.intake.derived import stale  # every command is made ready for this: Polars comes with it
    from eclectyc.intake.derived.spans import EVER

    stale.mark(NAME, [(meter, *EVER) for meter in meters])
