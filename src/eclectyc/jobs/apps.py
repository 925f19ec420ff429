from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "eclectyc.jobs"
    label = "jobs"

    def ready(self) -> None:
        from eclectyc.jobs import kinds, schedules
        from eclectyc.kernel.data_protection import PersonalData
        from eclectyc.kernel.hooks import health_checks, personal_data

        health_checks.register("jobs", "eclectyc.jobs.health:jobs", rank=90)

        kinds.register(
            kinds.JobKind("jobs.tell", "eclectyc.jobs.alerts:deliver", "Send alert mails", attempts=8),
            kinds.JobKind("jobs.tidy", "eclectyc.jobs.retention:run", "Delete old jobs", keep_days=30),
        )
        schedules.declare("jobs.tidy", kind="jobs.tidy", cron="40 2 * * *", title="Delete old jobs")
        for column in (
            PersonalData("jobs.Job", "person_id", "Background jobs you started", "keep"),
            PersonalData("jobs.Subscription", "user_id", "Failures you are emailed about", "delete"),
        ):
            personal_data.register(column.name, column, rank=40)
