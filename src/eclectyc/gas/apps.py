from django.apps import AppConfig


class GasConfig(AppConfig):
    name = "eclectyc.gas"
    label = "gas"

    def ready(self) -> None:
        from eclectyc.estate.change_events import listen
        from eclectyc.gas.estate_changes import hear

        listen(hear)
