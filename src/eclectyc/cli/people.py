"""``eclectyc user`` and ``eclectyc token``. Secrets go to standard output, everything else to standard error."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from eclectyc.cli import application_of
from eclectyc.cli.session import (
    OPERATOR,
    AsJson,
    OrganisationName,
    chosen_organisation,
    print_json,
    print_table,
    ready,
    say,
)
from eclectyc.kernel.errors import Invalid, NotFound

if TYPE_CHECKING:
    from eclectyc.accounts.models import ApiToken

users = application_of("People and their roles.")
tokens = application_of("API tokens: keys for programs.")

Email = Annotated[str, typer.Argument(metavar="EMAIL")]
Temporary = Annotated[bool, typer.Option("--temporary", help="Let them choose their own at the first sign-in.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


@users.command("add")
def add_user(
    email: Email,
    role: Annotated[str, typer.Option(help="viewer, manager or admin.")] = "viewer",
    name: Annotated[str, typer.Option(help="The person's name.")] = "",
    organisation: OrganisationName = None,
    password_stdin: FromStdin = False,
    temporary: Temporary = False,
) -> None:
    """Add a person. Without --password-stdin a password is generated and printed once."""
    ready()
    from eclectyc.accounts import people

    owner = chosen_organisation(organisation)
    password, is_made = _password(password_stdin)
    user = people.add_user(
        OPERATOR, email=email, organisation=owner, role=role, password=password, name=name, is_temporary=temporary
    )
    say(f"Added {user.email} as {role} of {owner}.")
    _tell_password(password, is_made)


@users.command("invite")
def invite(
    email: Email,
    role: Annotated[str, typer.Option(help="viewer, manager or admin.")] = "viewer",
    organisation: OrganisationName = None,
) -> None:
    """Send a person a link to choose a password. Without EMAIL_URL, the mail is a file in the home's folder mail."""
    ready()
    from eclectyc.accounts import invitations
    from eclectyc.mail.letters import NotSent

    owner = chosen_organisation(organisation)
    sent = invitations.invite(OPERATOR, email=email, organisation=owner, role=role)
    if sent.sent_at is None:
        raise NotSent
    say(f"Invited {sent.email} as {role} of {owner}, until {sent.expires_at:%Y-%m-%d %H:%M} UTC.")


@users.command("role")
def set_role(
    email: Email,
    role: Annotated[str, typer.Argument(help="viewer, manager or admin; none removes their roles there.")],
    organisation: OrganisationName = None,
) -> None:
    """Set a person's role in an organisation."""
    ready()
    from eclectyc.accounts import memberships, people

    owner = chosen_organisation(organisation)
    user = people.user_by_email(OPERATOR, email)
    memberships.set_role(OPERATOR, user=user, organisation=owner, role=None if role == "none" else role)
    say(f"{user.email} has no role in {owner}." if role == "none" else f"{user.email} is {role} of {owner}.")


@users.command("second-factor")
def second_factor(
    email: Email,
    remove: Annotated[bool, typer.Option("--remove", help="Remove it, with the recovery codes.")] = False,
) -> None:
    """Show whether a person has a second factor; --remove if they lost the phone and the codes."""
    ready()
    from eclectyc.accounts import people
    from eclectyc.accounts import second_factor as factors

    user = people.user_by_email(OPERATOR, email)
    if remove:
        gone = factors.remove(OPERATOR, user=user)
        say(f"{user.email} signs in without a second factor." if gone else f"{user.email} had none.")
    else:
        say(f"{user.email} signs in {'with' if factors.has_second_factor(user) else 'without'} a second factor.")


@users.command("password")
def set_password(email: Email, password_stdin: FromStdin = False, temporary: Temporary = False) -> None:
    """Set a person's password and end their sessions; they are notified by mail. Without --password-stdin one is
    generated and printed."""
    ready()
    from eclectyc.accounts import people

    user = people.user_by_email(OPERATOR, email)
    password, is_made = _password(password_stdin)
    people.set_password(OPERATOR, user=user, password=password, is_temporary=temporary)
    say(f"{user.email} has a new password.")
    _tell_password(password, is_made)


