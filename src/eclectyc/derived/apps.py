from django.apps import AppConfig


class DerivedConfig(AppConfig):
    name = "eclectyc.derived"
    label = "derived"

    def ready(self) -> None:
        from eclectyc.batches.subscribers import subscribers
        from eclectyc.derived.registry import FROM_OTHER_METERS, derivations
        from eclectyc.derived.virtual.invalidation import NAME, on_estate_change
        from eclectyc.estate.change_events import listen
        from eclectyc.jobs import kinds, schedules
        from eclectyc.kernel.hooks import health_checks

        derivations.register(NAME, "eclectyc.derived.virtual.derivation:VIRTUAL_METERS", rank=FROM_OTHER_METERS)
        subscribers.register("derived", "eclectyc.derived.invalidation:SUBSCRIBER")
        listen(on_estate_change)
        kinds.register(
            kinds.JobKind(
                "derived.work_out",
                "eclectyc.derived.job:run",
                "Recalculate derived readings",
                attempts=8,
                first_delay_s=5,
                keep_days=1,
                permission="imports.run",
                frees_key_at_start=True,
            )
        )
        schedules.declare(
            "derived.work_out",
            kind="derived.work_out",
            cron="7-59/15 * * * *",
            title="Check for derived readings to recalculate",
        )
        health_checks.register("derived", "eclectyc.derived.health:derived", rank=80)
