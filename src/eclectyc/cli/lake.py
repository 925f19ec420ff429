"""``eclectyc lake``: which lake is the registry's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from eclectyc.cli import application_of
from eclectyc.cli.recompute import follow
from eclectyc.cli.session import OPERATOR, AsJson, print_json, ready, say
from eclectyc.kernel.plurals import counted

if TYPE_CHECKING:
    from eclectyc.operations.lake_adoption import Adoption

_NAMED = 10  # batches, in the sentence

lake = application_of("The lake: the store of readings that belongs to the registry.")


@lake.callback()
def group() -> None:
    """The lake: the store of readings that belongs to the registry."""


@lake.command("adopt")
def adopt(
    really: Annotated[bool, typer.Option("--really", help="Confirm that what is not in the lake is given up.")] = False,
    as_json: AsJson = False,
) -> None:
    """Go on with the lake that is there although readings are missing from it. Without --really: state what is lost.

    Exit: 0 done, or there is nothing to adopt; 2 nothing done.
    """
    ready()
    from eclectyc.kernel.errors import Invalid
    from eclectyc.operations import lake_adoption

    found = lake_adoption.consequences()
    if found.lost and not really:
        raise Invalid(
            f"{found.reason} {_consequences(found)}",
            "Mount its storage, correct ECLECTYC_LAKE or restore a backup, if you can; otherwise add --really.",
            field="really",
        )
    if found.lost:
        found = lake_adoption.adopt(OPERATOR)
        follow()
    if as_json:
        print_json(
            {"adopted": bool(found.lost), "lost": found.lost, "batches": found.batches, "readings": found.readings}
        )
    elif found.lost:
        say(f"Adopted. Given up: {_given_up(found)}. Import their files again if you have them.")
    else:
        say("The lake is the registry's own: there is nothing to adopt.")


def _consequences(found: Adoption) -> str:
    texts = [f"Adopting gives up {_given_up(found)}, also if the lost lake is found later."]
    if found.lost == "another":
        texts.append("The readings of this lake will count under the registry's series of the same numbers.")
    if found.meters:
        texts.append(f"Consumption of {counted(len(found.meters), 'meter')} is recalculated from stored reads.")
    return " ".join(texts)


def _given_up(found: Adoption) -> str:
    if not found.batches:
        return "no batch"
    shown = ", ".join(map(str, found.batches[:_NAMED])) + (" …" if len(found.batches) > _NAMED else "")
    count = len(found.batches)
    batches = "1 batch" if count == 1 else f"{count:,} batches"
    return f"{batches} ({shown}) with {counted(found.readings, 'reading')}"
