from django.apps import AppConfig


class DerivedConfig(AppConfig):
    name = "eclectyc.derived"
    label = "derived"
