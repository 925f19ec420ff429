"""API tokens: a key for a program, bound to a person, a scope and, where wanted, a part of the person's reach.

32 random bytes are shown once; the registry keeps their prefix (to recognise one in a list) and SHA-256.
A token never does more than its person may do at that moment, and never more than its scope and its place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.checks import checked_text
from eclectyc.accounts.grants import descendants
from eclectyc.accounts.models import ApiToken, Organisation, User
from eclectyc.accounts.person_events import organisations_of
from eclectyc.accounts.rate_limit.counters import consume, failed_tokens_rate, tokens_rate
from eclectyc.accounts.reach import Reach
from eclectyc.accounts.role_assignments import scope_place
from eclectyc.accounts.roles import VIEWING
from eclectyc.audit.record import record_each
from eclectyc.kernel.errors import EclectycError, Forbidden, Invalid, NotFound

if TYPE_CHECKING:
    from eclectyc.estate.models import Meter, Region, Site

PREFIX_LENGTH: Final = 12

# What each scope opens. A device that pushes readings cannot read the estate with the same key.
_SCOPES_WITHIN: Final = {
    ApiToken.READ: frozenset({ApiToken.READ}),
    ApiToken.PUSH: frozenset({ApiToken.PUSH}),
    ApiToken.MANAGE: frozenset({ApiToken.READ, ApiToken.PUSH, ApiToken.MANAGE}),
}
# What each scope leaves of the person's permissions; None: all of them.
_PERMISSIONS_LEFT: Final[dict[str, frozenset[str] | None]] = {
    ApiToken.READ: VIEWING,
    ApiToken.PUSH: frozenset({"readings.push"}),
    ApiToken.MANAGE: None,
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
        if scope not in _SCOPES_WITHIN[self.token.scope]:
            raise Forbidden(
                f"This token has the scope {self.token.scope!r}, which does not allow this.",
                f"Use a token with the scope {scope!r}.",
            )


def create_token(
    actor: Actor,
    *,
    user: User,
    name: str,
    scope: str = ApiToken.READ,
    expires_at: datetime | None = None,
    organisation: Organisation | None = None,
    region: Region | None = None,
    site: Site | None = None,
    meter: Meter | None = None,
) -> tuple[ApiToken, str]:
    """Make a token for oneself (an operator: for anyone). Returns it and its secret, which is shown this once.

    A place narrows it to that part of the person's reach. A token makes no tokens: whoever found one could
    otherwise keep a foot in the door after it is revoked.
    """
    _require_own(actor, user)
    if actor.token_id is not None:
        raise Forbidden("A token makes no tokens.", "Sign in to make one.")
    if scope not in ApiToken.SCOPES:
        raise Invalid(f"There is no scope {scope!r}.", f"Use one of: {', '.join(ApiToken.SCOPES)}.", field="scope")
    now = timezone.now()
    narrowing = {}
    if any(place is not None for place in (organisation, region, site, meter)):
        where = scope_place(organisation, region, site, meter)
        if not Actor.of(user).permissions_at(where.place):
            raise Forbidden("That place is not within this person's reach.", "Narrow it to a part of theirs.")
        narrowing = where.fields
    secret = ApiToken.new_secret()
    token = ApiToken(
        user=user,
        name=checked_text(name, "name", longest=100, what="A token"),
        prefix=secret[:PREFIX_LENGTH],
        digest=ApiToken.digest_of(secret),
        scope=scope,
        created_at=now,
        expires_at=expires_at,
        **narrowing,
    )
    with transaction.atomic():
        token.save()
        _record(actor, "token.created", token, after=_details(token))
    return token, secret


def revoke_token(actor: Actor, *, token: ApiToken) -> ApiToken:
    """End a token now. Ending one that has ended keeps its first end."""
    _require_own(actor, token.user)
    with transaction.atomic():
        found = ApiToken.objects.select_for_update(of=("self",)).select_related("user").filter(pk=token.pk).first()
        if found is None:
            raise NotFound("There is no such token any more.", "See the list again.")
        if found.revoked_at is None:
            found.revoked_at = timezone.now()
            found.save(update_fields=["revoked_at"])
            _record(actor, "token.revoked", found, before=_details(found))
    token.revoked_at = found.revoked_at
    return found


def use_token(secret: str, *, now: datetime, origin: str = "") -> TokenUse:
    """Return who a token stands for.

    Raise ``Unauthenticated`` where it is unknown, expired or revoked, or its person no longer active; ``TooMany``
    where it is used too often, or ``origin`` (the address that asks) has tried too many that do not count.
    """
    found = ApiToken.objects.select_related("user", "organisation").filter(digest=ApiToken.digest_of(secret))
    token = found.first()
    if token is None or not _is_valid(token, now):
        consume(failed_tokens_rate(), origin)
        raise Unauthenticated
    consume(tokens_rate(), str(token.pk))
    _record_use(token, now.date())
    actor = Actor.of(token.user, origin=origin)
    return TokenUse(
        replace(actor, narrowed=_narrowing(token), only=_PERMISSIONS_LEFT[token.scope], token_id=token.pk), token
    )


def _narrowing(token: ApiToken) -> Reach | None:
    if token.meter_id is not None:
        return Reach(meters=frozenset({token.meter_id}))
    if token.site_id is not None:
        return Reach(sites=frozenset({token.site_id}))
    if token.region_id is not None:
        return Reach(regions=frozenset({token.region_id}))
    if token.organisation is not None:
        return Reach(organisations=descendants([token.organisation])[token.organisation.pk])
    return None


def _is_valid(token: ApiToken, now: datetime) -> bool:
    expired = token.expires_at is not None and token.expires_at <= now
    return token.revoked_at is None and not expired and token.user.is_active


def _record_use(token: ApiToken, today: date) -> None:
    """Write the day of last use, at most once a day: reading must not write to the registry each time."""
    if token.last_used_on is None or token.last_used_on < today:
        ApiToken.objects.filter(pk=token.pk).update(last_used_on=today)


def _require_own(actor: Actor, user: User) -> None:
    if actor.user_id != user.pk and not actor.is_full_operator:
        raise Forbidden("Tokens are their owner's alone.", "Sign in as that person.")
    if actor.only is not None:
        raise Forbidden("This token does not change tokens.", "Sign in, or use a token with the scope 'manage'.")


def _record(actor: Actor, action: str, token: ApiToken, **said: Any) -> None:
    """A narrowed token is told to its own organisation only, any other to all of its person's."""
    own = [token.organisation_id] if token.organisation_id is not None else organisations_of(token.user_id)
    record_each(actor.by, action, token, own, personal={"name": token.name}, person_id=token.user_id, **said)


def _details(token: ApiToken) -> dict[str, object]:
    told = {"scope": token.scope, "expires_at": token.expires_at, "region": token.region_id, "site": token.site_id,
            "meter": token.meter_id, "organisation": token.organisation_id}  # fmt: skip
    return {name: value for name, value in told.items() if value is not None}
