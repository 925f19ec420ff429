from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "eclectyc.web"
    label = "web"
