"""``/admin/organisation``: the tree, an organisation's name, place in it, branding and sign-in rules."""

from __future__ import annotations

from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from eclectyc.accounts import organisations as service
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.branding import LARGEST_LOGO, branding_of, logo_of
from eclectyc.accounts.models import Organisation
from eclectyc.kernel.errors import EclectycError, Forbidden, Invalid
from eclectyc.web.forms import Field, Form
from eclectyc.web.list_component import Cell, Row
from eclectyc.web.security import actor_of
from eclectyc.web.views.admin.page import Danger, Table, done, number_in, show

OWN: Final = ("name", "brand_name", "brand_colour", "requires_second_factor")
MOST: Final = 1000


def organisations(request: HttpRequest) -> HttpResponse:
    """Show the tree; an administrator of one organisation goes straight to it."""
    actor = actor_of(request)
    mine = list(Organisation.objects.visible_to(actor, "organisation.edit").order_by("path")[:MOST])
    if len(mine) == 1:
        return organisation(request, mine[0].pk)
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    rows, line = [], _in_order(mine)
    for depth, one in line:
        facts = ", ".join(filter(None, ("second factor" if one.requires_second_factor else "", one.brand_name)))
        cells = [Cell(one.name, reverse("admin-organisation", args=[one.pk]), indent=min(depth, 3)), Cell(facts)]
        rows.append(Row(cells, one.pk))
    table = Table(
        "Organisations", ("Organisation", "Brand and sign-in"), rows, "There are no organisations that you can edit."
    )
    new = [("New organisation", reverse("admin-organisation-new"))] if mine or actor.is_full_operator else []
    return show(request, "tree", "Organisations", {"table": table, "actions": new})


def new_organisation(request: HttpRequest) -> HttpResponse:
    """Add an organisation below another; an operator adds one at the top."""
    actor = actor_of(request)
    fields = (_NAME, _parent(actor))
    first = fields[1].choices[0][0] if fields[1].choices else ""
    start = {"parent": request.GET.get("parent", first)}
    form = Form.from_post(fields, request.POST) if request.method == "POST" else Form.from_values(fields, start)
    if request.method == "POST":
        made = form.attempt(lambda: service.create(actor, name=form["name"], parent=_chosen(actor, form["parent"])))
        if made is not None:
            return done(request, f"{made.name} was created.", reverse("admin-organisation", args=[made.pk]))
    back = reverse("admin-organisations")
    context = {"form": form, "back": back, "button": "Create organisation", "crumbs": [("Organisations", back)]}
    return show(request, "form", "New organisation", context, status=form.status)


def organisation(request: HttpRequest, pk: int) -> HttpResponse:
    """Change an organisation: its name, place, brand and logo."""
    actor = actor_of(request)
    one = get_object_or_404(Organisation.objects.visible_to(actor, "organisation.edit"), pk=pk)
    fields = _fields(actor, one)
    form = Form.from_values(fields, {name: getattr(one, name) for name in OWN} | {"parent": one.parent_id or ""})
    danger = Danger(
        "Delete this organisation",
        "Deletes its memberships, invitations and roles too. Organisations with "
        "regions, sites, meters or organisations below them cannot be deleted.",
        f"Delete {one.name}",
    )
    title, back, status = one.name, reverse("admin-organisations"), 200
    if request.method == "POST" and request.POST.get("do") == "delete":
        try:
            service.delete(actor, organisation=one)
        except EclectycError as error:
            danger.refuse(error)
            status = 403 if isinstance(error, Forbidden) else 409
        else:
            return done(request, f"{title} was deleted.", back)
    elif request.method == "POST":
        form = Form.from_post(fields, request.POST)
        if form.attempt(lambda: _save(request, actor, one, form)):
            return done(request, f"{form['name']} was saved.", request.path)
        status = form.status
    look = branding_of(one)
    above = branding_of(one.parent) if one.parent else branding_of(None)
    context = {
        "form": form,
        "organisation": one,
        "back": back,
        "has_files": True,
        "look": look,
        "above": above,
        "danger": danger if _may_hang(actor, one) else None,
        "has_own_logo": bool(one.logo_type),
        "crumbs": [("Organisations", back)],
        "actions": [("Add organisation below", _below(one))],
    }
    return show(request, "organisation", title, context, status=status)


