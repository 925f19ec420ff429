"""What the importer says to the command line, said on a page: an option is a field here."""

from __future__ import annotations

import re
from typing import Any, Final

_FIELDS: Final = {
    "unit": "unit", "timezone": "clock", "sheet": "sheet", "meter": "meter", "quantity": "what is measured",
    "site": "site", "stamps": "stamps", "strict-mpan": "strict MPANs", "create-meters": "new meters",
}  # fmt: skip
_RULES: Final = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (r"Rename the columns, or name the format with -t\.", "Name its columns, or choose its format."),
        (r"Add --create-meters --site NAME to make it", "Have it made at a site"),
        (r"with -t (\w+)", r"by choosing the format \1"),
        (r"-t (\w+)", r"the format \1"),
        (r"--stamps (start|end)", r"“\1 of its period”"),
        (r"--site NAME", "a site"),
    )
)


def for_page(text: str) -> str:
    """Return a sentence without options of the command line.

    >>> for_page("If it is, say so with -t daily."), for_page("Name the meter with --meter.")
    ('If it is, say so by choosing the format daily.', 'Name the meter under “meter”.')
    """
    for pattern, said in _RULES:
        text = pattern.sub(said, text)
    text = re.sub(r"with --([\w-]+)", lambda m: f"under “{_FIELDS.get(m[1], m[1])}”", text)
    return re.sub(r"--([\w-]+)", lambda m: _FIELDS.get(m[1], m[1]), text)


def error_for_page(error: dict[str, Any]) -> dict[str, Any]:
    """Return a rejected line, as a report has it, in a page's words."""
    return {**error, "reason": for_page(str(error.get("reason", ""))), "remedy": for_page(str(error.get("remedy", "")))}
