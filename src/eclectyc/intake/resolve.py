"""Resolve identifiers to metering points of the organisation, and units to canonical ones.

A *channel* is one combination of meter, quantity, unit and register in a file; a *point* the meter it belongs to, which
the import may create; a *target* the series of its readings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

import numpy as np
import polars as pl

from eclectyc.accounts.models import Organisation
from eclectyc.estate.models import Quantity, Utility
from eclectyc.estate.series import quantity_in
from eclectyc.intake.registry_lookup import MeterLookup, MeterRecord, SeriesRecord
from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.identifiers import clean_identifier, has_lost_digits, identify
from eclectyc.kernel.units import conversion_for_meter, is_added

KEY: Final = ("meter", "quantity", "unit", "register")
MAX_IDENTIFIER: Final = 64
_UNIT_OF_QUANTITY: Final = {"reactive_import": "kVArh", "reactive_export": "kVArh", "temperature": "degC"}
_QUANTITY_OF_UNIT: Final = {"kVArh": Quantity.REACTIVE_IMPORT, "degC": Quantity.TEMPERATURE}


class ChannelKey(NamedTuple):
    """Meter, quantity, unit and register as a file gives them; None if it does not."""

    meter: str | None
    quantity: str | None
    unit: str | None
    register: str | None = None


@dataclass(slots=True)
class Point:
    """A metering point: in the registry (``meter``), to be created, or unknown."""

    identifier: str
    meter: int | None = None
    zone: str = ""
    unit: str = ""
    direction: str = "import"
    step: int = 30
    utility: str = ""  # empty: to be created, with the utility of what is measured
    series: list[SeriesRecord] = field(default_factory=list)
    is_new: bool = False
    is_virtual: bool = False
    warning: str = ""  # about an unusual identifier

    @property
    def is_accepted(self) -> bool:
        """Whether readings of this point are imported."""
        return self.meter is not None or self.is_new


@dataclass(slots=True)
class Channel:
    """One combination of meter, quantity, unit and register in a file."""

    key: ChannelKey
    point: Point
    quantity: str = "import"
    unit: str = ""
    register: str = ""  # empty: the whole of the quantity
    factor: float = 1.0
    is_power: bool = False  # a mean power over the period, to be multiplied by its hours
    is_unit_assumed: bool = False
    fault: Invalid | None = None  # why its rows are rejected
    rows: int = 0
    first_line: int = 0

    @property
    def is_accepted(self) -> bool:
        return self.point.is_accepted and self.fault is None

    @property
    def is_additive(self) -> bool:
        return is_added(self.unit)


@dataclass(frozen=True, slots=True)
class MeterOptions:
    """The options of an import about meters and units."""

    meter: str = ""
    quantity: str = ""
    unit: str = ""
    creates: bool = False
    zone: str = ""  # of created meters
    strict_mpan: bool = False
    unit_needed_because: str = ""  # why kWh is not assumed if neither file nor meter gives a unit


class Resolver:
    """Resolves the channels of a file block by block; only new identifiers are looked up."""

    def __init__(self, organisation: Organisation, options: MeterOptions) -> None:
        self.channels: list[Channel] = []
        self.points: dict[str, Point] = {}
        self.warnings: list[str] = []
        self._registry = MeterLookup(organisation)
        self._options = options
        self._by_printed: dict[ChannelKey, int] = {}  # of one step
        self._by_step: dict[int | None, dict[ChannelKey, int]] = {}

    def channels_of(self, frame: pl.DataFrame, step: int | None = None) -> np.ndarray:
        """Return the channel number of each row, int32. ``frame`` has line, meter, quantity, unit and perhaps register.

        step : minutes of the rows' periods, if the file gives them; rows of another step are another channel.
        """
        self._by_printed = self._by_step.setdefault(step, {})
        heads = _run_starts(frame)
        if len(heads) * 4 > len(frame):  # the meters alternate
            return self._channels_of_many(frame)
        cells = (frame[name][heads].to_list() for name in _keys_of(frame))
        keys = [ChannelKey(*key) for key in zip(*cells, strict=True)]
        self._add_new(keys)
        numbers = [self._by_printed[key] for key in keys]
        lengths = np.diff(np.append(heads, len(frame)))
        self._count(numbers, lengths.tolist(), frame["line"].to_numpy()[heads].tolist())
        return np.repeat(np.array(numbers, dtype=np.int32), lengths)

    def _channels_of_many(self, frame: pl.DataFrame) -> np.ndarray:
        names = _keys_of(frame)
        counted = frame.group_by(names, maintain_order=True).agg(rows=pl.len(), first=pl.col("line").min())
        printed = [ChannelKey(*key) for key in counted.select(names).rows()]
        self._add_new(printed)
        numbers = [self._by_printed[key] for key in printed]
        self._count(numbers, counted["rows"].to_list(), counted["first"].to_list())
        keys = counted.select(names).with_columns(channel=pl.Series(numbers, dtype=pl.Int32))
        on = [name for name in names if keys[name].n_unique() > 1]
        if not on:
            return np.full(len(frame), numbers[0], dtype=np.int32)
        joined = frame.select(on).join(
            keys.select(*on, "channel"), on=on, how="left", nulls_equal=True, maintain_order="left"
        )
        return joined["channel"].to_numpy()

    def _count(self, numbers: Sequence[int], rows: Sequence[int], first_lines: Sequence[int]) -> None:
        for number, count, first in zip(numbers, rows, first_lines, strict=True):
            channel = self.channels[number]
            channel.first_line = first if channel.rows == 0 else min(channel.first_line, first)
            channel.rows += count

    def unknown_points(self) -> list[Point]:
        """Return the points that are neither in the registry nor to be created."""
        channels = (channel for channel in self.channels if channel.fault is None and not channel.point.is_accepted)
        return list({channel.point.identifier: channel.point for channel in channels}.values())

    def _add_new(self, printed: Sequence[ChannelKey]) -> None:
        new = [key for key in dict.fromkeys(printed) if key not in self._by_printed]
        if not new:
            return
        if self._options.meter:
            self._check_meter_option([key.meter for key in new if key.meter])
        self._look_up({self._identifier(key.meter) for key in new} - set(self.points))
        for key in new:
            self._by_printed[key] = len(self.channels)
            self.channels.append(self._channel(key))

    def _check_meter_option(self, printed: Sequence[str]) -> None:
        named = {
            clean_identifier(text) for text in (*printed, *(channel.key.meter or "" for channel in self.channels))
        } - {""}
        meter = clean_identifier(self._options.meter)
        if len(named) > 1:
            shown = ", ".join(sorted(named)[:5])
            raise Invalid(f"The file names several meters: {shown}.", "Leave out --meter.", field="meter")
        if printed and not self.channels and named != {meter}:
            self.warnings.append(
                f"The file names meter {named.pop()}; its readings are imported for {meter}, as requested."
            )

    def _identifier(self, printed: str | None) -> str:
        """Return a clean identifier; ``--meter`` replaces the file's."""
        if self._options.meter:
            return clean_identifier(self._options.meter)
        if printed is None:
            raise Invalid("The file names no meter.", "Name the meter with --meter.", field="meter")
        return clean_identifier(printed)

    def _channel(self, printed: ChannelKey) -> Channel:
        point = self.points[self._identifier(printed.meter)]
        channel = Channel(printed, point, register=printed.register or "")
        if has_lost_digits(printed.meter or ""):
            reason = f"The identifier {printed.meter} has lost digits: a spreadsheet stored it as a number."
            channel.fault = Invalid(reason, "Format the column as text in the spreadsheet and save it again.")
            return channel
        if point.warning and self._options.strict_mpan:
            channel.fault = Invalid(point.warning, "Correct the MPAN, or import without --strict-mpan.")
            return channel
        if point.is_virtual:
            reason = f"{point.identifier} is a virtual meter: its readings are calculated from other meters."
            channel.fault = Invalid(reason, "Import the readings of the meters in its formula.", field="meter")
            return channel
        channel.quantity = printed.quantity or self._options.quantity
        try:
            self._set_unit(channel, self._options.unit or printed.unit)
        except Invalid as fault:
            channel.fault = fault
        quantity = str(channel.quantity or _QUANTITY_OF_UNIT.get(channel.unit) or point.direction)
        channel.quantity = quantity_in(
            point.utility or _utility_of(channel.unit, point.identifier), quantity, channel.unit
        )
        return channel

    def _set_unit(self, channel: Channel, printed: str | None) -> None:
        """Set the canonical unit and factor: of the file's unit, else of the quantity, else of the meter."""
        own = channel.point.unit
        if not printed:
            if self._options.unit_needed_because and not own:
                raise Invalid(self._options.unit_needed_because, "Give it with --unit kWh or --unit m3.", field="unit")
            channel.unit = _UNIT_OF_QUANTITY.get(channel.quantity) or own or "kWh"
            channel.is_unit_assumed = not own
            return
        known = conversion_for_meter(printed, own)
        channel.unit, channel.factor, channel.is_power = known.unit, float(known.factor), known.is_power

    def _look_up(self, identifiers: Iterable[str]) -> None:
        """Look up identifiers: metering points first, then serials that only one meter has."""
        new = sorted(identifiers)
        if not new:
            return
        found = self._registry.meters(new)
        if missing := [text for text in new if text not in found]:
            serials = self._registry.by_serial(missing)
            found |= {serial: meters[0] for serial, meters in serials.items() if len(meters) == 1}
            if several := sorted(serial for serial, meters in serials.items() if len(meters) > 1):
                self.warnings.append(f"Several meters have the serial {', '.join(several)}. Use their MPAN instead.")
        by_meter: dict[int, Point] = {point.meter: point for point in self.points.values() if point.meter}
        for text in new:
            self.points[text] = self._point(text, found.get(text), by_meter)
        self._attach_series([self.points[text] for text in new])
        if not self._options.strict_mpan:
            self.warnings.extend(point.warning for text in new if (point := self.points[text]).warning)

    def _point(self, text: str, meter: MeterRecord | None, by_meter: dict[int, Point]) -> Point:
        if meter is None:
            is_new = self._options.creates and not has_lost_digits(text) and len(text) <= MAX_IDENTIFIER
            return Point(text, zone=self._options.zone, is_new=is_new, warning=identify(text).warning)
        known = Point(
            meter.identifier,
            meter.pk,
            zone=meter.zone,
            unit=meter.unit,
            direction=meter.direction,
            step=meter.step,
            utility=meter.utility,
            warning=identify(meter.identifier).warning,
            is_virtual=bool(meter.formula),
        )
        return by_meter.setdefault(meter.pk, known)

    def _attach_series(self, points: list[Point]) -> None:
        by_meter = {point.meter: point for point in points if point.meter is not None and not point.series}
        for meter, series in self._registry.series(by_meter).items():
            by_meter[meter].series.extend(series)


