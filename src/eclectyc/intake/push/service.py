"""Receive a push: read, align, compare and store it durably before answering."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from django.db import IntegrityError, connection, transaction

from eclectyc.accounts.actor import Actor
from eclectyc.audit.record import record
from eclectyc.estate.models import Meter, Series
from eclectyc.estate.series import SeriesKey, ensure_series, quantity_in
from eclectyc.estate.virtual import refuse_if_virtual
from eclectyc.intake.push import inbox, schedule
from eclectyc.intake.push.columns import Rejection, read_columns
from eclectyc.intake.push.compare import PushComparison, compare, days_of
from eclectyc.intake.push.encoding import PushedSlots, pack
from eclectyc.intake.push.message import Message
from eclectyc.intake.push.models import Push
from eclectyc.intake.push.to_slots import PushAlignment, align, clock_at, stated_step
from eclectyc.kernel.errors import Busy, Forbidden, NotFound
from eclectyc.kernel.failpoints import failpoint
from eclectyc.kernel.units import conversion_for_meter

TRIES: Final = 20
PUSH: Final = "readings.push"
IMPORT: Final = "imports.run"
_writing: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a push. The counts and the rejected readings add up to all that were sent.

    kept : estimates that did not replace actual readings.
    """

    meter: str
    quantity: str
    unit: str
    step: int
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    kept: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def is_usable(self) -> bool:
        """Whether any reading was accepted, or none was sent."""
        return bool(self.added or self.changed or self.unchanged or self.kept or not self.rejected)


def may_push(actor: Actor, meter: Meter) -> bool:
    """Return whether an actor may push readings of a meter, by the right to push or to import."""
    return actor.may(PUSH, meter.place) or actor.may(IMPORT, meter.place)


def push_readings(actor: Actor, *, meter: Meter, message: Message) -> Answer:
    """Receive a push and return its effect. Accepted readings are on disk then, and in the lake some seconds later.

    Raises ``Invalid`` if the push as a whole is wrong; then nothing of it is stored.
    """
    if not may_push(actor, meter):
        raise Forbidden("Your role does not allow this.", "Ask an administrator of your organisation.")
    refuse_if_virtual(meter, "readings of its own")
    columns, rejected = read_columns(message.readings)
    known = conversion_for_meter(message.unit, meter.unit)
    step = message.step or stated_step(columns) or meter.step_minutes
    quantity = quantity_in(meter.utility, message.quantity, known.unit)
    answer = Answer(meter.identifier, quantity, known.unit, step, rejected=rejected)
    if not len(columns.index):
        return answer
    factor = float(known.factor) * (step / 60 if known.is_power else 1.0)
    placed = align(columns, clock=clock_at(meter.site.timezone, columns.start), step=step, factor=factor)
    rejected += placed.rejected
    rejected.sort(key=lambda one: one.index)
    if not len(placed.pushed):
        return answer
    series = _series(actor, meter, SeriesKey(meter.pk, quantity, known.unit, step))
    done = _keep(actor, meter, series, placed.pushed)
    return _answer(answer, done, placed, series)


def _answer(answer: Answer, done: PushComparison, placed: PushAlignment, series: Series) -> Answer:
    not_counted = (
        f"This meter's {series.quantity} is counted in another unit. These readings are stored but not counted."
    )
    return Answer(
        answer.meter,
        answer.quantity,
        answer.unit,
        answer.step,
        added=done.added,
        changed=done.changed,
        unchanged=done.unchanged + placed.repeats,
        kept=done.kept + placed.kept,
        rejected=answer.rejected,
        warnings=[] if series.is_primary else [not_counted],
    )


def _series(actor: Actor, meter: Meter, key: SeriesKey) -> Series:
    """Return a series; create it at its first push."""
    named = {"unit": key.unit, "step_minutes": key.step_minutes, "source": key.source, "register": key.register}
    found = Series.objects.filter(meter=key.meter, quantity=key.quantity, **named).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            if not Meter.objects.select_for_update(no_key=True, of=("self",)).filter(pk=meter.pk).exists():
                raise NotFound(f"Meter {meter.identifier!r} was deleted.", "Check its number.")
            series, created = ensure_series([key])
            for one in created:
                record(
                    actor.by,
                    "series.created",
                    one,
                    organisation_id=meter.organisation_id,
                    after={
                        "meter": meter.pk,
                        "quantity": key.quantity,
                        "unit": key.unit,
                        "step_minutes": key.step_minutes,
                    },
                )
        return series[key]
    except IntegrityError:  # created meanwhile by a writer that does not lock the meter
        return Series.objects.get(meter=key.meter, quantity=key.quantity, **named)


def _keep(actor: Actor, meter: Meter, series: Series, pushed: PushedSlots) -> PushComparison:
    """Add a push to the inbox and return its effect; compare again if another push of the same days came meanwhile."""
    first, last = days_of(pushed)
    push = Push(
        organisation_id=meter.organisation_id,
        series=series,
        user_id=actor.user_id,
        token_id=actor.token_id,
        readings=len(pushed),
        first_day=first,
        last_day=last,
        data=pack(pushed),
    )
    for _ in range(TRIES):
        done = compare(series.pk, pushed)
        with _turn(), transaction.atomic():
            _lock(series)
            if inbox.has_newer(series.pk, first, last, than=done.newest):
                continue
            push.save(force_insert=True)
            schedule.wake()
            failpoint("push.before_commit")
        failpoint("push.after_commit")
        return done
    raise Busy("Too many pushes of the same readings arrive at once.", "Send it again.")


@contextmanager
def _turn() -> Iterator[None]:
    """Let the threads of this process write one after another if the database has one writer: waiting for the database,
    each would sleep far longer than the other writes."""
    if connection.vendor == "sqlite":
        with _writing:
            yield
    else:
        yield


def _lock(series: Series) -> None:
    """Let the pushes of one series come one after another. On SQLite the transaction itself does it."""
    if connection.vendor == "sqlite":
        return
    if not Series.objects.select_for_update(no_key=True).filter(pk=series.pk).exists():
        raise NotFound("The meter was deleted.", "Check its number.")
