"""Jobs, their runs and log lines; schedules; subscriptions; workers.

A job is *waiting*, then *running*, then *done*, *failed* or *cancelled*; *cancelling* while a running one has been
asked to stop. ``fence`` grows each time a worker claims the job: a worker with an older fence cannot change it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.utils import timezone

from eclectyc.jobs import kinds, rights

if TYPE_CHECKING:
    from eclectyc.accounts.actor import Actor


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, actor: Actor) -> Self:
        """Jobs of the organisations in which the actor sees jobs, or those of a kind; an operator sees all."""
        seen = rights.reached(actor, kinds.VIEW)
        return self if seen is None else self.filter(seen)

    def manageable_by(self, actor: Actor) -> Self:
        """Jobs that the actor may cancel and retry."""
        reached = rights.reached(actor, kinds.MANAGE)
        return self if reached is None else self.filter(reached)


class Job(models.Model):
    """One piece of work. ``attempts`` is the most attempts, ``attempt`` the number of those started."""

    WAITING, RUNNING, CANCELLING = "waiting", "running", "cancelling"
    DONE, FAILED, CANCELLED = "done", "failed", "cancelled"
    STATES = (WAITING, RUNNING, CANCELLING, DONE, FAILED, CANCELLED)
    OPEN = (WAITING, RUNNING, CANCELLING)
    HELD = (RUNNING, CANCELLING)
    ENDED = (DONE, FAILED, CANCELLED)
    ERROR, DIED, UNKNOWN_KIND = "error", "died", "unknown_kind"  # why it failed

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=60)
    args = models.JSONField(default=dict)
    organisation_id = models.BigIntegerField(null=True, blank=True)
    person_id = models.BigIntegerField(null=True, blank=True)  # who requested it; null: the installation
    key = models.CharField(max_length=200, blank=True)  # one open job for each kind and key
    turn = models.CharField(max_length=200, blank=True)  # one running job for each turn
    priority = models.SmallIntegerField(default=0)  # higher first
    state = models.CharField(max_length=10, default=WAITING, choices=[(s, s) for s in STATES])
    run_at = models.DateTimeField()
    attempt = models.PositiveSmallIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=3)
    holder = models.CharField(max_length=120, blank=True)
    fence = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    done = models.BigIntegerField(null=True, blank=True)
    total = models.BigIntegerField(null=True, blank=True)
    unit = models.CharField(max_length=20, blank=True)
    text = models.CharField(max_length=200, blank=True)
    per_second = models.FloatField(null=True, blank=True)  # of ``unit``, in this attempt
    progress_at = models.DateTimeField(null=True, blank=True)
    cursor = models.JSONField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)
    fault = models.CharField(max_length=20, blank=True)
    error = models.TextField(blank=True)
    remedy = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)  # of the latest attempt
    finished_at = models.DateTimeField(null=True, blank=True)
    schedule = models.ForeignKey(
        "jobs.Schedule", on_delete=models.SET_NULL, null=True, blank=True, related_name="jobs", db_index=False
    )
    due_at = models.DateTimeField(null=True, blank=True)  # the moment of its schedule

    was_there = False  # set by enqueue if an open job with the key was found

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "key"],
                condition=models.Q(state__in=("waiting", "running", "cancelling")) & ~models.Q(key=""),
                name="one_open_job_per_key",
            ),
            models.UniqueConstraint(
                fields=["turn"],
                condition=models.Q(state__in=("running", "cancelling")) & ~models.Q(turn=""),
                name="one_running_job_per_turn",
            ),
            models.UniqueConstraint(
                fields=["schedule", "due_at"],
                condition=models.Q(schedule__isnull=False, due_at__isnull=False),
                name="one_job_per_due_moment",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-priority", "run_at", "id"], condition=models.Q(state="waiting"), name="jobs_queue"),
            models.Index(
                fields=["lease_until"], condition=models.Q(state__in=("running", "cancelling")), name="jobs_held"
            ),
            models.Index(fields=["organisation_id", "-id"], name="jobs_by_organisation"),
            models.Index(fields=["state", "-id"], name="jobs_by_state"),
            models.Index(fields=["kind", "finished_at"], name="jobs_by_kind"),
            models.Index(fields=["finished_at"], name="jobs_by_end"),
        ]

    def __str__(self) -> str:
        return f"job {self.pk}: {self.kind} ({self.state})"

    @property
    def title(self) -> str:
        """The title of its kind."""
        return kinds.title_of(self.kind)

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def may_be_cancelled(self) -> bool:
        return self.state in (self.WAITING, self.RUNNING)

    @property
    def may_be_retried(self) -> bool:
        return self.state in (self.FAILED, self.CANCELLED)

    @property
    def share(self) -> float | None:
        """The share that is done, 0 to 1; None if the total is unknown."""
        if self.state == self.DONE:
            return 1.0
        return min(1.0, (self.done or 0) / self.total) if self.total else None

    @property
    def left_s(self) -> float | None:
        """The remaining time [s] at the speed so far; None if unknown."""
        if self.state != self.RUNNING or not self.total or not self.per_second:
            return None
        return max(0.0, (self.total - (self.done or 0)) / self.per_second)


class RunQuerySet(models.QuerySet["Run"]):
    def visible_to(self, actor: Actor) -> Self:
        """Runs of the jobs that the actor sees."""
        seen = rights.reached(actor, kinds.VIEW, "job__")
        return self if seen is None else self.filter(seen)


class Run(models.Model):
    """One attempt at a job: worker, times, amount and outcome."""

    RUNNING, DONE, FAILED, CANCELLED = "running", "done", "failed", "cancelled"
    GIVEN_BACK, DIED = "given back", "died"
    OUTCOMES = (RUNNING, DONE, FAILED, CANCELLED, GIVEN_BACK, DIED)

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="runs")
    fence = models.BigIntegerField()
    attempt = models.PositiveSmallIntegerField()
    worker = models.CharField(max_length=120)
    version = models.CharField(max_length=40, blank=True)  # of Eclectyc
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    waited_s = models.FloatField(default=0.0)  # from when it could have begun
    outcome = models.CharField(max_length=12, default=RUNNING, choices=[(o, o) for o in OUTCOMES])
    done = models.BigIntegerField(null=True, blank=True)
    total = models.BigIntegerField(null=True, blank=True)
    unit = models.CharField(max_length=20, blank=True)
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True)
    trace = models.TextField(blank=True)  # for the operator, not for users

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "fence"], name="one_run_per_fence")]
        indexes: ClassVar = [models.Index(fields=["ended_at"], name="runs_by_end")]

    def __str__(self) -> str:
        return f"run {self.fence} of job {self.job_id}: {self.outcome}"

    @property
    def duration_s(self) -> float | None:
        """How long it took [s]; None while it runs."""
        return (self.ended_at - self.began_at).total_seconds() if self.ended_at else None


class Line(models.Model):
    """A line of a run's log."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="lines")
    at = models.DateTimeField()
    text = models.CharField(max_length=1000)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.text}"


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def visible_to(self, actor: Actor) -> Self:
        """Schedules of the organisations in which the actor sees jobs, or those of a kind; an operator sees all."""
        seen = rights.reached(actor, kinds.VIEW, person="")
        return self if seen is None else self.filter(seen)


