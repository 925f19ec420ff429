"""A mapping describes the layout of one sender's files: the columns, the formats of their cells and their meaning.

It is plain data: checked as a whole, stored as JSON, written by hand as TOML (docs/imports.md has every name). Columns
are given by their heading, or by their position counted from 1. Pure.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from eclectyc.kernel.days import STEPS, zone_of
from eclectyc.kernel.errors import EclectycError, Invalid
from eclectyc.kernel.units import conversion

MOST_WORDS: Final = 500  # in a list of words
MOST_COLUMNS: Final = 200


def _plain(text: str) -> str:
    if "\x00" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise ValueError("contains characters that are not text")
    return text


Layout = Literal["long", "wide", "daily", "matrix", "registers"]
Heading = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), AfterValidator(_plain)]
Position = Annotated[int, Field(ge=1, le=10_000)]
ColumnRef = Heading | Position
Word = Annotated[str, StringConstraints(max_length=100), AfterValidator(_plain)]
Quantity = Literal["import", "export", "reactive_import", "reactive_export", "volume", "temperature", "other"]


class _Part(BaseModel):
    """A part of a mapping: unknown names are errors, and no value is converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FileShape(_Part):
    """The file itself. ``skip_rows`` are above the header, or above the data if there is no header.

    records : the file has several record types, given in this cell; columns are then named like ``66L.3``.
    """

    sheet: Word = ""
    delimiter: Literal["", ",", ";", "|", "tab"] = ""
    skip_rows: Annotated[int, Field(ge=0, le=1000)] | None = None
    header: bool = True
    records: Annotated[int, Field(ge=1, le=100)] | None = None


class SlotSet(_Part):
    """The columns of a day's slots: the first one, their number and distance; and the first of their flags."""

    first: ColumnRef
    count: Literal[23, 24, 25, 46, 48, 50, 92, 96, 100, 276, 288, 300]
    every: Annotated[int, Field(ge=1, le=10)] = 1
    flags: ColumnRef | None = None


class ValueColumn(_Part):
    """A column of values with its quantity or unit, if its heading does not give them."""

    column: ColumnRef
    quantity: Quantity | None = None
    unit: Word = ""


class MappedColumns(_Part):
    """The column of each field. A value is a column, or a column with its quantity and unit; or several."""

    meter: ColumnRef | None = None
    serial: ColumnRef | None = None
    register_name: ColumnRef | None = None
    stamp: ColumnRef | None = None
    date: ColumnRef | None = None
    time: ColumnRef | None = None
    period: ColumnRef | None = None
    value: (
        ColumnRef
        | ValueColumn
        | Annotated[list[ColumnRef | ValueColumn], Field(min_length=1, max_length=MOST_COLUMNS)]
        | None
    ) = None
    unit: ColumnRef | None = None
    flag: ColumnRef | None = None
    quantity: ColumnRef | None = None
    slots: SlotSet | None = None

    @property
    def values(self) -> list[ValueColumn]:
        """The columns of values, in order."""
        if self.value is None:
            return []
        named = self.value if isinstance(self.value, list) else [self.value]
        return [one if isinstance(one, ValueColumn) else ValueColumn(column=one) for one in named]

    def column_refs(self) -> dict[str, ColumnRef]:
        """Return the columns in use, by field."""
        named = {name: getattr(self, name) for name in _SINGLE if getattr(self, name) is not None}
        named |= {f"value {n}": one.column for n, one in enumerate(self.values, 1)}
        if self.slots:
            named["slots"] = self.slots.first
            named |= {"flags": self.slots.flags} if self.slots.flags is not None else {}
        return named


class CellMeaning(_Part):
    """The meaning of cells, if the file does not show it.

    dates, times : their formats, of DD, MM, MMM, YY, YYYY, HH, mm and ss. missing : texts for no value.
    closes_midnight : D 00:00 closes day D. step : minutes of a slot. slots_are : columns count from local midnight on,
    or are clock times.
    """

    stamps: Literal["", "start", "end"] = ""
    closes_midnight: bool = False
    timezone: Word = ""
    unit: Word = ""
    quantity: Quantity | None = None
    step: int | None = None
    slots_are: Literal["", "position", "clock"] = ""
    dates: Word = ""
    times: Word = ""
    decimal: Literal["point", "comma"] = "point"
    missing: Annotated[list[Word], Field(max_length=MOST_WORDS)] = []


class MeterRules(_Part):
    """The meters of the readings. unknown : reject or create meters that do not exist. add_serials : several serials of
    one meter in one slot are parts of it and summed."""

    meter: Word = ""
    unknown: Literal["", "reject", "create"] = ""
    site: Word = ""
    add_serials: bool = False


class Mapping(_Part):
    """The layout of one sender's files."""

    layout: Layout
    file: FileShape = FileShape()
    columns: MappedColumns = MappedColumns()
    meaning: CellMeaning = CellMeaning()
    flags: Annotated[dict[Word, Literal["actual", "estimated", "missing"]], Field(max_length=MOST_WORDS)] = {}
    quantities: Annotated[dict[Word, Quantity], Field(max_length=MOST_WORDS)] = {}
    meters: MeterRules = MeterRules()
    last_wins: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        for check in (_check_fields, _check_places, _check_records, _check_meaning):
            check(self)
        return self

    def data_kinds(self) -> set[str]:
        """Return the record types that contain values, in a file with several."""
        from eclectyc.intake.profiles.record_files import parts_of

        slots = self.columns.slots
        named = [one.column for one in self.columns.values] + ([slots.first] if slots else [])
        named += [slots.flags] if slots and slots.flags is not None else []
        return {kind for place in named if (kind := (parts_of(str(place)) or ("",))[0])}

    def as_data(self) -> dict[str, Any]:
        """Return the mapping as plain values, without defaults."""
        return self.model_dump(exclude_defaults=True)


