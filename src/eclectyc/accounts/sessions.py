"""Sessions: started at sign-in, ended when idle, too old, or by their person."""

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
SEEN_EVERY_S: Final = 60  # not every request may write to the registry


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as shown to its person."""

    number: int
    device: str
    address: str
    opened_at: datetime
    seen_at: datetime
    is_current: bool


def start_session(request: HttpRequest) -> None:
    request.session[OPENED] = request.session[SEEN] = time.time()


def check_session(request: HttpRequest) -> None:
    """End an expired session; record at most once a minute that a session is in use."""
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
        except UpdateError:  # ended meanwhile from another browser
            _expire(request)
            return
        session.modified = False
        UserSession.objects.filter(session_key=session.session_key).update(last_seen_at=timezone.now())


def sessions_of(user: User, request: HttpRequest) -> list[OpenSession]:
    """Return a person's open sessions: the current one first, then by last use."""
    now = timezone.now()
    seen_after = now - timedelta(seconds=settings.SESSION_IDLE_S + SEEN_EVERY_S)
    opened_after = now - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    recent = list(UserSession.objects.filter(user=user, last_seen_at__gt=seen_after, created_at__gt=opened_after))
    keys = [s.session_key for s in recent]
    alive = Session.objects.filter(session_key__in=keys, expire_date__gt=now).values_list("session_key", flat=True)
    current, alive_keys = request.session.session_key, set(alive)
    found = [
        OpenSession(s.pk, device_of(s.user_agent), s.ip, s.created_at, s.last_seen_at, s.session_key == current)
        for s in recent
        if s.session_key in alive_keys
    ]
    return sorted(found, key=lambda s: (not s.is_current, -s.seen_at.timestamp()))


def end(user: User, number: int, request: HttpRequest) -> bool:
    """End one of a person's sessions now; False if it is not theirs."""
    found = UserSession.objects.filter(user=user, pk=number).first()
    if found is None:
        return False
    _end(user, [found], request)
    return True


def end_others(user: User, request: HttpRequest) -> int:
    """End all of a person's sessions but the current one; return how many."""
    others = list(UserSession.objects.filter(user=user).exclude(session_key=request.session.session_key))
    _end(user, others, request)
    return len(others)


def remove_from_list(request: HttpRequest) -> None:
    """Remove a session that has ended or expired from its person's list."""
    if request.session.session_key:
        UserSession.objects.filter(session_key=request.session.session_key).delete()


def device_of(agent: str) -> str:
    """Return a browser and its system by the User-Agent header.

    >>> device_of("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
    'Firefox on Linux'
    """
    browsers = {"Edg": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
    phones = {"iPhone": "iPhone", "iPad": "iPad", "Android": "Android"}
    systems = phones | {"Windows": "Windows", "CrOS": "ChromeOS", "Mac OS X": "macOS", "Linux": "Linux"}
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
