"""Words in cells: quality flags, names of quantities and utilities. Unknown words are never guessed."""

from __future__ import annotations

from typing import Final

from eclectyc.kernel.quality import ACTUAL, ESTIMATED
from eclectyc.readers.tables.headings import header_key

FLAGS: Final = {
    **dict.fromkeys(("", "a", "act", "actual"), ACTUAL),
    **dict.fromkeys(("e", "est", "estimate", "estimated"), ESTIMATED),
}
_IMPORT = "ai active activeimport import imp importactive kwh kwhimport importkwh"
_EXPORT = "ae activeexport export exp exportactive kwhexport exportkwh"
_REACTIVE_IMPORT = "ri reactiveimport kvarh importreactive reactive"
_REACTIVE_EXPORT = "re reactiveexport exportreactive"
QUANTITIES: Final = {
    **dict.fromkeys(_IMPORT.split(), "import"),
    **dict.fromkeys(_EXPORT.split(), "export"),
    **dict.fromkeys(_REACTIVE_IMPORT.split(), "reactive_import"),
    **dict.fromkeys(_REACTIVE_EXPORT.split(), "reactive_export"),
    "volume": "volume",
}
_UTILITIES: Final = {"electricity", "elec", "gas", "water", "heat", "steam", "cooling", "oil", "power"}


def flag_of(text: str) -> int | None:
    """Return a flag's quality (blank or ``-``: actual), or None if the flag is unknown."""
    text = text.strip()
    return FLAGS.get(header_key(text)) if (text.isascii() and text.isalpha()) or text in ("", "-") else None


def quantity_of(text: str) -> str | None:
    """Return a word's quantity, or None if the word is unknown."""
    return QUANTITIES.get(header_key(text)) if text.isascii() else None


def is_utility(text: str) -> bool:
    return header_key(text) in _UTILITIES