@require_safe
def logo(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer with an organisation's logo, its own or inherited, for the preview."""
    visible = Organisation.objects.visible_to(actor_of(request), "organisation.edit")
    return picture(branding_of(get_object_or_404(visible, pk=pk)).logo_of)


def picture(number: int | None) -> HttpResponse:
    """Return a stored logo, PNG or JPEG, in a way that no browser runs as anything else."""
    found = logo_of(number) if number is not None else None
    if found is None:
        raise Http404
    response = HttpResponse(found[0], content_type=found[1])
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Content-Disposition"] = "inline"
    return response


_NAME: Final = Field("name", "Name", is_required=True)


def _fields(actor: Actor, one: Organisation) -> tuple[Field, ...]:
    place = (_parent(actor, one),) if _may_hang(actor, one) else ()
    size = LARGEST_LOGO // 1024
    return (
        _NAME,
        *place,
        Field(
            "requires_second_factor",
            "Require a second factor to sign in",
            "check",
            help="A code from an app on the phone; applies to all organisations below, too.",
        ),
        Field(
            "brand_name",
            "Name on pages and emails (optional)",
            group="Brand",
            help="Default: the name of the organisation above.",
        ),
        Field(
            "brand_colour",
            "Colour",
            group="Brand",
            help="Such as #1a6b8f (optional, default from above). It is adjusted if it would be hard to read.",
        ),
        Field("logo", "Logo", "file", group="Brand", help=f"PNG or JPEG of at most {size} kB."),
        Field("no_logo", "Remove the logo", "check", group="Brand"),
    )


def _save(request: HttpRequest, actor: Actor, one: Organisation, form: Form) -> Organisation:
    sent = request.FILES.get("logo")
    if sent is not None and (sent.size or 0) > LARGEST_LOGO:
        raise Invalid("The logo is larger than 256 kB.", "Use a smaller picture.", field="logo")
    given: dict[str, Any] = form.values(*OWN)
    given["requires_second_factor"] = given["requires_second_factor"] == "true"
    saved = service.update(actor, organisation=one, **given)
    if any(f.name == "parent" for f in form.fields) and form["parent"] != str(one.parent_id or ""):
        service.move(actor, organisation=one, parent=_chosen(actor, form["parent"]))
    if sent is not None:
        service.set_logo(actor, organisation=one, logo=sent.read())
    elif form["no_logo"] == "true":
        service.set_logo(actor, organisation=one, logo=None)
    return saved


def _chosen(actor: Actor, number: str) -> Organisation | None:
    if not number:
        return None
    found = Organisation.objects.visible_to(actor, "organisation.edit").filter(pk=number_in(number)).first()
    if found is None:
        raise Invalid("There is no such organisation.", "Choose one from the list.", field="parent")
    return found


def _parent(actor: Actor, one: Organisation | None = None) -> Field:
    found = Organisation.objects.visible_to(actor, "organisation.edit").order_by("name")
    if one is not None:
        found = found.exclude(path__startswith=one.path)
    choices = [(str(o.pk), o.name) for o in found[:MOST]]
    top = [("", "None: at the top")] if actor.is_full_operator else []
    return Field("parent", "Parent organisation", "select", choices=(*top, *choices))


def _may_hang(actor: Actor, one: Organisation) -> bool:
    return actor.is_full_operator or (one.parent_id is not None and actor.may("organisation.edit", one.parent_id))


def _below(one: Organisation) -> str:
    return f"{reverse('admin-organisation-new')}?parent={one.pk}"


def _in_order(found: list[Organisation]) -> list[tuple[int, Organisation]]:
    """Return organisations in tree order, each with its depth, siblings by name."""
    known = {one.pk for one in found}
    below: dict[int | None, list[Organisation]] = {}
    for one in sorted(found, key=lambda o: o.name.casefold()):
        below.setdefault(one.parent_id if one.parent_id in known else None, []).append(one)
    line: list[tuple[int, Organisation]] = []

    def add(parent: int | None, depth: int) -> None:
        for one in below.get(parent, []):
            line.append((depth, one))
            add(one.pk, depth + 1)

    add(None, 0)
    return line
