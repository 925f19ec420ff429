"""The export of a person's data.

Every column that refers to a person is registered by its room; a test walks all models and fails for a new one.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import PLACE_RELATIONS, Invitation, Membership, User
from eclectyc.accounts.person_events import record_person_event
from eclectyc.audit import read_log_queue
from eclectyc.audit.models import Event, Person, Personal
from eclectyc.audit.search import EventDetails, describe
from eclectyc.kernel.data_protection import PersonalData
from eclectyc.kernel.errors import Forbidden
from eclectyc.kernel.hooks import personal_data
from eclectyc.kernel.spreadsheet_safety import csv_text

MOST_EVENTS: Final = 100_000


OWN_FIELDS: Final = ("id", "email", "name", "is_active", "is_operator", "created_at", "last_login")


def columns() -> list[PersonalData]:
    """Return every column that refers to a person."""
    return list(personal_data)


def rows_of(column: PersonalData, user: User) -> QuerySet[Any]:
    """Return the rows of a column that refer to a person."""
    return apps.get_model(column.model)._base_manager.filter(**{column.field: user.pk}).order_by("pk")


def export(actor: Actor, *, user: User) -> bytes:
    """Return all data about a person as a ZIP of JSON and CSV: one's own, or another's with ``privacy.run``."""
    require_person(actor, user, may_be_own=True)
    read_log_queue.store_waiting()
    tables = dict(_tables(user))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("README.txt", _readme(user, tables))
        everything = {name: rows for name, (_, rows) in tables.items()}
        out.writestr("everything.json", json.dumps(everything, indent=1, default=str, ensure_ascii=False))
        for name, (_, rows) in tables.items():
            out.writestr(f"tables/{name}.csv", _csv(rows))
        for path in mails_to(user.email):
            out.writestr(f"mails/{path.name}", path.read_bytes())
    counts = {name: len(rows) for name, (_, rows) in tables.items()}
    with transaction.atomic():
        record_person_event(actor.by, "privacy.exported", user, after={"tables": counts})
    return packed.getvalue()


def require_person(actor: Actor, user: User, *, may_be_own: bool) -> None:
    """Raise ``Forbidden`` unless the actor may export or erase a person's data.

    The person may export their own; operators may do both, and so may an actor whose scope for ``privacy.run`` holds
    *all* of the person's memberships.
    """
    is_own = actor.user_id == user.pk and actor.token_id is None
    if (may_be_own and is_own) or (actor.is_full_operator):
        return
    places = [m.place for m in Membership.objects.filter(user=user).select_related(*PLACE_RELATIONS)]
    if user.is_operator or not places or not all(actor.may("privacy.run", place) for place in places):
        raise Forbidden(
            "This person has roles outside the organisations you manage.", "Ask the operator of this installation."
        )


def mails_to(email: str) -> list[Path]:
    """Return the mails to an address that are stored in the home because there is no mail server."""
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
    for column in columns():
        yield column.name, (column.title, [_row(one, column.hidden) for one in rows_of(column, user)])
    invited = Invitation._base_manager.filter(email__iexact=user.email)
    yield "invitations_to_you", ("Invitations to your address", [_row(one, ("digest",)) for one in invited])
    yield "audit_events", ("What you did, and what was done to your account", _events(user))


def _events(user: User) -> list[dict[str, Any]]:
    pseudonym = Person.objects.filter(user_id=user.pk).values_list("pseudonym", flat=True).first()
    if pseudonym is None:
        return []
    about = Personal.objects.filter(person=pseudonym).values("event")
    found = Event.objects.filter(Q(actor=pseudonym) | Q(pk__in=about) | Q(subject_type="user", subject_id=str(user.pk)))
    return [_event(one, user, str(pseudonym)) for one in describe(found[:MOST_EVENTS])]


def _event(event: EventDetails, user: User, pseudonym: str) -> dict[str, Any]:
    """Return an event without what names others."""
    is_own = event.pseudonym == pseudonym
    return {
        "at": event.at,
        "by_you": is_own,
        "action": event.action,
        "subject": event.subject_type,
        "subject_number": event.subject_id,
        "from": event.origin if is_own else "",
        "before": event.before,
        "after": event.after,
        "personal": event.personal if is_own or event.subject_id == str(user.pk) else {},
    }


def _row(one: Model, hidden: tuple[str, ...]) -> dict[str, Any]:
    return {f.attname: getattr(one, f.attname) for f in one._meta.concrete_fields if f.name not in hidden}


def _csv(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return ""
    cells = [[json.dumps(v, default=str) if isinstance(v, dict | list) else v for v in row.values()] for row in rows]
    return csv_text([list(rows[0]), *cells])


def _readme(user: User, tables: dict[str, tuple[str, list[dict[str, Any]]]]) -> str:
    lines = [
        f"All data that this installation of Eclectyc Energy holds about {user.email},",
        f"as of {timezone.now():%Y-%m-%d %H:%M} UTC.",
        "",
        "everything.json contains all of them; tables/ contains the same as CSV, for spreadsheets.",
        "Passwords, second factors and tokens are stored as digests or encrypted, and are not exported.",
        "",
        *(f"{name}: {words} ({len(rows)})" for name, (words, rows) in tables.items()),
    ]
    return "\n".join(lines) + "\n"
