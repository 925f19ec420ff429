"""What changes people, organisations and tokens, under the names that commands and tests use.

Each lives in a module of its own: ``people``, ``organisations``, ``memberships``, ``custom_roles``, ``invitations``
and ``tokens``. Actor first; each is one short transaction with one audit event.
"""

from __future__ import annotations

from eclectyc.accounts.organisations import create as add_organisation
from eclectyc.accounts.organisations import organisation_named
from eclectyc.accounts.people import add_user, set_password, user_by_email
from eclectyc.accounts.tokens import create_token, revoke_token

__all__ = [
    "add_organisation",
    "add_user",
    "create_token",
    "organisation_named",
    "revoke_token",
    "set_password",
    "user_by_email",
]
