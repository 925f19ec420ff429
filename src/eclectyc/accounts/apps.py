from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "eclectyc.accounts"
    label = "accounts"

    def ready(self) -> None:
        from allauth.mfa.models import Authenticator

        from eclectyc.accounts import signin_events
        from eclectyc.accounts.alert_recipients import alerted
        from eclectyc.jobs import alerts, kinds, schedules
        from eclectyc.vault.encrypted_columns import Column, register

        signin_events.connect()
        register(Column(Authenticator, "data", is_json=True))  # sealed by accounts.second_factor
        alerts.know_people_by(alerted)
        kinds.register(
            kinds.Kind("accounts.sessions", "eclectyc.accounts.session_cleanup:run", "Clearing sessions", keep_days=30)
        )
        schedules.declare(
            "accounts.sessions", kind="accounts.sessions", cron="20 2 * * *", title="Sessions that are over are cleared"
        )
