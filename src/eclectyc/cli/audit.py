"""``eclectyc audit``: who did what, and whether the record is unchanged."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer

from eclectyc.cli import application_of
from eclectyc.cli.session import OPERATOR, AsJson, print_json, print_table, ready, say
from eclectyc.kernel.plurals import counted

audit = application_of("The audit: who did, read or exported what. Events are chained; tampering shows.")


@audit.command("verify")
def verify(as_json: AsJson = False) -> None:
    """Verify the whole chain with its key. Exit: 0 unchanged, 1 changed, or the key is missing."""
    ready()
    from eclectyc.audit import sealing
    from eclectyc.kernel.errors import EclectycError

    with suppress(EclectycError):  # a missing or wrong key is a result of verifying
        sealing.seal_now()
    verdict = sealing.verify()
    if as_json:
        print_json(
            {
                "is_sound": verdict.is_sound,
                "sealed": verdict.sealed,
                "unsealed": verdict.unsealed,
                "problems": list(verdict.problems),
            }
        )
    else:
        for problem in verdict.problems:
            print(problem)
        say(
            f"Sealed and unchanged: {counted(verdict.sealed, 'event')}."
            if verdict.is_sound
            else f"The audit has been changed: {counted(len(verdict.problems), 'finding')}."
        )
    raise typer.Exit(0 if verdict.is_sound else 1)


@audit.command("list")
def show(
    actor: Annotated[str, typer.Option(help="Part of an email address.")] = "",
    action: Annotated[str, typer.Option(help="Such as meter.moved, or meter for all of these.")] = "",
    subject: Annotated[str, typer.Option(help="Such as meter, or meter:12.")] = "",
    most: Annotated[int, typer.Option("--most", min=1, max=10_000, help="How many of the latest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the latest events."""
    ready()
    from dataclasses import asdict

    from eclectyc.audit import read_log_queue
    from eclectyc.audit.search import EventFilter, describe, find_events

    read_log_queue.store_waiting()
    found = find_events(OPERATOR, EventFilter(actor=actor, action=action, subject=subject))
    events = describe(found[:most])
    if as_json:
        print_json({"items": [asdict(one) for one in events], "count": found.count()})
        return
    print_table(
        ["number", "when (UTC)", "who", "from", "what", "on"],
        [
            (
                one.id,
                f"{one.at:%Y-%m-%d %H:%M:%S}",
                one.who,
                one.origin,
                one.action,
                f"{one.subject_type} {one.subject_id}".strip(),
            )
            for one in events
        ],
        right=[0],
    )


@audit.command("anew")
def restart(
    really: Annotated[bool, typer.Option("--really", help="Confirm that earlier seals are given up.")] = False,
) -> None:
    """Seal every event again after the key was lost. Earlier changes can no longer be detected."""
    ready()
    from eclectyc.audit import sealing
    from eclectyc.kernel.errors import Invalid

    if not really:
        raise Invalid(
            "This gives up every seal: earlier changes can no longer be detected.",
            "Restore audit.key if you can; otherwise add --really.",
            field="really",
        )
    say(f"Sealed again: {counted(sealing.restart_chain(OPERATOR.by), 'event')}.")
