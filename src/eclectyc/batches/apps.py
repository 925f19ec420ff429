from django.apps import AppConfig


class BatchesConfig(AppConfig):
    name = "eclectyc.batches"
    label = "batches"
