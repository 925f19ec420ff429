"""All kinds of derivation, in the order in which they are worked out: what is named later may rest on what is earlier.

They are named, not imported: writing a batch asks them all, and they know of batches.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from eclectyc.derived.protocol import Derivation

KINDS: Final[list[str]] = [
    "eclectyc.gas.derivation:GAS",
    "eclectyc.derived.virtual.derivation:VIRTUAL_METERS",
]


def all_kinds() -> list[Derivation]:
    """Return every kind."""
    return [_load(target) for target in KINDS]


def _load(target: str) -> Derivation:
    module, _, name = target.partition(":")
    found: Derivation = getattr(import_module(module), name)
    return found