@users.command("list")
def list_users(organisation: OrganisationName = None, as_json: AsJson = False) -> None:
    """List people with their roles."""
    ready()
    from eclectyc.accounts.models import PLACE_RELATIONS, Membership, User

    members = Membership.objects.select_related("user", "custom_role", *PLACE_RELATIONS).order_by(
        "user__email", "organisation__name"
    )
    if organisation:
        members = members.filter(organisation=chosen_organisation(organisation))
    people = [
        {
            "email": m.user.email,
            "name": m.user.name,
            "role": m.role_name,
            "organisation": m.organisation.name,
            "place": str(m.thing) if m.thing is not None else None,
            "since": m.since,
            "until": m.until,
            "is_active": m.user.is_active,
            "is_operator": m.user.is_operator,
        }
        for m in members
    ]
    if not organisation:
        people += [
            {
                "email": u.email,
                "name": u.name,
                "role": None,
                "organisation": None,
                "place": None,
                "since": None,
                "until": None,
                "is_active": u.is_active,
                "is_operator": u.is_operator,
            }
            for u in User.objects.visible_to(OPERATOR).filter(memberships=None)
        ]
    if as_json:
        print_json({"users": people, "count": len(people)})
        return
    rows = [
        (
            p["email"],
            p["name"],
            p["role"] or "–",
            p["organisation"] or "–",
            p["place"] or "whole",
            p["until"] or "–",
            _yes(p["is_active"]),
        )
        for p in people
    ]
    print_table(["e-mail", "name", "role", "organisation", "place", "until", "active"], rows)


@tokens.command("create")
def create_token(
    email: Email,
    name: Annotated[str, typer.Option("--name", help="What the token is for.")],
    scope: Annotated[str, typer.Option(help="read, push or manage.")] = "read",
    days: Annotated[int | None, typer.Option(help="Ends after this many days; by default never.")] = None,
) -> None:
    """Create an API token and print it once: the token alone on standard output."""
    ready()
    from datetime import timedelta

    from django.utils import timezone

    from eclectyc.accounts import people
    from eclectyc.accounts.tokens import create_token

    if days is not None and not 1 <= days <= 36_500:
        raise Invalid("A token is valid for 1 to 36,500 days.", "Give --days in that range.", field="days")
    ends = timezone.now() + timedelta(days=days) if days is not None else None
    user = people.user_by_email(OPERATOR, email)
    token, secret = create_token(OPERATOR, user=user, name=name, scope=scope, expires_at=ends)
    say(f"Token {token.prefix}… for {user.email}, scope {token.scope}. It is shown only once.")
    print(secret)


@tokens.command("list")
def list_tokens(as_json: AsJson = False) -> None:
    """List tokens by their first letters; the tokens themselves are not stored."""
    ready()
    from eclectyc.accounts.models import ApiToken

    found = [_token_facts(t) for t in ApiToken.objects.visible_to(OPERATOR).select_related("user")]
    if as_json:
        print_json({"tokens": found, "count": len(found)})
        return
    headings = ["prefix", "name", "user", "scope", "made", "expires", "last used", "state"]
    print_table(headings, [["–" if v is None else v for v in facts.values()] for facts in found])


@tokens.command("revoke")
def revoke_token(prefix: Annotated[str, typer.Argument(help="The first letters of the token, as listed.")]) -> None:
    """Revoke a token immediately."""
    ready()
    from eclectyc.accounts.models import ApiToken
    from eclectyc.accounts.tokens import revoke_token

    wanted = prefix.rstrip("…").strip()
    found = [t for t in ApiToken.objects.visible_to(OPERATOR) if len(wanted) >= 5 and _matches(t, wanted)]
    if len(found) != 1:
        reason = f"{len(found)} tokens start with {prefix!r}." if found else f"There is no token {prefix!r}."
        raise NotFound(reason, "See eclectyc token list.", field="prefix")
    revoke_token(OPERATOR, token=found[0])
    say(f"Token {found[0].prefix}… ({found[0].name}) is revoked.")


def _matches(token: ApiToken, wanted: str) -> bool:
    """Match the listed letters or the whole token."""
    return token.prefix.startswith(wanted) or (
        len(wanted) > len(token.prefix) and token.digest_of(wanted) == token.digest
    )


def _token_facts(token: ApiToken) -> dict[str, object]:
    from django.utils import timezone

    expired = token.expires_at is not None and token.expires_at <= timezone.now()
    return {
        "prefix": token.prefix,
        "name": token.name,
        "user": token.user.email,
        "scope": token.scope,
        "created": token.created_at.date().isoformat(),
        "expires": token.expires_at.date().isoformat() if token.expires_at else None,
        "last_used": token.last_used_on.isoformat() if token.last_used_on else None,
        "state": "revoked" if token.revoked_at else "expired" if expired else "active",
    }


def _password(from_stdin: bool) -> tuple[str, bool]:
    """Return a password and whether it was generated."""
    from eclectyc.operations.first_user import new_password

    if not from_stdin:
        return new_password(), True
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise Invalid("There was no password on standard input.", "Send one line.", field="password")
    return password, False


def _tell_password(password: str, is_made: bool) -> None:
    if is_made:
        say("The password, shown only once:")
        print(password)


def _yes(value: object) -> str:
    return "yes" if value else "no"
