"""What a meter's readings are multiplied by from a day on."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction

from eclectyc.accounts.actor import Actor
from eclectyc.estate import checks
from eclectyc.estate.changes import hold
from eclectyc.estate.history import save, tell
from eclectyc.estate.models import Meter, Multiplier
from eclectyc.estate.virtual import refuse_if_virtual
from eclectyc.kernel.errors import Conflict, Invalid


def set_multiplier(
    actor: Actor, *, meter: Meter, factor: Decimal | str, since: date | str, version: int | None = None
) -> Multiplier:
    """Multiply a meter's readings by another factor from a day on."""
    checked, day = checks.factor("factor", factor), checks.day_required("since", since)
    with transaction.atomic():
        hold(meter, version)
        actor.require("estate.edit", meter.place)
        refuse_if_virtual(meter, "multiplier")
        return multiply_from(actor, meter, day, checked)


def multiply_from(actor: Actor, meter: Meter, day: date, factor: Decimal) -> Multiplier:
    """Write an entry down, of a meter that is held and may be changed."""
    held = list(meter.multipliers.all())
    _refuse_same_day(held, day)
    if not held:
        meter.multipliers.create(since=None, factor=meter.multiplier)
    entry: Multiplier = meter.multipliers.create(since=day, factor=factor)
    before = {"multiplier": meter.multiplier}
    _follow(meter)
    tell(actor, "meter.multiplier_set", meter, before, {"factor": factor, "since": day})
    return entry


def correct_multiplier(
    actor: Actor, *, multiplier: Multiplier, version: int | None = None, **fields: Any
) -> Multiplier:
    """Put right what was written down: the factor, and the day from which it holds. The first has no day."""
    strange = sorted(set(fields) - {"factor", "since"})
    if strange:
        raise Invalid(f"There is no field {strange[0][:60]!r}.", "Use: factor, since.", field=strange[0])
    meter = multiplier.meter
    with transaction.atomic():
        hold(meter, version)
        actor.require("estate.edit", meter.place)
        multiplier.refresh_from_db()
        told = _told(multiplier)
        if "factor" in fields:
            multiplier.factor = checks.factor("factor", fields["factor"])
        if "since" in fields:
            multiplier.since = _day_of(multiplier, fields["since"])
        others = list(meter.multipliers.exclude(pk=multiplier.pk))
        _refuse_same_day(others, multiplier.since)
        multiplier.save()
        _follow(meter)
        tell(actor, "meter.multiplier_corrected", meter, told, _told(multiplier))
    return multiplier


def remove_multiplier(actor: Actor, *, multiplier: Multiplier, version: int | None = None) -> None:
    """Take one entry out of the history: what held before it holds on."""
    meter = multiplier.meter
    with transaction.atomic():
        hold(meter, version)
        actor.require("estate.edit", meter.place)
        if multiplier.since is None:
            raise Conflict("The first multiplier cannot be taken out.", "Correct it instead.")
        told = _told(multiplier)
        multiplier.delete()
        _follow(meter)
        if meter.multipliers.count() == 1:
            meter.multipliers.all().delete()
        tell(actor, "meter.multiplier_removed", meter, told, {"multiplier": meter.multiplier})


def multiplier_on(meter: Meter, day: date) -> Decimal:
    """Return what a meter's readings of a day are multiplied by."""
    held = [m.factor for m in meter.multipliers.all() if m.since is None or m.since <= day]
    return held[-1] if held else meter.multiplier


def _day_of(multiplier: Multiplier, given: Any) -> date | None:
    day = checks.day("since", given)
    if multiplier.since is None and day is not None:
        raise Invalid("The first multiplier holds from the start.", "Leave its day empty.", field="since")
    if multiplier.since is not None and day is None:
        raise Invalid("Only the first multiplier has no day.", "Give a date: YYYY-MM-DD.", field="since")
    return day


def _refuse_same_day(held: list[Multiplier], day: date | None) -> None:
    if day is not None and any(entry.since == day for entry in held):
        raise Conflict(f"A multiplier from {day} is there already.", "Take it out first, or choose another day.")


def _follow(meter: Meter) -> None:
    """Let a meter's own multiplier be that of its newest entry."""
    newest = meter.multipliers.last()
    meter.multiplier = newest.factor if newest else meter.multiplier
    save(meter, "multiplier")


def _told(entry: Multiplier) -> dict[str, object]:
    return {"factor": entry.factor} | ({"since": entry.since} if entry.since else {})
