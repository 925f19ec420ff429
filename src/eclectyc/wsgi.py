"""The WSGI application that granian serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "eclectyc.settings")
application = get_wsgi_application()

from eclectyc.audit.sealing import keep  # noqa: E402 - once Django is set up

keep()  # the audit is sealed by this process too, never inside a request
