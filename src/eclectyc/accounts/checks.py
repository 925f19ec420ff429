"""Checks of names, addresses, dates and passwords; the same for pages, API and command line."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from eclectyc.accounts.models import User
from eclectyc.kernel.errors import Invalid

FIRST_DAY: Final = date(1900, 1, 1)
LAST_DAY: Final = date(2200, 1, 1)


def checked_text(text: str, field: str, *, longest: int, what: str = "", is_needed: bool = True) -> str:
    """Return one line of text, stripped; refuse control characters, and text that is too long or missing."""
    text = text.strip()
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        raise Invalid("The text contains control characters.", "Remove them.", field=field)
    if len(text) > longest or (is_needed and not text):
        raise Invalid(f"{what or 'This'} needs a {field} of up to {longest} characters.", "Enter one.", field=field)
    return text


def checked_email(text: str) -> str:
    """Return an email address, its domain in lower case."""
    email: str = User.objects.normalize_email(checked_text(text, "email", longest=254, what="A person"))
    try:
        validate_email(email)
    except ValidationError:
        raise Invalid(f"{text!r} is not an email address.", "Write it as name@example.org.", field="email") from None
    return email


def checked_dates(since: date | None, until: date | None) -> None:
    """Refuse a span that is empty or out of range; ``until`` is exclusive."""
    for day, field in ((since, "since"), (until, "until")):
        if day is not None and not FIRST_DAY <= day <= LAST_DAY:
            raise Invalid(f"{day} is not between {FIRST_DAY} and {LAST_DAY}.", "Correct the date.", field=field)
    if since is not None and until is not None and until <= since:
        raise Invalid("The end is not after the start.", "Choose a later end.", field="until")


def assign_password(user: User, password: str) -> None:
    """Set a password that the policy accepts; the person is not saved."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), "Choose another password.", field="password") from None
    user.set_password(password)