def _keys_of(frame: pl.DataFrame) -> list[str]:
    return [name for name in KEY if name in frame.columns]


def _run_starts(frame: pl.DataFrame) -> np.ndarray:
    """Return the rows at which meter, quantity or unit differ from the row before; most files are sorted by meter.

    Series are compared in this thread: an expression would wait for Polars' thread pool, which is busy reading.
    """
    differs = np.ones(len(frame), dtype=bool)
    differs[1:] = False
    for cells in (frame[name] for name in _keys_of(frame)):
        blanks = cells.null_count()
        if blanks == len(cells):
            continue
        if blanks:
            is_blank = cells.is_null().to_numpy()
            differs[1:] |= is_blank[1:] != is_blank[:-1]
        unlike = cells[1:] != cells[:-1]
        differs[1:] |= (unlike.fill_null(False) if blanks else unlike).to_numpy()
    return np.flatnonzero(differs)


class Measurement(Protocol):
    """What is measured at a point: a channel or a target."""

    @property
    def quantity(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def step(self) -> int: ...


def new_meter_fields(identifier: str, measured: Sequence[Measurement]) -> dict[str, object]:
    """Return the fields of a meter to create, without its identifier, from the series that a file has for it."""
    main = next((one for one in measured if one.quantity in ("import", "export")), measured[0])
    volume = next((one.unit for one in measured if one.unit == "m3"), main.unit)  # together with kWh: gas
    is_gas = _utility_of(volume, identifier) == Utility.GAS
    return {
        "utility": Utility.GAS if is_gas else _utility_of(main.unit, identifier),
        "direction": "export" if all(one.quantity == "export" for one in measured) else "import",
        "unit": main.unit,
        "step_minutes": main.step,
    }


def _utility_of(unit: str, identifier: str) -> str:
    if unit in ("kWh", "kVArh", "kVAh", "kW", "kVA", "kVAr"):
        return Utility.ELECTRICITY
    if unit == "m3":
        return Utility.GAS if identify(identifier, utility="gas").kind == "mprn" else Utility.WATER
    return Utility.WATER if unit == "litre" else Utility.OTHER
