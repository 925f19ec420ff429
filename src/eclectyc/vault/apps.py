from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "eclectyc.vault"
    label = "vault"

    def ready(self) -> None:
        from eclectyc.kernel.hooks import health_checks

        health_checks.register("vault", "eclectyc.vault.health:vault", rank=110)
