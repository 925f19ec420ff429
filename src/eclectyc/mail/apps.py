from django.apps import AppConfig


class MailConfig(AppConfig):
    name = "eclectyc.mail"
    label = "mail"
