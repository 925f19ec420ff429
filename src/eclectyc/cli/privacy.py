"""``eclectyc retention`` and ``eclectyc person``: how long data is kept; data about a person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eclectyc.cli import application_of
from eclectyc.cli.session import OPERATOR, AsJson, chosen_organisation, print_json, print_table, ready, say

if TYPE_CHECKING:
    from eclectyc.accounts.models import Organisation
    from eclectyc.privacy.rules import EffectiveRule

retention = application_of("How long each category of data is kept.")
person = application_of("Data about a person: export or erase it.")


Whose = Annotated[str | None, typer.Option("--organisation", help="An organisation; the installation by default.")]
KindName = Annotated[str, typer.Argument(metavar="KIND", help="The category, as in eclectyc retention list.")]


@retention.command("run")
def run(
    dry_run: Annotated[bool, typer.Option("-n", "--dry-run", help="Only count what would be deleted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete data past their retention."""
    ready()
    from dataclasses import asdict

    from eclectyc.privacy import retention as service

    outcomes = service.run(OPERATOR, dry_run=dry_run)
    if as_json:
        print_json({"dry_run": dry_run, "kinds": [asdict(one) for one in outcomes]})
        return
    rows = [(one.kind, _days(one.days), one.own or "", f"{one.count:,}") for one in outcomes]
    print_table(["kind", "kept", "own rules", "would go" if dry_run else "deleted"], rows, right=[2, 3])


@retention.command("list")
def show(organisation: Whose = None, as_json: AsJson = False) -> None:
    """List the rules of the installation, or those in effect for an organisation."""
    ready()
    from eclectyc.privacy import rules as service

    owner = chosen_organisation(organisation) if organisation else None
    found = service.rules(owner)
    if as_json:
        print_json(
            {
                "organisation": owner.pk if owner else None,
                "rules": [
                    {
                        "kind": r.kind.name,
                        "what": r.kind.title,
                        "where": r.kind.where,
                        "days": r.days,
                        "is_default": r.is_default,
                        "of": r.of,
                    }
                    for r in found
                ],
            }
        )
        return
    rows = [(r.kind.name, r.kind.title, r.kind.where, _days(r.days), _source(r, owner)) for r in found]
    print_table(["kind", "what", "where", "kept", "as said by"], rows)


@retention.command("set")
def put(
    kind: KindName,
    days: Annotated[str, typer.Argument(metavar="DAYS", help="A number of days, or ever.")],
    organisation: Whose = None,
) -> None:
    """Set how long a category of data is kept: in the installation, or for an organisation and all below it."""
    ready()
    from eclectyc.kernel.errors import Invalid
    from eclectyc.privacy import rules as service

    if days != "ever" and not (days.isascii() and days.isdigit() and len(days) < 7):
        raise Invalid(f"{days!r} is not a number of days.", "Give a number, or ever.", field="days")
    owner = chosen_organisation(organisation) if organisation else None
    rule = service.set_rule(OPERATOR, kind=kind, days=None if days == "ever" else int(days), organisation=owner)
    say(f"{rule.kind.title}{f' of {owner}' if owner else ''} are kept {_days(rule.days)}.")


@retention.command("unset")
def take_back(kind: KindName, organisation: Whose = None) -> None:
    """Remove a rule; the one of an organisation above, the installation or the default applies again."""
    ready()
    from eclectyc.privacy import rules as service

    owner = chosen_organisation(organisation) if organisation else None
    rule = service.remove_rule(OPERATOR, kind=kind, organisation=owner)
    say(f"{rule.kind.title}{f' of {owner}' if owner else ''} are kept {_days(rule.days)}.")


@person.command("export")
def export(
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The ZIP to write.")],
) -> None:
    """Export all data about a person as a ZIP."""
    ready()
    import os

    from eclectyc.accounts import people
    from eclectyc.privacy import personal_data

    packed = personal_data.export(OPERATOR, user=people.user_by_email(OPERATOR, email))
    with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(packed)
    say(f"Everything about {email} is in {output}.")


@person.command("erase")
def erase(
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    really: Annotated[bool, typer.Option("--really", help="It cannot be undone.")] = False,
) -> None:
    """Erase a person. Their actions stay, under a pseudonym. Earlier backups still contain their data."""
    ready()
    from eclectyc.accounts import people
    from eclectyc.kernel.errors import Invalid
    from eclectyc.privacy import erasure

    user = people.user_by_email(OPERATOR, email)
    if not really:
        raise Invalid(f"{email} would be erased permanently.", "Add --really to confirm.", field="really")
    erased = erasure.erase(OPERATOR, user=user)
    say(f"Erased. Their actions stay under the pseudonym {erased.pseudonym}.")
    if not erased.is_wiped:
        say("The database was in use: traces stay in its file's free pages until its next VACUUM.")


def _source(rule: EffectiveRule, owner: Organisation | None) -> str:
    if rule.of is None:
        return "default" if rule.is_default else "installation"
    return "organisation" if owner is not None and rule.of == owner.pk else f"organisation {rule.of} above"


def _days(days: int | None) -> str:
    return "for ever" if days is None else f"{days:,} days"
