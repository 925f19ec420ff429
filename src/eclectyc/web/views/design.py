"""``/design``: every component in every state, for who builds or checks a page."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from eclectyc.web import samples
from eclectyc.web.colours import FAMILIES
from eclectyc.web.sparklines import spark

NEUTRALS = ("ground", "surface", "sunken", "line", "line-strong", "ink-soft", "ink")
SIGNALS = ("accent", "accent-soft", "attention", "attention-soft", "wrong", "wrong-soft")


class SampleForm(forms.Form):
    """Fields in their states."""

    name = forms.CharField(label="Site name", help_text="As on the bill.", widget=forms.TextInput({"class": "input"}))
    area = forms.FloatField(
        label="Floor area [m²]",
        widget=forms.TextInput({"class": "input"}),
        error_messages={"invalid": "This is not a number. Write digits, such as 1,200 or 1200.5."},
    )
    kind = forms.ChoiceField(label="Type", choices=[("office", "Office")], widget=forms.Select({"class": "input"}))
    locked = forms.CharField(
        label="Identifier",
        initial="12 0002 3305 967",
        disabled=True,
        required=False,
        widget=forms.TextInput({"class": "input"}),
    )


@require_safe
def design(request: HttpRequest) -> HttpResponse:
    """Show the design system."""
    context = {
        "form": SampleForm({"name": "Harbour House", "area": "twelve", "kind": "office"}),
        "fall": -6.1,
        "nothing_known": None,
        "families": FAMILIES,
        "neutrals": NEUTRALS,
        "signals": SIGNALS,
        "day": samples.a_day(),
        "month": samples.a_month(),
        "utilities": samples.by_utility(),
        "year": samples.a_year(),
        "nothing": samples.nothing(),
        "list": samples.a_list(request.GET),
        "refused": samples.a_form(),
        "spark": spark([4, 6, 5, 7, None, None, 8, 7, 9, 6, 7, 8, 9]),
    }
    return render(request, "web/design.html", context)
