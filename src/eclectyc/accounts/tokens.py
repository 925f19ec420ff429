"""API tokens: a key for a program, bound to a person and a scope.

32 random bytes are shown once; the registry keeps their prefix (to recognise one in a list) and SHA-256.
A token never does more than its person may do at that moment, and never more than its scope.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import ApiToken
from eclectyc.kernel.errors import EclectycError, Forbidden

PREFIX_LENGTH: Final = 12

# What each scope opens. A device that pushes readings cannot read the estate with the same key.
_OPENS: Final = {
    ApiToken.READ: frozenset({ApiToken.READ}),
    ApiToken.PUSH: frozenset({ApiToken.PUSH}),
    ApiToken.MANAGE: frozenset({ApiToken.READ, ApiToken.PUSH, ApiToken.MANAGE}),
}


class Unauthenticated(EclectycError):
    """Nobody, or a token that does not count (any more). Which of these it is, is not told."""

    code = "unauthenticated"

    def __init__(self) -> None:
        super().__init__("You are not signed in.", "Send a valid token as 'Authorization: Bearer …', or sign in.")


@dataclass(frozen=True, slots=True)
class TokenUse:
    """Who a token stands for, and with which scope."""

    actor: Actor
    token: ApiToken

    def require(self, scope: str) -> None:
        """Raise ``Forbidden`` unless the token's scope opens what is asked."""
        if scope not in _OPENS[self.token.scope]:
            raise Forbidden(
                f"This token has the scope {self.token.scope!r}, which does not allow this.",
                f"Use a token with the scope {scope!r}.",
            )


def use_token(secret: str, *, now: datetime) -> TokenUse:
    """Return who a token stands for; raise ``Unauthenticated`` where it is unknown, expired or revoked, or
    its person no longer active."""
    token = ApiToken.objects.select_related("user").filter(digest=ApiToken.digest_of(secret)).first()
    if token is None or not _counts(token, now):
        raise Unauthenticated
    _note_use(token, now.date())
    return TokenUse(Actor.of(token.user), token)


def _counts(token: ApiToken, now: datetime) -> bool:
    expired = token.expires_at is not None and token.expires_at <= now
    return token.revoked_at is None and not expired and token.user.is_active


def _note_use(token: ApiToken, today: date) -> None:
    """Write the day of last use, at most once a day: reading must not write to the registry each time."""
    if token.last_used_on is None or token.last_used_on < today:
        ApiToken.objects.filter(pk=token.pk).update(last_used_on=today)
