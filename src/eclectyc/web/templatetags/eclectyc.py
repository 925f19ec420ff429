"""Numbers, marks and icons in templates."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from eclectyc.estate.models import Quantity, Utility
from eclectyc.kernel.plurals import worded as words_of
from eclectyc.web import clock, colours, number_format

register = template.Library()


@register.simple_tag
def figure(value: float | None, unit: str = "") -> SafeString:
    """A number at most four significant digits long, its unit beside it."""
    made = number_format.figure(value, unit)
    if not made.unit:
        return format_html("{}", made.text)
    return format_html('{}<span class="unit"> {}</span>', made.text, made.unit)


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
    """A share as per cent."""
    return number_format.percent(fraction)


@register.filter
def percent_figure(fraction: float | None) -> SafeString:
    """A share as a figure, its % set small."""
    text = number_format.percent(fraction)
    return (
        format_html('{}<span class="unit"> %</span>', text.removesuffix(" %"))
        if "%" in text
        else format_html("{}", text)
    )


@register.simple_tag
def share(part: float | None, whole: float | None) -> str:
    """part / whole as per cent."""
    return number_format.percent(number_format.share(part, whole))


@register.filter
def unlocalised(value: float) -> str:
    """A number for an attribute: a point, no spaces."""
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
def quantity_name(quantity: str) -> str:
    """A quantity as it is printed."""
    return str(dict(Quantity.choices).get(quantity, quantity))


@register.filter
def utility_name(utility: str) -> str:
    """A utility as it is printed."""
    return str(dict(Utility.choices).get(utility, utility))


@register.filter
def change(percent_change: float | None) -> str:
    """A change [%] with its sign and arrow."""
    return number_format.change_words(percent_change)


@register.filter
def unit_name(unit: str) -> str:
    """A stored unit as it is printed."""
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
    """The mark on a total that rests on less than everything; nothing where it rests on everything."""
    return {
        "covered": number_format.share(present, expected),
        "present": present,
        "expected": expected,
        "missing": (expected or 0) - (present or 0),
        "estimated": number_format.share(estimated, present) if estimated else None,
    }


@register.simple_tag(takes_context=True)
def address(context: dict[str, Any], **changed: Any) -> str:
    """This page's address with some of its parameters changed; an empty value takes one away."""
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


@register.filter
def unlocalised_degrees(value: float) -> str:
    """A coordinate [°] for an address: six decimals, a tenth of a metre."""
    return f"{value:.6f}".rstrip("0").rstrip(".")
