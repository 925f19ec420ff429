"""The ``eclectyc`` program: finds the command that is called, runs it, and reports errors in plain words.

Each command is a function (or a small typer application) in its own module, imported only when it is called, so that
``eclectyc --version`` loads neither Django nor Polars. To add one: write the function in a module here and add its line
to ``_OWN``. Another room registers its commands with ``kernel.hooks.commands`` in ``AppConfig.ready``.

Exit codes: 0 done; 1 done, with something to check; 2 nothing done; 70 internal error; 130 interrupted.
``--json`` puts one JSON object, and nothing else, on standard output; an error is one too.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from eclectyc import __version__
from eclectyc.kernel.errors import EclectycError
from eclectyc.kernel.hooks import Command, commands

if TYPE_CHECKING:
    import typer

NOT_DONE: Final = 2
OUR_FAULT: Final = 70
INTERRUPTED: Final = 130


_OWN: Final[dict[str, Command]] = {
    "serve": Command(
        "server:serve", "Start web and worker in this terminal; --demo fills an empty home with a demo estate"
    ),
    "web": Command("server:web", "Serve the pages and the API only, for production"),
    "worker": Command("worker:worker", "Run background jobs only, for production"),
    "jobs": Command("jobs:jobs", "List background jobs and schedules; show, cancel or retry a job"),
    "import": Command("imports:import_file", "Import a file of readings, sites or meters"),
    "external": Command("external:external", "Import outside data from a file: calorific values of gas"),
    "batches": Command("imports:batches", "List imports"),
    "undo": Command("imports:undo", "Undo an import"),
    "profile": Command("profiles:profiles", "Save, show, list and delete import profiles"),
    "export": Command("export:export", "Export totals, meters or readings to a file"),
    "aggregate": Command("aggregate:aggregate", "Update the summaries of a period and print them"),
    "user": Command("people:users", "Add, invite and list people, set their roles and passwords"),
    "organisation": Command("organisations:organisations", "Add, list and move organisations"),
    "token": Command("people:tokens", "Create, list and revoke API tokens"),
    "audit": Command("audit:audit", "List audit events; verify that none was changed"),
    "retention": Command("privacy:retention", "Delete data past their retention; show and set the rules"),
    "person": Command("privacy:person", "Export or erase a person's data"),
    "vault": Command("vault:vault", "Show which key encrypts what; rotate the key; give up lost secrets"),
    "lake": Command("lake:lake", "Adopt the lake that is there when the registry's own is lost"),
    "health": Command(
        "maintenance:health", "Report the state of this installation (exit 0 healthy, 1 degraded, 2 critical)"
    ),
    "check": Command("maintenance:check", "Check structure and deployment"),
    "backup": Command("maintenance:backup", "Back up registry and lake into a folder"),
    "restore": Command("maintenance:restore", "Restore a backup into an empty home"),
    "migrate": Command("maintenance:migrate", "Update the registry's schema"),
    "seed": Command("seed:seed", "Fill an empty home with the demo estate"),
    "manage": Command("maintenance:manage", "Run a Django management command"),
}


for _name, _command in _OWN.items():
    commands.register(_name, _command._replace(target=f"{__name__}.{_command.target}"))


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
    if name not in commands.names():
        _load_rooms()
    if name not in commands.names():
        raise EclectycError(f"There is no command {name!r}.", _nearest(name))
    return _invoke(name, rest)


def _invoke(name: str, rest: list[str]) -> int:
    from importlib import import_module

    import typer

    module, _, attribute = commands.load(name).target.partition(":")
    found = getattr(import_module(module), attribute)
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
            from eclectyc.audit.sealing import seal_after_command

            seal_after_command()


def _called(application: typer.Typer, name: str, rest: list[str]) -> int:
    """Run a command and return its exit code; wrong arguments are reported with its usage, and as JSON."""
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

            print_error(EclectycError(wrong.format_message(), f"See eclectyc {name} --help."), "usage")
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


def _load_rooms() -> None:
    """Let rooms register their commands, if the configuration allows Django to start; the overview does without."""
    from contextlib import suppress

    from eclectyc.cli.session import load_django

    with suppress(EclectycError):
        load_django()


def _overview() -> str:
    width = max(map(len, commands.names()))
    lines = [f"  {name:<{width}}  {commands.load(name).summary}" for name in commands.names()]
    return "\n".join(
        [
            "Eclectyc Energy: meter data in, consumption out.",
            "",
            "Usage: eclectyc COMMAND [OPTIONS]",
            "",
            *lines,
            "",
            "eclectyc COMMAND --help explains a command; eclectyc --version prints the version.",
        ]
    )


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, commands.names(), n=1)
    return f"Did you mean {near[0]!r}?" if near else "eclectyc --help lists the commands."
