"""``eclectyc external``: import data from outside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eclectyc.cli import application_of
from eclectyc.cli.recompute import follow
from eclectyc.cli.session import (
    OPERATOR,
    AsJson,
    OrganisationName,
    chosen_organisation,
    print_json,
    print_table,
    ready,
    say,
)
from eclectyc.kernel.plurals import counted

if TYPE_CHECKING:
    from eclectyc.external.files import ValueFileReport

external = application_of("Import data from outside, from a file: calorific values of gas.")


@external.callback()
def _group() -> None:
    """Import data from outside, from a file: calorific values of gas."""


@external.command()
def calorific(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="date, calorific_value, unit; .gz is unpacked.")],
    region: Annotated[str, typer.Option(help="Their region, such as an LDZ; the usual one by default.")] = "",
    dry_run: Annotated[bool, typer.Option("-n", "--dry-run", help="Report what would happen; store nothing.")] = False,
    organisation: OrganisationName = None,
    as_json: AsJson = False,
) -> None:
    """Import calorific values of gas [MJ/m³] by gas day. Exit: 0 clean, 1 some rows rejected, 2 nothing usable."""
    ready()
    from eclectyc.external.files import ValueFileReport, import_values
    from eclectyc.gas.calorific_values import CALORIFIC_VALUE
    from eclectyc.readers.blocks import LineError, UnreadableFile

    try:
        owner = chosen_organisation(organisation)
        report = import_values(OPERATOR, CALORIFIC_VALUE, organisation=owner, path=file, place=region, dry_run=dry_run)
    except UnreadableFile as refusal:
        if not as_json:
            raise
        report = ValueFileReport(file.name, dry_run)
        report.reject(LineError(0, "", refusal.reason, refusal.remedy))
        error = {"code": refusal.code, "message": refusal.reason, "remedy": refusal.remedy, "field": refusal.field}
        print_json(report.as_dict(CALORIFIC_VALUE.place) | {"error": error})
        say(f"eclectyc: {refusal}")
        raise typer.Exit(2) from None
    if not dry_run:
        follow()
    if as_json:
        print_json(report.as_dict(CALORIFIC_VALUE.place))
    else:
        _show(report)
    raise typer.Exit(report.exit_code)


def _show(report: ValueFileReport) -> None:
    where = ", ".join(region or "no named region" for region in report.places) or "no region"
    name = f"Dry run, {report.file}" if report.dry_run else report.file
    print(
        f"{name}: {counted(report.accepted, 'calorific value')} of {where}: "
        f"{report.added:,} added, {report.changed:,} corrected, {report.unchanged:,} unchanged; "
        f"{report.rejected:,} of {counted(report.rows, 'row')} rejected."
    )
    for warning in report.warnings:
        print(f"! {warning}")
    if report.errors:
        print()
        rows = [(error.line, error.column, error.reason, error.remedy) for error in report.errors[:20]]
        print_table(("line", "column", "reason", "remedy"), rows, right=(0,))
        if report.error_count > len(rows):
            print(f"… and {counted(report.error_count - len(rows), 'more')}.")
