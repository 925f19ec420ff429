from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "eclectyc.web"
    label = "web"

    def ready(self) -> None:
        from eclectyc.web.navigation import NavigationEntry, pages, sections

        for rank, entry in (
            (10, NavigationEntry("Dashboard", "/")),
            (20, NavigationEntry("Sites", "/sites")),
            (30, NavigationEntry("Meters", "/meters")),
            (40, NavigationEntry("Consumption", "/reports/consumption", "reports.view")),
        ):
            pages.register(entry.address, entry, rank=rank)
        for rank, entry in (
            (10, NavigationEntry("Sites", "/admin/sites", "estate.edit")),
            (20, NavigationEntry("Meters", "/admin/meters", "estate.edit")),
            (30, NavigationEntry("Regions", "/admin/regions", "estate.edit")),
            (40, NavigationEntry("Suppliers", "/admin/suppliers", "estate.edit")),
            (50, NavigationEntry("Imports", "/admin/imports", "imports.run")),
            (60, NavigationEntry("Feeds", "/admin/feeds", "imports.run")),
            (70, NavigationEntry("Calorific values", "/admin/calorific-values", "imports.run")),
            (80, NavigationEntry("Background jobs", "/admin/jobs", "jobs.view")),
            (90, NavigationEntry("People", "/admin/users", "people.view")),
            (100, NavigationEntry("Roles", "/admin/roles", "people.view")),
            (110, NavigationEntry("Organisation", "/admin/organisation", "organisation.edit")),
            (120, NavigationEntry("Audit", "/admin/audit", "audit.view")),
            (130, NavigationEntry("Privacy", "/admin/privacy", "privacy.run")),
        ):
            sections.register(entry.address, entry, rank=rank)
