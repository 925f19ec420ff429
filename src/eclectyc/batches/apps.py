from django.apps import AppConfig


class BatchesConfig(AppConfig):
    name = "eclectyc.batches"
    label = "batches"

    def ready(self) -> None:
        from eclectyc.kernel.data_protection import PersonalData
        from eclectyc.kernel.hooks import health_checks, personal_data

        health_checks.register("lake", "eclectyc.batches.health:lake", rank=30)
        health_checks.register("imports", "eclectyc.batches.health:imports", rank=60)

        column = PersonalData(
            "intake.Batch",
            "user",
            "Files you imported",
            "keep",
            hidden=("report",),
            anonymise="eclectyc.batches.personal_data:anonymise",
        )
        personal_data.register(column.name, column, rank=20)
