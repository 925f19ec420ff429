"""Addresses of the administration: what it is about, what shows it, which permission opens it."""

from __future__ import annotations

from typing import Final

from eclectyc.web import brand
from eclectyc.web.security import View
from eclectyc.web.views.admin import (
    calorific,
    feeds,
    files,
    imports,
    index,
    jobs,
    mapping,
    meters,
    organisations,
    people,
    profiles,
    regions_and_suppliers,
    roles,
    sites,
    suggestions,
    tokens,
    virtual,
)

Address = tuple[str, View, str, str]

ADDRESSES: Final[tuple[Address, ...]] = (
    ("admin/sites", sites.sites, "admin-sites", "estate.edit"),
    ("admin/sites/new", sites.new_site, "admin-site-new", "estate.edit"),
    ("admin/sites/export", files.export_sites, "admin-sites-export", "exports.run"),
    ("admin/sites/import", files.import_sites, "admin-sites-import", "imports.run"),
    ("admin/sites/<int:pk>", sites.site, "admin-site", "estate.edit"),
    ("admin/meters", meters.meters, "admin-meters", "estate.edit"),
    ("admin/meters/new", meters.new_meter, "admin-meter-new", "estate.edit"),
    ("admin/meters/new-virtual", virtual.new_virtual_meter, "admin-virtual-meter-new", "estate.edit"),
    ("admin/meters/export", files.export_meters, "admin-meters-export", "exports.run"),
    ("admin/meters/import", files.import_meters, "admin-meters-import", "imports.run"),
    ("admin/meters/<int:pk>", meters.meter, "admin-meter", "estate.edit"),
    ("admin/regions", regions_and_suppliers.regions, "admin-regions", "estate.edit"),
    ("admin/regions/new", regions_and_suppliers.new_region, "admin-region-new", "estate.edit"),
    ("admin/regions/<int:pk>", regions_and_suppliers.region, "admin-region", "estate.edit"),
    ("admin/suppliers", regions_and_suppliers.suppliers, "admin-suppliers", "estate.edit"),
    ("admin/suppliers/new", regions_and_suppliers.new_supplier, "admin-supplier-new", "estate.edit"),
    ("admin/suppliers/<int:pk>", regions_and_suppliers.supplier, "admin-supplier", "estate.edit"),
    ("admin/users", people.users, "admin-users", "people.view"),
    ("admin/users/invite", people.invite, "admin-invite", "people.edit"),
    ("admin/users/<int:pk>", people.user, "admin-user", "people.view"),
    ("admin/memberships/<int:pk>", people.membership, "admin-membership", "people.edit"),
    ("admin/roles", roles.roles, "admin-roles", "people.view"),
    ("admin/roles/new", roles.new_role, "admin-role-new", "roles.edit"),
    ("admin/roles/<int:pk>", roles.role, "admin-role", "roles.edit"),
    ("admin/organisation", organisations.organisations, "admin-organisations", "organisation.edit"),
    ("admin/organisation/new", organisations.new_organisation, "admin-organisation-new", "organisation.edit"),
    ("admin/organisation/<int:pk>", organisations.organisation, "admin-organisation", "organisation.edit"),
    ("admin/imports", imports.imports, "admin-imports", "imports.run"),
    ("admin/imports/history", imports.past, "admin-imports-history", "imports.run"),
    ("admin/imports/profiles", profiles.profiles, "admin-profiles", "imports.run"),
    ("admin/imports/profiles/<int:pk>", profiles.profile, "admin-profile", "imports.run"),
    ("admin/imports/profiles/<int:pk>/toml", profiles.as_toml, "admin-profile-toml", "imports.run"),
    ("admin/imports/files/<int:pk>/map", mapping.map_file, "admin-import-map", "imports.run"),
    ("admin/imports/files/<int:pk>", imports.file, "admin-import-file", "imports.run"),
    ("admin/imports/<str:called>", imports.one, "admin-import", "imports.run"),
    ("admin/imports/<str:called>/rejected", imports.rejected, "admin-import-rejected", "imports.run"),
    ("admin/calorific-values", calorific.values, "admin-calorific", "imports.run"),
    ("admin/feeds", feeds.feeds, "admin-feeds", "imports.run"),
    ("admin/feeds/new", feeds.new_feed, "admin-feed-new", "imports.run"),
    ("admin/feeds/<int:pk>", feeds.feed, "admin-feed", "imports.run"),
    ("admin/jobs", jobs.jobs, "admin-jobs", "jobs.view"),
    ("admin/jobs/<int:pk>", jobs.job, "admin-job", "jobs.view"),
    ("admin/schedules", jobs.all_schedules, "admin-schedules", "jobs.view"),
    ("admin/schedules/<int:pk>", jobs.schedule, "admin-schedule", "jobs.manage"),
    ("account/tokens", tokens.tokens, "account-tokens", ""),
)
# Answers that are no pages: a way on, parts, pictures, style.
PARTS: Final[tuple[Address, ...]] = (
    ("admin", index.start, "admin", ""),
    ("admin/imports-now", imports.now, "admin-imports-now", "imports.run"),
    ("admin/formula", virtual.check, "formula-check", "estate.edit"),
    ("admin/suggestions", suggestions.suggest, "suggestions", "estate.view"),
    ("admin/places", suggestions.places, "places", "estate.view"),
    ("admin/organisation/<int:pk>/logo", organisations.logo, "admin-organisation-logo", "organisation.edit"),
    ("brand/logo", brand.logo, "brand-logo", ""),
    ("brand/colours.css", brand.colours, "brand-colours", ""),
)
