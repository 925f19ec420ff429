"""Schedules: declared, changed, and enqueued when due, once per due time whatever the number of workers."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from cronsim import CronSimError
from django.conf import settings
from django.db import transaction

from eclectyc.audit.record import record
from eclectyc.jobs import clock, kinds, rights, service
from eclectyc.jobs.cron import check as check_cron
from eclectyc.jobs.cron import latest, next_after, words
from eclectyc.jobs.models import Job, Schedule
from eclectyc.jobs.queue import locked
from eclectyc.kernel.errors import EclectycError, Forbidden, Invalid, NotFound

if TYPE_CHECKING:
    from eclectyc.accounts.actor import Actor

__all__ = ["change", "check_cron", "declare", "delete", "plan", "run_now", "sync_declared", "tick", "words"]

LATE: Final = timedelta(minutes=2)  # after this a due time counts as missed
MOST_MOMENTS: Final = 1000  # caught up at once
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScheduleDeclaration:
    """A schedule that comes with the product."""

    kind: str
    cron: str
    title: str
    catch_up: str
    args: dict[str, Any] = field(default_factory=dict)


_declared: dict[str, ScheduleDeclaration] = {}


def declare(name: str, *, kind: str, cron: str, title: str, catch_up: str = Schedule.LATEST) -> None:
    """Declare a schedule that comes with a room, in ``AppConfig.ready``; an operator may change or pause it."""
    _declared[name] = ScheduleDeclaration(kind, cron, title, catch_up)


def sync_declared() -> None:
    """Store the declared schedules, at a worker's start; those changed by a person stay as they are."""
    for name, declared in _declared.items():
        found = Schedule.objects.filter(name=name).first()
        if found is not None and (found.is_changed or (found.cron, found.kind) == (declared.cron, declared.kind)):
            continue
        plan(name=name, kind=declared.kind, cron=declared.cron, title=declared.title, catch_up=declared.catch_up)
        Schedule.objects.filter(name=name).update(is_built_in=True)
    Schedule.objects.filter(is_built_in=True).exclude(name__in=_declared).delete()


def plan(
    *,
    name: str,
    kind: str,
    cron: str,
    zone: str = "",
    args: dict[str, Any] | None = None,
    organisation_id: int | None = None,
    title: str = "",
    catch_up: str = Schedule.LATEST,
    limit: int = 10,
    is_paused: bool = False,
) -> Schedule:
    """Create or change the schedule of a name, due from now on. Joins the caller's transaction.

    cron : minute, hour, day, month, weekday. zone : their time zone; empty: the installation's.
    """
    zone = zone or settings.DEFAULT_SITE_ZONE
    _check(kind, cron, zone, catch_up, limit)
    fields: dict[str, Any] = {
        "kind": kind,
        "args": args or {},
        "organisation_id": organisation_id,
        "title": title,
        "cron": cron,
        "zone": zone,
        "catch_up": catch_up,
        "limit": limit,
        "is_paused": is_paused,
    }
    with transaction.atomic():
        now = clock.read()
        start = {"settled_until": now, "next_at": next_after(cron, zone, now)}
        found, is_new = Schedule.objects.select_for_update().get_or_create(name=name, defaults=fields | start)
        if is_new:
            return found
        if (found.cron, found.zone, found.is_paused) != (cron, zone, is_paused):
            fields |= start
        for column, value in fields.items():
            setattr(found, column, value)
        found.save()
    return found


def delete(name: str) -> None:
    """Delete a schedule; jobs that are queued already still run."""
    Schedule.objects.filter(name=name).delete()


def change(actor: Actor, *, schedule: Schedule, **fields: Any) -> Schedule:
    """Change when a schedule is due: ``cron``, ``zone``, ``catch_up``, ``limit``, ``is_paused``."""
    strange = fields.keys() - {"cron", "zone", "catch_up", "limit", "is_paused"}
    if strange:
        raise Invalid(f"A schedule's {min(strange)} cannot be changed.", "", field=min(strange))
    with transaction.atomic():
        found = _locked_for(actor, schedule)
        before = {name: getattr(found, name) for name in fields}
        if before == fields:
            return found
        for name, value in fields.items():
            setattr(found, name, value)
        _check(found.kind, found.cron, found.zone, found.catch_up, found.limit)
        if before.keys() & {"cron", "zone", "is_paused"}:
            _start_from(found, clock.read())
        found.is_changed = True
        found.save()
        record(actor.by, "schedule.changed", found, organisation_id=found.organisation_id, before=before, after=fields)
    return found


