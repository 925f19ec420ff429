"""Your own API tokens."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Query, Router, Schema
from ninja.responses import Status
from pydantic import AwareDatetime, Field

from eclectyc.accounts import tokens
from eclectyc.accounts.models import PLACE_RELATIONS, ApiToken, User
from eclectyc.api.authentication import actor_of
from eclectyc.api.requests import CHANGING, ONE, REFUSALS, Number, Page, one, page_of
from eclectyc.api.role_scope import AtPlace, PlaceOut, place_facts
from eclectyc.api.schemas import Text
from eclectyc.kernel.errors import Invalid

router = Router(tags=["tokens"])
ScopeName = Literal["read", "push", "manage"]


class NewToken(AtPlace):
    name: Text
    scope: ScopeName = "read"
    expires_at: AwareDatetime | None = Field(None, description="Null: it does not expire.")


class TokenOut(PlaceOut):
    id: int
    user: int
    name: str
    prefix: str
    scope: ScopeName
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_on: date | None


class NewTokenOut(TokenOut):
    token: str = Field(description="The token itself, shown only once.")


class TokenPage(Schema):
    items: list[TokenOut]
    count: int


@router.get("/tokens", response={200: TokenPage, **REFUSALS}, summary="List your tokens")
def list_tokens(request: HttpRequest, asked: Query[Page]) -> TokenPage:
    """By their first letters, the latest first; the tokens themselves are not stored. An operator sees all tokens."""
    items, count = page_of(ApiToken.objects.visible_to(actor_of(request)).select_related(*PLACE_RELATIONS), asked)
    return TokenPage(items=[TokenOut(**_facts(token)) for token in items], count=count)


@router.post("/tokens", response={201: NewTokenOut, **CHANGING}, summary="Make a token")
def create_token(request: HttpRequest, body: NewToken) -> Status[NewTokenOut]:
    """For yourself, from a session: a token cannot create tokens. A place limits it to part of your reach."""
    actor = actor_of(request)
    if body.expires_at is not None and body.expires_at <= timezone.now():
        raise Invalid("The token would have expired already.", "Choose a later time.", field="expires_at")
    user = one(User.objects.visible_to(actor), actor.user_id or 0, "user")
    token, secret = tokens.create_token(
        actor, user=user, name=body.name, scope=body.scope, expires_at=body.expires_at, **body.place(actor)
    )
    return Status(201, NewTokenOut(**_facts(token), token=secret))


@router.get("/tokens/{pk}", response={200: TokenOut, **ONE}, summary="One token")
def one_token(request: HttpRequest, pk: Path[Number]) -> TokenOut:
    """A token by its number."""
    return TokenOut(**_facts(_one(request, pk)))


@router.delete("/tokens/{pk}", response={204: None, **CHANGING}, summary="Revoke a token")
def revoke_token(request: HttpRequest, pk: Path[Number]) -> Status[None]:
    """Takes effect at once."""
    tokens.revoke_token(actor_of(request), token=_one(request, pk))
    return Status(204, None)


def _one(request: HttpRequest, pk: int) -> ApiToken:
    return one(ApiToken.objects.visible_to(actor_of(request)).select_related(*PLACE_RELATIONS, "user"), pk, "token")


def _facts(token: ApiToken) -> dict[str, Any]:
    return place_facts(token) | {
        "id": token.pk,
        "user": token.user_id,
        "name": token.name,
        "prefix": token.prefix,
        "scope": token.scope,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
        "last_used_on": token.last_used_on,
    }
