"""``/admin/imports/profiles``: the layouts of senders' files, each as TOML to edit, copy and share."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.intake.profiles import service
from eclectyc.intake.profiles.mapping import Mapping, mapping_of
from eclectyc.intake.profiles.models import ImportProfile
from eclectyc.intake.profiles.toml_text import MOST_BYTES, mapping_of_toml, toml_of
from eclectyc.kernel.errors import EclectycError, Invalid
from eclectyc.web.clock import stamp
from eclectyc.web.forms import Field, Form
from eclectyc.web.list_component import Cell, Listing, ListQuery, PageSlice, Row, filter_of, list_headings
from eclectyc.web.list_query import PAGE_SIZE, Column
from eclectyc.web.mapper import LAYOUTS
from eclectyc.web.security import actor_of
from eclectyc.web.views.admin.page import (
    Danger,
    done,
    organisation_field,
    organisations_for,
    show,
    version_in,
)

LAYOUT_WORDS: Final = {name: title for name, title, _ in LAYOUTS}
SORTS: Final = ("name", "sender", "last_used_at")
_UPLOADED: Final = (
    Field("name", "Name", help="Optional, default the file’s name."),
    Field("toml", "TOML file", "file", help="Downloaded here or written by hand."),
)
_EDITED: Final = (
    Field("name", "Name", is_required=True),
    Field("sender", "Sender", help="Who sends these files."),
    Field("notes", "Notes", "textarea", is_wide=True, rows=2),
    Field(
        "toml",
        "Layout",
        "textarea",
        is_wide=True,
        rows=18,
        help="As TOML. The guide to imports explains every setting.",
    ),
)


def profiles(request: HttpRequest) -> HttpResponse:
    """List the profiles; POST uploads one as a TOML file."""
    actor = actor_of(request)
    organisations = organisations_for(actor, "imports.run")
    fields = (organisation_field(organisations), *_UPLOADED)
    form = Form.from_values(fields, {"organisation": organisations[0].pk if organisations else ""})
    if request.method == "POST":
        form = Form.from_post(fields, request.POST)
        made = form.attempt(lambda: _uploaded_profile(request, actor, form, organisations))
        if made is not None:
            return done(request, f"{made.name} was saved.", reverse("admin-profile", args=[made.pk]))
    context = {
        "list": _listing(actor, request, organisations),
        "form": form,
        "has_files": True,
        "crumbs": [("Imports", reverse("admin-imports"))],
        "sub": "The layout of each sender’s files. Files with these layouts are recognised automatically.",
    }
    return show(request, "profiles", "Import profiles", context, status=form.status)


def profile(request: HttpRequest, pk: int) -> HttpResponse:
    """Show and change a profile; copy it, delete it."""
    actor = actor_of(request)
    one = _one(actor, pk)
    form = Form.from_values(
        _EDITED,
        {
            "name": one.name,
            "sender": one.sender,
            "notes": one.notes,
            "toml": toml_of(mapping_of(one.mapping)),
        },
    )
    danger = Danger(
        "Delete profile",
        "Files of this sender will no longer be recognised. Imported readings are kept.",
        f"Delete {one.name}",
    )
    here = reverse("admin-profile", args=[pk])
    if request.method == "POST":
        do = request.POST.get("do", "")
        if do == "delete":
            try:
                service.delete_profile(actor, profile=one)
                return done(request, f"{one.name} was deleted.", reverse("admin-profiles"))
            except EclectycError as error:
                danger.refuse(error)
        elif do == "copy":
            made = service.duplicate_profile(actor, profile=one)
            return done(request, f"{made.name} was created.", reverse("admin-profile", args=[made.pk]))
        elif do == "save":
            form = Form.from_post(_EDITED, request.POST)
            if form.attempt(lambda: _changed(actor, one, form, request)):
                return done(request, "Saved.", here)
        else:
            raise Invalid("That cannot be done here.", "Reload the page.")
    context = {
        "profile": one,
        "form": form,
        "danger": danger,
        "facts": _facts(one),
        "feeds": list(one.feeds.order_by("name")),
        "crumbs": [("Imports", reverse("admin-imports")), ("Profiles", reverse("admin-profiles"))],
        "version": request.POST.get("version") or str(one.version),
        "actions": (("Download as TOML", reverse("admin-profile-toml", args=[pk])),),
    }
    status = 409 if danger.refusal else form.status
    return show(request, "profile", one.name, context, status=status)


@require_safe
def as_toml(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer with a profile as a TOML file."""
    one = _one(actor_of(request), pk)
    stem = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_") else "-" for sign in one.name)
    response = HttpResponse(toml_of(mapping_of(one.mapping)), content_type="application/toml; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{stem}.toml"'
    return response


def profile_field(actor: Actor, organisations: list[Organisation]) -> Field:
    """Return the field for the profile that a file is read with."""
    names = (
        ImportProfile.objects.visible_to(actor).filter(organisation__in=organisations).values_list("name", flat=True)
    )
    choices = (("", "None: detect automatically"), *((name, name) for name in dict.fromkeys(names[:500])))
    return Field("profile", "Profile", "select", "The layout of the sender’s files.", choices)


def _one(actor: Actor, pk: int) -> ImportProfile:
    visible = ImportProfile.objects.visible_to(actor).select_related("organisation", "created_by", "changed_by")
    return get_object_or_404(visible, pk=pk)


def _listing(actor: Actor, request: HttpRequest, organisations: list[Organisation]) -> Listing:
    asked = ListQuery(request.GET, SORTS, "name")
    found = ImportProfile.objects.visible_to(actor).select_related("organisation").prefetch_related("feeds")
    if asked.words:
        found = found.filter(Q(name__icontains=asked.words) | Q(sender__icontains=asked.words))
    filters = []
    if len(organisations) > 1:
        choices = [(str(one.pk), one.name) for one in organisations]
        filters.append(filter_of(asked, "Organisation", "organisation", choices))
        own = asked.one_of("organisation", [value for value, _ in choices])
        found = found.filter(organisation=int(own)) if own else found
    count = found.count()
    page = found.order_by(asked.sort, "name", "pk")[asked.offset : asked.offset + PAGE_SIZE]
    rows = [
        Row(
            [
                Cell(one.name, reverse("admin-profile", args=[one.pk]), under=one.sender),
                Cell(LAYOUT_WORDS.get(str(one.mapping.get("layout")), "")),
                Cell(stamp(one.last_used_at) if one.last_used_at else "not used yet"),
                Cell(", ".join(feed.name for feed in one.feeds.all()) or "–"),
                Cell(one.organisation.name),
            ]
        )
        for one in page
    ]
    heads = (
        Column("Profile", "name"),
        Column("Layout"),
        Column("Last used", "last_used_at"),
        Column("Feeds"),
        Column("Organisation"),
    )
    return Listing(
        "profiles",
        "profile",
        list_headings(heads, asked),
        rows,
        PageSlice(asked.number, count),
        asked.words,
        asked.sort,
        "Name or sender",
        filters,
        None,
        "Upload a file that is not recognised, map its columns and save them as a profile.",
        asked.hidden_fields("organisation"),
    )


def _uploaded_profile(
    request: HttpRequest, actor: Actor, form: Form, organisations: list[Organisation]
) -> ImportProfile:
    own = next((one for one in organisations if str(one.pk) == form["organisation"]), None)
    if own is None:
        raise Invalid("Choose an organisation.", field="organisation")
    sent = request.FILES.get("toml")
    if sent is None or not sent.size or sent.size > MOST_BYTES:
        raise Invalid("Choose a TOML file.", field="toml")
    try:
        mapping = mapping_of_toml(sent.read().decode("utf-8"))
    except UnicodeDecodeError:
        raise Invalid("The file is not UTF-8 text.", "Save it as UTF-8.", field="toml") from None
    except Invalid as error:
        raise Invalid(_reason(error), error.remedy, field="toml") from None
    name = form["name"].strip() or str(sent.name).rsplit("/", 1)[-1].removesuffix(".toml").replace("-", " ").strip()
    return service.create_profile(actor, organisation=own, name=name, mapping=mapping)


def _changed(actor: Actor, one: ImportProfile, form: Form, request: HttpRequest) -> ImportProfile:
    try:
        mapping: Mapping = mapping_of_toml(request.POST.get("toml", ""))  # whole, however long
    except Invalid as error:
        raise Invalid(_reason(error), error.remedy, field="toml") from None
    return service.change_profile(
        actor,
        profile=one,
        version=version_in(request),
        mapping=mapping,
        name=form["name"],
        sender=form["sender"],
        notes=form["notes"],
    )


def _reason(error: Invalid) -> str:
    return f"{error.field}: {error.reason}" if error.field not in ("", "profile") else error.reason


def _facts(one: ImportProfile) -> list[tuple[str, Any]]:
    by = one.changed_by.email if one.changed_by else "the command line"
    return [
        ("Layout", LAYOUT_WORDS.get(str(one.mapping.get("layout")), "")),
        ("Last used", (stamp(one.last_used_at) if one.last_used_at else "not used yet")),
        ("Changed", f"{stamp(one.changed_at)} by {by}"),
        ("Organisation", one.organisation.name),
    ]
