from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "eclectyc.operations"
    label = "operations"

    def ready(self) -> None:
        from eclectyc.kernel.hooks import health_checks, retention_categories

        retention_categories.register("telemetry", "eclectyc.operations.deletions:TELEMETRY", rank=90)
        for rank, name in ((0, "environment"), (10, "database"), (20, "filesystem"), (40, "memory"), (50, "disk")):
            health_checks.register(name, f"eclectyc.operations.machine:{name}", rank=rank)
