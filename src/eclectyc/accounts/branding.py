"""An organisation's branding: name, colour and logo, each its own or inherited from the nearest one above."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Final

from eclectyc.accounts.models import Logo, Organisation
from eclectyc.kernel.errors import Invalid

PRODUCT: Final = "Eclectyc Energy"
LARGEST_LOGO: Final = 256 * 1024  # [bytes]
MOST_PIXELS: Final = 4_000  # width, and height
PNG, JPEG = "image/png", "image/jpeg"


@dataclass(frozen=True, slots=True)
class Branding:
    """Branding with inherited parts filled in. ``colour`` is empty for the product's own.

    ``ink`` is the colour of text on ``colour``: black or white, whichever has more contrast (at least 4.5 : 1).
    ``logo_of`` is the organisation whose logo it is; None if there is none.
    """

    name: str = PRODUCT
    colour: str = ""
    ink: str = ""
    logo_of: int | None = None
    logo_type: str = ""


def branding_of(organisation: Organisation | None) -> Branding:
    """Return the branding of an organisation's pages, emails and reports: one query."""
    if organisation is None:
        return Branding()
    line = Organisation.objects.filter(pk__in=organisation.ancestry).order_by("path")
    branding = Branding()
    for number, name, colour, logo_type in line.values_list("pk", "brand_name", "brand_colour", "logo_type"):
        branding = Branding(
            name or branding.name,
            colour or branding.colour,
            ink_on(colour) if colour else branding.ink,
            number if logo_type else branding.logo_of,
            logo_type or branding.logo_type,
        )
    return branding


def logo_of(number: int) -> tuple[bytes, str] | None:
    """Return an organisation's own logo and its type."""
    found = Logo.objects.filter(organisation=number).values_list("picture", "organisation__logo_type").first()
    return (bytes(found[0]), found[1]) if found and found[1] else None


def checked_colour(text: str) -> str:
    """Return a colour as #rrggbb in lower case; empty for none. Any colour will do (see ``ink_on``)."""
    text = text.strip().lower()
    if text and not re.fullmatch(r"#[0-9a-f]{6}", text):
        raise Invalid(f"{text[:20]!r} is not a colour.", "Write it as #1a6b8f.", field="brand_colour")
    return text


def ink_on(colour: str) -> str:
    """Return the colour of text on a colour: black or white.

    >>> ink_on("#ffdd00"), ink_on("#003366")
    ('#000000', '#ffffff')
    """
    light = luminance(colour)
    return "#000000" if (light + 0.05) / 0.05 >= 1.05 / (light + 0.05) else "#ffffff"


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.2), 0 for black and 1 for white."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def checked_logo(logo: bytes) -> str:
    """Return an image's type by its first bytes; refuse all but a PNG or JPEG within the limits."""
    if len(logo) > LARGEST_LOGO:
        raise Invalid("The logo is larger than 256 kB.", "Use a smaller picture.", field="logo")
    if logo.startswith(b"\x89PNG\r\n\x1a\n") and logo[12:16] == b"IHDR" and len(logo) >= 33:
        width, height = struct.unpack(">II", logo[16:24])
        if not (0 < width <= MOST_PIXELS and 0 < height <= MOST_PIXELS):
            raise Invalid(
                f"The logo is {width} × {height} pixels.", f"Use at most {MOST_PIXELS} × {MOST_PIXELS}.", field="logo"
            )
        return PNG
    if logo.startswith(b"\xff\xd8\xff") and logo.rstrip(b"\x00").endswith(b"\xff\xd9"):
        return JPEG
    raise Invalid("The logo is neither a PNG nor a JPEG.", "Save it as PNG or JPEG.", field="logo")
