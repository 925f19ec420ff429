"""Versions over HTTP: an answer carries an ``ETag``; as ``If-Match`` it prevents overwriting others' changes."""

from __future__ import annotations

import re
from typing import Annotated, Final

from django.http import HttpResponse
from ninja import Header

from eclectyc.api.requests import CHANGING
from eclectyc.api.schemas import ErrorOut
from eclectyc.kernel.errors import Invalid

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=40,
        description='The ETag that was read, such as "7"; 412 if it has changed since.',
    ),
]
VERSIONED: Final = {**CHANGING, 412: ErrorOut}
_TAG: Final = re.compile(r'(?:W/)?"?([0-9]{1,9})"?')


def version_of(if_match: str | None) -> int | None:
    """Return the version that a change is based on; None for any."""
    if if_match is None or if_match.strip() == "*":
        return None
    seen = _TAG.fullmatch(if_match.strip())
    if seen is None:
        raise Invalid(
            f"{if_match[:40]!r} is not a version of this.", "Send the ETag that you received.", field="If-Match"
        )
    return int(seen[1])


def tag(response: HttpResponse, version: int) -> None:
    """Put a thing's version on an answer."""
    response["ETag"] = f'"{version}"'
