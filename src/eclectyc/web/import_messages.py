"""What the importer says to the command line, said on a page: an option is a field here."""

from __future__ import annotations

import re
from typing import Any, Final

from eclectyc.kernel.plurals import counted, worded

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


def summary_of(report: dict[str, Any], *, is_trial: bool = False) -> str:
    """Return what became of a file as a sentence or two.

    >>> summary_of({"rows": 5, "rejected": 2, "added": 96, "changed": 0, "unchanged": 48, "kept": 0, "format": "wide"})
    '96 readings were added; 48 were there already. Of 5 lines, 2 were not taken.'
    """
    rows, rejected = int(report.get("rows") or 0), int(report.get("rejected") or 0)
    would = "would be" if is_trial else "were"
    lines = f"Of {counted(rows, 'line')}, {rejected:,} {worded(rejected, 'was', 'were')} not taken."
    if rejected >= rows > 0:
        return "Its one line was not taken." if rows == 1 else f"None of its {rows:,} lines was taken."
    if not rejected:
        lines = "The one line was taken." if rows == 1 else f"All {rows:,} lines were taken."
    if report.get("format") in ("sites", "meters"):
        return lines
    added, changed, there, kept = (int(report.get(name) or 0) for name in ("added", "changed", "unchanged", "kept"))
    parts = [f"{counted(added, 'reading')} {'would be' if is_trial else worded(added, 'was', 'were')} added"]
    parts += [f"{changed:,} {would} changed"] if changed else []
    parts += [f"{there:,} {worded(there, 'was', 'were')} there already"] if there else []
    parts += [f"{counted(kept, 'estimate')} {would} kept out by actual readings"] if kept else []
    return f"{'; '.join(parts)}. {lines}"
