"""A file of calorific values: date, calorific_value, unit; perhaps a region in each line."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.gas.rules import USUAL
from eclectyc.gas.service import EDIT, checked_region, checked_value, put_values
from eclectyc.intake.report import CLEAN, NOTHING_USABLE, SOME_REJECTED
from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.plurals import counted
from eclectyc.kernel.units import unit_key
from eclectyc.readers.blocks import LineError, UnreadableFile
from eclectyc.readers.files.source import open_source
from eclectyc.readers.tables.file_sample import sample_of
from eclectyc.readers.tables.numbers import parse_number, why_not_a_number
from eclectyc.readers.tables.registry_tables import BadCell, RegistryField, find_columns, iso_date, keys, read_records

MOST_ERRORS: Final = 100
_UNITS: Final = {"mjm3": Decimal(1), "mjperm3": Decimal(1), "mjm": Decimal(1), "mjsm3": Decimal(1),
                 "mjcubicmetre": Decimal(1), "kwhm3": Decimal("3.6"), "kwhperm3": Decimal("3.6")}  # fmt: skip


def _number(text: str) -> str:
    if parse_number(text) is None:
        raise BadCell(*why_not_a_number(text))
    return text.strip().replace(",", "")


def _unit(text: str) -> str:
    found = unit_key(text)
    if found not in _UNITS:
        raise BadCell(f"The unit {text.strip()[:40]!r} is not one of calorific values.", "Give them in MJ/m³.")
    return found


FIELDS: Final = {
    "date": RegistryField(keys("date", "day", "gasday", "gasdate", "applicablefor", "applicabledate", "readdate"), iso_date),
    "calorific_value": RegistryField(
        keys("calorificvalue", "cv", "value", "calorific", "calorificvaluemjm", "calorificvaluemjm3", "cvmjm",
             "cvmjm3", "mjm3", "mjm", "mjperm3"),
        _number,
    ),
    "unit": RegistryField(keys("unit", "units", "uom"), _unit),
    "region": RegistryField(keys("region", "ldz", "zone", "area", "gasregion", "localdistributionzone")),
}  # fmt: skip


@dataclass(slots=True)
class CalorificReport:
    """What became of a file, as ``external calorific --json`` prints it."""

    file: str = ""
    dry_run: bool = False
    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    regions: list[str] = field(default_factory=list)
    first: str | None = None
    last: str | None = None
    meters: int = 0  # whose kWh are worked out anew
    warnings: list[str] = field(default_factory=list)
    errors: list[LineError] = field(default_factory=list)
    error_count: int = 0

    @property
    def exit_code(self) -> int:
        """0 clean, 1 some rows rejected, 2 nothing usable."""
        if not self.accepted:
            return NOTHING_USABLE
        return SOME_REJECTED if self.error_count else CLEAN

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        plain = {name: getattr(self, name) for name in self.__slots__ if name != "errors"}
        names = ("line", "column", "reason", "remedy")
        return plain | {"errors": [{name: getattr(error, name) for name in names} for error in self.errors]}

    def refuse(self, *errors: LineError) -> None:
        """Take errors, and keep the first hundred."""
        self.error_count += len(errors)
        self.errors += errors[: max(0, MOST_ERRORS - len(self.errors))]


@dataclass(frozen=True, slots=True)
class _Line:
    line: int
    region: str
    iso_date: date
    value: Decimal


def import_calorific(
    actor: Actor, *, organisation: Organisation, path: Path, region: str = "", name: str = "", dry_run: bool = False
) -> CalorificReport:
    """Take a file of calorific values in: every sound line of it. Raises ``UnreadableFile`` for one without columns.

    region : whose they are, where no column tells; else the organisation's usual one. name : what the file is called.
    """
    actor.require(EDIT, organisation.pk)
    told = checked_region(region)
    report = CalorificReport(name or Path(path).name, dry_run)
    lines = _without_repeats(_lines(Path(path), report, told), report)
    report.accepted = len(lines)
    report.rejected = report.rows - report.accepted
    if lines:
        report.first, report.last = (edge(one.day for one in lines).isoformat() for edge in (min, max))
    _warn(lines, report)
    if dry_run:
        report.regions = sorted({one.region for one in lines})
        return report
    for named in dict.fromkeys(one.region for one in lines):
        values = {one.day: one.value for one in lines if one.region == named}
        put = put_values(actor, organisation=organisation, region=named, values=values, source=report.file)
        report.regions.append(put.region)
        report.added, report.changed = report.added + put.added, report.changed + put.changed
        report.unchanged, report.meters = report.unchanged + put.unchanged, report.meters + put.meters
    return report


def _lines(path: Path, report: CalorificReport, region: str) -> list[_Line]:
    source = open_source(path)
    table = sample_of(source).table
    columns = find_columns(table, FIELDS)
    lacking = [name for name in ("date", "calorific_value") if name not in columns]
    if lacking:
        shown = ", ".join(name for name in table.names if name)[:200]
        raise UnreadableFile(
            f"No column for {' and '.join(lacking)}. The file has: {shown}.", "Head them date, calorific_value, unit."
        )
    heading = table.names[columns["calorific_value"]]
    found = []
    for block, errors in read_records(source, table, FIELDS, "date", report.warnings):
        rejected = {error.line for error in errors}
        report.refuse(*errors)
        report.rows += block.rows + len(rejected)
        for row in block.frame.iter_rows(named=True):
            try:
                found.append(_line(row, heading, region))
            except BadCell as bad:
                report.refuse(LineError(row["line"], heading, bad.reason, bad.remedy))
    return found


def _line(row: dict[str, Any], heading: str, region: str) -> _Line:
    if row["calorific_value"] is None:
        raise BadCell("There is no calorific value.", "Fill it in, or leave the line out.")
    try:
        value = Decimal(row["calorific_value"]) * _UNITS[row.get("unit") or "mjm3"]
        named = checked_region(row.get("region")) or region
        return _Line(row["line"], named, date.fromisoformat(row["date"]), checked_value(value))
    except Invalid as wrong:
        raise BadCell(wrong.reason, wrong.remedy) from None


def _without_repeats(lines: list[_Line], report: CalorificReport) -> list[_Line]:
    """Return the lines without those that tell different values of one day; the same value twice counts once."""
    told: dict[tuple[str, date], set[Decimal]] = {}
    for one in lines:
        told.setdefault((one.region.casefold(), one.day), set()).add(one.value)
    kept = []
    for one in lines:
        if len(told[one.region.casefold(), one.day]) == 1:
            kept.append(one)
        else:
            reason = f"The file gives {one.day} several calorific values."
            report.refuse(LineError(one.line, "", reason, "Keep the line that is right."))
    return kept


def _warn(lines: list[_Line], report: CalorificReport) -> None:
    odd = [one for one in lines if not USUAL[0] <= one.value <= USUAL[1]]
    if odd:
        first = odd[0]
        report.warnings.append(
            f"Outside the usual 37 to 44 MJ/m³: {counted(len(odd), 'value')}, "
            f"first line {first.line} with {first.value.normalize():f}."
        )
