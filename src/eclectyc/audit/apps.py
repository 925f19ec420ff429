from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "eclectyc.audit"
    label = "audit"

    def ready(self) -> None:
        from eclectyc.kernel.hooks import health_checks, retention_categories

        health_checks.register("audit", "eclectyc.audit.health:audit", rank=100)

        retention_categories.register("audit", "eclectyc.audit.deletions:EVENTS", rank=10)
        retention_categories.register("audit_names", "eclectyc.audit.deletions:NAMES", rank=20)
