from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    name = "eclectyc.privacy"
    label = "privacy"

    def ready(self) -> None:
        from eclectyc.jobs import kinds, schedules
        from eclectyc.kernel.data_protection import PersonalData
        from eclectyc.kernel.hooks import personal_data, retention_categories

        kinds.register(kinds.JobKind("privacy.retention", "eclectyc.privacy.retention_job:run", "Delete old data"))
        schedules.declare("privacy.retention", kind="privacy.retention", cron="10 3 * * *", title="Delete old data")
        retention_categories.register("consents", "eclectyc.privacy.deletions:CONSENTS", rank=100)
        column = PersonalData("privacy.Consent", "user", "Consents", "keep")
        personal_data.register(column.name, column, rank=60)
