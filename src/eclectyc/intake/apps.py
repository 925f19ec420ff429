from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "eclectyc.intake"
    label = "intake"

    def ready(self) -> None:
        from eclectyc.derived.virtual.invalidation import follow_changes
        from eclectyc.estate.change_events import listen
        from eclectyc.jobs import kinds, schedules

        listen(follow_changes)
        kinds.register(
            kinds.Kind(
                "intake.import", "eclectyc.intake.uploads.job:run_import", "Import of a file", keep_days=365,
                permission="imports.run",
            )
        )  # fmt: skip
        kinds.register(
            kinds.Kind(
                "intake.fold", "eclectyc.intake.push.job:run_fold", "Pushed readings become day rows", attempts=8,
                first_delay_s=5, keep_days=1, permission="imports.run",
            )
        )  # fmt: skip
        kinds.register(
            kinds.Kind(
                "derived.work_out", "eclectyc.derived.job:run", "Derived series are worked out anew", attempts=8,
                first_delay_s=5, keep_days=1, permission="imports.run", frees_key_at_start=True,
            )
        )  # fmt: skip
        schedules.declare(
            "derived.work_out", kind="derived.work_out", cron="7-59/15 * * * *",
            title="Derived series are looked after",
        )  # fmt: skip
        schedules.declare(
            "intake.fold", kind="intake.fold", cron="17 * * * *", title="Pushed readings are looked after"
        )
        kinds.register(
            kinds.Kind(
                "feeds.read", "eclectyc.intake.feeds.poll:run", "A look at a feed", keep_days=30,
                permission="imports.run", is_quiet=True,
            )
        )  # fmt: skip
        kinds.register(
            kinds.Kind("feeds.watch", "eclectyc.intake.feeds.poll:watch", "A look for quiet feeds", keep_days=30)
        )
        schedules.declare("feeds.watch", kind="feeds.watch", cron="27 * * * *", title="Quiet feeds are told of")
