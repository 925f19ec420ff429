"""``/admin/feeds``: where files are collected from automatically, the status of each, and what came in."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.intake.feeds import service
from eclectyc.intake.feeds import settings as telling
from eclectyc.intake.feeds.models import Feed
from eclectyc.intake.feeds.outcomes import FeedFailures, failures_by_feed, outcomes
from eclectyc.intake.import_options import ImportOptions
from eclectyc.jobs import cron
from eclectyc.jobs.models import Schedule
from eclectyc.kernel.errors import EclectycError, Invalid
from eclectyc.kernel.plurals import counted
from eclectyc.web.clock import stamp
from eclectyc.web.forms import Field, Form
from eclectyc.web.list_component import Cell, Row
from eclectyc.web.security import actor_of
from eclectyc.web.views.admin.imports import OPTIONS, option_values
from eclectyc.web.views.admin.page import (
    Danger,
    Table,
    done,
    number_in,
    organisation_field,
    organisations_for,
    show,
    status_of,
)
from eclectyc.web.views.admin.profiles import profile_field

STATES: Final = {
    "paused": "paused",
    "new": "not checked yet",
    "failing": "failing",
    "degraded": "files failed",
    "well": "OK",
}
TROUBLED: Final = ("failing", "degraded")
_SECRETS: Final = {
    "password": "Password",
    "private_key": "Private key",
    "passphrase": "Passphrase for the key",
    "token": "Token",
}
_WHEN: Final = (
    Field(
        "cron",
        "Schedule",
        is_required=True,
        group="When",
        help="Minute, hour, day, month, weekday. */15 * * * * is every 15 minutes.",
    ),
    Field("zone", "Time zone", is_required=True, group="When", help="Such as Europe/London."),
    Field("quiet_after_h", "Email me if no file arrives for … hours (optional)", "number", group="When"),
    Field("is_active", "Active", "check", group="When"),
)


@require_safe
def feeds(request: HttpRequest) -> HttpResponse:
    """List the feeds."""
    actor = actor_of(request)
    mine = list(Feed.objects.visible_to(actor).select_related("organisation", "profile").with_failures()[:500])
    failures = failures_by_feed(mine)
    following = dict(
        Schedule.objects.visible_to(actor)
        .filter(name__in=[one.schedule_name for one in mine], is_paused=False)
        .values_list("name", "next_at")
    )
    rows = [
        Row(
            [
                Cell(one.name, reverse("admin-feed", args=[one.pk]), under=one.get_kind_display()),
                Cell(
                    STATES[one.state],
                    under=_trouble(one, failures)[:120],
                    is_wrong=one.state in TROUBLED,
                ),
                Cell(one.profile.name if one.profile else "as recognised"),
                Cell(stamp(one.last_success_at)),
                Cell(stamp(one.last_file_at)),
                Cell(stamp(following.get(one.schedule_name))),
                Cell(one.organisation.name),
            ],
            one.pk,
        )
        for one in mine
    ]
    table = Table(
        "Feeds",
        ("Feed", "Status", "Profile", "Last check", "Last file", "Next check", "Organisation"),
        rows,
        "No feeds yet. A feed collects files automatically from an SFTP folder or a web address.",
    )
    actions = [(f"New feed: {label}", f"{reverse('admin-feed-new')}?kind={kind}") for kind, label in _kinds_for(actor)]
    return show(
        request,
        "table",
        "Feeds",
        {
            "table": table,
            "actions": actions,
            "sub": "Feeds collect files automatically. New files are imported, each one once.",
        },
    )


def new_feed(request: HttpRequest) -> HttpResponse:
    """Create a feed."""
    actor = actor_of(request)
    kind = request.GET.get("kind", "sftp")
    if kind not in dict(_kinds_for(actor)):
        raise Invalid("You can't create this kind of feed.", "Choose another on the Feeds page.")
    organisations = organisations_for(actor, "imports.run")
    fields = (
        Field("name", "Name", is_required=True, help="Such as the name of the sender."),
        organisation_field(organisations),
        *_fields(kind, profile_field(actor, organisations)),
    )
    usual: dict[str, Any] = {one.name: one.usual for one in telling.FIELDS[kind]}
    usual |= {"cron": "*/15 * * * *", "zone": "Europe/London", "is_active": True, **option_values(ImportOptions())}
    usual["organisation"] = organisations[0].pk if organisations else ""
    form = Form.from_values(fields, usual)
    if request.method == "POST":
        form = Form.from_post(fields, request.POST)
        made = form.attempt(lambda: _create(actor, kind, form, organisations))
        if made is not None:
            return done(
                request, f"{made.name} was created. Test its connection below.", reverse("admin-feed", args=[made.pk])
            )
    return show(
        request,
        "form",
        f"New feed: {dict(Feed.KINDS)[kind]}",
        {
            "form": form,
            "back": reverse("admin-feeds"),
            "crumbs": [("Feeds", reverse("admin-feeds"))],
            "button": "Create feed",
        },
        status=form.status,
    )


def feed(request: HttpRequest, pk: int) -> HttpResponse:
    """Show and change a feed; POST tests it, checks it now, saves or deletes it."""
    actor = actor_of(request)
    one = get_object_or_404(
        Feed.objects.visible_to(actor).select_related("organisation", "profile").with_failures(), pk=pk
    )
    fields = (Field("name", "Name", is_required=True), *_fields(one.kind, profile_field(actor, [one.organisation])))
    form = Form.from_values(
        fields,
        {
            "name": one.name,
            **one.settings,
            "cron": one.cron,
            "zone": one.zone,
            "is_active": one.is_active,
            "quiet_after_h": one.quiet_after_h,
            **option_values(service.options_of(one)),
            "profile": one.profile.name if one.profile else "",
        },
    )
    refusal: EclectycError | None = None
    found_files: list[str] | None = None
    here = reverse("admin-feed", args=[pk])
    if request.method == "POST":
        do = request.POST.get("do", "")
        try:
            if do == "try":
                found_files = service.try_feed(actor, feed=one)
            elif do == "read":
                made = service.read_now(actor, feed=one)
                return done(request, "Checking for new files.", reverse("admin-job", args=[made.pk]))
            elif do == "delete":
                service.delete_feed(actor, feed=one)
                return done(request, f"{one.name} was deleted. Imported readings are kept.", reverse("admin-feeds"))
            elif do == "save":
                form = Form.from_post(fields, request.POST)
                if form.attempt(lambda: service.update_feed(actor, feed=one, details=_settings_in(one.kind, form))):
                    return done(request, "Saved.", here)
            else:
                raise Invalid("That cannot be done here.", "Reload the page.")
        except EclectycError as error:
            refusal = error
    context = {
        "form": form,
        "feed": one,
        "trouble": _trouble(one, failures_by_feed([one])),
        "refusal": refusal,
        "found_files": found_files,
        "back": reverse("admin-feeds"),
        "crumbs": [("Feeds", reverse("admin-feeds"))],
        "facts": _facts(actor, one),
        "files": _files(one),
        "danger": Danger("Delete feed", "No more files will be collected. Imported readings are kept.", "Delete feed"),
    }
    return show(request, "feed", one.name, context, status=status_of(refusal) if refusal else form.status)


def _kinds_for(actor: Actor) -> list[tuple[str, str]]:
    """Return the kinds of feed that the actor may create: only operators may use folders of the server."""
    return [(kind, label) for kind, label in Feed.KINDS if kind != Feed.FOLDER or actor.operator]


def _fields(kind: str, profile: Field) -> tuple[Field, ...]:
    place = tuple(
        Field(
            one.name,
            one.label,
            "select" if one.choices else "number" if isinstance(one.usual, int) else "text",
            one.help,
            tuple((choice, choice) for choice in one.choices),
            is_required=one.is_required,
            group="Where",
        )
        for one in telling.FIELDS[kind]
    )
    secrets = tuple(
        Field(
            name,
            _SECRETS[name],
            "textarea" if name == "private_key" else "password",
            group="Where",
            help="Stored encrypted. Leave blank to keep the current one.",
            autocomplete="new-password",
        )
        for name in telling.SECRETS[kind]
    )
    options = tuple(_in_group(one, "How files are read") for one in (profile, *OPTIONS))
    return (*place, *secrets, *_WHEN, *options)


def _in_group(one: Field, group: str) -> Field:
    return Field(
        one.name, one.label, one.kind, one.help, one.choices, one.suggestions, one.suggests, group=one.group or group
    )


def _create(actor: Actor, kind: str, form: Form, organisations: list[Organisation]) -> Feed:
    own = next((o for o in organisations if str(o.pk) == form["organisation"]), None)
    if own is None:
        raise Invalid("Choose an organisation.", field="organisation")
    return service.create_feed(
        actor, organisation=own, kind=kind, details=_settings_in(kind, form), may_reach_private=False
    )


def _settings_in(kind: str, form: Form) -> service.FeedDetails:
    quiet = form["quiet_after_h"].strip()
    if quiet and not number_in(quiet):
        raise Invalid(
            "This is not a number of hours.", "Enter a whole number or leave it blank.", field="quiet_after_h"
        )
    secrets = {name: form[name] for name in telling.SECRETS[kind] if form[name]}
    read = {one: form[one] for one in ("profile", *(option.name for option in OPTIONS))}
    options: Any = {**read, "create_meters": read["create_meters"] == "true"}
    return service.FeedDetails(
        form["name"],
        {one.name: form[one.name] for one in telling.FIELDS[kind]},
        secrets or None,
        ImportOptions(**options),
        form["cron"],
        form["zone"],
        form["is_active"] == "true",
        number_in(quiet) or None,
    )


def _facts(actor: Actor, one: Feed) -> list[tuple[str, str]]:
    following = (
        Schedule.objects.visible_to(actor)
        .filter(name=one.schedule_name, is_paused=False)
        .values_list("next_at", flat=True)
        .first()
    )
    return [
        ("Status", STATES[one.state]),
        ("Schedule", f"{cron.words(one.cron)} ({one.zone})"),
        ("Next check", stamp(following)),
        ("Last successful check", stamp(one.last_success_at)),
        ("Last new file", stamp(one.last_file_at)),
        ("Organisation", one.organisation.name),
        ("Files are read", f"with the profile {one.profile.name}" if one.profile else "as recognised"),
    ]


def _trouble(one: Feed, failures: dict[int, FeedFailures]) -> str:
    """Return why a feed is not well, in short."""
    if one.state == "degraded":
        return f"{counted(one.failed_files, 'file')} {failures[one.pk].text}"
    return one.error


def _files(one: Feed) -> Table:
    rows = []
    files = list(one.files.exclude(sha256="").select_related("upload__job")[:50])
    for file, outcome in zip(files, outcomes(files), strict=True):
        address = ""
        if file.upload is not None and file.upload.job_id is not None:
            address = reverse("admin-import", args=[f"j{file.upload.job_id}"])
        result = Cell(outcome.text, is_wrong=outcome.has_failed)
        rows.append(Row([Cell(file.name, address), result, Cell(stamp(file.seen_at))]))
    title = f"Latest {counted(len(rows), 'file')}"
    return Table(title, ("File", "Result", "Collected"), rows, "No files collected yet.")
