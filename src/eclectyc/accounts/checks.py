"""What a person types for a person, an organisation or a key: checked the same on every surface."""

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
    """Return one line of text without space around it; refuse control characters, and what is too long or missing."""
    text = text.strip()
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        raise Invalid("The text holds control characters.", "Leave them out.", field=field)
    if len(text) > longest or (is_needed and not text):
        raise Invalid(f"{what or 'This'} needs a {field} of up to {longest} characters.", "Give one.", field=field)
    return text


def checked_email(text: str) -> str:
    """Return an e-mail address, its domain in lower case."""
    email: str = User.objects.normalize_email(checked_text(text, "email", longest=254, what="A person"))
    try:
        validate_email(email)
    except ValidationError:
        raise Invalid(f"{text!r} is not an e-mail address.", "Write it as name@example.org.", field="email") from None
    return email


def checked_dates(since: date | None, until: date | None) -> None:
    """Refuse a span that is empty or beyond what anybody means; ``until`` is the first day that is not in it."""
    for day, field in ((since, "since"), (until, "until")):
        if day is not None and not FIRST_DAY <= day <= LAST_DAY:
            raise Invalid(f"{day} is not between {FIRST_DAY} and {LAST_DAY}.", "Correct the date.", field=field)
    if since is not None and until is not None and until <= since:
        raise Invalid("It ends before it begins.", "Give an end after the beginning.", field="until")


def assign_password(user: User, password: str) -> None:
    """Check a password against the policy and put it on a person, who is not saved here."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), "Choose another password.", field="password") from None
    user.set_password(password)
