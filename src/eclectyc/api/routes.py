"""The HTTP API: thin routes that parse, call and map."""

from ninja import NinjaAPI

api = NinjaAPI(title="Eclectyc Energy", version="1", docs_url="/docs", openapi_url="/openapi.json")
