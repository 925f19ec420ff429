"""``/admin/jobs``: background work – what waits, runs and failed, when what is due, and who is told."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from eclectyc.accounts.actor import Actor
from eclectyc.jobs import alerts, cron, health, kinds, schedules, service
from eclectyc.jobs.models import Job, Run, Schedule, Subscription
from eclectyc.kernel.errors import EclectycError, Invalid
from eclectyc.kernel.plurals import counted
from eclectyc.web.clock import house_zone
from eclectyc.web.forms import Field, Form
from eclectyc.web.list_component import Asked, Cell, Listing, Part, Row, columns, filter_of
from eclectyc.web.list_query import PAGE_SIZE, Column
from eclectyc.web.security import actor_of
from eclectyc.web.views.admin.page import Button, Doing, Table, done, number_in, organisations_for, show, status_of

WORDS: Final = {state: state for state in Job.STATES}
MOST_RUNS: Final = 20
MOST_LINES: Final = 500
CATCH_UPS: Final = (("none", "not at all"), ("latest", "the last one"), ("all", "each, up to a number"))
SCHEDULE: Final = (
    Field("cron", "Due", is_needed=True, help="Minute, hour, day, month, weekday: 30 3 * * * is at 03:30 every day."),
    Field("zone", "Time zone", is_needed=True, help="Such as Europe/London."),
    Field("catch_up", "Missed moments are made up for", "select", choices=CATCH_UPS),
    Field("is_paused", "Paused", "check"),
)

# Of what a job that is done says of itself, what its line shows.
TOLD: Final = {"read": "fetched", "added": "added", "changed": "changed", "rejected": "lines rejected",
               "deleted": "deleted", "told": "told"}  # fmt: skip


def jobs(request: HttpRequest) -> HttpResponse:
    """List the jobs that one may see, with filters; POST subscribes to mails about failed ones, or ends that."""
    actor = actor_of(request)
    refusal: EclectycError | None = None
    if request.method == "POST":
        try:
            return done(request, _subscribe(actor, request), reverse("admin-jobs"))
        except EclectycError as error:
            refusal = error
    asked = Asked(request.GET, [], "")
    state = asked.one_of("state", Job.STATES)
    titles = sorted(((name, kinds.title_of(name)) for name in kinds.known()), key=lambda one: one[1])
    kind = asked.one_of("kind", [name for name, _ in titles])
    found = Job.objects.visible_to(actor)
    found = found.filter(state=state) if state else found
    found = found.filter(kind=kind) if kind else found
    page = list(found.order_by("-id")[asked.offset : asked.offset + PAGE_SIZE])
    names = {o.pk: o.name for o in organisations_for(actor, "jobs.view")}
    heads = (Column("Work"), Column("State"), Column("How far"), Column("Asked for"), Column("Took", is_number=True),
             Column("Organisation"))  # fmt: skip
    listing = Listing(
        "jobs", "job", columns(heads, asked), [_row(job, names) for job in page], Part(asked.number, found.count()),
        "", "", "", [filter_of(asked, "State", "state", [(s, s.capitalize()) for s in Job.STATES]),
                     filter_of(asked, "Work", "kind", titles)],
        None, "Whatever takes longer than a click – imports, feeds, upkeep – will stand here.",
        asked.kept("state", "kind"),
    )  # fmt: skip
    context = {
        "list": listing, "summary": _summary(actor), "refusal": refusal, "subscriptions": _subscriptions(actor, names),
        "kinds": titles, "organisations": names, "is_open": bool(found.filter(state__in=Job.OPEN).exists()),
        "actions": (("Schedules", reverse("admin-schedules")),),
    }  # fmt: skip
    return show(request, "jobs", "Background work", context, status=status_of(refusal))


def job(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one job: how far it is, its attempts and their logs; POST cancels it or has it tried again."""
    actor = actor_of(request)
    found = get_object_or_404(Job.objects.visible_to(actor), pk=pk)
    refusal: EclectycError | None = None
    if request.method == "POST":
        try:
            said = _steer(actor, found, request.POST.get("do", ""))
            return done(request, said, reverse("admin-job", args=[pk]))
        except EclectycError as error:
            refusal = error
            found = get_object_or_404(Job.objects.visible_to(actor), pk=pk)
    runs = list(Run.objects.visible_to(actor).filter(job=found).order_by("-id")[:MOST_RUNS])
    lines = list(runs[0].lines.all()[:MOST_LINES]) if runs else []
    percent = round(100 * found.share) if found.is_open and found.share is not None else None
    result = [(name.replace("_", " "), _said(value)) for name, value in (found.result or {}).items()]
    context = {
        "job": found, "percent": percent, "left": _left(found.left_s), "runs": runs, "lines": lines,
        "refusal": refusal, "result": result, "address": reverse("admin-job", args=[pk]),
        "crumbs": [("Background work", reverse("admin-jobs"))],
        "import_at": reverse("admin-import", args=[f"j{pk}"]) if found.kind == "intake.import" else "",
    }  # fmt: skip
    if request.headers.get("HX-Request") == "true" and request.method == "GET":
        return render(request, "web/components/job.html", context)
    return show(request, "job", found.title, context, status=status_of(refusal))


