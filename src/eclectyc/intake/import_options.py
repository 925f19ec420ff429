"""The options of an import, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from eclectyc.estate.models import Quantity
from eclectyc.kernel.days import zone_of
from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.units import conversion
from eclectyc.readers.reader import ReadOptions

StampsOption = Literal["auto", "start", "end"]
STAMPS: Final = ("auto", "start", "end")


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a file is to be imported, as the person chose; see CONTRACT for each."""

    type: str = "auto"
    dry_run: bool = False
    create_meters: bool = False
    site: str = ""
    stamps: StampsOption = "auto"
    timezone: str = ""
    unit: str = ""
    meter: str = ""
    quantity: str = ""
    profile: str = ""
    strict_mpan: bool = False
    sheet: str = ""

    @property
    def reading(self) -> ReadOptions:
        """The options that the readers need."""
        return ReadOptions(self.type, self.meter, self.unit, self.quantity, self.sheet)

    def checked(self) -> ImportOptions:
        """Return these options, or raise ``Invalid`` that names the first wrong one."""
        if self.stamps not in STAMPS:
            raise Invalid(f"Stamps cannot be {self.stamps!r}.", "Use auto, start or end.", field="stamps")
        if self.timezone:
            zone_of(self.timezone)
        if self.unit:
            conversion(self.unit)
        if self.quantity and self.quantity not in Quantity.values:
            names = ", ".join(Quantity.values)
            raise Invalid(f"There is no quantity {self.quantity!r}.", f"Use one of {names}.", field="quantity")
        return self


@dataclass(slots=True)
class Progress:
    """How far an import is. ``done`` and ``total`` are bytes while reading, readings while writing."""

    phase: Literal["reading", "waiting", "writing", "done"] = "reading"
    done: int = 0
    total: int = 0
    rows: int = 0
    text: str = ""
