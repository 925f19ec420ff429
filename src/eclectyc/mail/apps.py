from django.apps import AppConfig


class MailConfig(AppConfig):
    name = "eclectyc.mail"
    label = "mail"

    def ready(self) -> None:
        from eclectyc.kernel.hooks import retention_categories

        retention_categories.register("mails", "eclectyc.mail.deletions:MAILS", rank=80)
