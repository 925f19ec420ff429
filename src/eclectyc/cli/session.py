"""Shared by the commands that use the registry: start-up, options and output.

::

    def sites(organisation: OrganisationName = None, as_json: AsJson = False) -> None:
        ready()
        owner = chosen_organisation(organisation)
        ...service(OPERATOR, organisation=owner)
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from eclectyc.accounts.actor import Actor

if TYPE_CHECKING:
    from eclectyc.accounts.models import Organisation

OPERATOR: Final = Actor.system()

OrganisationName = Annotated[
    str | None, typer.Option("--organisation", help="The organisation; required if there are several.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def load_django() -> None:
    """Read the configuration and set up Django; a wrong setting stops here with one line."""
    import django
    from django.apps import apps

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "eclectyc.settings")
    if not apps.ready:
        django.setup()


def ready() -> None:
    """Set up Django and update an embedded registry; a server's must be up to date."""
    load_django()
    from eclectyc.operations.home import make_ready

    make_ready()


def ready_if_possible() -> None:
    """Do the same for commands that report on an installation, without stopping at its faults."""
    load_django()
    from contextlib import suppress

    from django.db import DatabaseError, connection

    from eclectyc.kernel.errors import EclectycError
    from eclectyc.operations.home import make_ready

    if connection.vendor == "sqlite":
        with suppress(EclectycError, DatabaseError, OSError):
            make_ready()


def chosen_organisation(name: str | None = None) -> Organisation:
    """Return the named organisation, or the only one there is."""
    from eclectyc.accounts.organisations import organisation_named

    return organisation_named(OPERATOR, name or None)


def say(text: str = "") -> None:
    """Print to standard error; standard output is for results."""
    print(text, file=sys.stderr, flush=True)


def print_json(value: object) -> None:
    """Print the JSON object of ``--json``."""
    import orjson

    how = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
    print(orjson.dumps(value, default=str, option=how).decode())


def print_table(headings: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[int] = ()) -> None:
    """Print rows under headings; columns numbered in ``right`` hold figures and align right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[k]) for row in [list(headings), *cells]) for k in range(len(headings))]
    for row in [list(headings), ["-" * w for w in widths], *cells]:
        padded = [c.rjust(w) if k in right else c.ljust(w) for k, (c, w) in enumerate(zip(row, widths, strict=True))]
        print("  ".join(padded).rstrip())
