"""A lake in an S3-compatible store on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

_buckets = count(1)


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The address of moto's S3 server, on a free port of loopback."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_lake(s3_endpoint: str, home: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty lake in a bucket of its own; the settings and the environment point at it."""
    import boto3

    environment = {
        "AWS_ENDPOINT_URL": s3_endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    bucket = f"lake-{next(_buckets)}"
    boto3.client("s3").create_bucket(Bucket=bucket)
    settings.LAKE_URL = f"s3://{bucket}/readings"
    monkeypatch.setenv("ECLECTYC_LAKE", settings.LAKE_URL)
    return str(settings.LAKE_URL)
