"""A file of a fact from outside: a time, a value, perhaps a unit and a place on each line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.external.outside_facts import Grain, OutsideFact, Time
from eclectyc.external.values import store_values
from eclectyc.intake.report import CLEAN, NOTHING_USABLE, SOME_REJECTED
from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.plurals import counted
from eclectyc.kernel.units import unit_key
from eclectyc.readers.blocks import LineError, UnreadableFile
from eclectyc.readers.files.source import open_source
from eclectyc.readers.tables.file_sample import TableSample, sample_of
from eclectyc.readers.tables.numbers import parse_number, why_not_a_number
from eclectyc.readers.tables.registry_tables import (
    BadCell,
    Normalise,
    RegistryField,
    find_columns,
    iso_date,
    iso_moment,
    keys,
    read_records,
)

MOST_ERRORS: Final = 100
Fact = OutsideFact[Any]


@dataclass(slots=True)
class ValueFileReport:
    """What happened to a file. places : of its values. meters : how many meters' readings depend on them."""

    file: str = ""
    dry_run: bool = False
    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    places: list[str] = field(default_factory=list)
    first: str | None = None
    last: str | None = None
    meters: int = 0
    warnings: list[str] = field(default_factory=list)
    errors: list[LineError] = field(default_factory=list)
    error_count: int = 0

    @property
    def exit_code(self) -> int:
        """0 clean, 1 some rows rejected, 2 nothing usable."""
        if not self.accepted:
            return NOTHING_USABLE
        return SOME_REJECTED if self.error_count else CLEAN

    def as_dict(self, place: str) -> dict[str, Any]:
        """Return the report as JSON has it. place : the kind of place, which names its list: "regions"."""
        plain = {f"{place}s" if name == "places" else name: getattr(self, name) for name in self.__slots__}
        names = ("line", "column", "reason", "remedy")
        return plain | {"errors": [{name: getattr(error, name) for name in names} for error in self.errors]}

    def reject(self, *errors: LineError) -> None:
        """Count errors, and keep the first hundred."""
        self.error_count += len(errors)
        self.errors += errors[: max(0, MOST_ERRORS - len(self.errors))]


@dataclass(frozen=True, slots=True)
class ValueLine:
    """One line of a file."""

    line: int
    place: str
    time: Time
    value: Decimal


def import_values(
    actor: Actor,
    fact: Fact,
    *,
    organisation: Organisation,
    path: Path,
    place: str = "",
    name: str = "",
    dry_run: bool = False,
) -> ValueFileReport:
    """Import a file: every sound line. Raises ``UnreadableFile`` if it has no column of times or values.

    place : of lines that name none; else the organisation's default. name : the file's name, if it is not the path's.
    """
    actor.require(fact.permission, organisation.pk)
    default = fact.checked_place(place)
    report = ValueFileReport(name or Path(path).name, dry_run)
    lines = _without_repeats(fact, _lines(fact, Path(path), report, default), report)
    report.accepted = len(lines)
    report.rejected = report.rows - report.accepted
    if lines:
        report.first, report.last = (edge(one.time for one in lines).isoformat() for edge in (min, max))
    _warn(fact, lines, report)
    if dry_run:
        report.places = sorted({one.place for one in lines})
        return report
    for named in dict.fromkeys(one.place for one in lines):
        values = {one.time: one.value for one in lines if one.place == named}
        stored = store_values(actor, fact, organisation=organisation, place=named, values=values, source=report.file)
        report.places.append(stored.place)
        report.added, report.changed = report.added + stored.added, report.changed + stored.changed
        report.unchanged, report.meters = report.unchanged + stored.unchanged, report.meters + stored.meters
    return report


def _fields(fact: Fact) -> dict[str, RegistryField]:
    return {
        "date": RegistryField(keys(*fact.time_headings), iso_date if fact.grain is Grain.DAY else iso_moment),
        fact.column: RegistryField(keys(*fact.headings), _number),
        "unit": RegistryField(keys("unit", "units", "uom"), _unit_of(fact)),
        fact.place: RegistryField(keys(*fact.place_headings)),
    }


def _number(text: str) -> str:
    if parse_number(text) is None:
        raise BadCell(*why_not_a_number(text))
    return text.strip().replace(",", "")


def _unit_of(fact: Fact) -> Normalise:
    def normalise(text: str) -> str:
        found = unit_key(text)
        if found not in fact.units:
            reason = f"The unit {text.strip()[:40]!r} is not one of {fact.plural}."
            raise BadCell(reason, f"Give them in {fact.unit}.")
        return found

    return normalise


def _lines(fact: Fact, path: Path, report: ValueFileReport, default: str) -> Iterator[ValueLine]:
    """Yield the sound lines; reject the others."""
    source, fields = open_source(path), _fields(fact)
    table = sample_of(source).table
    columns = find_columns(table, fields)
    _refuse_without(fact, table, [name for name in ("date", fact.column) if name not in columns])
    heading = table.names[columns[fact.column]]
    for block, errors in read_records(source, table, fields, "date", report.warnings):
        report.reject(*errors)
        report.rows += block.rows + len({error.line for error in errors})
        for row in block.frame.iter_rows(named=True):
            try:
                yield _line(fact, row, default)
            except BadCell as bad:
                report.reject(LineError(row["line"], heading, bad.reason, bad.remedy))


def _refuse_without(fact: Fact, table: TableSample, missing: list[str]) -> None:
    if missing:
        shown = ", ".join(name for name in table.names if name)[:200]
        raise UnreadableFile(
            f"No column for {' and '.join(missing)}. The file has: {shown}.",
            f"Name the columns date, {fact.column}, unit.",
        )


def _line(fact: Fact, row: dict[str, Any], default: str) -> ValueLine:
    if row[fact.column] is None:
        raise BadCell(f"There is no {fact.name}.", "Fill it in, or leave the line out.")
    try:
        value = Decimal(row[fact.column]) * fact.units[row.get("unit") or unit_key(fact.unit)]
        place = fact.checked_place(row.get(fact.place)) or default
        time = fact.grain.checked("date", row["date"])
        return ValueLine(row["line"], place, time, fact.checked_value(value))
    except Invalid as wrong:
        raise BadCell(wrong.reason, wrong.remedy) from None


def _without_repeats(fact: Fact, found: Iterator[ValueLine], report: ValueFileReport) -> list[ValueLine]:
    """Return the lines without those that give different values for one time; the same value twice counts once."""
    lines = list(found)
    values: dict[tuple[str, Time], set[Decimal]] = {}
    for one in lines:
        values.setdefault((one.place.casefold(), one.time), set()).add(one.value)
    kept = []
    for one in lines:
        if len(values[one.place.casefold(), one.time]) == 1:
            kept.append(one)
        else:
            time = f"{one.time:%Y-%m-%d %H:%M}" if isinstance(one.time, datetime) else one.time
            reason = f"The file gives several {fact.plural} for {time}."
            report.reject(LineError(one.line, "", reason, "Keep the line that is right."))
    return kept


def _warn(fact: Fact, lines: list[ValueLine], report: ValueFileReport) -> None:
    low, high = fact.usual
    odd = [one for one in lines if not low <= one.value <= high]
    if odd:
        report.warnings.append(
            f"Outside the usual {low} to {high} {fact.unit}: {counted(len(odd), 'value')}, "
            f"first line {odd[0].line} with {odd[0].value.normalize():f}."
        )
