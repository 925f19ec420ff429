"""Import messages for pages, which name form fields instead of command-line options."""

from __future__ import annotations

import re
from typing import Any, Final

from eclectyc.kernel.plurals import counted, plural

_FIELDS: Final = {
    "unit": "Unit",
    "timezone": "Time zone of the file",
    "sheet": "Sheet",
    "meter": "Meter",
    "quantity": "Quantity",
    "site": "Site for new meters",
    "stamps": "Times are at the",
    "strict-mpan": "strict MPANs",
    "create-meters": "Add new meters",
}
_RULES: Final = tuple(
    (re.compile(pattern), page)
    for pattern, page in (
        (r"Rename the columns, or name the format with -t\.", "Map its columns, or choose its format."),
        (r"Add --create-meters --site NAME to (make|create) it", "Add it to a site"),
        (r"with -t (\w+)", r"by choosing the format \1"),
        (r"-t (\w+)", r"the format \1"),
        (r"--stamps (start|end)", r"“\1 of each interval”"),
        (r"--site NAME", "a site"),
    )
)
_FORMATS: Final = {
    "long": "one reading per row",
    "wide": "half-hourly, one day per row",
    "daily": "one daily total per row",
    "matrix": "one column per meter",
    "registers": "register reads",
    "sites": "a list of sites",
    "meters": "a list of meters",
}


def format_words(name: str) -> str:
    """Return a file format in words; an industry format keeps its name.

    >>> format_words("wide"), format_words("nem12")
    ('half-hourly, one day per row', 'nem12')
    """
    return _FORMATS.get(name, name)


def recognised_as(name: str, why: str) -> str:
    """Return what a file was recognised as, with the reason.

    >>> recognised_as("wide", "half-hourly, one day per row: 'Date' and 48 columns")
    "half-hourly, one day per row: 'Date' and 48 columns"
    >>> recognised_as("nem12", "it has lines of kind 200 and 300")
    'nem12 (it has lines of kind 200 and 300)'
    """
    words, reason = format_words(name), for_page(why)
    if not reason:
        return words
    return reason if reason.startswith(words) else f"{words} ({reason})"


def for_page(text: str) -> str:
    """Return a sentence that names fields instead of command-line options.

    >>> for_page("If it is, import it with -t daily."), for_page("Name the meter with --meter.")
    ('If it is, import it by choosing the format daily.', 'Name the meter under “Meter”.')
    >>> for_page("Use --timezone UTC.")
    'Use “Time zone of the file: UTC”.'
    """
    for pattern, page in _RULES:
        text = pattern.sub(page, text)
    text = re.sub(r"--([\w-]+) ([A-Z]\w*|kWh|m3|litre|export|import)\b", lambda m: f"“{_field(m[1])}: {m[2]}”", text)
    text = re.sub(r"with --([\w-]+)", lambda m: f"under “{_field(m[1])}”", text)
    return re.sub(r"--([\w-]+)", lambda m: f"“{_field(m[1])}”", text)


def _field(option: str) -> str:
    return _FIELDS.get(option, option)


def error_for_page(error: dict[str, Any]) -> dict[str, Any]:
    """Return a rejected row of a report in a page's words."""
    return {**error, "reason": for_page(str(error.get("reason", ""))), "remedy": for_page(str(error.get("remedy", "")))}


def stamp_words(stamps: str, why: str = "", step: int | None = None) -> str:
    """Return which end of an interval times mark. step : minutes of an interval, if known.

    >>> stamp_words("end", "your setting", 30)
    'Times are at the end of each half-hour (your setting).'
    """
    if not stamps:
        return ""
    interval = {30: "half-hour", 60: "hour"}.get(step or 0, "interval")
    return f"Times are at the {stamps} of each {interval}{f' ({for_page(why)})' if why else ''}."


def recognition_of(report: dict[str, Any]) -> str:
    """Return what a file was recognised as, and which end of an interval its times mark."""
    if not report.get("why"):
        return ""
    steps = {one.get("step") for one in report.get("series", [])}
    step = next(iter(steps)) if len(steps) == 1 else None
    times = stamp_words(str(report.get("stamps") or ""), str(report.get("stamps_why") or ""), step)
    return f"Recognised: {recognised_as(str(report.get('format')), str(report['why']))}. {times}".strip()


def summary_of(report: dict[str, Any], *, is_trial: bool = False) -> str:
    """Return the result of an import, or of a test, in a sentence or two.

    >>> summary_of({"rows": 5, "rejected": 2, "added": 96, "changed": 0, "unchanged": 48, "kept": 0, "format": "wide"})
    '96 readings were added; 48 were there already. 2 of 5 rows were rejected.'
    >>> summary_of({"rows": 576, "rejected": 576, "unknown_meters": ["1200023305967"]})
    'No rows can be imported yet: 1 meter is new.'
    """
    rows, rejected = int(report.get("rows") or 0), int(report.get("rejected") or 0)
    if rejected >= rows > 0:
        new = len(report.get("unknown_meters") or [])
        if new:
            return f"No rows can be imported yet: {counted(new, 'meter')} {plural(new, 'is', 'are')} new."
        return f"No rows {'can' if is_trial else 'could'} be imported."
    lines = f"{rejected:,} of {counted(rows, 'row')} {_were(rejected, is_trial=is_trial)} rejected."
    if not rejected:
        count = "The one row" if rows == 1 else f"All {rows:,} rows"
        lines = f"{count} {'can be' if is_trial else plural(rows, 'was', 'were')} imported."
    if report.get("format") in ("sites", "meters"):
        return lines
    added, changed, there, kept = (int(report.get(name) or 0) for name in ("added", "changed", "unchanged", "kept"))
    parts = [f"{counted(added, 'reading')} {_were(added, is_trial=is_trial)} added"]
    parts += [f"{changed:,} {_were(changed, is_trial=is_trial)} changed"] if changed else []
    parts += [f"{there:,} {plural(there, 'was', 'were')} there already"] if there else []
    if kept:
        parts.append(
            f"{counted(kept, 'estimate')} {_were(kept, is_trial=is_trial)} not used because there are actual readings"
        )
    return f"{'; '.join(parts)}. {lines}"


def _were(number: int, *, is_trial: bool) -> str:
    return "would be" if is_trial else plural(number, "was", "were")