_SINGLE: Final = ("meter", "serial", "register_name", "stamp", "date", "time", "period", "unit", "flag", "quantity")


def mapping_of(data: object) -> Mapping:
    """Return the mapping of plain values; raise ``Invalid`` for the first fault."""
    try:
        return Mapping.model_validate(data)
    except ValidationError as error:
        raise _first_fault(error) from None


def _check_fields(mapping: Mapping) -> None:
    """Check that the layout has the fields that it needs, and none that it cannot use."""
    columns, layout = mapping.columns, mapping.layout
    if (layout == "wide") != (columns.slots is not None):
        raise Invalid("columns.slots is required for the layout 'wide', and only for it.", _SEE, field="columns.slots")
    if layout in ("long", "daily", "registers") and not columns.values:
        raise Invalid(
            f"The layout {layout!r} needs a column of values.", "Give it in columns.value.", field="columns.value"
        )
    has_moment = columns.stamp is not None or (columns.date is not None and (columns.time or columns.period))
    if layout == "long" and not has_moment:
        raise Invalid(
            "The layout 'long' needs a date and time.",
            "Give columns.stamp, or columns.date with columns.time or columns.period.",
            field="columns.stamp",
        )
    if columns.stamp is None and columns.date is None:
        raise Invalid(
            f"The layout {layout!r} needs a date.", "Give columns.date or columns.stamp.", field="columns.date"
        )


def _check_places(mapping: Mapping) -> None:
    """Check that no column is two fields, and that columns of a file without a header are positions."""
    places = mapping.columns.column_refs()
    by_place: dict[ColumnRef, str] = {}
    for name, place in places.items():
        if by_place.setdefault(place, name) != name:
            raise Invalid(
                f"Column {place!r} is used as {by_place[place]} and as {name}.", "Use it once.", field="columns"
            )
    if not mapping.file.header:
        for name, place in places.items():
            if not isinstance(place, int):
                raise Invalid(
                    f"Without a header there is no column {place!r}.",
                    f"Give the position of {name}, counted from 1.",
                    field="columns",
                )
    if not mapping.file.header and mapping.layout == "matrix":
        raise Invalid("A matrix has its meters in its header.", "Set header = true.", field="file.header")


def _check_records(mapping: Mapping) -> None:
    """Check that columns of a file with several record types are named by them, and readings are of one type."""
    if mapping.file.records is None:
        return
    from eclectyc.intake.profiles.record_files import parts_of

    if mapping.layout == "matrix":
        raise Invalid("A matrix has only one record type.", "Leave out file.records.", field="file.records")
    for name, place in mapping.columns.column_refs().items():
        if not isinstance(place, str) or parts_of(place) is None:
            raise Invalid(
                f"{place!r} does not name a cell of a record type.",
                f"Give {name} as record type and cell, such as 66L.3.",
                field="columns",
            )
    if len(mapping.data_kinds()) != 1:
        raise Invalid(
            "All readings must be in one record type.", "Give cells of one record type.", field="columns.value"
        )


def _check_meaning(mapping: Mapping) -> None:
    """Check zone, unit, step and the formats of dates."""
    from eclectyc.intake.profiles.cell_formats import check_cell_format

    meaning = mapping.meaning
    if meaning.timezone:
        zone_of(meaning.timezone)
    for unit in (meaning.unit, *(one.unit for one in mapping.columns.values)):
        if unit:
            conversion(unit)
    if meaning.step is not None and meaning.step not in STEPS:
        raise Invalid(
            f"A slot cannot last {meaning.step} minutes.", "Use a divisor of 60, or 1440.", field="meaning.step"
        )
    check_cell_format(meaning.dates, "meaning.dates")
    check_cell_format(meaning.times, "meaning.times")
    if mapping.meters.unknown == "create" and not mapping.meters.site:
        raise Invalid("New meters need a site.", "Give it in meters.site.", field="meters.site")


# Pydantic's names for a choice of types and for a key: not part of a mapping.
_INNER: Final = re.compile(r"constrained-|list\[|function-|ValueColumn|\[key\]")
_SEE: Final = "docs/imports.md describes every part."


def _first_fault(error: ValidationError) -> Invalid:
    first = error.errors()[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, EclectycError):
        return Invalid(cause.reason, cause.remedy, field=cause.field or "mapping")
    is_place = any("constrained-" in str(part) for part in first["loc"])
    path = ".".join(str(part) for part in first["loc"] if not _INNER.match(str(part)))
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        return Invalid(f"A mapping has no {path!r}.", _SEE, field=path)
    if first["type"] == "missing":
        return Invalid(f"{path!r} is missing.", _SEE, field=path)
    if is_place:
        return Invalid(f"{path!r} is not a column.", "Give its heading, or its position counted from 1.", field=path)
    return Invalid(f"{path or 'The mapping'}: {message[0].lower()}{message[1:]}.", _SEE, field=path)
