from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "eclectyc.intake"
    label = "intake"

    def ready(self) -> None:
        from eclectyc.jobs import kinds, schedules

        kinds.register(
            kinds.Kind(
                "intake.import", "eclectyc.intake.uploads.job:run_import", "Import of a file", keep_days=365,
                permission="imports.run",
            )
        )  # fmt: skip
        kinds.register(
            kinds.Kind(
                "intake.fold", "eclectyc.intake.push.job:run_fold", "Pushed readings become day rows", attempts=8,
                first_delay_s=5, keep_days=2, permission="imports.run",
            )
        )  # fmt: skip
        schedules.declare(
            "intake.fold", kind="intake.fold", cron="17 * * * *", title="Pushed readings are looked after"
        )
