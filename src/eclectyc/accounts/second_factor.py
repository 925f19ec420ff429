"""The second factor: who has one, who must, and how its secrets are kept."""

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
    """allauth's questions about second factors, answered."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "This code is not right, or it was used already. Wait for the next one, and type that.",
        "cannot_delete_authenticator": "A second factor is required of you, so it cannot be taken away.",
    }

    def encrypt(self, text: str) -> str:
        """Seal a secret with the key outside the database."""
        return vault.seal(text.encode())

    def decrypt(self, encrypted_text: str) -> str:
        """Open a sealed secret."""
        return vault.open(encrypted_text).decode()

    def get_totp_issuer(self) -> str:
        """Return what an authenticator app shows above the code."""
        return PRODUCT

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Refuse where it is required."""
        return not is_required_of(authenticator.user)


def has_second_factor(user: AbstractBaseUser) -> bool:
    """Say whether a person signs in with a second factor."""
    return Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.TOTP).exists()


def codes_left(user: AbstractBaseUser) -> int:
    """Return how many recovery codes a person has not used yet."""
    codes = Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.RECOVERY_CODES).first()
    return len(codes.wrap().get_unused_codes()) if codes is not None else 0


def is_required_of(user: User) -> bool:
    """Say whether a person must have a second factor.

    Where the installation says so (``ECLECTYC_SECOND_FACTOR``), or an organisation to which they belong today, or one
    above it; an operator, who stands above all organisations, where any of them does. One query where no organisation
    requires it, two where one does.
    """
    if settings.SECOND_FACTOR_OF == "everybody" or (settings.SECOND_FACTOR_OF == "operators" and user.is_operator):
        return True
    required = list(Organisation.objects.filter(requires_second_factor=True).values_list("path", flat=True))
    if not required or user.is_operator:
        return bool(required)
    own = user.memberships.filter(in_effect_on(local_today())).values_list("organisation__path", flat=True)
    return any(path.startswith(tuple(required)) for path in own)


def remove(actor: Actor, *, user: User) -> bool:
    """Take the second factor and the recovery codes of somebody who lost both; False where there was none.

    An operator's task, who has made sure who asks. Whoever must have one sets it up anew at the next sign-in.
    """
    if not actor.is_full_operator:
        raise Forbidden("Only an operator takes a second factor away.", "Ask whoever runs this installation.")
    with transaction.atomic():
        count, _ = Authenticator.objects.filter(user=user).delete()
        if count:
            record_person_event(actor.by, "second_factor.removed", user, after={"how": "by an operator"},
                 personal={"person": user.email})  # fmt: skip
            notices.notify(user, "second_factor.removed", remark="It was done by whoever runs this installation.")
    return bool(count)


def must_set_up(user: User) -> bool:
    """Say whether a person must set up a second factor before anything else."""
    return is_required_of(user) and not has_second_factor(user)
