"""The second factor: who has one, who must have one, and the encryption of its secrets."""

from __future__ import annotations

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from eclectyc import vault
from eclectyc.accounts import notices
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.branding import PRODUCT
from eclectyc.accounts.grants import in_effect_on, local_today
from eclectyc.accounts.models import Organisation, User
from eclectyc.accounts.person_events import record_person_event
from eclectyc.kernel.errors import Forbidden


class SecondFactorAdapter(DefaultMFAAdapter):
    """Second factors for django-allauth."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "This code is wrong or has already been used. Enter the next one.",
        "cannot_delete_authenticator": "A second factor is required of you, so it cannot be removed.",
    }

    def encrypt(self, text: str) -> str:
        """Encrypt a secret with the key of the vault, which is outside the database."""
        return vault.seal(text.encode())

    def decrypt(self, encrypted_text: str) -> str:
        return vault.open(encrypted_text).decode()

    def get_totp_issuer(self) -> str:
        """Return the name that an authenticator app shows above the code."""
        return PRODUCT

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Refuse if a second factor is required."""
        return not is_required_of(authenticator.user)


def has_second_factor(user: AbstractBaseUser) -> bool:
    return Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.TOTP).exists()


def codes_left(user: AbstractBaseUser) -> int:
    """Return how many unused recovery codes a person has."""
    codes = Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.RECOVERY_CODES).first()
    return len(codes.wrap().get_unused_codes()) if codes is not None else 0


def is_required_of(user: User) -> bool:
    """Return whether a person must have a second factor.

    It is required by the installation (``ECLECTYC_SECOND_FACTOR``), by an organisation to which the person belongs
    today or one above it, and of operators by any organisation. One query if no organisation requires it, else two.
    """
    if settings.SECOND_FACTOR_OF == "everybody" or (settings.SECOND_FACTOR_OF == "operators" and user.is_operator):
        return True
    required = list(Organisation.objects.filter(requires_second_factor=True).values_list("path", flat=True))
    if not required or user.is_operator:
        return bool(required)
    own = user.memberships.filter(in_effect_on(local_today())).values_list("organisation__path", flat=True)
    return any(path.startswith(tuple(required)) for path in own)


def remove(actor: Actor, *, user: User) -> bool:
    """Remove a person's second factor and recovery codes; False if there were none.

    Only an operator may, who must be sure who is asking. If one is required, it is set up again at the next sign-in.
    """
    if not actor.is_full_operator:
        raise Forbidden("Only operators can remove a second factor.", "Ask the operator of this installation.")
    with transaction.atomic():
        count, _ = Authenticator.objects.filter(user=user).delete()
        if count:
            after, personal = {"how": "by an operator"}, {"person": user.email}
            record_person_event(actor.by, "second_factor.removed", user, after=after, personal=personal)
            notices.notify(user, "second_factor.removed", remark="An operator of the installation removed it.")
    return bool(count)


def must_set_up(user: User) -> bool:
    """Return whether a person must set up a second factor before anything else."""
    return is_required_of(user) and not has_second_factor(user)
