"""A web address with a token. Answers that come in pages are put together as one document."""

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
    """One document: what the address answers for the time from the last look, and some days before it, up to now."""

    def __init__(self, client: httpx.Client, settings: dict[str, Any], *, since: datetime, now: datetime) -> None:
        self._client = client
        self._url: str = settings["url"]
        self._since, self._now = since, now

    def list_files(self) -> list[RemoteFile]:
        host = urlsplit(self._url).hostname or "answer"
        return [RemoteFile(f"{host}-{self._now:%Y%m%d-%H%M%S-%f}")]

    def test(self) -> list[RemoteFile]:
        """Ask, and leave once it is known whether the address answers."""
        with self._asked(self._wanted()):
            return self.list_files()

    def fetch(self, file: RemoteFile, into: BinaryIO) -> None:
        """Write the answer; of pages their ``results`` behind each other."""
        first = self._get(self._wanted())
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
                raise Invalid("The pages that follow are of another kind, or too many.", "Ask for a shorter time.")
            results += page["results"]
            following = page.get("next")
        else:
            raise Invalid(f"The answer has more than {MOST_PAGES:,} pages.", "Ask for larger pages, or a shorter time.")
        into.write(orjson.dumps({"count": len(results), "next": None, "previous": None, "results": results}))

    def archive(self, file: RemoteFile) -> None:
        """An answer needs no putting away."""

    def _wanted(self) -> str:
        wanted = self._url.replace("{from}", quote(f"{self._since:{_STAMP}}"))
        return wanted.replace("{to}", quote(f"{self._now:{_STAMP}}"))

    def _next(self, following: str) -> str:
        """Return the next page's address. The token goes to no other server."""
        try:
            url = urljoin(self._url, following)
            goes_elsewhere = urlsplit(url)[:2] != urlsplit(self._url)[:2]
        except ValueError:
            raise Invalid("The address of the next page is none.", "Ask the provider.") from None
        if goes_elsewhere:
            raise Invalid("The next page is on another server: the token is not sent there.", "Ask the provider.")
        return url

    def _get(self, url: str) -> bytes:
        body = bytearray()
        with self._asked(url) as answer:
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise Invalid(f"{_shown(url)} answers with more than 256 MB.", "Ask for a shorter time.")
        return bytes(body)

    @contextmanager
    def _asked(self, url: str) -> Iterator[httpx.Response]:
        """Ask for an address; the answer's body is still to be read."""
        try:
            with self._client.stream("GET", url) as answer:
                _check(answer, _shown(url))
                yield answer
        except httpx.InvalidURL:
            raise Invalid(f"{_shown(url)} is no address.", "Check it.", field="url") from None
        except httpx.HTTPError as error:
            raise Unreachable(f"{_shown(url)} does not answer: {type(error).__name__}.", "It is tried again.") from None


@contextmanager
def open_https(
    settings: dict[str, Any],
    secrets: dict[str, str],
    *,
    may_be_private: bool,
    last: datetime | None,
    now: datetime,
) -> Iterator[HttpsConnection]:
    """Get ready to ask an address. last : the last look that went well."""
    parts = urlsplit(settings["url"])
    if parts.scheme != "https" and not may_be_private:
        raise Invalid("The address has to begin with https://: a token is not sent in the clear.", field="url")
    addresses_of(
        parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80), may_be_private=may_be_private
    )
    since = (last or now) - timedelta(days=settings["overlap_days"] if last else settings["first_days"])
    midnight = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    headers = {"Accept": "application/json, text/csv;q=0.9, */*;q=0.5", **_authorisation(settings, secrets)}
    with httpx.Client(timeout=TIMEOUT_S, headers=headers, follow_redirects=False, trust_env=False) as client:
        yield HttpsConnection(client, settings, since=midnight, now=now.astimezone(UTC))


def _shown(url: str) -> str:
    """Return an address without its question, which may hold what is nobody's business."""
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
        raise Invalid(f"{shown} refuses the token ({answer.status_code}).", "Check it.", field="token")
    if answer.is_redirect:
        raise Invalid(f"{shown} sends elsewhere; that is not followed.", "Give the final address.", field="url")
    if answer.status_code == 429 or answer.status_code >= 500:
        raise Unreachable(f"{shown} answers {answer.status_code}.", "It is tried again.")
    if answer.status_code != 200:
        raise Invalid(f"{shown} answers {answer.status_code}.", "Check the address.", field="url")


def _paged(body: bytes) -> dict[str, Any] | None:
    """Return a page of results, or None where the answer is something else."""
    try:
        page = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return page if isinstance(page, dict) and isinstance(page.get("results"), list) else None
