from django.apps import AppConfig


class LakeConfig(AppConfig):
    name = "eclectyc.lake"
    label = "lake"

    def ready(self) -> None:
        from eclectyc.jobs import kinds, schedules

        kinds.register(
            kinds.JobKind("lake.upkeep", "eclectyc.lake.maintenance_job:run", "Maintain stored readings", attempts=5)
        )
        schedules.declare("lake.upkeep", kind="lake.upkeep", cron="30 3 * * *", title="Maintain stored readings")
