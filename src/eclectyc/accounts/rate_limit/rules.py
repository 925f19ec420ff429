"""Rate limits of signing in: passwords, codes, resets, links.

Attempts are counted by account and by network address. Successful ones are restored, so that only failures count. A
stranger who guesses an account's password makes other strangers wait, never its person: a browser in which the person
has signed in before has a count of its own, and a reset by email is always possible.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import salted_hmac

from eclectyc.accounts.client_address import network_of, origin_of
from eclectyc.accounts.rate_limit.counters import consume, restore
from eclectyc.accounts.rate_limit.window import Rate
from eclectyc.kernel.errors import TooMany

SIGN_INS_TO_ACCOUNT: Final = Rate("sign-in to account", 10, 300)
SIGN_INS_FROM_ADDRESS: Final = Rate("sign-in from address", 60, 300)
CODES: Final = Rate("second factor", 6, 300)
RESETS_OF_ACCOUNT: Final = Rate("reset of account", 3, 3600)
RESETS_FROM_ADDRESS: Final = Rate("reset from address", 20, 3600)
LINKS_FROM_ADDRESS: Final = Rate("link from address", 30, 300)
OWN_PASSWORD: Final = Rate("own password", 10, 300)
USED_CODE: Final = Rate("used code", 1, 120)  # a code is valid for 90 s at most

DEVICE: Final = "device"
_COOKIE_AGE_S: Final = 180 * 24 * 3600
_MOST_PEOPLE: Final = 8


@dataclass(frozen=True, slots=True)
class CountedAttempt:
    """An attempt, and the limits that it was counted against."""

    limits: tuple[tuple[Rate, str], ...]

    def restore(self) -> None:
        """Undo the count, of an attempt that succeeded."""
        for rate, who in self.limits:
            restore(rate, who)


def count_attempt(*limits: tuple[Rate, str]) -> CountedAttempt:
    """Count an attempt against each limit; if one is exceeded, raise ``TooMany`` and count it nowhere."""
    counted: list[tuple[Rate, str]] = []
    try:
        for rate, who in limits:
            consume(rate, who)
            counted.append((rate, who))
    except TooMany:
        CountedAttempt(tuple(counted)).restore()
        raise
    return CountedAttempt(tuple(counted))


def count_sign_in(request: HttpRequest, email: str) -> CountedAttempt:
    """Count an attempt at a password."""
    return count_attempt((SIGN_INS_FROM_ADDRESS, _network(request)), (SIGN_INS_TO_ACCOUNT, _account(request, email)))


def count_code(request: HttpRequest, email: str) -> CountedAttempt:
    """Count an attempt at a second factor, by someone who knows the password."""
    return count_attempt((SIGN_INS_FROM_ADDRESS, _network(request)), (CODES, _account(request, email)))


def count_own_password(request: HttpRequest, user_id: int) -> CountedAttempt:
    """Count an attempt at the password of the signed-in person."""
    return count_attempt((OWN_PASSWORD, str(user_id)))


def count_reset(request: HttpRequest, email: str) -> CountedAttempt:
    """Count a request for a reset, whether or not there is such an account."""
    return count_attempt((RESETS_FROM_ADDRESS, _network(request)), (RESETS_OF_ACCOUNT, email.strip().lower()))


def count_link(request: HttpRequest) -> CountedAttempt:
    """Count the opening of a link that contains a secret."""
    return count_attempt((LINKS_FROM_ADDRESS, _network(request)))


def is_first_use(user_id: int, code: str) -> bool:
    """Return whether a one-time code is used for the first time; True for only one of two at once."""
    try:
        consume(USED_CODE, f"{user_id}:{code}")
    except TooMany:
        return False
    return True


def remember_device(request: HttpRequest, response: HttpResponseBase, email: str) -> None:
    """Store in a browser's cookie that this person has signed in there."""
    known, people = _device(request)
    mark = _mark(email)
    people = [mark, *(person for person in people if person != mark)][:_MOST_PEOPLE]
    value = signing.dumps({"id": known or secrets.token_urlsafe(12), "people": people}, salt=DEVICE)
    flags: dict[str, Any] = {"httponly": True, "samesite": "Lax", "secure": settings.SESSION_COOKIE_SECURE}
    response.set_cookie(DEVICE, value, max_age=_COOKIE_AGE_S, path="/", **flags)


def _account(request: HttpRequest, email: str) -> str:
    known, people = _device(request)
    mark = _mark(email)
    return f"{mark}@{known}" if known and mark in people else mark


def _device(request: HttpRequest) -> tuple[str, list[str]]:
    try:
        cookie = signing.loads(request.COOKIES.get(DEVICE, ""), salt=DEVICE, max_age=_COOKIE_AGE_S)
    except signing.BadSignature:
        return "", []
    return str(cookie["id"]), [str(person) for person in cookie["people"]]


def _mark(email: str) -> str:
    return salted_hmac("eclectyc.device", email.strip().lower()).hexdigest()[:24]


def _network(request: HttpRequest) -> str:
    return network_of(origin_of(request))