class Schedule(models.Model):
    """When a job kind is due, by cron expression in a time zone, and how missed times are caught up."""

    NONE, LATEST, ALL = "none", "latest", "all"
    CATCH_UPS = (NONE, LATEST, ALL)

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=120, unique=True)
    title = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=60)
    args = models.JSONField(default=dict)
    organisation_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    cron = models.CharField(max_length=100)
    zone = models.CharField(max_length=60)
    catch_up = models.CharField(max_length=10, default=LATEST, choices=[(c, c) for c in CATCH_UPS])
    limit = models.PositiveIntegerField(default=10)  # of missed times, if all are caught up
    priority = models.SmallIntegerField(default=0)
    is_paused = models.BooleanField(default=False)
    is_built_in = models.BooleanField(default=False)
    is_changed = models.BooleanField(default=False)  # by a person: a release no longer moves it
    settled_until = models.DateTimeField()  # everything due up to here has been enqueued
    last_at = models.DateTimeField(null=True, blank=True)  # the last time with a job
    next_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    person_id = None  # belongs to no person

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        indexes: ClassVar = [
            models.Index(fields=["next_at"], condition=models.Q(is_paused=False), name="schedules_by_next")
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.cron} ({self.zone})"


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def visible_to(self, actor: Actor) -> Self:
        """One's own."""
        return self.filter(user_id=actor.user_id) if actor.user_id is not None else self.none()


class Subscription(models.Model):
    """A person gets mail when a job finally fails: of an organisation, of one kind or (empty) of all."""

    id = models.BigAutoField(primary_key=True)
    user_id = models.BigIntegerField(db_index=True)
    organisation_id = models.BigIntegerField(null=True, blank=True)  # null: what belongs to none; for operators
    kind = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user_id", "organisation_id", "kind"], name="subscribed_once"),
            models.UniqueConstraint(
                fields=["user_id", "kind"],
                condition=models.Q(organisation_id__isnull=True),
                name="subscribed_once_above_organisations",
            ),
        ]

    def __str__(self) -> str:
        return (
            f"{self.user_id} is notified of {self.kind or 'everything'} in {self.organisation_id or 'the installation'}"
        )


class Worker(models.Model):
    """A process that runs jobs, as long as it is alive. ``seen_at`` is when it last reported."""

    name = models.CharField(max_length=120, primary_key=True)
    version = models.CharField(max_length=40)
    threads = models.PositiveSmallIntegerField()
    kinds: models.JSONField[Any, Any] = models.JSONField(default=list)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    LIVES = timedelta(seconds=60)  # without a report

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name.split(" ")[0]

    def is_living(self, now: datetime) -> bool:
        return now - self.seen_at < self.LIVES
