from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "eclectyc.accounts"
    label = "accounts"
