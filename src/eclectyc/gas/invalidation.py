"""What changes of sites and meters mean for the kWh of gas: they are worked out anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from django.db.models import Q

from eclectyc.derived.invalidation import mark_stale
from eclectyc.derived.spans import EVER
from eclectyc.derived.virtual.invalidation import mark_dependents
from eclectyc.estate.change_events import Change
from eclectyc.estate.models import Meter, Quantity, Series, Site, Utility
from eclectyc.gas.derivation import DERIVED, GAS
from eclectyc.gas.estate_changes import DATED, OF_METER, OF_SITE
from eclectyc.kernel.units import is_volume
from eclectyc.registers.models import Register

_PIECE: Final = 5000


def follow(changes: Sequence[Change]) -> None:
    """Mark what changes of the estate bear on."""
    sites, meters, turned = list[int](), list[int](), list[Meter]()
    for change in changes:
        thing = change.thing
        if isinstance(thing, Site) and change.told & OF_SITE:
            sites.append(thing.pk)
        elif isinstance(thing, Meter) and change.action in DATED:
            mark_meters(Q(pk=thing.pk), [(_earliest(change.before, change.after), EVER[1])])
        elif isinstance(thing, Meter) and change.told & OF_METER:
            if "utility" in change.told and Utility.GAS not in (change.before.get("utility"), thing.utility):
                continue
            meters.append(thing.pk)
            turned += [thing] if "utility" in change.told and not thing.is_virtual else []
    for meter in _with_volumes(turned):
        tell_volumes(meter)
    for named, numbers in (("site", sites), ("pk", meters)):
        for at in range(0, len(numbers), _PIECE):
            mark_meters(Q(**{f"{named}__in": numbers[at : at + _PIECE]}))


def _with_volumes(meters: Sequence[Meter]) -> Iterator[Meter]:
    """Yield those meters that hold m³, or have a register of a volume."""
    for at in range(0, len(meters), _PIECE):
        piece = meters[at : at + _PIECE]
        numbers = [meter.pk for meter in piece]
        of = set(Series.objects.filter(meter__in=numbers, unit="m3").values_list("meter", flat=True))
        of.update(Register.objects.filter(meter__in=numbers).values_list("meter", flat=True))
        yield from (meter for meter in piece if meter.pk in of)


def mark_meters(which: Q, days: Iterable[tuple[date, date]] = (EVER,)) -> int:
    """Have the kWh of some meters' volumes worked out anew on some days, and return how many meters these are.

    which : a condition on meters. Call it within the transaction of what has changed.
    """
    with_volumes = Series.objects.filter(Q(quantity=Quantity.VOLUME, meter__utility=Utility.GAS) | Q(source=DERIVED))
    meters = Meter.objects.filter(which, pk__in=with_volumes.order_by().values("meter")).order_by("pk")
    numbers, spans = list(meters.values_list("pk", flat=True)), list(days)
    mark_stale(GAS.name, [(meter, start, end) for meter in numbers for start, end in spans])
    return len(numbers)


def tell_volumes(meter: Meter) -> None:
    """Let the m³ of a meter that turns out to be one of gas be its volume; of one that is not, its import again.

    The series stay what they are in the lake. What stands in the way, a series that is there already, stays too.
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


def _earliest(before: Mapping[str, Any], after: Mapping[str, Any]) -> date:
    """Return the first day on which an entry of the history that was changed has held, or holds now."""
    days = [told.get("since") for told in (before, after) if "factor" in told]
    known = [day for day in days if day is not None]
    return min(known) if known and len(known) == len(days) else EVER[0]
