from django.apps import AppConfig


class RegistersConfig(AppConfig):
    name = "eclectyc.registers"
    label = "registers"

    def ready(self) -> None:
        from eclectyc.batches.subscribers import subscribers

        subscribers.register("registers", "eclectyc.registers.batch_events:SUBSCRIBER")
