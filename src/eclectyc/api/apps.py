from importlib.util import find_spec
from pathlib import Path

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Lends the templates and assets of django-ninja's documentation page. As an app of its own, django-ninja would be
    loaded by every command, which takes a tenth of its start."""

    name = "eclectyc.api"
    label = "api"
    path = str(Path(str(find_spec("ninja").origin)).parent)  # type: ignore[union-attr]
