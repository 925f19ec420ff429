"""API tokens: keys for programs, each of a person, with a scope and, optionally, a place.

A token is 32 random bytes, shown once; the registry stores their first characters, for lists, and their SHA-256. It
allows what its person may do at that moment, within its scope and its place.
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

# Each scope, and the scopes that it includes. A device that pushes readings cannot read the estate with the same token.
_SCOPES_WITHIN: Final = {
    ApiToken.READ: frozenset({ApiToken.READ}),
    ApiToken.PUSH: frozenset({ApiToken.PUSH}),
    ApiToken.MANAGE: frozenset({ApiToken.READ, ApiToken.PUSH, ApiToken.MANAGE}),
}
# The permissions to which each scope limits the person; None: all of them.
_PERMISSIONS_LEFT: Final[dict[str, frozenset[str] | None]] = {
    ApiToken.READ: VIEWING,
    ApiToken.PUSH: frozenset({"readings.push"}),
    ApiToken.MANAGE: None,
}


class Unauthenticated(EclectycError):
    """No session and no valid token; the error does not reveal which."""

    code = "unauthenticated"

    def __init__(self) -> None:
        super().__init__("You are not signed in.", "Send a valid token as 'Authorization: Bearer …', or sign in.")


@dataclass(frozen=True, slots=True)
class TokenUse:
    """A token in use, and its person as the actor."""

    actor: Actor
    token: ApiToken

    def require(self, scope: str) -> None:
        """Raise ``Forbidden`` unless the token's scope includes a scope."""
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
    """Create a token for oneself (operators: for anyone); return it and its secret, which is not stored.

    A place limits it to that part of the person's reach. A token cannot create tokens: a stolen one could otherwise
    outlive its own revocation.
    """
    _require_own(actor, user)
    if actor.token_id is not None:
        raise Forbidden("A token cannot create tokens.", "Sign in to create one.")
    if scope not in ApiToken.SCOPES:
        raise Invalid(f"There is no scope {scope!r}.", f"Use one of: {', '.join(ApiToken.SCOPES)}.", field="scope")
    now = timezone.now()
    fields = {}
    if any(place is not None for place in (organisation, region, site, meter)):
        where = scope_place(organisation, region, site, meter)
        if not Actor.of(user).permissions_at(where.place):
            raise Forbidden("This person has no rights at that place.", "Choose a place where they have.")
        fields = where.fields
    secret = ApiToken.new_secret()
    token = ApiToken(
        user=user,
        name=checked_text(name, "name", longest=100, what="A token"),
        prefix=secret[:PREFIX_LENGTH],
        digest=ApiToken.digest_of(secret),
        scope=scope,
        created_at=now,
        expires_at=expires_at,
        **fields,
    )
    with transaction.atomic():
        token.save()
        _record(actor, "token.created", token, after=_details(token))
    return token, secret


def revoke_token(actor: Actor, *, token: ApiToken) -> ApiToken:
    """Revoke a token now. Revoking it again changes nothing."""
    _require_own(actor, token.user)
    with transaction.atomic():
        found = ApiToken.objects.select_for_update(of=("self",)).select_related("user").filter(pk=token.pk).first()
        if found is None:
            raise NotFound("This token no longer exists.", "Reload the list.")
        if found.revoked_at is None:
            found.revoked_at = timezone.now()
            found.save(update_fields=["revoked_at"])
            _record(actor, "token.revoked", found, before=_details(found))
    token.revoked_at = found.revoked_at
    return found


def is_valid_secret(secret: str, *, now: datetime) -> bool:
    """Return whether a secret belongs to a valid token. This is no use of it, and counts as none."""
    found = ApiToken.objects.select_related("user").filter(digest=ApiToken.digest_of(secret)).first()
    return found is not None and _is_valid(found, now)


def use_token(secret: str, *, now: datetime, origin: str = "") -> TokenUse:
    """Return the token of a secret, and its actor.

    Raise ``Unauthenticated`` if it is unknown, expired or revoked, or its person inactive; ``TooMany`` if it is used
    too often, or ``origin`` (the address of the request) has tried too many invalid ones.
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
    """Store the day of last use, at most once a day: not every request may write to the registry."""
    if token.last_used_on is None or token.last_used_on < today:
        ApiToken.objects.filter(pk=token.pk).update(last_used_on=today)


def _require_own(actor: Actor, user: User) -> None:
    if actor.user_id != user.pk and not actor.is_full_operator:
        raise Forbidden("You can only manage your own tokens.", "Sign in as the token's owner.")
    if actor.only is not None:
        raise Forbidden("This token cannot change tokens.", "Sign in, or use a token with the scope 'manage'.")


def _record(actor: Actor, action: str, token: ApiToken, **details: Any) -> None:
    """Record an event in the token's organisation if it has one, else in all of its person's."""
    own = [token.organisation_id] if token.organisation_id is not None else organisations_of(token.user_id)
    record_each(actor.by, action, token, own, personal={"name": token.name}, person_id=token.user_id, **details)


def _details(token: ApiToken) -> dict[str, object]:
    details = {
        "scope": token.scope,
        "expires_at": token.expires_at,
        "region": token.region_id,
        "site": token.site_id,
        "meter": token.meter_id,
        "organisation": token.organisation_id,
    }
    return {name: value for name, value in details.items() if value is not None}
