"""Whether a request's cookie or token belongs to someone, before its body is received."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import close_old_connections
from django.http import parse_cookie
from django.utils import timezone

from eclectyc.accounts.tokens import is_valid_secret


def is_known(environ: dict[str, Any]) -> bool:
    """Return whether a valid token or the session of a signed-in person is sent. What they may do is asked later."""
    close_old_connections()
    try:
        scheme, _, secret = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme:
            return scheme.lower() == "bearer" and is_valid_secret(secret.strip(), now=timezone.now())
        key = parse_cookie(environ.get("HTTP_COOKIE", "")).get(settings.SESSION_COOKIE_NAME)
        sessions = import_module(settings.SESSION_ENGINE).SessionStore
        return bool(key) and SESSION_KEY in sessions(key)
    finally:
        close_old_connections()
