"""Which colour a utility has: fixed everywhere. The colours themselves are in ``static/css/tokens.css``."""

from __future__ import annotations

from typing import Final

FAMILIES: Final = ("electricity", "gas", "water", "heat", "solar", "fuel", "energy", "other")
_FAMILY: Final = {
    "electricity": "electricity",
    "ev": "electricity",
    "battery": "electricity",
    "gas": "gas",
    "water": "water",
    "heat": "heat",
    "steam": "heat",
    "solar": "solar",
    "oil": "fuel",
    "lpg": "fuel",
    "diesel": "fuel",
    "hvo": "fuel",
}


def family(utility: str) -> str:
    """Return the colour family of a utility.

    >>> family("diesel"), family("cooling")
    ('fuel', 'other')
    """
    return _FAMILY.get(utility, "other")