def run_now(actor: Actor, *, schedule: Schedule) -> Job:
    """Enqueue a job of a schedule now, besides its due times."""
    with transaction.atomic():
        found = _locked_for(actor, schedule)
        job = _enqueue(found, None)
        record(actor.by, "schedule.run", found, organisation_id=found.organisation_id, after={"job": job.pk})
    return job


def tick() -> int:
    """Enqueue what has become due; return how many jobs. Any worker may call it at any time."""
    due = Schedule.objects.filter(is_paused=False, next_at__lte=clock.now(), kind__in=kinds.known())
    count = 0
    for pk in list(due.values_list("pk", flat=True)):
        try:
            with transaction.atomic():
                schedule = locked(due.filter(pk=pk)).first()
                if schedule is not None:  # else another worker does it
                    count += _fire(schedule, clock.read())
        except (
            EclectycError,
            CronSimError,
            LookupError,
            ValueError,
        ) as error:  # one faulty schedule must not stop the others
            log.warning("Schedule %s failed and is checked again in an hour: %s", pk, error)
            Schedule.objects.filter(pk=pk).update(next_at=clock.later(3600))
    return count


def _fire(schedule: Schedule, now: datetime) -> int:
    moments = missed(schedule, now)
    there = set(schedule.jobs.filter(due_at__in=moments).values_list("due_at", flat=True))
    moments = [moment for moment in moments if moment not in there]
    for moment in moments:
        _enqueue(schedule, moment)
    schedule.last_at = moments[-1] if moments else schedule.last_at
    _start_from(schedule, max(now, schedule.settled_until))  # a clock set back makes nothing due twice
    schedule.save(update_fields=["settled_until", "last_at", "next_at"])
    return len(moments)


def missed(schedule: Schedule, now: datetime) -> list[datetime]:
    """Return the due times since the last check that get a job, in order."""
    count = min(schedule.limit, MOST_MOMENTS) if schedule.catch_up == Schedule.ALL else 1
    moments = latest(schedule.cron, schedule.zone, schedule.settled_until, now, count)
    if schedule.catch_up == Schedule.ALL:
        return moments
    if schedule.catch_up == Schedule.NONE:
        moments = [moment for moment in moments if now - moment <= LATE]
    is_piling_up = moments and schedule.jobs.filter(state=Job.WAITING, attempt=0, due_at__isnull=False).exists()
    return [] if is_piling_up else moments  # a job that has not started serves this time too


def _enqueue(schedule: Schedule, moment: datetime | None) -> Job:
    return service.enqueue(
        schedule.kind,
        schedule.args,
        organisation_id=schedule.organisation_id,
        turn=f"schedule:{schedule.pk}",
        priority=schedule.priority,
        due=service.DueMoment(schedule, moment),
    )


def _start_from(schedule: Schedule, now: datetime) -> None:
    schedule.settled_until = now
    schedule.next_at = next_after(schedule.cron, schedule.zone, now)


def _check(kind: str, text: str, zone: str, catch_up: str, limit: int) -> None:
    if kinds.find(kind) is None:
        raise Invalid(f"There is no job kind {kind[:60]!r}.", "Choose one from the list.", field="kind")
    check_cron(text, zone)
    if catch_up not in Schedule.CATCH_UPS:
        raise Invalid(f"{catch_up!r} is not a way to catch up.", "Use none, latest or all.", field="catch_up")
    if not 1 <= limit <= MOST_MOMENTS:
        raise Invalid(f"The limit must be from 1 to {MOST_MOMENTS}.", "Change the limit.", field="limit")


def _locked_for(actor: Actor, schedule: Schedule) -> Schedule:
    found = Schedule.objects.visible_to(actor).filter(pk=schedule.pk).select_for_update(of=("self",)).first()
    if found is None:
        raise NotFound("This schedule does not exist.", "Reload the list.")
    if not rights.may(actor, kinds.MANAGE, found):
        raise Forbidden("Your role does not allow this.", "Ask an administrator of your organisation.")
    return found