def all_schedules(request: HttpRequest) -> HttpResponse:
    """List what is due when; POST has the work of one done now."""
    actor = actor_of(request)
    mine = Schedule.objects.visible_to(actor)
    if request.method == "POST":
        one = get_object_or_404(mine, pk=number_in(request.POST.get("of", "")))
        made = schedules.run_now(actor, schedule=one)
        return done(request, f"{one.title or one.name}: put into the queue.", reverse("admin-job", args=[made.pk]))
    rows = [
        Doing([
            Cell(one.title or one.name, reverse("admin-schedule", args=[one.pk]), under=kinds.title_of(one.kind)),
            Cell(cron.words(one.cron), under=one.zone, mark="paused" if one.is_paused else ""),
            Cell(_at(one.next_at) if not one.is_paused else "–"), Cell(_at(one.last_at)),
        ], one.pk, (Button("Run now", "run"),))
        for one in mine.order_by("title", "name")[:500]
    ]  # fmt: skip
    table = Table("Schedules", ("Work", "Due", "Next", "Last"), rows, "Nothing is due by itself.", buttons=True)
    return show(request, "table", "Schedules", {
        "table": table, "crumbs": [("Background work", reverse("admin-jobs"))],
    })  # fmt: skip


def schedule(request: HttpRequest, pk: int) -> HttpResponse:
    """Change when a schedule is due."""
    actor = actor_of(request)
    one = get_object_or_404(Schedule.objects.visible_to(actor), pk=pk)
    holding = {"cron": one.cron, "zone": one.zone, "catch_up": one.catch_up, "is_paused": one.is_paused}
    form = Form.holding(SCHEDULE, holding)
    if request.method == "POST":
        form = Form.sent(SCHEDULE, request.POST)
        said = form.values() | {"is_paused": form["is_paused"] == "true"}
        changed = form.attempt(lambda: schedules.change(actor, schedule=one, **said))
        if changed is not None:
            return done(request, f"{one.title or one.name} was changed.", reverse("admin-schedules"))
    return show(request, "form", one.title or one.name, {
        "form": form, "back": reverse("admin-schedules"), "sub": f"{cron.words(one.cron)} ({one.zone}).",
        "crumbs": [("Background work", reverse("admin-jobs")), ("Schedules", reverse("admin-schedules"))],
    }, status=form.status)  # fmt: skip


def _row(one: Job, names: dict[int, str]) -> Row:
    far = f"{round(100 * one.share)} %" if one.is_open and one.share is not None else ""
    speed = f"{one.per_second:,.0f} {one.unit}/s" if one.state == Job.RUNNING and one.per_second else ""
    took = ""
    if one.started_at and one.finished_at:
        took = _duration((one.finished_at - one.started_at).total_seconds())
    said = one.error if one.state == Job.FAILED else " · ".join(part for part in (far, speed, one.text) if part)
    if one.state == Job.DONE:
        told = [(name, (one.result or {}).get(name)) for name in TOLD]
        said = ", ".join(f"{value:,} {TOLD[name]}" for name, value in told if isinstance(value, int) and value)
    return Row([
        Cell(one.title, reverse("admin-job", args=[one.pk]), under=f"job {one.pk}"),
        Cell(one.state, is_wrong=one.state == Job.FAILED), Cell(said[:120]), Cell(_at(one.created_at)),
        Cell(took, is_number=True), Cell(names.get(one.organisation_id or 0, "the installation")),
    ])  # fmt: skip


def _summary(actor: Actor) -> list[tuple[str, str]]:
    """Return how the whole queue is doing, for operators: it counts everybody's jobs."""
    if not actor.operator:
        return []
    now = health.summary()
    share = "–" if now.failure_share is None else f"{100 * now.failure_share:.1f} %"
    return [
        ("Waiting", f"{now.waiting:,}"), ("Running", f"{now.running:,}"), ("Stuck", f"{len(now.stuck):,}"),
        ("Failed in 24 hours", f"{now.failed_24h:,} of {now.ended_24h:,} ({share})"),
        ("Workers", f"{len(now.workers):,}"),
    ]  # fmt: skip


def _subscriptions(actor: Actor, names: dict[int, str]) -> Table:
    rows = [
        Doing([Cell(kinds.title_of(one.kind) if one.kind else "Any work that fails"),
               Cell(names.get(one.organisation_id or 0, "the installation"))], one.pk, (Button("End", "unsubscribe"),))
        for one in Subscription.objects.visible_to(actor)
    ]  # fmt: skip
    return Table("Mails", ("About", "Of"), rows, "You get no mails about failed work.", buttons=True)


def _subscribe(actor: Actor, request: HttpRequest) -> str:
    what = request.POST.get("do", "")
    if what == "unsubscribe":
        one = Subscription.objects.visible_to(actor).filter(pk=number_in(request.POST.get("of", ""))).first()
        if one is None:
            raise Http404
        alerts.unsubscribe(actor, subscription=one)
        return "You are no longer told."
    if what != "subscribe":
        raise Invalid("That cannot be done here.", "Load the page again.")
    alerts.subscribe(
        actor,
        organisation_id=number_in(request.POST.get("organisation", "")) or None,
        kind=request.POST.get("kind", ""),
    )
    return "You are told by mail when such work finally fails."


def _steer(actor: Actor, found: Job, what: str) -> str:
    if what == "cancel":
        service.cancel(actor, job=found)
        return "It stops at its next step." if found.state == Job.RUNNING else "It was cancelled."
    if what == "retry":
        service.retry(actor, job=found)
        return "It is tried again."
    raise Invalid("That cannot be done here.", "Load the page again.")


def _at(moment: datetime | None) -> str:
    return f"{moment.astimezone(house_zone()):%Y-%m-%d %H:%M}" if moment else "–"


def _said(value: object) -> str:
    return (
        f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else "–" if value is None else str(value)
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    whole = counted(max(1, round(seconds)), "second") if seconds < 90 else counted(round(seconds / 60), "minute")
    return f"about {whole} left"
