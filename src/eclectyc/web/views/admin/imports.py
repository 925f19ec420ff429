"""``/admin/imports``: upload, preview and import of files, and the result of each import."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import chain
from typing import Any, Final

from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    QueryDict,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.estate.models import Quantity
from eclectyc.intake.import_options import ImportOptions
from eclectyc.intake.undo import undo_batch
from eclectyc.intake.uploads import import_history, service
from eclectyc.intake.uploads.models import Upload
from eclectyc.intake.uploads.rejected import RejectedLines, rejected_lines
from eclectyc.jobs import service as jobs
from eclectyc.kernel.errors import EclectycError, Invalid, NotFound
from eclectyc.kernel.plurals import counted
from eclectyc.readers.recognise import TYPES
from eclectyc.web.clock import house_zone
from eclectyc.web.file_preview import MatchingProfiles, preview_of, profiles_for
from eclectyc.web.forms import Field, Form
from eclectyc.web.import_messages import format_words
from eclectyc.web.list_component import Listing, ListQuery, PageSlice, filter_of, list_headings
from eclectyc.web.list_query import PAGE_SIZE, Column
from eclectyc.web.security import actor_of
from eclectyc.web.views.admin.import_status import STATE_WORDS, import_context, may_change, row_of
from eclectyc.web.views.admin.page import done, organisation_field, organisations_for, show, status_of
from eclectyc.web.views.admin.profiles import profile_field

UNDO_WAIT_S: Final = 15.0
MOST_FILES: Final = 50  # at once
_QUANTITIES: Final = (("", "As stated in the file"), *((value, label) for value, label in Quantity.choices))
_FORMATS: Final = tuple((name, "Detect automatically" if name == "auto" else format_words(name)) for name in TYPES)
_STAMPS: Final = (
    ("auto", "Detect automatically"),
    ("start", "start of each interval"),
    ("end", "end of each interval"),
)
OPTIONS: Final = (
    Field("type", "Format", "select", choices=_FORMATS),
    Field("stamps", "Times are at the", "select", choices=_STAMPS),
    Field(
        "timezone",
        "Time zone of the file",
        help="Such as UTC or Europe/London (optional, default the format's, otherwise the site's).",
    ),
    Field("unit", "Unit", help="Such as kWh or m3, if the file doesn't state it."),
    Field("meter", "Meter", help="If the file doesn't name one.", suggests="meter"),
    Field("quantity", "Quantity", "select", choices=_QUANTITIES),
    Field("sheet", "Sheet", help="Of a workbook (optional, default the first that can be read)."),
    Field("create_meters", "Add new meters", "check", group="New meters"),
    Field(
        "site",
        "Site for new meters",
        help="It is created if it does not exist.",
        group="New meters",
        suggests="site",
    ),
)


def imports(request: HttpRequest) -> HttpResponse:
    """Receive files, and show the imports in progress and the latest ones."""
    actor = actor_of(request)
    organisations = organisations_for(actor, "imports.run")
    fields = (
        organisation_field(organisations),
        Field("files", "Files", "file", help="CSV, TXT, XLSX, XLS, ODS, JSON, XML or .gz; one or several."),
    )
    form = (
        Form.from_post(fields, request.POST)
        if request.method == "POST"
        else Form.from_values(fields, {"organisation": organisations[0].pk if organisations else ""})
    )
    if request.method == "POST":
        kept = form.attempt(lambda: _receive(request, actor, form, organisations))
        if kept and len(kept) == 1:
            return HttpResponseRedirect(reverse("admin-import-file", args=[kept[0].pk]))
        if kept:
            message = f"{counted(len(kept), 'file')} uploaded. Preview each one, then import it."
            return done(request, message, reverse("admin-imports"))
    return show(
        request,
        "imports",
        "Imports",
        {"form": form, **_now(actor)}
        | {
            "sub": "Files of readings, sites and meters. Nothing is saved until you have seen a preview.",
            "actions": (("History", reverse("admin-imports-history")), ("Profiles", reverse("admin-profiles"))),
        },
        status=form.status,
    )


@require_safe
def now(request: HttpRequest) -> HttpResponse:
    """Answer with the imports in progress and the latest ones, for the page to reload."""
    return render(request, "web/components/current_imports.html", _now(actor_of(request)))


def file(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an uploaded file: its preview and its settings; POST imports, tests or discards it."""
    actor = actor_of(request)
    upload = get_object_or_404(Upload.objects.visible_to(actor).select_related("organisation", "job", "user"), pk=pk)
    found = import_history.entry_for_upload(upload)
    if found.job is not None and not may_change(found):
        return HttpResponseRedirect(reverse("admin-import", args=[found.identifier]))
    if upload.discarded_at is not None:
        raise Http404
    options = service.options_of(upload)
    fields = (profile_field(actor, [upload.organisation]), *OPTIONS)
    offers = profiles_for(actor, upload) if found.job is None else MatchingProfiles()
    if offers.chosen is not None and not options.profile and "profile" not in request.GET:
        options = replace(options, profile=offers.chosen.profile.name)
    form = Form.from_values(fields, option_values(options) | {"profile": request.GET.get("profile", options.profile)})
    if request.method == "POST":
        do = request.POST.get("do", "")
        form = Form.from_post(fields, request.POST)
        if do == "discard":
            service.discard(actor, upload=upload)
            return done(request, f"{upload.name} was discarded. Nothing was saved.", reverse("admin-imports"))
        if do not in ("import", "try"):
            raise Invalid("That cannot be done here.", "Reload the page.")
        job = form.attempt(lambda: service.start(actor, upload=upload, options=_options(form, dry_run=do != "import")))
        if job is not None:
            return HttpResponseRedirect(reverse("admin-import", args=[f"j{job.pk}"]))
    context = {
        "upload": upload,
        "form": form,
        "found": found,
        "size": _size(upload.size),
        "report": upload.report or None,
        "crumbs": [("Imports", reverse("admin-imports"))],
        "offers": offers,
        "profile": form["profile"],
        "preview": preview_of(actor, upload, _options(form, dry_run=True) if form.is_good else None),
        "chosen_why": offers.chosen.why if offers.chosen and offers.chosen.profile.name == form["profile"] else "",
    }
    return show(request, "import_file", upload.name, context, status=form.status)


