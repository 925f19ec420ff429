"""What is held about a person: where it stands, what of it is given out, and what erasing does to it.

Every model that refers to a person has a line in ``HOLDINGS``; a test walks all models and fails for a new one.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import PLACES, Membership, User
from eclectyc.accounts.person_events import note
from eclectyc.audit import read_log_queue
from eclectyc.audit.models import Event, Person, Personal
from eclectyc.audit.search import tell
from eclectyc.kernel.errors import Forbidden
from eclectyc.kernel.spreadsheet_safety import csv_text

MOST_EVENTS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Holding:
    """A column that refers to a person. ``erasing`` says what becomes of its rows when the person is erased."""

    model: str
    field: str
    words: str
    erasing: Literal["delete", "keep"]
    hidden: tuple[str, ...] = ()  # keys and digests: nobody's to give out, not to their person either

    @property
    def rows_of(self) -> type[Model]:
        return apps.get_model(self.model)

    def of(self, user: User) -> QuerySet[Any]:
        return self.rows_of._base_manager.filter(**{self.field: user.pk}).order_by("pk")


HOLDINGS: Final = (
    Holding("accounts.Membership", "user", "Roles, and where they hold", "delete"),
    Holding("accounts.Invitation", "invited_by", "Invitations you sent", "keep", ("digest", "email")),
    Holding("accounts.Invitation", "accepted_by", "Invitations you accepted", "delete", ("digest",)),
    Holding("accounts.ApiToken", "user", "API tokens", "delete", ("digest",)),
    Holding("intake.Batch", "user", "Files you imported", "keep", ("report",)),
    Holding("intake.Push", "user", "Readings you pushed that are still to be stored", "keep", ("data",)),
    Holding("intake.Upload", "user", "Files you sent", "keep", ("report", "draft")),
    Holding("intake.ImportProfile", "created_by", "Import profiles you made", "keep", ("mapping", "signature")),
    Holding("intake.ImportProfile", "changed_by", "Import profiles you last changed", "keep", ("mapping", "signature")),
    Holding("jobs.Job", "person_id", "Background work you asked for", "keep"),
    Holding("jobs.Subscription", "user_id", "Of which failures you are told by mail", "delete"),
    Holding("account.EmailAddress", "user", "Addresses of mail", "delete"),
    Holding("mfa.Authenticator", "user", "Second factors", "delete", ("data",)),
    Holding("usersessions.UserSession", "user", "Sessions", "delete", ("session_key", "data")),
    Holding("socialaccount.SocialAccount", "user", "Sign-in through another provider", "delete"),
    Holding("privacy.Consent", "user", "Consents", "keep"),
)
OWN_FIELDS: Final = ("id", "email", "name", "is_active", "is_operator", "created_at", "last_login")


def export(actor: Actor, *, user: User) -> bytes:
    """Return everything that is held about a person as a ZIP of JSON and CSV. One's own, or by ``privacy.run``."""
    require_person(actor, user, may_be_own=True)
    read_log_queue.take_in()
    tables = dict(_tables(user))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("README.txt", _readme(user, tables))
        out.writestr("everything.json", json.dumps({n: rows for n, (_, rows) in tables.items()}, indent=1, default=str,
                                                   ensure_ascii=False))  # fmt: skip
        for name, (_, rows) in tables.items():
            out.writestr(f"tables/{name}.csv", _csv(rows))
        for path in mails_to(user.email):
            out.writestr(f"mails/{path.name}", path.read_bytes())
    counts = {name: len(rows) for name, (_, rows) in tables.items()}
    with transaction.atomic():
        note(actor.by, "privacy.exported", user, after={"tables": counts})
    return packed.getvalue()


def require_person(actor: Actor, user: User, *, may_be_own: bool) -> None:
    """Raise ``Forbidden`` unless a person's data are the actor's to give out or erase: the person's own, an
    operator's, or theirs within whose scope for ``privacy.run`` *all* of the person's memberships lie."""
    is_own = actor.user_id == user.pk and actor.token_id is None
    if (may_be_own and is_own) or (actor.stands_above):
        return
    places = [m.place for m in Membership.objects.filter(user=user).select_related(*PLACES)]
    if user.is_operator or not places or not all(actor.may("privacy.run", place) for place in places):
        raise Forbidden("This person's data are not yours alone to deal with.", "Ask whoever runs this installation.")


def mails_to(email: str) -> list[Path]:
    """Return the mails to an address that lie in the home because there is no mail server."""
    from email import message_from_bytes
    from email.policy import default
    from email.utils import getaddresses

    found = []
    for path in sorted((Path(settings.HOME) / "mail").glob("*.eml")):
        message = message_from_bytes(path.read_bytes(), policy=default)
        heads = [str(h) for name in ("To", "Cc", "Bcc") for h in message.get_all(name, [])]
        if email.casefold() in {address.casefold() for _, address in getaddresses(heads)}:
            found.append(path)
    return found


def _tables(user: User) -> Iterator[tuple[str, tuple[str, list[dict[str, Any]]]]]:
    yield "person", ("Who you are here", [{name: getattr(user, name) for name in OWN_FIELDS}])
    for holding in HOLDINGS:
        name = f"{holding.model.replace('.', '_').lower()}_{holding.field}"
        yield name, (holding.words, [_row(one, holding.hidden) for one in holding.of(user)])
    invited = apps.get_model("accounts.Invitation")._base_manager.filter(email__iexact=user.email)
    yield "invitations_to_you", ("Invitations to your address", [_row(one, ("digest",)) for one in invited])
    pseudonym = Person.objects.filter(user_id=user.pk).values_list("pseudonym", flat=True).first()
    events: list[dict[str, Any]] = []
    if pseudonym is not None:
        about = Personal.objects.filter(person=pseudonym).values("event")
        found = Event.objects.filter(
            Q(actor=pseudonym) | Q(pk__in=about) | Q(subject_type="user", subject_id=str(user.pk))
        )
        for one in tell(found[:MOST_EVENTS]):
            is_own = one.pseudonym == str(pseudonym)
            about_them = {} if not is_own and one.subject_id != str(user.pk) else one.personal
            events.append(
                {"at": one.at, "by_you": is_own, "action": one.action, "subject": one.subject_type,
                 "subject_number": one.subject_id, "from": one.origin if is_own else "", "before": one.before,
                 "after": one.after, "personal": about_them}
            )  # fmt: skip
    yield "audit_events", ("What you did, and what was done to your account", events)


def _row(one: Model, hidden: tuple[str, ...]) -> dict[str, Any]:
    return {f.attname: getattr(one, f.attname) for f in one._meta.concrete_fields if f.name not in hidden}


def _csv(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return ""
    cells = [[json.dumps(v, default=str) if isinstance(v, dict | list) else v for v in row.values()] for row in rows]
    return csv_text([list(rows[0]), *cells])


def _readme(user: User, tables: dict[str, tuple[str, list[dict[str, Any]]]]) -> str:
    lines = [
        f"Everything that this installation of Eclectyc Energy holds about {user.email},",
        f"as of {timezone.now():%Y-%m-%d %H:%M} UTC.",
        "",
        "everything.json holds all of it; tables/ the same as CSV, for spreadsheets.",
        "Passwords, second factors and tokens are kept as digests or sealed, and are not given out.",
        "",
        *(f"{name}: {words} ({len(rows)})" for name, (words, rows) in tables.items()),
    ]
    return "\n".join(lines) + "\n"
