from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    name = "eclectyc.privacy"
    label = "privacy"
