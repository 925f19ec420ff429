"""Sending a letter without making anybody wait: a server may take its time, a folder does not."""

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
    """Write a letter and send it, apart from the request where a server has to take it.

    ``write`` may ask the registry. A letter that cannot be sent is told to the log, by its kind.
    """
    if settings.EMAIL_BACKEND.endswith("smtp.EmailBackend"):
        threading.Thread(target=_apart, args=(write,), name=THREAD).start()
    else:
        _send(write)


def _apart(write: Callable[[], Letter]) -> None:
    try:
        close_old_connections()
        _send(write)
    finally:
        connection.close()  # this thread's own


def _send(write: Callable[[], Letter]) -> None:
    try:
        send(write())
    except NotSent:
        pass  # send has told the log
    except Exception:
        log.exception("a mail could not be written")
