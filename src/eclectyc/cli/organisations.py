"""``eclectyc organisation``: the tree of organisations."""

from __future__ import annotations

from typing import Annotated

import typer

from eclectyc.cli import application_of
from eclectyc.cli.session import OPERATOR, AsJson, chosen_organisation, print_json, print_table, ready, say

organisations = application_of("Organisations: consultancy or supplier above, companies below.")

Below = Annotated[str | None, typer.Option("--below", help="The organisation above it; by default at the top.")]


@organisations.command("add")
def add(name: Annotated[str, typer.Argument(metavar="NAME")], below: Below = None) -> None:
    """Add an organisation."""
    ready()
    from eclectyc.accounts import organisations as service

    parent = chosen_organisation(below) if below else None
    made = service.create(OPERATOR, name=name, parent=parent)
    say(f"Added {made.name} (number {made.pk}){f' below {parent}' if parent else ''}.")


@organisations.command("list")
def show(as_json: AsJson = False) -> None:
    """List organisations as a tree."""
    ready()
    from eclectyc.accounts.models import Organisation

    every = {o.pk: o for o in Organisation.objects.visible_to(OPERATOR)}
    lines = sorted(every.values(), key=lambda o: [(every[number].name.lower(), number) for number in o.ancestry])
    if as_json:
        found = [{"id": o.pk, "name": o.name, "parent": o.parent_id} for o in lines]
        print_json({"organisations": found, "count": len(found)})
        return
    print_table(["number", "name"], [(o.pk, "  " * (len(o.ancestry) - 1) + o.name) for o in lines], right=[0])


@organisations.command("move")
def move(name: Annotated[str, typer.Argument(metavar="NAME")], below: Below = None) -> None:
    """Move an organisation and all below it to another place in the tree."""
    ready()
    from eclectyc.accounts import organisations as service

    parent = chosen_organisation(below) if below else None
    moved = service.move(OPERATOR, organisation=chosen_organisation(name), parent=parent)
    say(f"{moved.name} stands {f'below {parent}' if parent else 'at the top'}.")
