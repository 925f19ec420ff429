"""Feeds from a web address with a token. Paged answers are joined into one document."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, Final
from urllib.parse import quote, urljoin, urlsplit

import httpx
import orjson

from eclectyc.intake.feeds.connection import RemoteFile, Unreachable, addresses_of
from eclectyc.kernel.errors import Invalid

TIMEOUT_S: Final = 30.0
MOST_PAGES: Final = 5_000
MOST_BYTES: Final = 256 << 20  # of all pages together
_STAMP: Final = "%Y-%m-%dT%H:%M:%SZ"


class HttpsConnection:
    """One document: the answer for the time since the last check, and some days before it, up to now."""

    def __init__(self, client: httpx.Client, settings: dict[str, Any], *, since: datetime, now: datetime) -> None:
        self._client = client
        self._url: str = settings["url"]
        self._since, self._now = since, now

    def list_files(self) -> list[RemoteFile]:
        host = urlsplit(self._url).hostname or "answer"
        return [RemoteFile(f"{host}-{self._now:%Y%m%d-%H%M%S-%f}")]

    def test(self) -> list[RemoteFile]:
        """Request the address, without reading the answer's body."""
        with self._request(self._requested_url()):
            return self.list_files()

    def fetch(self, file: RemoteFile, into: BinaryIO) -> None:
        """Write the answer; of pages the joined ``results``."""
        first = self._get(self._requested_url())
        page = _paged(first)
        if page is None:
            into.write(first)
            return
        results, size, following = list(page["results"]), len(first), page.get("next")
        for _ in range(MOST_PAGES):
            if not following:
                break
            body = self._get(self._next(str(following)))
            size += len(body)
            page = _paged(body)
            if page is None or size > MOST_BYTES:
                raise Invalid("The following pages have another form, or are too large.", "Request a shorter time.")
            results += page["results"]
            following = page.get("next")
        else:
            raise Invalid(f"The answer has more than {MOST_PAGES:,} pages.", "Request larger pages, or a shorter time.")
        into.write(orjson.dumps({"count": len(results), "next": None, "previous": None, "results": results}))

    def archive(self, file: RemoteFile) -> None:
        """Do nothing: an answer cannot be moved or deleted."""

    def _requested_url(self) -> str:
        url = self._url.replace("{from}", quote(f"{self._since:{_STAMP}}"))
        return url.replace("{to}", quote(f"{self._now:{_STAMP}}"))

    def _next(self, following: str) -> str:
        """Return the next page's address; never one of another server, which would receive the token."""
        try:
            url = urljoin(self._url, following)
            goes_elsewhere = urlsplit(url)[:2] != urlsplit(self._url)[:2]
        except ValueError:
            raise Invalid("The provider sent an invalid address for the next page.", "Ask the provider.") from None
        if goes_elsewhere:
            raise Invalid("The next page is on another server, where the token must not be sent.", "Ask the provider.")
        return url

    def _get(self, url: str) -> bytes:
        body = bytearray()
        with self._request(url) as answer:
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise Invalid(f"The answer of {_shown(url)} is larger than 256 MB.", "Request a shorter time.")
        return bytes(body)

    @contextmanager
    def _request(self, url: str) -> Iterator[httpx.Response]:
        """Request an address; the answer's body is not read yet."""
        try:
            with self._client.stream("GET", url) as answer:
                _check(answer, _shown(url))
                yield answer
        except httpx.InvalidURL:
            raise Invalid(f"{_shown(url)} is not a web address.", "Correct it.", field="url") from None
        except httpx.HTTPError as error:
            raise Unreachable(
                f"{_shown(url)} does not answer: {type(error).__name__}.", "It will be retried."
            ) from None


@contextmanager
def open_https(
    settings: dict[str, Any],
    secrets: dict[str, str],
    *,
    may_be_private: bool,
    last: datetime | None,
    now: datetime,
) -> Iterator[HttpsConnection]:
    """Yield the connection to an address. last : the last successful check."""
    parts = urlsplit(settings["url"])
    if parts.scheme != "https" and not may_be_private:
        raise Invalid(
            "The address must begin with https://.", "A token is never sent unencrypted: use https.", field="url"
        )
    addresses_of(
        parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80), may_be_private=may_be_private
    )
    since = (last or now) - timedelta(days=settings["overlap_days"] if last else settings["first_days"])
    midnight = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    headers = {"Accept": "application/json, text/csv;q=0.9, */*;q=0.5", **_authorisation(settings, secrets)}
    with httpx.Client(timeout=TIMEOUT_S, headers=headers, follow_redirects=False, trust_env=False) as client:
        yield HttpsConnection(client, settings, since=midnight, now=now.astimezone(UTC))


def _shown(url: str) -> str:
    """Return an address without its query, which may be confidential."""
    return url.partition("?")[0]


def _authorisation(settings: dict[str, Any], secrets: dict[str, str]) -> dict[str, str]:
    token, how = secrets.get("token", ""), settings["authorisation"]
    if how == "none" or not token:
        return {}
    if how == "basic":  # the token as the user's name, or name:password
        pair = token if ":" in token else f"{token}:"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    return {settings["header"]: token} if how == "header" else {"Authorization": f"Bearer {token}"}


def _check(answer: httpx.Response, shown: str) -> None:
    if answer.status_code in (401, 403):
        raise Invalid(f"{shown} refuses the token ({answer.status_code}).", "Check the token.", field="token")
    if answer.is_redirect:
        raise Invalid(
            f"{shown} redirects to another address.",
            "Enter the final address: redirects are not followed.",
            field="url",
        )
    if answer.status_code == 429 or answer.status_code >= 500:
        raise Unreachable(f"{shown} answers {answer.status_code}.", "It will be retried.")
    if answer.status_code != 200:
        raise Invalid(f"{shown} answers {answer.status_code}.", "Check the address.", field="url")


def _paged(body: bytes) -> dict[str, Any] | None:
    """Return a page of results; None if the answer is something else."""
    try:
        page = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return page if isinstance(page, dict) and isinstance(page.get("results"), list) else None
