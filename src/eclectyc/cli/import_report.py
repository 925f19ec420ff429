"""An import's report on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from eclectyc.cli.session import print_table
from eclectyc.kernel.plurals import counted
from eclectyc.kernel.units import is_added

if TYPE_CHECKING:
    from eclectyc.intake.report import ImportReport

SHOWN: Final = 20  # lines of a list; the others are counted


def show(report: ImportReport) -> None:
    """Print a report: a summary, how the file was read, warnings, errors, and each series."""
    print(_sentence(report))
    if not report.is_registry_import:
        print(_understood(report))
    for warning in report.warnings:
        print(f"! {warning}")
    if report.unknown_meters:
        print(f"Unknown meters: {', '.join(report.unknown_meters)}.")
        print("Create them with: --create-meters --site NAME")
    if report.errors:
        _show_errors(report)
    if report.series:
        _show_series(report)


def _sentence(report: ImportReport) -> str:
    would = "would be " if report.dry_run else ""
    if report.is_registry_import:
        created = report.created_sites + report.created_meters
        updated = report.updated_sites + report.updated_meters
        counts = f"{created:,} {would}created, {updated:,} {would}updated, {report.rejected:,} rejected"
    else:
        counts = (
            f"{counted(report.readings, 'reading')}: {report.added:,} {would}added, {report.changed:,} changed, "
            f"{report.unchanged:,} unchanged, {report.kept:,} kept out; "
            f"{report.rejected:,} of {counted(report.rows, 'row')} rejected"
        )
        if report.reads:
            counts = f"{counted(report.reads, 'read')} {would}stored; consumption calculated: {counts}"
    name = "Dry run" if report.dry_run else f"Batch {report.batch}" if report.batch else "Nothing imported"
    also_created = [
        f"{counted(count, thing)} {would}created"
        for count, thing in ((report.created_sites, "site"), (report.created_meters, "meter"))
        if count and not report.is_registry_import
    ]
    return f"{name}, {report.file}: {counts}{''.join(f'; {text}' for text in also_created)}."


def _understood(report: ImportReport) -> str:
    doubt = "" if report.sure == 1 else f"; {report.sure:.0%} sure"
    parts = [f"Read as {report.format} ({report.why}{doubt})"]
    if report.stamps:
        parts.append(f"stamps mark the {report.stamps} of a period ({report.stamps_why})")
    if report.timezone:
        parts.append(f"clock {report.timezone}")
    return "; ".join(parts) + "."


def _show_errors(report: ImportReport) -> None:
    print()
    rows = [(e.line, e.column, e.reason, e.remedy) for e in report.errors[:SHOWN]]
    print_table(("line", "column", "reason", "remedy"), rows, right=(0,))
    more = report.error_count - len(rows)
    if more > 0:
        where = (
            f"; those after the first {len(report.errors)} are in {report.errors_file}" if report.errors_file else ""
        )
        print(f"… and {more:,} more{where}.")


def _show_series(report: ImportReport) -> None:
    print()
    rows = [
        (of, s.quantity, s.unit, f"{s.step} min", f"{s.readings:,}", f"{s.total:,.3f}", s.first, s.last)
        for s in report.series[:SHOWN]
        if (of := f"{s.meter} {s.register}".strip())
    ]
    headings = ("meter", "quantity", "unit", "step", "readings", "total", "first", "last")
    print_table(headings, rows, right=(4, 5))
    if len(report.series) > SHOWN:
        print(f"… and {len(report.series) - SHOWN:,} more series.")
    print(_control_total(report))


def _control_total(report: ImportReport) -> str:
    """Return the file's sums in each additive unit."""
    totals: dict[str, float] = {}
    for one in report.series:
        totals[one.unit] = totals.get(one.unit, 0.0) + one.total
    added = [f"{totals[unit]:,.3f} {unit}" for unit in sorted(totals, key=lambda u: (u != "kWh", u)) if is_added(unit)]
    if not added:
        return f"No control total: {', '.join(sorted(totals))} is not additive."
    return f"Control total: {', '.join(added)}{'' if 'kWh' in totals else ' (nothing is in kWh)'}."
