"""The WSGI application that granian serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "eclectyc.settings")
application = get_wsgi_application()

from eclectyc.audit.sealing import start_sealing  # noqa: E402 - once Django is set up

start_sealing()  # the audit is sealed by this process too, never inside a request
