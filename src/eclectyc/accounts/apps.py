from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "eclectyc.accounts"
    label = "accounts"

    def ready(self) -> None:
        from allauth.mfa.models import Authenticator

        from eclectyc.accounts import signin_events
        from eclectyc.accounts.alert_recipients import recipients
        from eclectyc.jobs import alerts, kinds, schedules
        from eclectyc.vault.encrypted_columns import EncryptedColumn, register

        signin_events.connect_signals()
        register(EncryptedColumn(Authenticator, "data", is_json=True))  # sealed by accounts.second_factor
        alerts.register_directory(recipients)
        handler, title = "eclectyc.accounts.session_cleanup:run", "Delete expired sessions"
        kinds.register(kinds.JobKind("accounts.sessions", handler, title, keep_days=30))
        schedules.declare("accounts.sessions", kind="accounts.sessions", cron="20 2 * * *", title=title)
        self._register_personal_data()

    def _register_personal_data(self) -> None:
        from eclectyc.kernel.data_protection import PersonalData
        from eclectyc.kernel.hooks import personal_data, retention_categories

        retention_categories.register("sessions", "eclectyc.accounts.deletions:SESSIONS", rank=30)
        retention_categories.register("invitations", "eclectyc.accounts.deletions:INVITATIONS", rank=40)
        retention_categories.register("tokens", "eclectyc.accounts.deletions:TOKENS", rank=50)
        for column in (
            PersonalData("accounts.Membership", "user", "Roles, and where they apply", "delete"),
            PersonalData("accounts.Invitation", "invited_by", "Invitations you sent", "keep", ("digest", "email")),
            PersonalData("accounts.Invitation", "accepted_by", "Invitations you accepted", "delete", ("digest",)),
            PersonalData("accounts.ApiToken", "user", "API tokens", "delete", ("digest",)),
        ):
            personal_data.register(column.name, column, rank=10)
        for column in (
            PersonalData("account.EmailAddress", "user", "Email addresses", "delete"),
            PersonalData("mfa.Authenticator", "user", "Second factors", "delete", ("data",)),
            PersonalData("usersessions.UserSession", "user", "Sessions", "delete", ("session_key", "data")),
            PersonalData("socialaccount.SocialAccount", "user", "Sign-in through another provider", "delete"),
        ):
            personal_data.register(column.name, column, rank=50)
