"""``/admin/jobs``: background jobs – waiting, running and failed, their schedules, and who is emailed."""

from __future__ import annotations

from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from eclectyc.accounts.actor import Actor
from eclectyc.jobs import alerts, cron, health, kinds, schedules, service
from eclectyc.jobs.models import Job, Run, Schedule, Subscription
from eclectyc.kernel.errors import EclectycError, Invalid
from eclectyc.web.clock import stamp
from eclectyc.web.forms import Field, Form
from eclectyc.web.list_component import Cell, Listing, ListQuery, PageSlice, Row, filter_of, list_headings
from eclectyc.web.list_query import PAGE_SIZE, Column
from eclectyc.web.security import actor_of
from eclectyc.web.views.admin.import_status import time_left
from eclectyc.web.views.admin.page import ActionRow, Button, Table, done, number_in, organisations_for, show, status_of

WORDS: Final = {state: state for state in Job.STATES}
MOST_RUNS: Final = 20
MOST_LINES: Final = 500
CATCH_UPS: Final = (("none", "None"), ("latest", "The latest"), ("all", "Each, up to a limit"))
SCHEDULE: Final = (
    Field("cron", "Schedule", is_required=True, help="Minute, hour, day, month, weekday. 30 3 * * * is 03:30 daily."),
    Field("zone", "Time zone", is_required=True, help="Such as Europe/London."),
    Field("catch_up", "Missed runs to catch up on", "select", choices=CATCH_UPS),
    Field("is_paused", "Paused", "check"),
)

# What the list shows of a finished job's result.
RESULTS: Final = {
    "read": "fetched",
    "added": "added",
    "changed": "changed",
    "rejected": "rows rejected",
    "deleted": "deleted",
    "told": "emailed",
}


def jobs(request: HttpRequest) -> HttpResponse:
    """List the jobs that the actor may see; POST starts or ends emails about failed ones."""
    actor = actor_of(request)
    refusal: EclectycError | None = None
    if request.method == "POST":
        try:
            return done(request, _subscribe(actor, request), reverse("admin-jobs"))
        except EclectycError as error:
            refusal = error
    asked = ListQuery(request.GET, [], "")
    state = asked.one_of("state", Job.STATES)
    titles = sorted(((name, kinds.title_of(name)) for name in kinds.known()), key=lambda one: one[1])
    kind = asked.one_of("kind", [name for name, _ in titles])
    found = Job.objects.visible_to(actor)
    found = found.filter(state=state) if state else found
    found = found.filter(kind=kind) if kind else found
    page = list(found.order_by("-id")[asked.offset : asked.offset + PAGE_SIZE])
    names = {o.pk: o.name for o in organisations_for(actor, "jobs.view")}
    heads = (
        Column("Task"),
        Column("Status"),
        Column("Progress"),
        Column("Requested"),
        Column("Took", is_number=True),
        Column("Organisation"),
    )
    listing = Listing(
        "jobs",
        "job",
        list_headings(heads, asked),
        [_row(job, names) for job in page],
        PageSlice(asked.number, found.count()),
        "",
        "",
        "",
        [
            filter_of(asked, "Status", "state", [(s, s.capitalize()) for s in Job.STATES]),
            filter_of(asked, "Task", "kind", titles),
        ],
        None,
        "Imports, feeds and maintenance run as jobs and are listed here.",
        asked.hidden_fields("state", "kind"),
    )
    context = {
        "list": listing,
        "summary": _summary(actor),
        "refusal": refusal,
        "subscriptions": _subscriptions(actor, names),
        "kinds": titles,
        "organisations": names,
        "is_open": bool(found.filter(state__in=Job.OPEN).exists()),
        "actions": (("Schedules", reverse("admin-schedules")),),
    }
    return show(request, "jobs", "Background jobs", context, status=status_of(refusal))


