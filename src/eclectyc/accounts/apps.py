from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "eclectyc.accounts"
    label = "accounts"

    def ready(self) -> None:
        from eclectyc.accounts import signin_events

        signin_events.connect()
