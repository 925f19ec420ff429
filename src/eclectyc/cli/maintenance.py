"""``eclectyc migrate``, ``check``, ``health``, ``backup``, ``restore`` and ``manage``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eclectyc.cli.session import AsJson, load_django, print_json, ready, ready_if_possible, say
from eclectyc.kernel.plurals import counted

if TYPE_CHECKING:
    from eclectyc.operations.backup import BackupReport

_MARKS = {"healthy": "ok", "degraded": "!!", "critical": "XX"}


def migrate() -> None:
    """Update the registry's schema; a new registry gets one organisation."""
    load_django()
    from eclectyc.operations.home import bring_up_to_date, use_home

    use_home()
    count = bring_up_to_date()
    applied = f": {counted(count, 'migration')} applied" if count else ""
    say(f"The registry is up to date{applied}.")


def health(
    quick: Annotated[
        bool, typer.Option("--quick", help="Only look: write nothing, and do not read all files.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Report the state of this installation: exit 0 healthy, 1 degraded, 2 critical."""
    ready_if_possible()
    from eclectyc.operations import health as wellness

    report = wellness.report(deep=not quick)
    if as_json:
        print_json(report.as_json())
    else:
        for one in report.checks:
            print(f"{_MARKS[one.status]}  {one.name:<12} {one.message}")
        print(f"\n{report.status}")
    raise typer.Exit(report.exit_code)


def check(as_json: AsJson = False) -> None:
    """Check structure and deployment: exit 0 if there is nothing to fix, else 1."""
    ready_if_possible()
    from eclectyc.operations.structure import check_structure

    findings = check_structure()
    if as_json:
        print_json(
            {
                "is_sound": not findings,
                "findings": [{"area": f.area, "problem": f.problem, "remedy": f.remedy} for f in findings],
            }
        )
    else:
        for finding in findings:
            print(f"{finding.area}: {finding.problem} {finding.remedy}".rstrip())
        say(f"{counted(len(findings), 'thing')} to look at." if findings else "Nothing to fix.")
    raise typer.Exit(1 if findings else 0)


def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")], as_json: AsJson = False
) -> None:
    """Back up registry and lake as of one moment; imports can continue meanwhile."""
    ready()
    from django.utils import timezone

    from eclectyc.operations.backup import backup as make_backup

    report = make_backup(folder, now=timezone.now(), tell=say)
    _tell_backup("Backed up", report, as_json=as_json)
    say("The keys (secret_key, audit.key, vault.key) and .env are not part of a backup: keep copies elsewhere.")


def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder made by eclectyc backup.")],
    force: Annotated[bool, typer.Option("--force", help="Replace this home's data; it is moved aside.")] = False,
    as_json: AsJson = False,
) -> None:
    """Restore a backup into this home, which must be empty and not in use."""
    load_django()
    from django.utils import timezone

    from eclectyc.operations.backup import restore as bring_back

    report = bring_back(folder, now=timezone.now(), force=force, tell=say)
    _tell_backup("Restored", report, as_json=as_json)
    if report.kept_aside:
        say(f"The previous data is in {report.kept_aside}; delete it when you no longer need it.")


def _tell_backup(done: str, report: BackupReport, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "folder": report.folder,
                "lake_version": report.lake_version,
                "last_batch": report.last_batch,
                "files": report.files,
                "bytes": report.size,
                "kept_aside": report.kept_aside,
            }
        )
        return
    files = f"{counted(report.files, 'file')}, {report.size / 1e6:.1f} MB"
    say(f"{done} {report.folder}: {files}, batches up to {report.last_batch}.")


def manage(arguments: typer.Context) -> None:
    """Run a Django management command, such as eclectyc manage shell."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "eclectyc.settings")
    from django.core.management import execute_from_command_line

    if "--help" in arguments.args[:1]:
        arguments.args[0] = "help"
    sys.argv[0] = "eclectyc manage"
    execute_from_command_line(["eclectyc manage", *arguments.args])
