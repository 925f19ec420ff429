from django.apps import AppConfig


class LakeConfig(AppConfig):
    name = "eclectyc.lake"
    label = "lake"
