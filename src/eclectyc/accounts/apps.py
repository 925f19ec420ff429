from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "eclectyc.accounts"
    label = "accounts"

    def ready(self) -> None:
        from eclectyc.accounts import signin_events
        from eclectyc.accounts.alerted import alerted
        from eclectyc.jobs import alerts, kinds, schedules

        signin_events.connect()
        alerts.know_people_by(alerted)
        kinds.register(
            kinds.Kind("accounts.sessions", "eclectyc.accounts.clearing:run", "Clearing sessions", keep_days=30)
        )
        schedules.declare(
            "accounts.sessions", kind="accounts.sessions", cron="20 2 * * *", title="Sessions that are over are cleared"
        )
