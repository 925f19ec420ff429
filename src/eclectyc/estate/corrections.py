"""What a gas meter's volumes are corrected by, for temperature and pressure, from a gas day on."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction

from eclectyc.accounts.actor import Actor
from eclectyc.estate import checks
from eclectyc.estate.changes import hold
from eclectyc.estate.history import save, tell
from eclectyc.estate.models import Correction, Meter
from eclectyc.kernel.errors import Conflict, Invalid


def set_correction(
    actor: Actor, *, meter: Meter, factor: Decimal | str, since: date | str, version: int | None = None
) -> Correction:
    """Correct a meter's volumes by another factor from a gas day on."""
    checked, day = checks.correction("factor", factor), checks.day_required("since", since)
    with transaction.atomic():
        hold(meter, version)
        actor.require("estate.edit", meter.place)
        return correct_from(actor, meter, day, checked)


def correct_from(actor: Actor, meter: Meter, day: date, factor: Decimal) -> Correction:
    """Write an entry down, of a meter that is held and may be changed."""
    held = list(meter.corrections.all())
    _refuse_same_day(held, day)
    if not held:
        meter.corrections.create(since=None, factor=meter.correction)
    entry: Correction = meter.corrections.create(since=day, factor=factor)
    before = {"correction": meter.correction}
    _follow(meter)
    tell(actor, "meter.correction_set", meter, before, {"factor": factor, "since": day})
    return entry


def amend_correction(actor: Actor, *, correction: Correction, version: int | None = None, **fields: Any) -> Correction:
    """Put right what was written down: the factor, and the day from which it holds. The first has no day."""
    strange = sorted(set(fields) - {"factor", "since"})
    if strange:
        raise Invalid(f"There is no field {strange[0][:60]!r}.", "Use: factor, since.", field=strange[0])
    meter = correction.meter
    with transaction.atomic():
        hold(meter, version)
        actor.require("estate.edit", meter.place)
        correction.refresh_from_db()
        told = _told(correction)
        if "factor" in fields:
            correction.factor = checks.correction("factor", fields["factor"])
        if "since" in fields:
            correction.since = _day_of(correction, fields["since"])
        others = list(meter.corrections.exclude(pk=correction.pk))
        _refuse_same_day(others, correction.since)
        correction.save()
        _follow(meter)
        tell(actor, "meter.correction_corrected", meter, told, _told(correction))
    return correction


def remove_correction(actor: Actor, *, correction: Correction, version: int | None = None) -> None:
    """Take one entry out of the history: what held before it holds on."""
    meter = correction.meter
    with transaction.atomic():
        hold(meter, version)
        actor.require("estate.edit", meter.place)
        if correction.since is None:
            raise Conflict("The first correction cannot be taken out.", "Correct it instead.")
        told = _told(correction)
        correction.delete()
        _follow(meter)
        if meter.corrections.count() == 1:
            meter.corrections.all().delete()
        tell(actor, "meter.correction_removed", meter, told, {"correction": meter.correction})


def correction_on(meter: Meter, day: date) -> Decimal:
    """Return what a meter's volumes of a gas day are corrected by."""
    held = [m.factor for m in meter.corrections.all() if m.since is None or m.since <= day]
    return held[-1] if held else meter.correction


def _day_of(correction: Correction, given: Any) -> date | None:
    day = checks.day("since", given)
    if correction.since is None and day is not None:
        raise Invalid("The first correction holds from the start.", "Leave its day empty.", field="since")
    if correction.since is not None and day is None:
        raise Invalid("Only the first correction has no day.", "Give a date: YYYY-MM-DD.", field="since")
    return day


def _refuse_same_day(held: list[Correction], day: date | None) -> None:
    if day is not None and any(entry.since == day for entry in held):
        raise Conflict(f"A correction from {day} is there already.", "Take it out first, or choose another day.")


def _follow(meter: Meter) -> None:
    """Let a meter's own correction be that of its newest entry."""
    newest = meter.corrections.last()
    meter.correction = newest.factor if newest else meter.correction
    save(meter, "correction")


def _told(entry: Correction) -> dict[str, object]:
    return {"factor": entry.factor} | ({"since": entry.since} if entry.since else {})
