"""The HTTP API: thin routes that parse, call and map."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from eclectyc.api.audit import router as audit
from eclectyc.api.authentication import AUTHENTICATION, for_the_signed_in
from eclectyc.api.bulk import router as bulk
from eclectyc.api.calorific import router as calorific
from eclectyc.api.dated_facts import router as dated_facts
from eclectyc.api.documentation import Documentation
from eclectyc.api.errors import add_error_answers
from eclectyc.api.exports import router as exports
from eclectyc.api.feeds import router as feeds
from eclectyc.api.import_profiles import router as profiles
from eclectyc.api.imports import router as imports
from eclectyc.api.invitations import router as invitations
from eclectyc.api.meter_history import router as meter_history
from eclectyc.api.organisations import router as organisations
from eclectyc.api.people import router as people
from eclectyc.api.privacy import router as privacy
from eclectyc.api.push import router as meters  # their own router, with what is pushed to them
from eclectyc.api.regions import router as regions
from eclectyc.api.roles import router as roles
from eclectyc.api.schemas import refusing_undeclared
from eclectyc.api.sites import router as sites
from eclectyc.api.status import router as status
from eclectyc.api.suppliers import router as suppliers
from eclectyc.api.tokens import router as tokens


class Described(NinjaAPI):
    """An API whose description is written once for each prefix: it is the same for everybody, and it takes a while."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self._written: dict[str, OpenAPISchema] = {}

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        prefix = self.get_root_path(path_params or {}) if path_prefix is None else path_prefix
        if prefix not in self._written:
            self._written[prefix] = super().get_openapi_schema(path_prefix=prefix)
        return self._written[prefix]


api = Described(
    title="Eclectyc Energy",
    version="1",
    description=(
        "Meters and their readings. Send a token as `Authorization: Bearer …`, or use the session of a person who has "
        'signed in. Errors are `{"error": {"code", "message", "field"?}}`. Unknown parameters are refused.'
    ),
    docs_url="/docs",
    openapi_url="/openapi.json",
    docs=Documentation(settings={"validatorUrl": None}),  # nothing is asked of anybody else's server
    docs_decorator=for_the_signed_in,
    auth=AUTHENTICATION,
)
add_error_answers(api)
api.add_decorator(refusing_undeclared)
api.add_router("", status)
api.add_router("", dated_facts)
api.add_router("", meter_history)  # before meters, whose identifiers can have slashes
api.add_router("", meters)
for router in (regions, suppliers, sites, bulk, exports, organisations, people, roles, invitations, tokens):
    api.add_router("", router)
for router in (audit, privacy, imports, profiles, feeds, calorific):
    api.add_router("", router)
