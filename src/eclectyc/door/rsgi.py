"""The application as granian finds it."""

import os
from pathlib import Path

from eclectyc.wsgi import application as django_application  # first, for it sets Django up

# isort: split
from django.conf import settings

from eclectyc.door.application import Door
from eclectyc.door.known_sender import is_known

THREADS = "ECLECTYC_WEB_THREADS"  # set by ``eclectyc serve`` and ``eclectyc web`` for the processes they start

_folder = Path(settings.HOME) / "tmp"
_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
application = Door(django_application, is_known=is_known, folder=_folder, threads=int(os.environ.get(THREADS, "4")))
