"""Invitations. The link is only sent to the invited person: no answer contains it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Query, Router, Schema
from ninja.responses import Status

from eclectyc.accounts import invitations
from eclectyc.accounts.access_log import record_invitations_read
from eclectyc.accounts.models import PLACE_RELATIONS, Invitation, InvitationState
from eclectyc.api.authentication import actor_of
from eclectyc.api.requests import CHANGING, ONE, REFUSALS, Number, Page, one, page_of, require_somewhere
from eclectyc.api.role_scope import AtPlaceWithRole, PositionOut, position_facts
from eclectyc.api.schemas import Text

router = Router(tags=["people"])


class InvitationList(Page):
    organisation: Number | None = None
    state: Literal["open"] | None = None


class NewInvitation(AtPlaceWithRole):
    email: Text


class InvitationOut(PositionOut):
    id: int
    email: str
    state: InvitationState
    invited_by: int | None
    created_at: datetime
    sent_at: datetime | None
    expires_at: datetime
    accepted_at: datetime | None


class InvitationPage(Schema):
    items: list[InvitationOut]
    count: int


@router.get("/invitations", response={200: InvitationPage, **REFUSALS}, summary="List invitations")
def list_invitations(request: HttpRequest, asked: Query[InvitationList]) -> InvitationPage:
    """The latest first. ``sent_at`` is null if the mail server refused the mail: send it again."""
    actor = actor_of(request)
    require_somewhere(actor, "people.view")
    found = Invitation.objects.visible_to(actor).select_related(*PLACE_RELATIONS, "custom_role")
    if asked.organisation is not None:
        found = found.filter(organisation=asked.organisation)
    if asked.state is not None:
        found = found.open(timezone.now())
    items, count = page_of(found, asked)
    record_invitations_read(actor, items)
    return InvitationPage(items=[invitation_out(item) for item in items], count=count)


@router.post("/invitations", response={201: InvitationOut, **CHANGING}, summary="Invite a person")
def invite(request: HttpRequest, body: NewInvitation) -> Status[InvitationOut]:
    """Mails a link that works once, for seven days. Whether the address already has an account is not revealed."""
    actor = actor_of(request)
    invitation = invitations.invite(actor, email=body.email, **body.position(actor))
    return Status(201, invitation_out(invitation))


@router.get("/invitations/{pk}", response={200: InvitationOut, **ONE}, summary="One invitation")
def one_invitation(request: HttpRequest, pk: Path[Number]) -> InvitationOut:
    """An invitation and its state."""
    invitation = _one(request, pk)
    record_invitations_read(actor_of(request), [invitation])
    return invitation_out(invitation)


@router.post("/invitations/{pk}/resend", response={200: InvitationOut, **CHANGING}, summary="Send it again")
def resend(request: HttpRequest, pk: Path[Number]) -> InvitationOut:
    """With a new link and seven more days; the old link stops working."""
    return invitation_out(invitations.resend(actor_of(request), invitation=_one(request, pk)))


@router.delete("/invitations/{pk}", response={204: None, **CHANGING}, summary="Cancel an invitation")
def withdraw(request: HttpRequest, pk: Path[Number]) -> Status[None]:
    """Its link stops working."""
    invitations.withdraw(actor_of(request), invitation=_one(request, pk))
    return Status(204, None)


def _one(request: HttpRequest, pk: int) -> Invitation:
    visible = Invitation.objects.visible_to(actor_of(request)).select_related(*PLACE_RELATIONS, "custom_role")
    return one(visible, pk, "invitation")


def invitation_out(invitation: Invitation) -> InvitationOut:
    """"""
    return InvitationOut(
        id=invitation.pk,
        email=invitation.email,
        state=invitation.state(timezone.now()),
        invited_by=invitation.invited_by_id,
        created_at=invitation.created_at,
        sent_at=invitation.sent_at,
        expires_at=invitation.expires_at,
        accepted_at=invitation.accepted_at,
        **position_facts(invitation),
    )
