from django.apps import AppConfig


class EstateConfig(AppConfig):
    name = "eclectyc.estate"
    label = "estate"