def job(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one job: its progress, its attempts and their logs; POST cancels or retries it."""
    actor = actor_of(request)
    found = get_object_or_404(Job.objects.visible_to(actor), pk=pk)
    refusal: EclectycError | None = None
    if request.method == "POST":
        try:
            message = _steer(actor, found, request.POST.get("do", ""))
            return done(request, message, reverse("admin-job", args=[pk]))
        except EclectycError as error:
            refusal = error
            found = get_object_or_404(Job.objects.visible_to(actor), pk=pk)
    runs = list(Run.objects.visible_to(actor).filter(job=found).order_by("-id")[:MOST_RUNS])
    lines = list(runs[0].lines.all()[:MOST_LINES]) if runs else []
    percent = round(100 * found.share) if found.is_open and found.share is not None else None
    result = [(name.replace("_", " "), _as_text(value)) for name, value in (found.result or {}).items()]
    context = {
        "job": found,
        "percent": percent,
        "left": time_left(found.left_s),
        "runs": runs,
        "lines": lines,
        "refusal": refusal,
        "result": result,
        "address": reverse("admin-job", args=[pk]),
        "crumbs": [("Background jobs", reverse("admin-jobs"))],
        "import_at": reverse("admin-import", args=[f"j{pk}"]) if found.kind == "intake.import" else "",
    }
    if request.headers.get("HX-Request") == "true" and request.method == "GET":
        return render(request, "web/components/job.html", context)
    return show(request, "job", found.title, context, status=status_of(refusal))


def all_schedules(request: HttpRequest) -> HttpResponse:
    """List the schedules; POST runs one now."""
    actor = actor_of(request)
    mine = Schedule.objects.visible_to(actor)
    if request.method == "POST":
        one = get_object_or_404(mine, pk=number_in(request.POST.get("of", "")))
        made = schedules.run_now(actor, schedule=one)
        return done(request, f"{one.title or one.name} was queued.", reverse("admin-job", args=[made.pk]))
    rows = [
        ActionRow(
            [
                Cell(one.title or one.name, reverse("admin-schedule", args=[one.pk]), under=kinds.title_of(one.kind)),
                Cell(cron.words(one.cron), under=one.zone, mark="paused" if one.is_paused else ""),
                Cell(stamp(one.next_at) if not one.is_paused else "–"),
                Cell(stamp(one.last_at)),
            ],
            one.pk,
            (Button("Run now", "run"),),
        )
        for one in mine.order_by("title", "name")[:500]
    ]
    table = Table("Schedules", ("Task", "Schedule", "Next", "Last"), rows, "No schedules.", buttons=True)
    return show(
        request,
        "table",
        "Schedules",
        {
            "table": table,
            "crumbs": [("Background jobs", reverse("admin-jobs"))],
        },
    )


def schedule(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a schedule."""
    actor = actor_of(request)
    one = get_object_or_404(Schedule.objects.visible_to(actor), pk=pk)
    holding = {"cron": one.cron, "zone": one.zone, "catch_up": one.catch_up, "is_paused": one.is_paused}
    form = Form.from_values(SCHEDULE, holding)
    if request.method == "POST":
        form = Form.from_post(SCHEDULE, request.POST)
        values = form.values() | {"is_paused": form["is_paused"] == "true"}
        changed = form.attempt(lambda: schedules.change(actor, schedule=one, **values))
        if changed is not None:
            return done(request, f"{one.title or one.name} was saved.", reverse("admin-schedules"))
    return show(
        request,
        "form",
        one.title or one.name,
        {
            "form": form,
            "back": reverse("admin-schedules"),
            "sub": f"{cron.words(one.cron)} ({one.zone}).",
            "crumbs": [("Background jobs", reverse("admin-jobs")), ("Schedules", reverse("admin-schedules"))],
        },
        status=form.status,
    )


def _row(one: Job, names: dict[int, str]) -> Row:
    far = f"{round(100 * one.share)}%" if one.is_open and one.share is not None else ""
    speed = f"{one.per_second:,.0f} {one.unit}/s" if one.state == Job.RUNNING and one.per_second else ""
    took = ""
    if one.started_at and one.finished_at:
        took = _duration((one.finished_at - one.started_at).total_seconds())
    text = one.error if one.state == Job.FAILED else " · ".join(part for part in (far, speed, one.text) if part)
    if one.state == Job.DONE:
        results = [(name, (one.result or {}).get(name)) for name in RESULTS]
        text = ", ".join(f"{value:,} {RESULTS[name]}" for name, value in results if isinstance(value, int) and value)
    return Row(
        [
            Cell(one.title, reverse("admin-job", args=[one.pk]), under=f"job {one.pk}"),
            Cell(one.state, is_wrong=one.state == Job.FAILED),
            Cell(text[:120]),
            Cell(stamp(one.created_at)),
            Cell(took, is_number=True),
            Cell(names.get(one.organisation_id or 0, "the installation")),
        ]
    )


def _summary(actor: Actor) -> list[tuple[str, str]]:
    """Return the state of the whole queue, for operators: it counts the jobs of all organisations."""
    if not actor.operator:
        return []
    now = health.summary()
    share = "–" if now.failure_share is None else f"{100 * now.failure_share:.1f}%"
    return [
        ("Waiting", f"{now.waiting:,}"),
        ("Running", f"{now.running:,}"),
        ("Stuck", f"{len(now.stuck):,}"),
        ("Failed in 24 hours", f"{now.failed_24h:,} of {now.ended_24h:,} ({share})"),
        ("Workers", f"{len(now.workers):,}"),
    ]


def _subscriptions(actor: Actor, names: dict[int, str]) -> Table:
    rows = [
        ActionRow(
            [
                Cell(kinds.title_of(one.kind) if one.kind else "Any job that fails"),
                Cell(names.get(one.organisation_id or 0, "the installation")),
            ],
            one.pk,
            (Button("Stop", "unsubscribe"),),
        )
        for one in Subscription.objects.visible_to(actor)
    ]
    return Table("Emails", ("Task", "Organisation"), rows, "You get no emails about failed jobs.", buttons=True)


def _subscribe(actor: Actor, request: HttpRequest) -> str:
    what = request.POST.get("do", "")
    if what == "unsubscribe":
        one = Subscription.objects.visible_to(actor).filter(pk=number_in(request.POST.get("of", ""))).first()
        if one is None:
            raise Http404
        alerts.unsubscribe(actor, subscription=one)
        return "You no longer get these emails."
    if what != "subscribe":
        raise Invalid("That cannot be done here.", "Reload the page.")
    alerts.subscribe(
        actor,
        organisation_id=number_in(request.POST.get("organisation", "")) or None,
        kind=request.POST.get("kind", ""),
    )
    return "You will be emailed when a job like this fails for good."


def _steer(actor: Actor, found: Job, what: str) -> str:
    if what == "cancel":
        service.cancel(actor, job=found)
        return "It will stop at its next step." if found.state == Job.RUNNING else "It was cancelled."
    if what == "retry":
        service.retry(actor, job=found)
        return "Trying again."
    raise Invalid("That cannot be done here.", "Reload the page.")


def _as_text(value: object) -> str:
    return (
        f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else "–" if value is None else str(value)
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
