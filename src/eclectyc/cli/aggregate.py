"""``eclectyc aggregate``."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eclectyc.cli.recompute import follow
from eclectyc.cli.session import OPERATOR, AsJson, OrganisationName, chosen_organisation, print_json, ready, say
from eclectyc.cli.session import print_table as show
from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.plurals import counted

if TYPE_CHECKING:
    import polars as pl

    from eclectyc.analytics.estate import Group


def aggregate(
    everything: Annotated[bool, typer.Option("--all", help="All days with readings.")] = False,
    range: Annotated[str | None, typer.Option("--range", help="daily, weekly, monthly or annual.")] = None,
    day: Annotated[str | None, typer.Option("-d", "--date", help="A day of the period; yesterday by default.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print totals by site, and what was done.")] = False,
    organisation: OrganisationName = None,
    as_json: AsJson = False,
) -> None:
    """Update the summaries of a period, check them against the readings, and print the totals.

    Exit 1 if a stored summary differs from its readings.
    """
    if everything == (range is not None):
        raise Invalid("A period is required.", "Use --all, or --range daily, weekly, monthly or annual.", field="range")
    ready()
    from django.utils import timezone

    from eclectyc.cli.export import parse_day
    from eclectyc.cli.seed import local_today
    from eclectyc.operations import summaries

    owner, today = chosen_organisation(organisation), local_today()
    chosen = parse_day(day, "date") if day else today - timedelta(days=1)
    follow()
    span = summaries.whole_span() if range is None else summaries.period(range, chosen)
    start, end = span or (today, today)
    run = summaries.bring_up_to_date(range or "all", start, end, began_at=timezone.now())
    group: Group = "site" if verbose else "utility"
    table = summaries.totals(OPERATOR, owner, start, end, today=today, group_by=group) if span else None
    if as_json:
        print_json(_as_json(run, table))
    else:
        _print(run, table, verbose=verbose)
    raise typer.Exit(1 if run.differing else 0)


def _as_json(run: Any, table: pl.DataFrame | None) -> dict[str, object]:
    from dataclasses import asdict

    keep = ("label", "unit", "value", "present", "expected", "estimated")
    rows = [] if table is None else table.select(keep).to_dicts()
    for row in rows:
        row["value"] = None if row["value"] is None else round(row["value"], 9)  # rounding of sums in binary
    return {**asdict(run), "totals": rows}


def _print(run: Any, table: pl.DataFrame | None, *, verbose: bool) -> None:
    if table is None or table.is_empty():
        print("There are no readings in this period.")
    else:
        print(f"{_span(run.start, run.end)}\n")
        rows = [
            (
                r["label"],
                f"{r['value'] or 0:,.1f}",
                r["unit"],
                _share(r["present"], r["expected"]),
                _share(r["estimated"], r["present"]),
            )
            for r in table.iter_rows(named=True)
        ]
        show(["site" if verbose else "utility", "use", "unit", "coverage", "estimated"], rows, right=(1, 3, 4))
    days, readings = counted(run.days, "day summary", "day summaries"), counted(run.readings, "reading")
    say(f"{days} over {readings}: {_verdict(run.differing)} ({run.seconds:.2f} s).")
    if verbose:
        say(f"Interrupted imports recovered: {run.settled}. Lake maintained: {'yes' if run.maintained else 'no'}.")


def _verdict(differing: int) -> str:
    return f"{differing:,} differ from their readings; see eclectyc check" if differing else "all up to date"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def _span(start: date, end: date) -> str:
    last = end - timedelta(days=1)
    return f"{start:%-d %B %Y}" if start == last else f"{start:%-d %B %Y} to {last:%-d %B %Y}"
