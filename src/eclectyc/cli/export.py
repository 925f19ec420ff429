"""``eclectyc export``."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eclectyc.cli.session import OPERATOR, OrganisationName, chosen_organisation, ready, say
from eclectyc.kernel.errors import EclectycError, Invalid
from eclectyc.kernel.plurals import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl


def export(
    kind: Annotated[str, typer.Argument(metavar="daily|monthly|meters|sites|readings")],
    day: Annotated[str | None, typer.Option("-d", "--date", help="A day, YYYY-MM-DD; for monthly, its month.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="First day.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Day after the last.")] = None,
    form: Annotated[str, typer.Option("-f", "--format", help="csv, json, xlsx or parquet.")] = "csv",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="A file; standard output by default.")] = None,
    meter: Annotated[list[str] | None, typer.Option("--meter", help="Only this meter; repeat for several.")] = None,
    organisation: OrganisationName = None,
    sftp: Annotated[bool, typer.Option("--sftp", help="Deliver by SFTP (not available yet).")] = False,
) -> None:
    """Export totals, meters, sites or readings. Default: yesterday; for monthly, the last full month."""
    if sftp:
        raise Invalid("Delivery by SFTP is not available yet.", "Write to a file with -o.", field="sftp")
    ready()
    from eclectyc.cli.seed import local_today
    from eclectyc.operations.export_files import require_format
    from eclectyc.operations.exports import KINDS, UNDATED, Wanted
    from eclectyc.operations.exports import export as parts_of

    require_format(form)
    if kind not in KINDS:
        raise Invalid(f"There is no export {kind!r}.", f"Use {', '.join(KINDS)}.", field="kind")
    owner, today = chosen_organisation(organisation), local_today()
    opens, closes = span(kind, day, start, end, today=today)
    wanted = Wanted(owner, opens, closes, today, _known(owner.pk, meter or []))
    rows = _write(parts_of(OPERATOR, kind, wanted), form, output)
    when = "" if kind in UNDATED else f" from {opens} up to, not including, {closes}"
    say(f"{counted(rows, 'row')} of {kind}{when}{f' in {output}' if output else ''}.")


def span(kind: str, day: str | None, start: str | None, end: str | None, *, today: date) -> tuple[date, date]:
    """Return the half-open days of the options."""
    if day and (start or end):
        raise Invalid("Give either --date, or --from and --to.", "Leave one out.", field="date")
    if start or end:
        opens = parse_day(start, "from") if start else date(1970, 1, 1)
        closes = parse_day(end, "to") if end else today
        if opens >= closes:
            raise Invalid(f"The span from {opens} to {closes} contains no day.", "--to is the day after the last.")
        return opens, closes
    chosen = parse_day(day, "date") if day else today - timedelta(days=1)
    if kind != "monthly":
        return chosen, chosen + timedelta(days=1)
    first = chosen.replace(day=1) if day else (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


def parse_day(text: str, option: str) -> date:
    """Return a day written as YYYY-MM-DD."""
    try:
        found = date.fromisoformat(text.strip())
    except ValueError:
        raise Invalid(f"{text!r} is not a day.", "Write it as YYYY-MM-DD.", field=option) from None
    if not 1900 <= found.year <= 2200:
        raise Invalid(f"The year of {text} is out of range.", "Use 1900 to 2200.", field=option)
    return found


def _known(organisation: int, identifiers: list[str]) -> tuple[str, ...]:
    from eclectyc.estate.models import Meter
    from eclectyc.kernel.identifiers import clean_identifier

    wanted = [clean_identifier(text) for text in identifiers]
    meters = Meter.objects.visible_to(OPERATOR).filter(organisation=organisation, identifier__in=wanted)
    known = set(meters.values_list("identifier", flat=True))
    if unknown := [text for text in wanted if text not in known]:
        raise Invalid(f"There is no meter {', '.join(unknown)}.", "See eclectyc export meters.", field="meter")
    return tuple(wanted)


def _write(parts: Iterator[pl.DataFrame], form: str, output: Path | None) -> int:
    from eclectyc.operations.export_files import write_export

    if output is None or str(output) == "-":
        if form in ("parquet", "xlsx") and sys.stdout.isatty():
            raise EclectycError(f"{form} cannot be printed on a terminal.", "Name a file with -o.", field="output")
        rows = write_export(parts, sys.stdout.buffer, form=form)
        sys.stdout.flush()
        return rows
    draft = output.with_name(f".{output.name}.part")
    try:
        with draft.open("wb") as file:
            rows = write_export(parts, file, form=form)
        draft.replace(output)
    finally:
        draft.unlink(missing_ok=True)
    return rows
