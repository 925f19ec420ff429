"""The HTTP API: thin routes that parse, call and map."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from eclectyc.api.authentication import AUTHENTICATION, for_the_signed_in
from eclectyc.api.documentation import Documentation
from eclectyc.api.errors import add_error_answers
from eclectyc.api.routers import routers
from eclectyc.api.schemas import refusing_undeclared


class Described(NinjaAPI):
    """An API that generates its description once per prefix, because that takes a while."""

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
    docs=Documentation(settings={"validatorUrl": None}),  # no request to another server
    docs_decorator=for_the_signed_in,
    auth=AUTHENTICATION,
)
add_error_answers(api)
api.add_decorator(refusing_undeclared)
for router in routers:
    api.add_router("", router)
