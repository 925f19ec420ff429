"""Organisations and their tree: a consultancy or supplier above, companies below."""

from __future__ import annotations

from typing import Any, Final

from django.db import IntegrityError, transaction

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.administrators import keeping_administrators, lock_organisations
from eclectyc.accounts.branding import checked_colour, checked_logo
from eclectyc.accounts.checks import checked_text
from eclectyc.accounts.models import Logo, Organisation
from eclectyc.audit.record import record
from eclectyc.kernel.errors import Conflict, Forbidden, Invalid, NotFound

MOST_LEVELS: Final = 12  # the path has room for more
FIELDS: Final = ("name", "brand_name", "brand_colour", "requires_second_factor")


def organisation_named(actor: Actor, name: str | None) -> Organisation:
    """Return the actor's organisation of a name or number; without one, the only organisation."""
    visible = Organisation.objects.visible_to(actor)
    if name is None:
        only = list(visible[:2])
        if len(only) == 1:
            return only[0]
        names = ", ".join(visible.values_list("name", flat=True)[:20])
        raise Invalid(
            "There are several organisations." if only else "There is no organisation yet.",
            f"Name one of: {names}." if only else "Create one first.",
            field="organisation",
        )
    name = checked_text(name, "organisation", longest=200, what="An organisation")
    found = list(visible.filter(name__iexact=name)[:2])
    if not found and name.isascii() and name.isdigit() and len(name) < 18:
        found = list(visible.filter(pk=int(name)))
    if len(found) > 1:
        raise Invalid(f"Several organisations are called {name!r}.", "Give its number.", field="organisation")
    if not found:
        raise NotFound(f"There is no organisation called {name!r}.", "Check the spelling.", field="organisation")
    return found[0]


def create(actor: Actor, *, name: str, parent: Organisation | None = None) -> Organisation:
    """Create an organisation below one that the actor may edit; only an operator may at the top."""
    _require_edit_below(actor, parent.pk if parent else None)
    name = _name(name)
    with transaction.atomic():
        above = _lock(parent) if parent is not None else None
        if above is not None and len(above.ancestry) >= MOST_LEVELS:
            raise Invalid(f"A tree has at most {MOST_LEVELS} levels.", "Choose a higher parent.", field="parent")
        organisation = Organisation(name=name, parent=above)
        _save(organisation)
        _record(actor, "organisation.created", organisation, after={"parent": parent.pk if parent else None})
    return organisation


def update(actor: Actor, *, organisation: Organisation, **fields: Any) -> Organisation:
    """Change name, brand_name, brand_colour or requires_second_factor. Empty branding is inherited."""
    actor.require("organisation.edit", organisation.pk)
    unknown = sorted(set(fields) - set(FIELDS))
    if unknown:
        raise Invalid(f"There is no field {unknown[0]!r}.", f"Use one of: {', '.join(FIELDS)}.", field=unknown[0])
    checked = _checked(fields)
    with transaction.atomic():
        organisation = _lock(organisation)
        before = {field: getattr(organisation, field) for field in checked}
        for field, value in checked.items():
            setattr(organisation, field, value)
        _save(organisation)
        _record(actor, "organisation.changed", organisation, before=before, after=checked)
    return organisation


def set_logo(actor: Actor, *, organisation: Organisation, logo: bytes | None) -> Organisation:
    """Set the PNG or JPEG for the organisation's pages and emails, or remove it."""
    actor.require("organisation.edit", organisation.pk)
    kind = "" if logo is None else checked_logo(logo)
    with transaction.atomic():
        organisation = _lock(organisation)
        organisation.logo_type = kind
        organisation.save(update_fields=["logo_type"])
        if logo is None:
            Logo.objects.filter(organisation=organisation).delete()
        else:
            Logo.objects.update_or_create(organisation=organisation, defaults={"picture": logo})
        _record(actor, "organisation.logo_changed", organisation, after={"logo": kind or None})
    return organisation


