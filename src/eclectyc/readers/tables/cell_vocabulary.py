"""The words feeds use in cells: flags of quality, names of quantities and utilities. Unknown ones are never guessed."""

from __future__ import annotations

from typing import Final

from eclectyc.kernel.quality import ACTUAL, ESTIMATED
from eclectyc.readers.tables.headings import header_key

FLAGS: Final = {
    "": ACTUAL, "a": ACTUAL, "act": ACTUAL, "actual": ACTUAL,
    "e": ESTIMATED, "est": ESTIMATED, "estimate": ESTIMATED, "estimated": ESTIMATED,
}  # fmt: skip
QUANTITIES: Final = {
    "ai": "import", "active": "import", "activeimport": "import", "import": "import", "imp": "import",
    "importactive": "import", "kwh": "import", "kwhimport": "import", "importkwh": "import",
    "ae": "export", "activeexport": "export", "export": "export", "exp": "export", "exportactive": "export",
    "kwhexport": "export", "exportkwh": "export",
    "ri": "reactive_import", "reactiveimport": "reactive_import", "kvarh": "reactive_import",
    "importreactive": "reactive_import", "reactive": "reactive_import",
    "re": "reactive_export", "reactiveexport": "reactive_export", "exportreactive": "reactive_export",
    "volume": "volume",
}  # fmt: skip
_UTILITIES: Final = {"electricity", "elec", "gas", "water", "heat", "steam", "cooling", "oil", "power"}


def flag_of(text: str) -> int | None:
    """Return the quality a flag names (blank or ``-``: actual), or None for one that is not known."""
    text = text.strip()
    return FLAGS.get(header_key(text)) if (text.isascii() and text.isalpha()) or text in ("", "-") else None


def quantity_of(text: str) -> str | None:
    """Return the quantity a word names, or None for one that is not known."""
    return QUANTITIES.get(header_key(text)) if text.isascii() else None


def is_utility(text: str) -> bool:
    return header_key(text) in _UTILITIES
