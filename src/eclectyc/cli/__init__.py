"""The ``eclectyc`` command: finds the asked-for command, runs it, and says plainly what went wrong.

Each command is a function (or a small typer application) in its own module, imported only when it is asked
for, so that ``eclectyc --version`` loads neither Django nor Polars. To add one: write the function and add its
line to ``COMMANDS``.

Exit codes: 0 done; 1 done with something to look at; 2 nothing done; 70 a fault of ours; 130 interrupted.
``--json`` puts one JSON object, and nothing else, on standard output; an error is one too.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from eclectyc import __version__
from eclectyc.kernel.errors import EclectycError

if TYPE_CHECKING:
    import typer

NOT_DONE: Final = 2
OUR_FAULT: Final = 70
INTERRUPTED: Final = 130


class Command(NamedTuple):
    """Where a command lives (``module:attribute`` under this package) and what it does."""

    target: str
    summary: str


COMMANDS: Final[dict[str, Command]] = {
    "serve": Command("server:serve", "Start Eclectyc in this terminal; --demo fills an empty home with a demo estate"),
    "web": Command("server:web", "Serve the pages and the API only, for production"),
    "worker": Command("worker:worker", "Run background jobs only, for production"),
    "jobs": Command("jobs:jobs", "List background jobs, look at one, cancel it or try it again; list schedules"),
    "import": Command("imports:import_file", "Import a file of readings, sites or meters"),
    "external": Command("external:external", "Bring in calorific values of gas from a file"),
    "batches": Command("imports:batches", "List what was imported"),
    "undo": Command("imports:undo", "Take one import back"),
    "profile": Command(
        "profiles:profiles", "Save, show, list and remove import profiles: how a sender's files are laid out"
    ),
    "export": Command("export:export", "Write totals, meters or readings to a file"),
    "aggregate": Command("aggregate:aggregate", "Bring every summary up to date for a period and print it"),
    "user": Command("people:users", "Add, invite and list people, set their roles and passwords"),
    "organisation": Command("organisations:organisations", "Add, list and move organisations"),
    "token": Command("people:tokens", "Create, list and revoke API tokens"),
    "audit": Command("audit:audit", "List audit events, and verify that none was tampered with"),
    "retention": Command("privacy:retention", "Delete what is older than its rule says; see and set the rules"),
    "person": Command("privacy:person", "Give out, or erase, what is held about a person"),
    "vault": Command("vault:vault", "See what is sealed with which key, and go over to another key"),
    "health": Command(
        "maintenance:health", "Say how this installation is doing (exit 0 healthy, 1 degraded, 2 critical)"
    ),
    "check": Command("maintenance:check", "Check structure and deployment"),
    "backup": Command("maintenance:backup", "Copy registry and lake together into a folder"),
    "restore": Command("maintenance:restore", "Bring a backup back into an empty home"),
    "migrate": Command("maintenance:migrate", "Bring the registry's schema up to date"),
    "seed": Command("seed:seed", "Fill an empty home with the demo estate"),
    "manage": Command("maintenance:manage", "Run one of Django's own commands"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    gc.set_threshold(500_000, 50, 100)  # loading makes many objects and no garbage: looking for it took a tenth
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _run(words)
        sys.stdout.flush()  # here, where a reader that went away is no error yet
        return code
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        from eclectyc.cli.errors import tell

        return tell(error, as_json="--json" in words)


def program() -> int:
    """Be the process of one command: ``main``, and an end that looks for no garbage among what goes with it anyway."""
    code = main()
    django = sys.modules.get("django.apps")
    if django and django.apps.ready:
        from django.db import connections

        connections.close_all()  # SQLite then takes what its log holds into the file itself
    gc.freeze()  # the interpreter would go through every object several times, which took a tenth of a second
    return code


def _run(words: list[str]) -> int:
    if not words or words[0] in ("--help", "-h", "help"):
        print(_overview())
        return 0
    if words[0] in ("--version", "-V", "version"):
        print(f"eclectyc {__version__}")
        return 0
    name, *rest = words
    if name not in COMMANDS:
        raise EclectycError(f"There is no command {name!r}.", _nearest(name))
    return _invoke(name, rest)


def _invoke(name: str, rest: list[str]) -> int:
    from importlib import import_module

    import typer

    module, _, attribute = COMMANDS[name].target.partition(":")
    found = getattr(import_module(f"eclectyc.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        application = found
    else:
        application = application_of()
        raw = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
        application.command(name, context_settings=raw if name == "manage" else None)(found)
    before = _events_written()
    try:
        return _called(application, name, rest)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    finally:
        if _events_written() > before:
            from eclectyc.audit.sealing import after_command

            after_command()


def _called(application: typer.Typer, name: str, rest: list[str]) -> int:
    """Run a command and return its exit code; words that do not make one are told with its usage, and as JSON."""
    import typer
    from typer.exceptions import TyperException

    try:
        code = application(args=rest, prog_name=f"eclectyc {name}", standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except TyperException as wrong:
        show: Callable[[], None] = getattr(wrong, "show")  # noqa: B009 - of a class that typer keeps to itself
        show()
        if "--json" in rest:
            from eclectyc.cli.errors import print_error

            print_error(EclectycError(wrong.format_message(), f"eclectyc {name} --help tells how to call it."), "usage")
        return NOT_DONE
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    return code if isinstance(code, int) else 0


def _events_written() -> int:
    """Return how many audit events this process has written; a command that wrote some seals them at its end."""
    record = sys.modules.get("eclectyc.audit.record")
    return record.written() if record is not None else 0


def application_of(help: str | None = None) -> typer.Typer:
    """Return an empty typer application with our conventions: plain text, no shell completion, our own errors."""
    import typer

    return typer.Typer(
        help=help,
        add_completion=False,
        no_args_is_help=help is not None,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(
        ["Eclectyc Energy: meter data in, consumption out.", "", "Usage: eclectyc COMMAND [OPTIONS]", "", *lines, "",
         "eclectyc COMMAND --help tells more of one command; eclectyc --version prints the version."]
    )  # fmt: skip


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, COMMANDS, n=1)
    return f"Did you mean {near[0]!r}?" if near else "eclectyc --help lists the commands."
