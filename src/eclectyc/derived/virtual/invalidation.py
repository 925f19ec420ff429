"""Have virtual meters recalculated when something in the registry changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from eclectyc.kernel.errors import Conflict
from eclectyc.kernel.plurals import counted

if TYPE_CHECKING:
    from eclectyc.estate.change_events import EstateChange
    from eclectyc.estate.models import Meter

_PIECE: Final = 5000
NAME: Final = "virtual"  # of the derivation
_OWN_FIELDS: Final = frozenset({"formula", "unit", "direction", "site_id"})
_INSTALLED_FIELDS: Final = frozenset({"installed", "removed"})


def mark_dependents(meters: Iterable[int]) -> None:
    """Have the virtual meters that use some meters recalculated: their primary series have changed.

    Call it within the transaction of that change.
    """
    from eclectyc.estate.models import FormulaPart

    users = FormulaPart.objects.filter(part__in=sorted(set(meters))).order_by()
    mark_meters(users.values_list("meter", flat=True).distinct())


def mark_meters(meters: Iterable[int]) -> None:
    """Have some virtual meters recalculated on all their days."""
    from eclectyc.derived import invalidation  # imports Polars, and every command loads this module
    from eclectyc.derived.spans import EVER

    invalidation.mark_stale(NAME, [(meter, *EVER) for meter in meters])


def on_estate_change(changes: Sequence[EstateChange]) -> None:
    """Have the virtual meters recalculated that changes of meters affect: themselves, or those that use them."""
    from eclectyc.estate.models import FormulaPart, Meter

    of_meters = [(change.thing, change) for change in changes if isinstance(change.thing, Meter)]
    _refuse_other_directions([meter for meter, change in of_meters if "direction" in change.fields and change.before])
    marked = {meter.pk for meter, change in of_meters if meter.is_virtual and change.fields & _OWN_FIELDS}
    reinstalled = [meter.pk for meter, change in of_meters if change.fields & _INSTALLED_FIELDS]
    for at in range(0, len(reinstalled), _PIECE):
        users = FormulaPart.objects.filter(part__in=reinstalled[at : at + _PIECE]).order_by()
        marked.update(users.values_list("meter", flat=True))
    if marked:
        mark_meters(sorted(marked))


def _refuse_other_directions(meters: Sequence[Meter]) -> None:
    """Refuse another direction for a meter that a formula uses without a quantity: the formula would change meaning."""
    from eclectyc.estate.formula.parse import parse
    from eclectyc.estate.models import FormulaPart

    by_number = {meter.pk: meter for meter in meters}
    numbers, users = sorted(by_number), list[tuple[int, str]]()
    for at in range(0, len(numbers), _PIECE):
        parts = FormulaPart.objects.filter(part__in=numbers[at : at + _PIECE]).order_by()
        users += parts.values_list("part", "meter__formula").distinct()
    users_of: dict[int, int] = {}
    for part, formula in users:
        name = by_number[part].identifier
        if any(term.meter == name and not term.quantity for term in parse(formula)):
            users_of[part] = users_of.get(part, 0) + 1
    if users_of:
        meter = by_number[min(users_of)]
        raise Conflict(
            f"{counted(users_of[meter.pk], 'formula').capitalize()} with {meter} would change meaning.",
            f"First name its quantity there: {meter.identifier}.import or {meter.identifier}.export.",
            field="direction",
        )
