"""Erase a person: the record of what they did remains, without who it was.

The person's row becomes a pseudonym; memberships, tokens, sessions and second factors are deleted; everything that
names them in the audit is deleted, and the chain still verifies. On SQLite the erased data are wiped from the file too.
Earlier backups contain the person until they are deleted, as the page states.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.administrators import keeping_administrators
from eclectyc.accounts.models import Invitation, User
from eclectyc.accounts.person_events import organisations_of
from eclectyc.audit import keys, read_log_queue
from eclectyc.audit.content_hashes import mac_of_text
from eclectyc.audit.models import Head, Personal
from eclectyc.audit.record import pseudonym_of, record_each
from eclectyc.audit.sealed_chain import forget_person
from eclectyc.kernel.data_protection import ErasedPerson
from eclectyc.kernel.errors import Conflict, NotFound
from eclectyc.privacy.personal_data import columns, mails_to, require_person, rows_of

DOMAIN: Final = "erased.invalid"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Erasure:
    """The pseudonym of an erased person, and the number of rows deleted or changed."""

    pseudonym: str
    counts: dict[str, int]
    is_wiped: bool  # false: free pages of the database file contain traces until its next VACUUM


def erase(actor: Actor, *, user: User) -> Erasure:
    """Erase a person; refuse oneself, the last administrator of an organisation and the last operator."""
    require_person(actor, user, may_be_own=False)
    if actor.user_id == user.pk:
        raise Conflict("You cannot erase yourself.", "Ask another administrator, or the operator of this installation.")
    read_log_queue.store_waiting()
    mails = mails_to(user.email)
    secure = _secure_deletes()
    with keeping_administrators(user.memberships.values_list("organisation_id", flat=True)):
        held = User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
        if held is None or held.email.endswith(f"@{DOMAIN}"):
            raise NotFound("This person no longer exists.", "Reload the list.")
        if held.is_operator and not User.objects.filter(is_operator=True, is_active=True).exclude(pk=held.pk).exists():
            raise Conflict("The last operator cannot be erased.", "Make another person an operator first.")
        pseudonym = str(pseudonym_of(held.pk, ""))
        readers = organisations_of(held.pk)
        counts = _erase_rows(held, pseudonym)
        counts["audit"] = forget_person(held.pk) + _forget_texts(held.email, held.name)
        _anonymise(held, pseudonym)
        record_each(actor.by, "person.erased", held, readers, after={"pseudonym": pseudonym, "counts": counts})
    for path in mails:
        path.unlink(missing_ok=True)
    return Erasure(pseudonym, counts, _wipe() if secure else True)


def _erase_rows(user: User, pseudonym: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    counts["sessions"] = _end_sessions(user)
    held = columns()
    for column in held:
        if column.erasing == "delete":
            counts[column.model] = counts.get(column.model, 0) + rows_of(column, user).delete()[0]
    invitation = Invitation._meta.label
    invited = Invitation.objects.filter(email__iexact=user.email).delete()[0]
    counts[invitation] = counts.get(invitation, 0) + invited
    person = ErasedPerson(user.pk, user.email, f"person {pseudonym[:8]}")
    for column in held:
        if column.anonymise:
            counts[column.model] = counts.get(column.model, 0) + _load(column.anonymise)(person)
    return {name: count for name, count in counts.items() if count}


def _load(target: str) -> Callable[[ErasedPerson], int]:
    module, _, name = target.partition(":")
    function: Callable[[ErasedPerson], int] = getattr(import_module(module), name)
    return function


def _end_sessions(user: User) -> int:
    store = import_module(settings.SESSION_ENGINE).SessionStore
    keys = set(UserSession.objects.filter(user=user).values_list("session_key", flat=True))
    for session in Session.objects.all().iterator():  # sessions that were never listed
        if store().decode(session.session_data).get("_auth_user_id") == str(user.pk):
            keys.add(session.session_key)
    return Session.objects.filter(session_key__in=keys).delete()[0]


def _forget_texts(email: str, name: str) -> int:
    """Remove the person from the texts of other people's events: texts equal to the name, and any with the address."""
    wanted = Q()
    names = [json.dumps(name), json.dumps(name, ensure_ascii=False)] if name else []
    for text in {email, json.dumps(email)[1:-1], *names}:
        wanted |= Q(written__icontains=text)
    found = Personal.objects.annotate(written=Cast("text", TextField())).filter(wanted)
    list(Head.objects.select_for_update().filter(pk=1))  # sealing waits: it would hash texts that are about to go
    changed, key = 0, keys.key()
    for personal in found:
        left = {key: value for key, value in personal.text.items() if not _names(value, email, name)}
        if left != personal.text:
            personal.text = left
            mac = mac_of_text(key, personal) if personal.mac else ""
            changed += Personal.objects.filter(pk=personal.pk).update(text=left, mac=mac)
    return changed


def _names(value: Any, email: str, name: str) -> bool:
    if isinstance(value, dict):
        return any(_names(one, email, name) for one in value.values())
    if isinstance(value, list):
        return any(_names(one, email, name) for one in value)
    text = str(value).casefold()
    return email.casefold() in text or (bool(name) and text.strip() == name.casefold())


def _anonymise(user: User, pseudonym: str) -> None:
    user.email, user.name = f"erased-{pseudonym}@{DOMAIN}", ""
    user.is_active = user.is_operator = False
    user.last_login = None
    user.set_unusable_password()
    user.save()


def _secure_deletes() -> bool:
    """Let SQLite overwrite what it deletes; return whether this is SQLite."""
    if connection.vendor != "sqlite":
        return False
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA secure_delete=ON")
    return True


def _wipe() -> bool:
    """Rewrite SQLite's file without its free pages and empty its log; return whether that succeeded."""
    if connection.in_atomic_block:
        return False
    try:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            is_busy = cursor.fetchone()[0]
    except DatabaseError as error:
        log.warning("Erased data are still in free pages of the database file: %s", error)
        return False
    return not is_busy
