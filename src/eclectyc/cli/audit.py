"""``eclectyc audit``: who did what, and whether the record of it is whole."""

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
    """Read the whole chain against its key. Exit: 0 nothing wrong, 1 tampering, or no key to tell."""
    ready()
    from eclectyc.audit import sealing
    from eclectyc.kernel.errors import EclectycError

    with suppress(EclectycError):  # a key that is missing or does not fit is what verifying tells
        sealing.seal_now()
    verdict = sealing.verify()
    if as_json:
        print_json({"is_sound": verdict.is_sound, "sealed": verdict.sealed, "unsealed": verdict.unsealed,
                    "problems": list(verdict.problems)})  # fmt: skip
    else:
        for problem in verdict.problems:
            print(problem)
        say(
            f"Sealed, and as written: {counted(verdict.sealed, 'event')}."
            if verdict.is_sound
            else f"The audit cannot be trusted as it stands: {counted(len(verdict.problems), 'finding')}."
        )
    raise typer.Exit(0 if verdict.is_sound else 1)


@audit.command("list")
def show(
    actor: Annotated[str, typer.Option(help="A part of an address.")] = "",
    action: Annotated[str, typer.Option(help="As meter.moved, or all of meter.")] = "",
    subject: Annotated[str, typer.Option(help="As meter, or meter:12.")] = "",
    most: Annotated[int, typer.Option("--most", min=1, max=10_000, help="The latest so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the latest events."""
    ready()
    from dataclasses import asdict

    from eclectyc.audit import read_log_queue
    from eclectyc.audit.search import EventFilter, describe, find_events

    read_log_queue.store_waiting()
    found = find_events(OPERATOR, EventFilter(actor=actor, action=action, subject=subject))
    told = describe(found[:most])
    if as_json:
        print_json({"items": [asdict(one) for one in told], "count": found.count()})
        return
    print_table(
        ["number", "when (UTC)", "who", "from", "what", "on"],
        [(one.id, f"{one.at:%Y-%m-%d %H:%M:%S}", one.who, one.origin, one.action,
          f"{one.subject_type} {one.subject_id}".strip()) for one in told],
        right=[0],
    )  # fmt: skip


@audit.command("anew")
def anew(
    really: Annotated[bool, typer.Option("--really", help="Say that what was sealed before is given up.")] = False,
) -> None:
    """Seal every event again, after the key was lost. What was tampered with before shows no more."""
    ready()
    from eclectyc.audit import sealing
    from eclectyc.kernel.errors import Invalid

    if not really:
        raise Invalid(
            "This gives up every seal there is: what was tampered with before shows no more.",
            "Bring audit.key back if you can; else say --really.",
            field="really",
        )
    say(f"Sealed anew: {counted(sealing.restart_chain(OPERATOR.by), 'event')}.")