def one(request: HttpRequest, called: str) -> HttpResponse:
    """Show one import: its progress, or its result with the rejected rows."""
    actor = actor_of(request)
    found = _found(actor, called)
    refusal: EclectycError | None = None
    if request.method == "POST":
        try:
            message = _do(actor, found, request.POST)
            return done(request, message, reverse("admin-import", args=[_called_now(actor, found)]))
        except EclectycError as error:
            refusal = error
            found = _found(actor, called)
    context = {**import_context(found), "refusal": refusal, "crumbs": [("Imports", reverse("admin-imports"))]}
    template = "import_one"
    if request.headers.get("HX-Request") == "true" and request.method == "GET":
        return render(request, "web/components/import.html", context)
    return show(request, template, found.name, context, status=status_of(refusal))


@require_safe
def rejected(request: HttpRequest, called: str) -> HttpResponseBase:
    """Answer with the rejected rows as a file, to be corrected and uploaded again."""
    actor = actor_of(request)
    found = _found(actor, called)
    upload = found.upload
    if upload is None or not upload.kept or not upload.path.exists() or not RejectedLines.from_report(upload.report):
        raise Http404
    lines = rejected_lines(actor, upload)
    first = next(lines, "")
    parts: Iterator[str] = chain([first], lines)
    response = StreamingHttpResponse(parts, content_type="text/csv; charset=utf-8")
    stem = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_") else "-" for sign in upload.name[:60])
    response.headers["Content-Disposition"] = f'attachment; filename="{stem}-rejected.csv"'
    return response


@require_safe
def past(request: HttpRequest) -> HttpResponse:
    """List every import, with filters and search."""
    actor = actor_of(request)
    asked = ListQuery(request.GET, [], "")
    states = [(state, STATE_WORDS[state].capitalize()) for state in import_history.STATES]
    organisations = [(str(o.pk), o.name) for o in organisations_for(actor, "imports.run")]
    state, own = (
        asked.one_of("state", import_history.STATES),
        asked.one_of("organisation", [v for v, _ in organisations]),
    )
    days = {"1": "Today", "7": "7 days", "30": "30 days", "365": "A year"}
    within = asked.one_of("within", list(days))
    since = None
    if within:
        today = datetime.now(house_zone()).date()
        since = datetime.combine(today - timedelta(days=int(within) - 1), time(), house_zone())
    wanted = import_history.ImportFilter(
        organisations=(int(own),) if own else None, states=(state,) if state else None, search=asked.words, since=since
    )
    found, count = import_history.import_entries(actor, wanted, offset=asked.offset, limit=PAGE_SIZE)
    filters = [filter_of(asked, "State", "state", states), filter_of(asked, "Within", "within", list(days.items()))]
    if len(organisations) > 1:
        filters.append(filter_of(asked, "Organisation", "organisation", organisations))
    heads = (
        Column("File"),
        Column("State"),
        Column("When"),
        Column("By"),
        Column("Rows", is_number=True),
        Column("Added", is_number=True),
        Column("Changed", is_number=True),
        Column("Rejected", is_number=True),
        Column("Organisation"),
    )
    listing = Listing(
        "imports",
        "import",
        list_headings(heads, asked),
        [row_of(arrival) for arrival in found],
        PageSlice(asked.number, count),
        asked.words,
        "",
        "File name",
        filters,
        None,
        "Upload a file on the Imports page.",
        asked.hidden_fields("state", "within", "organisation"),
    )
    return show(
        request,
        "list",
        "Import history",
        {
            "list": listing,
            "crumbs": [("Imports", reverse("admin-imports"))],
            "actions": (("Import files", reverse("admin-imports")),),
        },
    )


