from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "eclectyc.operations"
    label = "operations"

    def ready(self) -> None:
        from eclectyc.kernel.hooks import retention_categories

        retention_categories.register("telemetry", "eclectyc.operations.deletions:TELEMETRY", rank=90)
