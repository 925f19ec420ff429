from django.apps import AppConfig


class GasConfig(AppConfig):
    name = "eclectyc.gas"
    label = "gas"

    def ready(self) -> None:
        from eclectyc.derived.registry import FROM_OWN_READINGS, derivations
        from eclectyc.estate.change_events import listen
        from eclectyc.gas.invalidation import NAME, on_estate_change

        derivations.register(NAME, "eclectyc.gas.derivation:GAS", rank=FROM_OWN_READINGS)
        listen(on_estate_change)
