"""Changes in the registry that bear on what virtual meters hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from eclectyc.kernel.errors import Conflict
from eclectyc.kernel.plurals import counted

if TYPE_CHECKING:
    from eclectyc.estate.change_events import EstateChange
    from eclectyc.estate.models import Meter

_PIECE: Final = 5000
NAME: Final = "virtual"  # of the kind of derivation
_OF_ITS_OWN: Final = frozenset({"formula", "unit", "direction", "site_id"})
_OF_ITS_LIFE: Final = frozenset({"installed", "removed"})


def mark_dependents(meters: Iterable[int]) -> None:
    """Have the formulas over some meters worked out anew: which of their series count has changed.

    Call it within the transaction of that change.
    """
    from eclectyc.estate.models import FormulaPart

    users = FormulaPart.objects.filter(part__in=sorted(set(meters))).order_by()
    mark_meters(users.values_list("meter", flat=True).distinct())


def mark_meters(meters: Iterable[int]) -> None:
    """Have some virtual meters worked out anew, on all their days."""
    from eclectyc.derived import invalidation  # every command is made ready for this: Polars comes with it
    from eclectyc.derived.spans import EVER

    invalidation.mark_stale(NAME, [(meter, *EVER) for meter in meters])


def on_estate_change(changes: Sequence[EstateChange]) -> None:
    """Have worked out anew what changes of meters bear on: their own formulas, or those that name them."""
    from eclectyc.estate.models import FormulaPart, Meter

    of_meters = [(change.thing, change) for change in changes if isinstance(change.thing, Meter)]
    _refuse_other_directions([meter for meter, change in of_meters if "direction" in change.fields and change.before])
    marked = {meter.pk for meter, change in of_meters if meter.is_virtual and change.fields & _OF_ITS_OWN}
    lives = [meter.pk for meter, change in of_meters if change.fields & _OF_ITS_LIFE]
    for at in range(0, len(lives), _PIECE):
        users = FormulaPart.objects.filter(part__in=lives[at : at + _PIECE]).order_by()
        marked.update(users.values_list("meter", flat=True))
    if marked:
        mark_meters(sorted(marked))


def _refuse_other_directions(meters: Sequence[Meter]) -> None:
    """Refuse to turn a meter round of which a formula takes what its direction says: it would mean something else."""
    from eclectyc.estate.formula.parse import parse
    from eclectyc.estate.models import FormulaPart

    by_number = {meter.pk: meter for meter in meters}
    numbers, users = sorted(by_number), list[tuple[int, str]]()
    for at in range(0, len(numbers), _PIECE):
        parts = FormulaPart.objects.filter(part__in=numbers[at : at + _PIECE]).order_by()
        users += parts.values_list("part", "meter__formula").distinct()
    taken: dict[int, int] = {}
    for part, formula in users:
        name = by_number[part].identifier
        if any(term.meter == name and not term.quantity for term in parse(formula)):
            taken[part] = taken.get(part, 0) + 1
    if taken:
        meter = by_number[min(taken)]
        raise Conflict(
            f"{meter} stands in {counted(taken[meter.pk], 'formula')} with what its direction says.",
            f"Name there what it gives first: {meter.identifier}.import or {meter.identifier}.export.",
            field="direction",
        )
