"""Send an email in the background: a mail server can be slow."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.db import close_old_connections, connection

from eclectyc.mail.letters import Letter, NotSent, send

THREAD: Final = "mail"
log = logging.getLogger(__name__)


def send_in_background(write: Callable[[], Letter]) -> None:
    """Write a letter and send it; through a mail server, in a thread of its own.

    ``write`` may query the registry. A failure is logged with the kind of letter.
    """
    if settings.EMAIL_BACKEND.endswith("smtp.EmailBackend"):
        threading.Thread(target=_run, args=(write,), name=THREAD).start()
    else:
        _send(write)


def _run(write: Callable[[], Letter]) -> None:
    try:
        close_old_connections()
        _send(write)
    finally:
        connection.close()  # this thread's own


def _send(write: Callable[[], Letter]) -> None:
    try:
        send(write())
    except NotSent:
        pass  # send has logged it
    except Exception:
        log.exception("An email could not be written")
