from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Lends the templates and assets of django-ninja's documentation page. As an app of its own, django-ninja would be
    loaded by every command, which takes a tenth of its start."""

    name = "eclectyc.api"
    label = "api"
    path = str(Path(str(find_spec("ninja").origin)).parent)  # type: ignore[union-attr]

    below_meters: ClassVar = ("dated_facts", "meter_history")
    # In the order of the documentation page. The router of meters is completed by what is pushed to them.
    usual: ClassVar = (
        "push",
        "regions",
        "suppliers",
        "sites",
        "bulk",
        "exports",
        "organisations",
        "people",
        "roles",
        "invitations",
        "tokens",
        "audit",
        "privacy",
        "imports",
        "import_profiles",
        "feeds",
        "calorific",
    )

    def ready(self) -> None:
        from eclectyc.api.routers import BELOW_METERS, FIRST, USUAL, routers

        routers.register("status", f"{self.name}.status:router", rank=FIRST)
        for names, rank in ((self.below_meters, BELOW_METERS), (self.usual, USUAL)):
            for name in names:
                routers.register(name, f"{self.name}.{name}:router", rank=rank)
