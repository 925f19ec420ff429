"""Retention of sessions, invitations and API tokens."""

from __future__ import annotations

from typing import Final

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Q

from eclectyc.accounts.models import ApiToken, Invitation
from eclectyc.kernel.data_protection import Deletion, RetentionCategory


def delete_sessions(deletion: Deletion) -> int:
    """Delete expired sessions whatever the rule, and by the rule the devices and addresses of ended ones."""
    expired = deletion.delete_rows(Session.objects.filter(expire_date__lt=deletion.now))
    return expired + deletion.delete_rows(UserSession.objects.filter(last_seen_at__lt=deletion.before))


def delete_invitations(deletion: Deletion) -> int:
    """Delete invitations that were accepted, withdrawn or left unanswered."""
    before = deletion.before
    closed = Q(accepted_at__lt=before) | Q(withdrawn_at__lt=before) | Q(accepted_at=None, expires_at__lt=before)
    return deletion.delete_rows(deletion.within(Invitation.objects.filter(closed)))


def delete_tokens(deletion: Deletion) -> int:
    """Delete tokens that were revoked or have expired."""
    before = deletion.before
    return deletion.delete_rows(ApiToken.objects.filter(Q(revoked_at__lt=before) | Q(expires_at__lt=before)))


SESSIONS: Final = RetentionCategory(
    "sessions", "Devices and addresses of ended sessions", "registry: sessions", 30, delete_sessions
)
INVITATIONS: Final = RetentionCategory(
    "invitations", "Closed invitations", "registry: accounts", 180, delete_invitations, is_of_organisations=True
)
TOKENS: Final = RetentionCategory("tokens", "Expired and revoked API tokens", "registry: accounts", 365, delete_tokens)
