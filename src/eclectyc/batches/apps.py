from django.apps import AppConfig


class BatchesConfig(AppConfig):
    name = "eclectyc.batches"
    label = "batches"

    def ready(self) -> None:
        from eclectyc.kernel.data_protection import PersonalData
        from eclectyc.kernel.hooks import personal_data

        column = PersonalData(
            "intake.Batch",
            "user",
            "Files you imported",
            "keep",
            hidden=("report",),
            anonymise="eclectyc.batches.personal_data:anonymise",
        )
        personal_data.register(column.name, column, rank=20)
