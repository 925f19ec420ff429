"""``eclectyc retention`` and ``eclectyc person``: how long things are kept; what is held about a person."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eclectyc.cli import application_of
from eclectyc.cli.session import OPERATOR, AsJson, print_json, print_table, ready, say

retention = application_of("How long each kind of data is kept.")
person = application_of("What is held about a person: give it out, or erase it.")


@retention.command("run")
def run(
    dry_run: Annotated[bool, typer.Option("-n", "--dry-run", help="Only count what would be deleted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete what is older than its rule says."""
    ready()
    from dataclasses import asdict

    from eclectyc.privacy import retention as service

    outcomes = service.run(OPERATOR, dry_run=dry_run)
    if as_json:
        print_json({"dry_run": dry_run, "kinds": [asdict(one) for one in outcomes]})
        return
    rows = [(one.kind, _days(one.days), f"{one.count:,}") for one in outcomes]
    print_table(["kind", "kept", "would go" if dry_run else "deleted"], rows, right=[2])


@retention.command("list")
def show(as_json: AsJson = False) -> None:
    """List the rules."""
    ready()
    from eclectyc.privacy import retention as service

    found = service.rules()
    if as_json:
        print_json({"rules": [{"kind": r.kind.name, "what": r.kind.words, "where": r.kind.where, "days": r.days,
                               "is_default": r.is_default} for r in found]})  # fmt: skip
        return
    rows = [(r.kind.name, r.kind.words, r.kind.where, _days(r.days), "" if r.is_default else "set") for r in found]
    print_table(["kind", "what", "where", "kept", ""], rows)


@retention.command("set")
def put(
    kind: Annotated[str, typer.Argument(metavar="KIND")],
    days: Annotated[str, typer.Argument(metavar="DAYS", help="A number of days, or ever.")],
) -> None:
    """Say how long a kind of data is kept."""
    ready()
    from eclectyc.kernel.errors import Invalid
    from eclectyc.privacy import retention as service

    if days != "ever" and not (days.isascii() and days.isdigit() and len(days) < 7):
        raise Invalid(f"{days!r} is no number of days.", "Give a number, or ever.", field="days")
    rule = service.set_rule(OPERATOR, kind=kind, days=None if days == "ever" else int(days))
    say(f"{rule.kind.words} are kept {_days(rule.days)}.")


@person.command("export")
def export(
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The ZIP to write.")],
) -> None:
    """Write everything that is held about a person into a ZIP."""
    ready()
    import os

    from eclectyc.accounts import service
    from eclectyc.privacy import holdings

    packed = holdings.export(OPERATOR, user=service.user_by_email(OPERATOR, email))
    with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(packed)
    say(f"Everything about {email} is in {output}.")


@person.command("erase")
def erase(
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    really: Annotated[bool, typer.Option("--really", help="It cannot be undone.")] = False,
) -> None:
    """Erase a person. What they did stays, under a pseudonym. Backups made before still hold them."""
    ready()
    from eclectyc.accounts import service
    from eclectyc.kernel.errors import Invalid
    from eclectyc.privacy import erasure

    user = service.user_by_email(OPERATOR, email)
    if not really:
        raise Invalid(f"{email} would be erased for good.", "Say --really.", field="really")
    erased = erasure.erase(OPERATOR, user=user)
    say(f"Erased. What they did stays under the pseudonym {erased.pseudonym}.")
    if not erased.is_wiped:
        say("The database was in use: traces stay in its file's free pages until its next VACUUM.")


def _days(days: int | None) -> str:
    return "for ever" if days is None else f"{days:,} days"
