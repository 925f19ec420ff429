"""The look of a person's organisation on every page: its name, its logo, its colour as the accent.

A colour is made darker on light grounds and lighter on dark ones until text in it can be read (4.5 : 1).
"""

from __future__ import annotations

import hashlib
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.branding import Branding, branding_of, ink_on, luminance
from eclectyc.accounts.models import Organisation
from eclectyc.web.security import actor_of
from eclectyc.web.views.admin.organisations import picture

READABLE: Final = 4.5
# The darkest ground that text stands on in light, the lightest in dark; see tokens.css.
LIGHT_GROUND, DARK_GROUND = "#eceef0", "#20252a"
SOFT_LIGHT, SOFT_DARK = 0.12, 0.18
STEPS: Final = 50


def brand_of(actor: Actor) -> Branding:
    """Return the look of the one organisation that gave an actor their roles, or of the nearest above all of them."""
    own = actor.own_organisations()
    if not own:
        return Branding()
    paths = Organisation.objects.visible_to(actor).filter(pk__in=own).values_list("path", flat=True)
    lines = [[part for part in path.split("/") if part] for path in paths]
    shared: list[str] = []
    for parts in zip(*lines, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    if not shared:
        return Branding()
    return branding_of(Organisation(pk=int(shared[-1]), path=f"/{'/'.join(shared)}/"))


def version_of(look: Branding) -> str:
    """Return what changes with a look: a mark for its addresses."""
    return hashlib.sha256(repr(look).encode()).hexdigest()[:10]


@require_safe
def colours(request: HttpRequest) -> HttpResponse:
    """Answer with the accent of the asker's organisation as a style sheet."""
    return HttpResponse(sheet_of(brand_of(actor_of(request)).colour), content_type="text/css; charset=utf-8")


@require_safe
def logo(request: HttpRequest) -> HttpResponse:
    """Answer with the logo of the asker's organisation."""
    return picture(brand_of(actor_of(request)).logo_of)


def sheet_of(colour: str) -> str:
    """Return the accent as a style sheet; none without a colour."""
    if not colour:
        return ""
    light, dark = accents_of(colour)
    soft = [mixed(light, "#ffffff", 1 - SOFT_LIGHT), mixed(dark, "#171a1e", 1 - SOFT_DARK)]
    return (
        ":root {\n"
        f"  --accent: light-dark({light}, {dark});\n"
        f"  --accent-ink: light-dark({ink_on(light)}, {ink_on(dark)});\n"
        f"  --accent-soft: light-dark({soft[0]}, {soft[1]});\n"
        "}\n"
    )


def accents_of(colour: str) -> tuple[str, str]:
    """Return a colour as it can be read as text in light and in dark.

    >>> accents_of("#ffdd00")[1]
    '#ffdd00'
    """
    grounds = [(LIGHT_GROUND, "#ffffff", SOFT_LIGHT, "#000000"), (DARK_GROUND, "#171a1e", SOFT_DARK, "#ffffff")]
    found = []
    for ground, surface, soft, towards in grounds:
        tried = (mixed(colour, towards, step / STEPS) for step in range(STEPS + 1))
        found.append(
            next(
                c
                for c in tried
                if contrast(c, ground) >= READABLE and contrast(c, mixed(c, surface, 1 - soft)) >= READABLE
            )
        )
    return found[0], found[1]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2.2), 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def mixed(colour: str, other: str, share: float) -> str:
    """Return a colour with a share of another in it."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