def move(actor: Actor, *, organisation: Organisation, parent: Organisation | None) -> Organisation:
    """Move an organisation, with all below it, under another parent; people with roles above the parent can see it."""
    with keeping_administrators(Organisation.objects.values_list("pk", flat=True)):  # locks the whole tree
        organisation = _lock(organisation)
        old, new = organisation.parent_id, parent.pk if parent else None
        _require_edit_below(actor, old)
        _require_edit_below(actor, new)
        above = _lock(parent) if parent is not None else None
        if above is not None and organisation.pk in above.ancestry:
            raise Invalid(
                f"{organisation.name} cannot be below itself.", "Choose another organisation.", field="parent"
            )
        _refuse_too_deep(organisation, above)
        organisation.parent = above
        _save(organisation)
        _record(actor, "organisation.moved", organisation, before={"parent": old}, after={"parent": new})
    return organisation


def delete(actor: Actor, *, organisation: Organisation) -> None:
    """Delete an organisation without dependents, with its memberships, invitations and roles."""
    _require_edit_below(actor, organisation.parent_id)
    with transaction.atomic():
        organisation = _lock(organisation)
        _require_edit_below(actor, organisation.parent_id)
        blocking = dependents(organisation)
        if blocking:
            raise Conflict(
                f"{organisation.name} has {', '.join(blocking)}.",
                "Move or delete those first; or end its memberships, to hide it.",
            )
        _record(actor, "organisation.deleted", organisation, before={"name": organisation.name})
        organisation.delete()


def dependents(organisation: Organisation) -> list[str]:
    """Return what blocks an organisation's deletion, such as "3 sites"."""
    found = []
    for relation in Organisation._meta.related_objects:
        if getattr(relation.on_delete, "__name__", "") in ("PROTECT", "RESTRICT"):
            model = relation.related_model
            count = model._base_manager.filter(**{relation.field.name: organisation.pk}).count()
            if count:
                found.append(f"{count} {model._meta.verbose_name if count == 1 else model._meta.verbose_name_plural}")
    return found


def _require_edit_below(actor: Actor, parent: int | None) -> None:
    """Raise ``Forbidden`` unless the actor may add and remove organisations below a parent (None: at the top)."""
    if parent is not None:
        actor.require("organisation.edit", parent)
    elif not actor.is_full_operator:
        raise Forbidden("Only operators can change the top of the tree.", "Ask the operator of this installation.")


def _refuse_too_deep(organisation: Organisation, above: Organisation | None) -> None:
    own = len(organisation.ancestry)
    below = Organisation.objects.filter(path__startswith=organisation.path).values_list("path", flat=True)
    deepest = max((path.count("/") - 1 for path in below), default=own) - own + 1
    if (len(above.ancestry) if above else 0) + deepest > MOST_LEVELS:
        raise Invalid(f"The tree would have more than {MOST_LEVELS} levels.", "Choose a higher parent.", field="parent")


def _checked(fields: dict[str, Any]) -> dict[str, Any]:
    checked = dict(fields)
    if "name" in checked:
        checked["name"] = _name(checked["name"])
    if "brand_name" in checked:
        checked["brand_name"] = checked_text(checked["brand_name"], "brand_name", longest=100, is_needed=False)
    if "brand_colour" in checked:
        checked["brand_colour"] = checked_colour(checked["brand_colour"])
    return checked


def _name(name: str) -> str:
    return checked_text(name, "name", longest=200, what="An organisation")


def _lock(organisation: Organisation) -> Organisation:
    found = lock_organisations([organisation.pk])
    if not found:
        raise NotFound("This organisation no longer exists.", "Reload the list.")
    return found[0]


def _save(organisation: Organisation) -> None:
    duplicate = Invalid(
        f"There is already an organisation {organisation.name!r}.", "Choose another name.", field="name"
    )
    siblings = Organisation.objects.filter(parent=organisation.parent_id, name__iexact=organisation.name)
    if siblings.exclude(pk=organisation.pk).exists():
        raise duplicate
    try:
        with transaction.atomic():
            organisation.save()
    except IntegrityError:
        raise duplicate from None


def _record(actor: Actor, action: str, organisation: Organisation, **details: Any) -> None:
    record(actor.by, action, organisation, organisation_id=organisation.pk, **details)
