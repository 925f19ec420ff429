"""A web address with a token: pages put together, the time asked for, and a token that goes nowhere else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.batches.models import Batch
from eclectyc.intake.feeds.models import Feed
from eclectyc.intake.feeds.service import FeedDetails, create_feed, read_now, try_feed
from eclectyc.intake.import_options import ImportOptions
from eclectyc.intake.uploads.models import Upload
from eclectyc.jobs.models import Job
from eclectyc.jobs.worker import run_waiting
from eclectyc.kernel.errors import Invalid
from tests.factories import World

pytestmark = pytest.mark.django_db(transaction=True)
OPERATOR = Actor.system()
NIGHT = datetime(2025, 6, 3, tzinfo=UTC) - timedelta(hours=1)  # 3 June in London


@dataclass
class Provider:
    """Answers as the Octopus API does, newest first, in pages of 20."""

    url: str = ""
    token: str = "Bearer secret-token"
    status: int = 200
    next_host: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)  # address, authorisation
    values: list[float] = field(default_factory=lambda: [0.5] * 48)

    def answer(self, path: str, authorisation: str) -> tuple[int, bytes]:
        self.asked.append((path, authorisation))
        if authorisation != self.token:
            return 401, b"{}"
        if self.status != 200:
            return self.status, b"{}"
        page = int(parse_qs(urlsplit(path).query).get("page", ["1"])[0])
        rows = [self._row(slot) for slot in reversed(range(len(self.values)))]
        some = rows[20 * (page - 1) : 20 * page]
        more = f"{self.next_host or self.url}/readings?page={page + 1}" if 20 * page < len(rows) else None
        return 200, json.dumps({"count": len(rows), "next": more, "previous": None, "results": some}).encode()

    def _row(self, slot: int) -> dict[str, Any]:
        start = NIGHT + timedelta(minutes=30 * slot)
        ends = start + timedelta(minutes=30)
        return {"consumption": self.values[slot], "interval_start": f"{start:%Y-%m-%dT%H:%M:%SZ}",
                "interval_end": f"{ends:%Y-%m-%dT%H:%M:%SZ}"}  # fmt: skip


@pytest.fixture
def provider() -> Iterator[Provider]:
    told = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = told.answer(self.path, self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield told
    server.shutdown()
    server.server_close()
    thread.join()


def feed_of(world: World, provider: Provider, *, private: bool = True, token: str = "secret-token") -> Feed:
    settings = {"url": f"{provider.url}/readings?period_from={{from}}&period_to={{to}}", "first_days": 10}
    options = ImportOptions(meter=world.meter.identifier, unit="kWh")
    wanted = FeedDetails("Octopus", settings, {"token": token}, options)
    return create_feed(OPERATOR, organisation=world.org, kind=Feed.HTTPS, details=wanted, may_reach_private=private)


def look(feed: Feed) -> Job:
    job = read_now(OPERATOR, feed=feed)
    run_waiting()
    job.refresh_from_db()
    feed.refresh_from_db()
    return job


def test_pages_are_put_together_and_imported_as_one_file(world: World, provider: Provider) -> None:
    provider.values = [n / 100 for n in range(48)]
    assert look(feed_of(world, provider)).result == {"read": 1}
    batch = Batch.objects.get()
    assert (batch.added, batch.format) == (48, "octopus")
    assert len(provider.asked) == 3
    assert batch.report["kwh"] == pytest.approx(sum(range(48)) / 100)


def test_the_same_answer_again_is_not_imported_again_and_a_corrected_one_is(world: World, provider: Provider) -> None:
    feed = feed_of(world, provider)
    assert [look(feed).result, look(feed).result] == [{"read": 1}, {"read": 0}]
    provider.values = [0.5] * 47 + [0.75]
    assert look(feed).result == {"read": 1}
    assert [batch.changed for batch in Batch.objects.order_by("pk")] == [0, 1]


def test_the_time_asked_for_begins_some_days_before_the_last_look(world: World, provider: Provider) -> None:
    feed = feed_of(world, provider)
    today = timezone.now().astimezone(UTC).date()
    look(feed)
    look(feed)
    asked = [parse_qs(urlsplit(path).query) for path, _ in provider.asked if "period_from" in path]
    assert [day["period_from"][0][:10] for day in asked] == [
        str(today - timedelta(days=10)), str(today - timedelta(days=3)),
    ]  # fmt: skip


def test_the_token_goes_to_no_other_server(world: World, provider: Provider) -> None:
    provider.next_host = "http://localhost:1"
    job = look(feed_of(world, provider))
    assert job.state == Job.FAILED
    assert "another server" in job.error
    assert len(provider.asked) == 1


def test_a_refused_token_is_reported_without_showing_it(world: World, provider: Provider) -> None:
    job = look(feed_of(world, provider, token="wrong-token"))
    assert job.state == Job.FAILED
    assert "refuses the token" in job.error
    assert "wrong-token" not in job.error + repr(list(job.runs.values()))


def test_a_server_in_trouble_is_tried_again(world: World, provider: Provider) -> None:
    provider.status = 503
    job = look(feed_of(world, provider))
    assert job.state == Job.WAITING
    provider.status = 200
    Job.objects.filter(pk=job.pk).update(run_at=timezone.now())
    run_waiting()
    assert Batch.objects.get().added == 48


def test_addresses_of_the_own_network_are_refused_unless_an_operator_allowed_them(
    world: World, provider: Provider
) -> None:
    job = look(feed_of(world, provider, private=False))
    assert job.state == Job.FAILED
    assert provider.asked == []
    assert Upload.objects.count() == 0


def test_trying_it_out_asks_the_address_and_keeps_nothing(world: World, provider: Provider) -> None:
    assert len(try_feed(OPERATOR, feed=feed_of(world, provider))) == 1
    assert len(provider.asked) == 1
    assert not Upload.objects.exists()
    provider.token = "Bearer another"
    with pytest.raises(Invalid) as refused:
        try_feed(OPERATOR, feed=Feed.objects.get())
    assert refused.value.field == "token"


@pytest.mark.parametrize("host", ["http://[::1", "http://127.0.0.1:99999"])
def test_a_next_page_that_is_no_address_is_refused(world: World, provider: Provider, host: str) -> None:
    provider.next_host = host
    job = look(feed_of(world, provider))
    assert job.state == Job.FAILED
    assert "next page" in job.error
