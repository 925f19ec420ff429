"""Store emails in the folder ``mail`` of the home if there is no mail server: one .eml file each, for its owner only.

The operator of the machine can open them in a mail program and send them on.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone


class FolderBackend(BaseEmailBackend):
    """Writes each email to ``mail/<time>-<random>.eml``."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = settings.HOME / "mail"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in email_messages:
            name = f"{timezone.now():%Y%m%dT%H%M%S}-{secrets.token_hex(4)}.eml"
            handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(message.message().as_bytes(linesep="\r\n"))  # type: ignore[call-arg]
        return len(email_messages)
