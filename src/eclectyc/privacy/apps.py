from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    name = "eclectyc.privacy"
    label = "privacy"

    def ready(self) -> None:
        from eclectyc.jobs import kinds, schedules

        kinds.register(kinds.Kind("privacy.retention", "eclectyc.privacy.retention_job:run", "Deleting what is old"))
        schedules.declare(
            "privacy.retention", kind="privacy.retention", cron="10 3 * * *", title="What is older than its rule goes"
        )
