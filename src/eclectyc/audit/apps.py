from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "eclectyc.audit"
    label = "audit"
