"""People, organisations and tokens: what changes them. Actor first; each is one short transaction."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone

from eclectyc.accounts.actor import ROLES, VIEWER, Actor
from eclectyc.accounts.models import ApiToken, Membership, Organisation, User
from eclectyc.accounts.tokens import PREFIX_LENGTH
from eclectyc.kernel.errors import Forbidden, Invalid, NotFound


def organisation_named(actor: Actor, name: str | None) -> Organisation:
    """Return the actor's organisation of that name, or the only one there is where none is named."""
    visible = Organisation.objects.visible_to(actor)
    if name is None:
        only = list(visible[:2])
        if len(only) == 1:
            return only[0]
        names = ", ".join(visible.values_list("name", flat=True)[:20])
        raise Invalid(
            "There are several organisations." if only else "There is no organisation yet.",
            f"Name one of: {names}." if only else "Add one first.",
            field="organisation",
        )
    found = visible.filter(name__iexact=_text(name, "organisation")).first()
    if found is None:
        raise NotFound(f"There is no organisation called {name!r}.", "Check its spelling.", field="organisation")
    return found


def add_organisation(actor: Actor, *, name: str) -> Organisation:
    """Add an organisation; only an operator may. Names are told apart without regard to case."""
    if not actor.operator:
        raise Forbidden("Only an operator adds organisations.", "Ask whoever runs this installation.")
    name = _text(name, "organisation", most=200).strip()
    if not name:
        raise Invalid("An organisation needs a name.", "Give one.", field="organisation")
    with transaction.atomic():
        if Organisation.objects.filter(name__iexact=name).exists():
            raise Invalid(f"There is an organisation {name!r} already.", "Choose another name.", field="organisation")
        return Organisation.objects.create(name=name)


def add_user(
    actor: Actor,
    *,
    email: str,
    organisation: Organisation,
    role: str = VIEWER,
    password: str | None = None,
    name: str = "",
    is_operator: bool = False,
) -> User:
    """Add a person with a role in an organisation. Without a password nobody can sign in as them yet."""
    actor.require("people.edit", organisation.pk)
    if is_operator and not actor.operator:
        raise Forbidden("Only an operator adds operators.", "Ask whoever runs this installation.")
    if role not in ROLES:
        raise Invalid(f"There is no role {role!r}.", f"Use one of: {', '.join(ROLES)}.", field="role")
    user = User(email=_email(email), name=_text(name, "name", most=200).strip(), is_operator=is_operator)
    if password is None:
        user.set_unusable_password()
    else:
        _set_password(user, password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            Membership.objects.create(user=user, organisation=organisation, role=role)
    except IntegrityError:
        raise Invalid(f"There is a user {user.email} already.", "Use another address.", field="email") from None
    return user


def user_by_email(actor: Actor, email: str) -> User:
    """Return a person whom the actor may see, by address in whatever case."""
    found = User.objects.visible_to(actor).filter(email__iexact=_text(email, "email").strip()).first()
    if found is None:
        raise NotFound(f"There is no user {email!r}.", "See the list of users.", field="email")
    return found


def set_password(actor: Actor, *, user: User, password: str) -> User:
    """Give a person a new password. Their sessions elsewhere end.

    One's own; an operator's task for anyone; or an administrator's for a person who belongs to no organisation
    but theirs: otherwise one could reach into another organisation through a shared person.
    """
    if actor.user_id != user.pk and not actor.operator:
        theirs = set(user.memberships.values_list("organisation_id", flat=True))
        if user.is_operator or not theirs or not theirs <= actor.organisations("people.edit"):
            raise Forbidden("You may not set this person's password.", "Ask whoever runs this installation.")
    _set_password(user, password)
    user.save(update_fields=["password"])
    return user


def create_token(
    actor: Actor, *, user: User, name: str, scope: str = ApiToken.READ, expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """Make a token for oneself (an operator: for anyone). Returns it and its secret, which is shown this once."""
    _require_own(actor, user)
    name = _text(name, "name", most=100).strip()
    if not name:
        raise Invalid("A token needs a name.", "Say what it is for.", field="name")
    if scope not in ApiToken.SCOPES:
        raise Invalid(f"There is no scope {scope!r}.", f"Use one of: {', '.join(ApiToken.SCOPES)}.", field="scope")
    secret = ApiToken.new_secret()
    token = ApiToken.objects.create(
        user=user,
        name=name,
        prefix=secret[:PREFIX_LENGTH],
        digest=ApiToken.digest_of(secret),
        scope=scope,
        expires_at=expires_at,
    )
    return token, secret


def revoke_token(actor: Actor, *, token: ApiToken) -> ApiToken:
    """End a token now. Ending one that has ended keeps its first end."""
    _require_own(actor, token.user)
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
    return token


def _require_own(actor: Actor, user: User) -> None:
    if actor.user_id != user.pk and not actor.operator:
        raise Forbidden("Tokens are their owner's alone.", "Sign in as that person.")


def _text(text: str, field: str, *, most: int = 254) -> str:
    if "\x00" in text:
        raise Invalid("The text holds a NUL character.", "Leave it out.", field=field)
    if len(text) > most:
        raise Invalid(f"The {field} has {len(text)} characters.", f"Use {most} at most.", field=field)
    return text


def _email(text: str) -> str:
    email = User.objects.normalize_email(_text(text, "email").strip())
    try:
        validate_email(email)
    except ValidationError:
        raise Invalid(f"{text!r} is not an e-mail address.", "Write it as name@example.org.", field="email") from None
    return email


def _set_password(user: User, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), "Choose another password.", field="password") from None
    user.set_password(password)
