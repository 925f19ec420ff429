"""The API against its own description: whatever is sent, no fault, and every answer as documented."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode

from eclectyc.analytics.periods import BUCKETS
from tests.analytics.filling import fill, flat_days
from tests.api.conftest import Get, bearer
from tests.factories import World, make_meter, make_series

pytestmark = pytest.mark.django_db
EXAMPLES = 60
PATHS = ["/api/health", "/api/meters", "/api/meters/{mpan}", "/api/meters/{mpan}/readings"]
# 422 is the right answer to a window that is well-formed and makes no sense (reversed, or of a day that is not).
CONFIGURATION = {
    "checks": {
        "positive_data_acceptance": {"expected-statuses": ["2xx", "401", "403", "404", "409", "422"]},
    }
}


@pytest.fixture
def open_connection() -> Iterator[None]:
    """Leave the test's transaction open when a request ends, as Django's own test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def described(world: World, open_connection: None, settings: Any) -> Any:
    settings.TOKEN_REQUESTS_PER_MINUTE = settings.FAILED_TOKENS_PER_MINUTE = 10**6  # what is tried here is not that
    fill(make_series(world.meter), flat_days(date(2025, 3, 1), date(2025, 4, 10), 1.25))
    make_meter(world.site, "SERIAL/1 é", serial="SERIAL 2")
    config = SchemathesisConfig.from_dict(CONFIGURATION)
    headers = {**bearer(world.admin), "Accept-Encoding": "identity"}  # schemathesis unpacks nothing under WSGI
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", get_wsgi_application(), config=config, headers=headers)
    schema.config.update(headers=headers)
    return schema


def always(test: Callable[..., None]) -> Callable[..., None]:
    """Run a property with the examples of every run."""
    chosen = settings(
        max_examples=EXAMPLES, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
    )
    return chosen(test)


@pytest.mark.parametrize("path", PATHS)
def test_what_the_description_allows_is_answered_as_described(path: str, described: Any, world: World) -> None:
    meters = st.sampled_from([None, world.meter.identifier, "SERIAL/1 é", "serial 2", world.other_meter.identifier])

    @always
    @given(described[path]["GET"].as_strategy(), meters, st.sampled_from(["*/*", "text/csv"]))
    def holds(case: schemathesis.Case, meter: str | None, accept: str) -> None:
        if meter is not None and "mpan" in case.path_parameters:
            case.path_parameters["mpan"] = quote(meter, safe="")
        case.call_and_validate(headers={"Accept": accept, "Accept-Encoding": "identity"})

    holds()


@pytest.mark.parametrize("path", PATHS[1:])
def test_what_the_description_forbids_is_refused_without_a_fault(path: str, described: Any) -> None:
    @always
    @given(described[path]["GET"].as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def holds(case: schemathesis.Case) -> None:
        # An address has no room for objects: another question would be sent than was meant.
        assume(not any(isinstance(value, dict | list) for value in (case.query or {}).values()))
        case.call_and_validate(headers={"Accept-Encoding": "identity"})

    holds()


moments = (
    st.dates().map(date.isoformat)
    | st.datetimes().map(lambda moment: moment.isoformat() + "Z")
    | st.datetimes(datetime(2025, 3, 1), datetime(2025, 4, 30)).map(lambda moment: moment.isoformat() + "+01:00")
    | st.text(max_size=30)
)


def test_no_window_makes_a_fault(described: Any, get: Get, world: World) -> None:
    @always
    @given(
        st.fixed_dictionaries(
            {},
            optional={
                "from": moments,
                "to": moments,
                "by": st.sampled_from(BUCKETS) | st.text(max_size=5),
                "quantity": st.sampled_from(["import", "export", "volume", "\x00"]),
                "organisation": st.text(max_size=10) | st.integers().map(str),
            },
        ),
        st.sampled_from(["*/*", "text/csv"]),
    )
    def holds(params: dict[str, str], accept: str) -> None:
        answer = get(f"/api/meters/{world.meter.identifier}/readings", params, accept=accept)
        assert answer.status_code in (200, 404, 422), (params, answer.content)

    holds()


def test_the_description_names_every_answer_an_address_gives(get: Get) -> None:
    paths = get("/api/openapi.json").json()["paths"]
    assert set(PATHS) <= set(paths)
    readings = paths["/api/meters/{mpan}/readings"]["get"]
    assert set(readings["responses"]) == {"200", "401", "403", "404", "409", "422", "429"}
    assert set(readings["responses"]["200"]["content"]) == {"application/json", "text/csv"}
    assert {parameter["name"] for parameter in readings["parameters"]} == {
        "mpan", "from", "to", "by", "quantity", "organisation",
    }  # fmt: skip
