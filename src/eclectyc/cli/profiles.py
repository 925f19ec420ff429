"""``eclectyc profile``: list, show, save and delete import profiles."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eclectyc.cli import application_of
from eclectyc.cli.session import (
    OPERATOR,
    AsJson,
    OrganisationName,
    chosen_organisation,
    print_json,
    print_table,
    ready,
    say,
)

if TYPE_CHECKING:
    from eclectyc.intake.profiles.models import ImportProfile

profiles = application_of("Import profiles: the layout of a sender's files.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="The name, as in eclectyc profile list.")]


@profiles.command("list")
def list_profiles(organisation: OrganisationName = None, as_json: AsJson = False) -> None:
    """List the saved profiles."""
    ready()
    from eclectyc.intake.profiles.models import ImportProfile

    found = ImportProfile.objects.visible_to(OPERATOR).select_related("organisation").prefetch_related("feeds")
    if organisation:
        found = found.filter(organisation=chosen_organisation(organisation))
    items = [_facts(one) for one in found]
    if as_json:
        print_json({"items": items, "count": len(items)})
        return
    if not items:
        say("There is no profile yet. Save one with: eclectyc profile save NAME FILE.toml")
        return
    names = ("name", "sender", "layout", "last_used_at", "feeds", "organisation")
    print_table(
        [name.replace("_", " ") for name in names],
        [[_cell(item[name]) for name in names] for item in items],
    )


@profiles.command("show")
def show_profile(name: Name, organisation: OrganisationName = None, as_json: AsJson = False) -> None:
    """Print a profile as TOML, as read by eclectyc profile save."""
    ready()
    from eclectyc.intake.profiles.mapping import mapping_of
    from eclectyc.intake.profiles.service import profile_named
    from eclectyc.intake.profiles.toml_text import toml_of

    found = profile_named(OPERATOR, chosen_organisation(organisation), name)
    if as_json:
        print_json(_facts(found) | {"mapping": found.mapping})
        return
    print(toml_of(mapping_of(found.mapping)), end="")


@profiles.command("save")
def save_profile(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as the sender.")],
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="docs/imports.md describes it.")],
    sender: Annotated[str | None, typer.Option(help="Whose files they are.")] = None,
    notes: Annotated[str | None, typer.Option(help="What others should know.")] = None,
    organisation: OrganisationName = None,
) -> None:
    """Save a profile from a TOML file: create it, or replace the one of that name."""
    ready()
    from eclectyc.intake.profiles import service
    from eclectyc.intake.profiles.toml_text import mapping_in

    owner, mapping = chosen_organisation(organisation), mapping_in(file)
    existing = service.find_profile(OPERATOR, owner, name)
    if existing is None:
        service.create_profile(
            OPERATOR, organisation=owner, name=name, mapping=mapping, sender=sender or "", notes=notes or ""
        )
        say(f"Saved {name}. Use it with: eclectyc import FILE --profile {name!r}")
        return
    details: dict[str, Any] = {key: text for key, text in (("sender", sender), ("notes", notes)) if text is not None}
    changed = service.change_profile(OPERATOR, profile=existing, mapping=mapping, **details)
    say(f"{changed.name} is changed." if changed.version > existing.version else f"{changed.name} is unchanged.")


@profiles.command("remove")
def remove_profile(name: Name, organisation: OrganisationName = None) -> None:
    """Delete a profile that no feed uses. Readings imported with it stay."""
    ready()
    from eclectyc.intake.profiles import service

    found = service.profile_named(OPERATOR, chosen_organisation(organisation), name)
    service.delete_profile(OPERATOR, profile=found)
    say(f"{found.name} is removed.")


def _facts(one: ImportProfile) -> dict[str, object]:
    return {
        "id": one.pk,
        "name": one.name,
        "sender": one.sender,
        "notes": one.notes,
        "layout": one.mapping.get("layout"),
        "organisation": one.organisation.name,
        "version": one.version,
        "created_at": one.created_at,
        "changed_at": one.changed_at,
        "last_used_at": one.last_used_at,
        "feeds": [feed.name for feed in one.feeds.all()],
    }


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")
