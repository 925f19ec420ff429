from django.apps import AppConfig


class GasConfig(AppConfig):
    name = "eclectyc.gas"
    label = "gas"

    def ready(self) -> None:
        from eclectyc.derived.registry import FROM_OWN_READINGS, derivations
        from eclectyc.estate.change_events import listen
        from eclectyc.gas.estate_changes import hear

        derivations.register("gas", "eclectyc.gas.derivation:GAS", rank=FROM_OWN_READINGS)
        listen(hear)