def _receive(request: HttpRequest, actor: Actor, form: Form, organisations: list[Organisation]) -> list[Upload]:
    own = next((o for o in organisations if str(o.pk) == form["organisation"]), None)
    sent = request.FILES.getlist("files")
    if own is None:
        raise Invalid("Choose an organisation.", field="organisation")
    if not 0 < len(sent) <= MOST_FILES:
        raise Invalid(f"Choose one file, or up to {MOST_FILES}.", field="files")
    return [service.receive(actor, organisation=own, name=str(one.name), chunks=_chunks(one)) for one in sent]


def _chunks(sent: Any) -> Iterator[bytes]:
    yield from sent.chunks()


def _now(actor: Actor) -> dict[str, Any]:
    open_states = ("received", "waiting", "running", "cancelling")
    going, _ = import_history.import_entries(actor, import_history.ImportFilter(states=open_states), limit=50)
    last, _ = import_history.import_entries(
        actor, import_history.ImportFilter(states=("done", "failed", "cancelled", "undone")), limit=10
    )
    return {
        "going": [import_context(one) for one in going],
        "last": [import_context(one) for one in last],
        "is_moving": any(one.job is not None and one.job.is_open for one in going),
    }


def _options(form: Form, *, dry_run: bool) -> ImportOptions:
    values = form.values()
    values["create_meters"] = values["create_meters"] == "true"
    return ImportOptions(**values, dry_run=dry_run).checked()


def option_values(options: ImportOptions) -> dict[str, Any]:
    """Return the options that the form has."""
    return {one.name: getattr(options, one.name) for one in OPTIONS}


def _found(actor: Actor, called: str) -> import_history.ImportEntry:
    try:
        return import_history.import_entry(actor, called)
    except NotFound as error:
        raise Http404 from error


def _do(actor: Actor, found: import_history.ImportEntry, sent: QueryDict) -> str:
    what = sent.get("do", "")
    if what == "undo" and found.batch is not None:
        undone = undo_batch(actor, batch=found.batch.pk, wait_s=UNDO_WAIT_S)
        return f"Import undone: {counted(undone.removed, 'reading')} removed, {undone.changed:,} restored."
    if what == "cancel" and found.job is not None:
        jobs.cancel(actor, job=found.job)
        return "It will stop at its next step." if found.job.started_at else "It was cancelled."
    if what == "retry" and found.job is not None:
        jobs.retry(actor, job=found.job)
        return "Trying again."
    if what in ("import", "make") and found.upload is not None and may_change(found):
        options = replace(service.options_of(found.upload), dry_run=False)
        if what == "make":
            options = replace(options, create_meters=True, site=sent.get("site", "")[:200].strip())
        if options.create_meters and not options.site:
            raise Invalid("New meters need a site.", "Name one. It is created if it does not exist.")
        service.start(actor, upload=found.upload, options=options)
        return "Import started."
    raise Invalid("That cannot be done here.", "Reload the page.")


def _called_now(actor: Actor, found: import_history.ImportEntry) -> str:
    """Return an import's identifier, which changes with its job when it is started again."""
    upload = None
    if found.upload is not None:
        upload = Upload.objects.visible_to(actor).select_related("job").filter(pk=found.upload.pk).first()
    return import_history.entry_for_upload(upload).identifier if upload else found.identifier


def _size(size: int) -> str:
    if size < 1000:
        return counted(size, "byte")
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"
