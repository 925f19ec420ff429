"""Sessions: opened at sign-in, seen once a minute, over when idle, old or ended. Each person ends their own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Final

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from eclectyc.accounts.client_address import origin_of
from eclectyc.accounts.models import User
from eclectyc.accounts.person_events import record_person_event
from eclectyc.audit.actor import AuditActor

OPENED: Final = "opened_at"
SEEN: Final = "seen_at"
SEEN_EVERY_S: Final = 60  # reading must not write to the registry each time


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as its person sees it."""

    number: int
    device: str
    address: str
    opened_at: datetime
    seen_at: datetime
    is_current: bool


def start_session(request: HttpRequest) -> None:
    """Note that a session begins now."""
    request.session[OPENED] = request.session[SEEN] = time.time()


def check_session(request: HttpRequest) -> None:
    """End a session that is over; note at most once a minute that it is in use."""
    session = request.session
    began = session.get(OPENED)
    if began is None:
        return
    now = time.time()
    seen = session.get(SEEN, began)
    if now - began > settings.SESSION_COOKIE_AGE or now - seen > settings.SESSION_IDLE_S:
        _expire(request)
    elif now - seen > SEEN_EVERY_S:
        session[SEEN] = now
        try:
            session.save()
        except UpdateError:  # ended from another browser at this moment
            _expire(request)
            return
        session.modified = False
        UserSession.objects.filter(session_key=session.session_key).update(last_seen_at=timezone.now())


def sessions_of(user: User, request: HttpRequest) -> list[OpenSession]:
    """Return a person's open sessions, this one first, then the latest seen."""
    now = timezone.now()
    kept = list(
        UserSession.objects.filter(
            user=user,
            last_seen_at__gt=now - timedelta(seconds=settings.SESSION_IDLE_S + SEEN_EVERY_S),
            created_at__gt=now - timedelta(seconds=settings.SESSION_COOKIE_AGE),
        )
    )
    alive = set(
        Session.objects.filter(session_key__in=[s.session_key for s in kept], expire_date__gt=now).values_list(
            "session_key", flat=True
        )
    )
    this = request.session.session_key
    found = [
        OpenSession(
            s.pk, device_of(s.user_agent), s.ip, s.created_at, s.last_seen_at, s.session_key == this
        )
        for s in kept if s.session_key in alive
    ]  # fmt: skip
    return sorted(found, key=lambda s: (not s.is_current, -s.seen_at.timestamp()))


def end(user: User, number: int, request: HttpRequest) -> bool:
    """End one of a person's sessions, at once; False where they have no such one."""
    found = UserSession.objects.filter(user=user, pk=number).first()
    if found is None:
        return False
    _end(user, [found], request)
    return True


def end_others(user: User, request: HttpRequest) -> int:
    """End all of a person's sessions but this one; return how many."""
    others = list(UserSession.objects.filter(user=user).exclude(session_key=request.session.session_key))
    _end(user, others, request)
    return len(others)


def remove_from_list(request: HttpRequest) -> None:
    """Take a session that ends by itself off the list."""
    if request.session.session_key:
        UserSession.objects.filter(session_key=request.session.session_key).delete()


def device_of(agent: str) -> str:
    """Return what a browser says it is, in short.

    >>> device_of("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
    'Firefox on Linux'
    """
    browsers = {"Edg": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
    systems = {"iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "CrOS": "ChromeOS",
               "Mac OS X": "macOS", "Linux": "Linux"}  # fmt: skip
    browser = next((name for mark, name in browsers.items() if mark in agent), "")
    system = next((name for mark, name in systems.items() if mark in agent), "")
    return " on ".join(part for part in (browser or "A browser" if system else browser, system) if part) or "A program"


def _end(user: User, sessions: list[UserSession], request: HttpRequest) -> None:
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    with transaction.atomic():
        for session in sessions:
            store.delete(session.session_key)
            session.delete()
            record_person_event(
                AuditActor(user.pk, user.email, origin_of(request)),
                "session.ended",
                user,
                after={"how": "by its person"},
                personal={"device": device_of(session.user_agent), "address": session.ip},
            )


def _expire(request: HttpRequest) -> None:
    user = request.user
    remove_from_list(request)
    if user.is_authenticated:
        with transaction.atomic():
            record_person_event(AuditActor(user.pk, user.email), "session.ended", user, after={"how": "expired"})
    request.session.flush()
    request.user = AnonymousUser()
