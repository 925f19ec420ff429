from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "eclectyc.intake"
    label = "intake"

    def ready(self) -> None:
        from eclectyc.jobs import kinds

        kinds.register(
            kinds.Kind(
                "intake.import", "eclectyc.intake.uploads.job:run_import", "Import of a file", keep_days=365,
                permission="imports.run",
            )
        )  # fmt: skip
