from django.apps import AppConfig


class RegistersConfig(AppConfig):
    name = "eclectyc.registers"
    label = "registers"
