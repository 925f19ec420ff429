"""Which days of gas must be recalculated after a change of sites, meters or their volume corrections.

Every command is prepared for this: what works with arrays is imported only when there is something to mark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from django.db.models import Q

from eclectyc.derived.virtual.invalidation import mark_dependents
from eclectyc.estate.change_events import EstateChange
from eclectyc.estate.models import Meter, Quantity, Series, Site, Utility
from eclectyc.gas.models import DERIVED
from eclectyc.kernel.units import is_volume
from eclectyc.registers.models import Register

NAME: Final = "gas"
_OF_SITE: Final = frozenset({"gas_region", "timezone"})
_OF_METER: Final = frozenset({"utility", "correction", "site_id"})
_PIECE: Final = 5000


def on_estate_change(changes: Sequence[EstateChange]) -> None:
    """Mark the kWh that depend on what has changed; let the series of a meter that is now of gas be volumes."""
    from eclectyc.estate.facts import CORRECTION

    sites, meters, turned = list[int](), list[int](), list[Meter]()
    for change in changes:
        thing = change.thing
        if isinstance(thing, Meter) and change.action in CORRECTION.events:
            _mark_from(thing, change.before, change.after)
        elif not change.before:
            continue  # something new: nothing depends on it yet
        elif isinstance(thing, Site) and change.fields & _OF_SITE:
            sites.append(thing.pk)
        elif isinstance(thing, Meter) and change.fields & _OF_METER:
            if "utility" in change.fields and Utility.GAS not in (change.before.get("utility"), thing.utility):
                continue
            meters.append(thing.pk)
            turned += [thing] if "utility" in change.fields and not thing.is_virtual else []
    for meter in _with_volumes(turned):
        set_quantities(meter)
    for field, numbers in (("site", sites), ("pk", meters)):
        for at in range(0, len(numbers), _PIECE):
            mark_meters(Q(**{f"{field}__in": numbers[at : at + _PIECE]}))


def _with_volumes(meters: Sequence[Meter]) -> Iterator[Meter]:
    """Yield those meters that have series of m³, or a register of a volume."""
    for at in range(0, len(meters), _PIECE):
        piece = meters[at : at + _PIECE]
        numbers = [meter.pk for meter in piece]
        of = set(Series.objects.filter(meter__in=numbers, unit="m3").values_list("meter", flat=True))
        of.update(Register.objects.filter(meter__in=numbers).values_list("meter", flat=True))
        yield from (meter for meter in piece if meter.pk in of)


def mark_meters(which: Q, days: Iterable[tuple[date, date]] | None = None) -> int:
    """Mark the kWh of some meters' volumes for recalculation, and return how many meters these are.

    which : a condition on meters. days : half-open spans; all days without them. Call it within the transaction of the
    change.
    """
    from eclectyc.derived.invalidation import mark_stale
    from eclectyc.derived.spans import EVER

    with_volumes = Series.objects.filter(Q(quantity=Quantity.VOLUME, meter__utility=Utility.GAS) | Q(source=DERIVED))
    meters = Meter.objects.filter(which, pk__in=with_volumes.order_by().values("meter")).order_by("pk")
    numbers, spans = list(meters.values_list("pk", flat=True)), [EVER] if days is None else list(days)
    mark_stale(NAME, [(meter, start, end) for meter in numbers for start, end in spans])
    return len(numbers)


def set_quantities(meter: Meter) -> None:
    """Let the m³ of a meter of gas be its volume, and those of another meter its import.

    The lake's series stay as they are, and so does one whose place another series has already.
    """
    becomes = Quantity.VOLUME if meter.utility == Utility.GAS else Quantity.IMPORT
    was = Quantity.IMPORT if becomes == Quantity.VOLUME else Quantity.VOLUME
    own = Series.objects.filter(meter=meter).exclude(source=DERIVED)
    held = list(own.filter(quantity=becomes))
    keys = {(one.step_minutes, one.source, one.register) for one in held if one.unit == "m3"}
    is_taken = any(one.is_primary for one in held)
    for one in own.filter(quantity=was, unit="m3"):
        if (one.step_minutes, one.source, one.register) not in keys:
            one.quantity, one.is_primary = becomes, one.is_primary and not is_taken
            one.save(update_fields=["quantity", "is_primary"])
            mark_dependents([meter.pk])
    taken = Register.objects.filter(meter=meter, quantity=becomes).values_list("serial_key", "code_key")
    codes = set(taken)
    for register in Register.objects.filter(meter=meter, quantity=was):
        if is_volume(register.unit) and (register.serial_key, register.code_key) not in codes:
            register.quantity = becomes
            register.save(update_fields=["quantity"])


def _mark_from(meter: Meter, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Mark a meter from the first day on which a changed volume correction applied, or applies now."""
    from eclectyc.derived.spans import EVER

    days = [values.get("since") for values in (before, after) if "factor" in values]
    known = [day for day in days if day is not None]
    first = min(known) if known and len(known) == len(days) else EVER[0]
    mark_meters(Q(pk=meter.pk), [(first, EVER[1])])
