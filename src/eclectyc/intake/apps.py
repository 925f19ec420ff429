from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "eclectyc.intake"
    label = "intake"
