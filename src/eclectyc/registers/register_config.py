"""The configuration that calculating consumption needs: registers, their metering points, devices and multipliers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import numpy as np

USE: Final = "use"  # a register whose consumption counts
CHECK: Final = "check"  # a total beside others
MAXIMUM: Final = "maximum"  # of demand, never differenced
START: Final = -(1 << 40)  # [s] before anything
END: Final = 1 << 40  # [s] after everything


class DeviceSpan(NamedTuple):
    """A device at a point between two moments [s]; reads are its register's at its fitting and its removal."""

    serial_key: str
    since_s: int
    until_s: int
    opening: float | None
    closing: float | None
    digits: int | None


class RegisterReset(NamedTuple):
    """A span [s] in which a register was reset, and its reads just before and just after."""

    since_s: int
    until_s: int
    last_read: float | None
    first_read: float


class Epoch(NamedTuple):
    """The multiplier from a moment [s] on."""

    since_s: int
    factor: float


@dataclass(slots=True)
class PointFacts:
    """A metering point. step : of its slots [minutes]; 1440 for whole days."""

    identifier: str
    zone: str
    step: int = 30
    serial_key: str = ""
    unit: str = ""  # the meter's own
    devices: Sequence[DeviceSpan] = ()
    epochs: Sequence[Epoch] = (Epoch(START, 1.0),)

    @property
    def slot_s(self) -> int:
        """The length of a slot [s]; of a whole day that of most days."""
        return self.step * 60


@dataclass(slots=True)
class RegisterFacts:
    """A register: its point (by index), what it measures, and how its display counts.

    unit : of the display. measured, factor : the canonical unit of its use, and the factor from the display to it.
    """

    point: int
    quantity: str
    unit: str
    measured: str
    factor: float = 1.0
    serial: str = ""
    code: str = ""
    kind: str = USE
    digits: int | None = None
    tolerance_s: int = 60
    is_beside: bool = False
    until_s: int = END
    resets: Sequence[RegisterReset] = ()
    pk: int | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Serial and code, in a form that is the same however they are written."""
        return serial_key(self.serial), code_key(self.code)

    @property
    def target(self) -> tuple[int, str, str]:
        """The point, quantity and canonical unit that its use is added to."""
        return self.point, self.quantity, self.measured

    @property
    def counts(self) -> bool:
        return self.kind == USE

    @property
    def name(self) -> str:
        """The register's name in messages."""
        return " ".join(part for part in (self.serial, self.code) if part)


@dataclass(slots=True)
class RegisterConfig:
    """The points and registers of one calculation; registers name their point by its index."""

    points: list[PointFacts] = field(default_factory=list)
    registers: list[RegisterFacts] = field(default_factory=list)

    def targets(self) -> tuple[list[tuple[int, str, str]], np.ndarray]:
        """Return the targets and, for each register, the index of its target."""
        number: dict[tuple[int, str, str], int] = {}
        of_register = [number.setdefault(register.target, len(number)) for register in self.registers]
        import numpy as np  # models import this module: no command may load NumPy at its start

        return list(number), np.array(of_register, dtype=np.int64)


@lru_cache(1 << 16)
def serial_key(serial: str) -> str:
    """Return a serial in a form that is the same however it is written.

    >>> serial_key("e10a 12345") == serial_key("E10A12345")
    True
    """
    return re.sub(r"\s+", "", serial).upper()


@lru_cache(1 << 16)
def code_key(code: str) -> str:
    """Return a code in a form that is the same however it is written; ``01`` and ``1`` are two codes."""
    return re.sub(r"\s+", "", code).upper()
