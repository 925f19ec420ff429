from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "eclectyc.intake"
    label = "intake"

    def ready(self) -> None:
        from eclectyc.batches.subscribers import subscribers
        from eclectyc.jobs import kinds, schedules
        from eclectyc.kernel.hooks import health_checks

        subscribers.register("pushes", "eclectyc.intake.push.batch_events:SUBSCRIBER")
        kinds.register(
            kinds.JobKind(
                "intake.import",
                "eclectyc.intake.uploads.job:run_import",
                "Import a file",
                keep_days=365,
                permission="imports.run",
                titles="eclectyc.intake.job_titles:imports",
            )
        )
        kinds.register(
            kinds.JobKind(
                "intake.fold",
                "eclectyc.intake.push.job:run_drain",
                "Store pushed readings",
                attempts=8,
                first_delay_s=5,
                keep_days=1,
                permission="imports.run",
            )
        )
        schedules.declare("intake.fold", kind="intake.fold", cron="17 * * * *", title="Store pushed readings")
        kinds.register(
            kinds.JobKind(
                "feeds.read",
                "eclectyc.intake.feeds.poll:run",
                "Check a feed",
                keep_days=30,
                permission="imports.run",
                is_quiet=True,
                titles="eclectyc.intake.job_titles:feed_checks",
            )
        )
        kinds.register(
            kinds.JobKind(
                "feeds.watch", "eclectyc.intake.feeds.poll:report_quiet_feeds", "Check for quiet feeds", keep_days=30
            )
        )
        schedules.declare("feeds.watch", kind="feeds.watch", cron="27 * * * *", title="Check for quiet feeds")
        health_checks.register("pushes", "eclectyc.intake.push.health:pushes", rank=70)
        health_checks.register("feeds", "eclectyc.intake.feeds.health:feeds", rank=75)
        self._hold_data()

    def _hold_data(self) -> None:
        from eclectyc.kernel.data_protection import PersonalData
        from eclectyc.kernel.hooks import personal_data, retention_categories

        retention_categories.register("uploads", "eclectyc.intake.uploads.deletions:FILES", rank=60)
        retention_categories.register("import_reports", "eclectyc.intake.uploads.deletions:DETAILS", rank=70)
        profile, layout = "intake.ImportProfile", ("mapping", "signature")
        for column in (
            PersonalData("intake.Push", "user", "Readings you pushed that are not stored yet", "keep", ("data",)),
            PersonalData(
                "intake.Upload",
                "user",
                "Files you uploaded",
                "keep",
                hidden=("report", "draft"),
                anonymise="eclectyc.intake.uploads.personal_data:anonymise",
            ),
            PersonalData(profile, "created_by", "Import profiles you created", "keep", layout),
            PersonalData(profile, "changed_by", "Import profiles you last changed", "keep", layout),
        ):
            personal_data.register(column.name, column, rank=30)
