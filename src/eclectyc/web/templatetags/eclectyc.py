"""Numbers, dates, units and marks in templates."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from eclectyc.estate.models import Quantity, Utility
from eclectyc.kernel import number_format
from eclectyc.kernel.plurals import plural as words_of
from eclectyc.web import clock, colours, import_messages

register = template.Library()


@register.simple_tag
def figure(value: float | None, unit: str = "") -> SafeString:
    """A number at most four significant digits long, its unit beside it."""
    shown = number_format.figure(value, unit)
    if not shown.unit:
        return format_html("{}", shown.text)
    return format_html('{}<span class="unit"> {}</span>', shown.text, shown.unit)


@register.filter
def exact(value: float | None, decimals: int = 6) -> str:
    """A number as a table shows it."""
    return number_format.exact(value, decimals)


@register.filter
def counted(number: int, words: str) -> str:
    """A number of things: ``{{ days|counted:"day" }}``, ``{{ n|counted:"summary/summaries" }}``."""
    return f"{number_format.exact(number)} {worded(number, words)}"


@register.filter
def worded(number: int, words: str) -> str:
    """The word alone: ``{{ n|worded:"matches/match" }}``."""
    one, _, many = words.partition("/")
    return words_of(number, one, many)


@register.filter
def percent(fraction: float | None) -> str:
    """A share as a percentage."""
    return number_format.percent(fraction)


@register.filter
def percent_figure(fraction: float | None) -> SafeString:
    """A share as a figure, its % set small."""
    text = number_format.percent(fraction)
    if not text.endswith("%"):
        return format_html("{}", text)
    return format_html('{}<span class="unit">%</span>', text.removesuffix("%"))


@register.simple_tag
def share(part: float | None, whole: float | None) -> str:
    """part / whole as a percentage."""
    return number_format.percent(number_format.share(part, whole))


@register.filter
def unlocalised(value: float) -> str:
    """A number for an attribute or an identifier: a decimal point, no commas."""
    return f"{value:g}"


@register.filter
def unbroken(text: str) -> str:
    """A text whose spans do not break at their dash."""
    return clock.unbroken(text)


@register.filter
def significant(value: float) -> str:
    """A number of at most four significant digits, in the unit it has."""
    return number_format.significant(value)


@register.filter
def figure_columns(count: int) -> str:
    """The class of a strip with fewer than four figures."""
    return {1: "one", 2: "two", 3: "three"}.get(count, "")


@register.filter
def chart_span(count: int) -> int:
    """The columns of a chart among so many: one is beside a wide one, two share a row, more are three to a row."""
    return {1: 5, 2: 6}.get(count, 4)


@register.filter
def quantity_name(quantity: str) -> str:
    """A quantity in words."""
    return str(dict(Quantity.choices).get(quantity, quantity))


@register.filter
def utility_name(utility: str) -> str:
    """A utility in words."""
    return str(dict(Utility.choices).get(utility, utility))


@register.filter
def change(percent_change: float | None) -> str:
    """A change [%] with its sign and arrow."""
    return number_format.change_words(percent_change)


@register.filter
def unit_name(unit: str) -> str:
    """A stored unit as people write it."""
    return number_format.unit_name(unit)


@register.filter
def family(utility: str) -> str:
    """The colour family of a utility, for a class such as ``u-gas``."""
    return colours.family(utility)


@register.filter
def words(text: str) -> list[str]:
    """A text's words, for a loop over a few names."""
    return text.split()


@register.inclusion_tag("web/components/coverage.html")
def coverage(present: float | None, expected: float | None, estimated: float | None = None) -> dict[str, Any]:
    """The mark on a total that is incomplete or partly estimated; nothing on any other."""
    return {
        "covered": number_format.share(present, expected),
        "present": present,
        "expected": expected,
        "missing": (expected or 0) - (present or 0),
        "estimated": number_format.share(estimated, present) if estimated else None,
    }


@register.simple_tag(takes_context=True)
def address(context: dict[str, Any], **changed: Any) -> str:
    """This page's address with some of its parameters changed; an empty value removes one."""
    query = context["request"].GET.copy()
    for name, value in changed.items():
        if value in (None, ""):
            query.pop(name, None)
        else:
            query[name] = str(value)
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def filter_address(context: dict[str, Any], parameter: str, value: str) -> str:
    """This page's address with one filter changed, from its first page."""
    return address(context, **{parameter: value, "page": None})


@register.simple_tag(takes_context=True)
def export_query(context: dict[str, Any], form: str) -> str:
    """This list's search and filters, for a file of it."""
    query = context["request"].GET.copy()
    query.pop("page", None)
    query["format"] = form
    return str(query.urlencode())


@register.simple_tag
def utility_tag(utility: str, direction: str = "") -> SafeString:
    """A utility's name in its colour; exports say so."""
    name = utility_name(utility) + (", export" if direction == "export" else "")
    return format_html('<span class="tag u-{}">{}</span>', colours.family(utility), name)


@register.filter
def stamp(moment: datetime | None) -> str:
    """An instant as date and time in the installation's zone: 30 Nov 2026 15:58."""
    return clock.stamp(moment)


@register.filter
def stamp_s(moment: datetime | None) -> str:
    """An instant with its seconds."""
    return clock.stamp(moment, seconds=True)


@register.filter
def stamp_day(moment: datetime | None) -> str:
    """The day of an instant in the installation's zone: 30 Nov 2026."""
    return clock.date_words(moment.astimezone(clock.house_zone()) if moment else None)


@register.filter
def day(value: date | None) -> str:
    """A date: 30 Nov 2026."""
    return clock.date_words(value)


@register.filter
def format_name(name: str) -> str:
    """A file format in words."""
    return import_messages.format_words(name)
