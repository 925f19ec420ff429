"""Retention of mails that are stored in the home."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from django.conf import settings

from eclectyc.kernel.data_protection import Deletion, RetentionCategory


def delete_mails(deletion: Deletion) -> int:
    return deletion.delete_files(sorted((Path(settings.HOME) / "mail").glob("*.eml")))


MAILS: Final = RetentionCategory(
    "mails", "Emails stored because there is no mail server", "home: mail", 30, delete_mails
)
