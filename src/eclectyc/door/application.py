"""The RSGI application that granian serves: bodies are received first, then a thread runs Django.

Under granian's WSGI a thread reads the body, and waits for it without end: as many requests as there are threads, whose
bodies never come, would stop everything.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]

from eclectyc.door.body import BodyReceiver
from eclectyc.door.environ import environ_of
from eclectyc.door.limits import BodyPace, BodyTooLarge, BodyTooSlow, NoRoom
from eclectyc.kernel.errors import EclectycError, Invalid

SEND_S: Final = 60.0  # for one part of an answer to be taken by granian
WHOLE: Final = 1 << 20  # [bytes]: a file up to this size is sent as one part
_STATUS: Final = {BodyTooLarge: 413, BodyTooSlow: 408, NoRoom: 507, Invalid: 400}
log = logging.getLogger(__name__)

Headers = list[tuple[str, str]]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Door:
    """Serves a WSGI application. is_known : whether a request's cookie or token belongs to someone."""

    def __init__(
        self,
        application: Wsgi,
        *,
        is_known: Callable[[dict[str, Any]], bool],
        folder: Path,
        threads: int,
        pace: BodyPace | None = None,
    ) -> None:
        self._application, self._is_known, self._folder = application, is_known, folder
        self._pace = pace or BodyPace()
        self._threads = ThreadPoolExecutor(threads, "web")

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        environ = environ_of(scope)
        loop = asyncio.get_running_loop()
        try:
            await self._receive(environ, proto, loop)
        except EclectycError as error:
            _refuse(proto, environ["PATH_INFO"], error)
            return
        try:
            await loop.run_in_executor(self._threads, self._answer, environ, proto, loop)
        except ProtocolClosed:
            log.info("A client went away before its answer was sent.")
        finally:
            environ["wsgi.input"].close()

    async def _receive(self, environ: dict[str, Any], proto: Any, loop: asyncio.AbstractEventLoop) -> None:
        """Put the whole body into the environ."""
        if environ.get("CONTENT_LENGTH", "0") == "0" and "HTTP_TRANSFER_ENCODING" not in environ:
            environ["wsgi.input"] = io.BytesIO()
            return

        async def is_known() -> bool:
            return await loop.run_in_executor(self._threads, self._is_known, environ)

        receiver = BodyReceiver(environ, is_known=is_known, folder=self._folder, pace=self._pace)
        body, size = await receiver.receive(aiter(proto))
        environ |= {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_LENGTH": str(size)}

    def _answer(self, environ: dict[str, Any], proto: Any, loop: asyncio.AbstractEventLoop) -> None:
        """Run the application in this thread, and send its answer."""
        started: list[tuple[int, Headers]] = []

        def start_response(status: str, headers: Headers, *_: object) -> None:
            started.append((int(status.split(" ", 1)[0]), headers))

        parts = self._application(environ, start_response)
        try:
            status, headers = started[-1]
            if _is_whole(parts, headers):
                data = b"".join(parts)
                loop.call_soon_threadsafe(proto.response_bytes, status, headers, data)
            else:
                _stream(proto.response_stream, status, headers, parts, loop)
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()


def _is_whole(parts: Iterable[bytes], headers: Headers) -> bool:
    """Return whether an answer is sent at once: it is in memory, or a small file."""
    if not getattr(parts, "streaming", False):
        return True
    length = next((value for name, value in headers if name.lower() == "content-length"), "")
    return length.isdigit() and int(length) <= WHOLE


def _stream(open_: Any, status: int, headers: Headers, parts: Iterable[bytes], loop: asyncio.AbstractEventLoop) -> None:
    """Send an answer part by part. granian keeps in memory what the client has not taken yet."""

    async def begin() -> Any:
        return open_(status, headers)

    async def send(part: bytes) -> None:
        await transport.send_bytes(part)

    transport = asyncio.run_coroutine_threadsafe(begin(), loop).result(SEND_S)
    for part in parts:
        sending = asyncio.run_coroutine_threadsafe(send(part), loop)
        try:
            sending.result(SEND_S)
        except TimeoutError:
            sending.cancel()
            log.warning("An answer was given up: the server did not take it.")
            return


def _refuse(proto: Any, path: str, error: EclectycError) -> None:
    """Answer that a body is not received, and close the connection, on which the rest of it may still come."""
    text, kind = f"{error.reason} {error.remedy}\n", "text/plain; charset=utf-8"
    if path.startswith("/api/"):
        text, kind = json.dumps({"error": {"code": error.code, "message": str(error)}}), "application/json"
    headers = [("content-type", kind), ("connection", "close"), ("cache-control", "no-store")]
    proto.response_bytes(_STATUS.get(type(error), 400), headers, text.encode())
