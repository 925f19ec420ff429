"""Changes in the registry that bear on what virtual meters hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Model

from eclectyc.kernel.errors import Conflict
from eclectyc.kernel.words import counted

if TYPE_CHECKING:
    from eclectyc.estate.models import Meter

NAME: Final = "virtual"  # of the kind of derivation
_OF_ITS_OWN: Final = frozenset({"formula", "unit", "direction", "site_id"})
_OF_ITS_LIFE: Final = frozenset({"installed", "removed"})


def mark_users(meters: Iterable[int]) -> None:
    """Have the formulas over some meters worked out anew: which of their series count has changed.

    Call it within the transaction of that change.
    """
    from eclectyc.estate.models import FormulaPart

    users = FormulaPart.objects.filter(part__in=sorted(set(meters))).order_by()
    mark_all(users.values_list("meter", flat=True).distinct())


def mark_all(meters: Iterable[int]) -> None:
    """Have some virtual meters worked out anew, on all their days."""
    from eclectyc.intake.derived import stale  # every command is made ready for this: Polars comes with it
    from eclectyc.intake.derived.spans import EVER

    stale.mark(NAME, [(meter, *EVER) for meter in meters])


def _refuse_other_direction(meter: Meter) -> None:
    """Refuse to turn a meter round of which a formula takes what its direction says: it would mean something else."""
    from eclectyc.estate.formula.parse import parse
    from eclectyc.estate.models import Meter

    users = Meter.objects.filter(formula_parts__part=meter).distinct().order_by()
    taken = sum(
        any(term.meter == meter.identifier and not term.quantity for term in parse(formula))
        for formula in users.values_list("formula", flat=True)
    )
    if taken:
        raise Conflict(
            f"{meter} stands in {counted(taken, 'formula')} with what its direction says.",
            f"Name there what it gives first: {meter.identifier}.import or {meter.identifier}.export.",
            field="direction",
        )


def follow_change(thing: Model, action: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Have worked out anew what a change of a meter bears on: its own formula, or those that name it."""
    from eclectyc.estate.models import FormulaPart, Meter

    if not isinstance(thing, Meter):
        return
    told = before.keys() | after.keys()
    if "direction" in told and before:
        _refuse_other_direction(thing)
    meters = [thing.pk] if thing.is_virtual and told & _OF_ITS_OWN else []
    if told & _OF_ITS_LIFE:
        meters += FormulaPart.objects.filter(part=thing).order_by().values_list("meter", flat=True).distinct()
    if meters:
        mark_all(meters)
