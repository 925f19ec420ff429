from django.apps import AppConfig


class GasConfig(AppConfig):
    name = "eclectyc.gas"
    label = "gas"

    def ready(self) -> None:
        from eclectyc.estate.listening import listen
        from eclectyc.gas.listening import hear

        listen(hear)
