"""Receive a request's body, within its limits, without a thread that waits for it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from eclectyc.door.limits import BodyPace, BodyTooLarge, BodyTooSlow, NoRoom, known_limit, stranger_limit
from eclectyc.kernel.errors import Invalid

IN_MEMORY: Final = 64 << 10  # [bytes] of one body
AT_ONCE: Final = 1 << 20  # [bytes] written to the disk
LEAST_FREE: Final = 512 << 20  # [bytes] on the disk beside the bodies


class BodyReceiver:
    """Receives one body into a file that lies in memory while it is small.

    is_known : asked once, when the body is larger than a stranger's may be.
    """

    def __init__(
        self, environ: dict[str, Any], *, is_known: Callable[[], Awaitable[bool]], folder: Path, pace: BodyPace
    ) -> None:
        self._is_known, self._folder, self._pace = is_known, folder, pace
        self._type = environ.get("CONTENT_TYPE", "")
        self._limit = stranger_limit(environ["PATH_INFO"])
        self._was_asked = False
        self._declared = _declared(environ.get("CONTENT_LENGTH"))

    async def receive(self, chunks: AsyncIterator[bytes]) -> tuple[Any, int]:
        """Return the body as an open file at its start, and its size; or raise, with nothing left over."""
        await self._check(self._declared or 0)
        self._check_room(self._declared or 0)
        body: Any = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(self._folder))  # noqa: SIM115 - its reader closes it
        try:
            size = await self._receive_into(body, chunks)
            body.seek(0)
        except BaseException:
            body.close()
            raise
        return body, size

    async def _receive_into(self, body: Any, chunks: AsyncIterator[bytes]) -> int:
        began, size, waiting = time.monotonic(), 0, bytearray()
        while chunk := await self._next(chunks, time.monotonic() - began, size):
            size += len(chunk)
            await self._check(size)
            waiting += chunk
            if len(waiting) >= AT_ONCE:
                self._check_room(len(waiting))
                await asyncio.to_thread(body.write, bytes(waiting))
                waiting.clear()
        body.write(bytes(waiting))
        if self._declared is not None and size != self._declared:
            raise Invalid("The request ended before all of its body arrived.", "Send it again.")
        return size

    async def _next(self, chunks: AsyncIterator[bytes], passed_s: float, size: int) -> bytes:
        """Return the next bytes; none at the end."""
        if size == self._declared:
            return b""
        try:
            async with asyncio.timeout(max(0.0, self._pace.wait_s(passed_s, size))):
                while True:
                    if chunk := await anext(chunks):
                        return bytes(chunk)
        except StopAsyncIteration:
            return b""
        except TimeoutError:
            raise BodyTooSlow("The request's body arrived too slowly.", "Try again on a faster connection.") from None

    async def _check(self, size: int) -> None:
        """Raise unless a body of this size may be received."""
        if size > self._limit and not self._was_asked:
            self._was_asked = True
            if not await self._is_known():
                raise BodyTooLarge(
                    f"Without signing in, at most {self._limit >> 10} KiB can be sent here.",
                    "Sign in, then send it again.",
                )
            self._limit = known_limit(self._type)
        if size > self._limit:
            raise BodyTooLarge(f"At most {self._limit >> 20:,} MiB can be sent here.", "Send less at a time.")

    def _check_room(self, more: int) -> None:
        """Raise unless there is room on the disk for so many bytes more."""
        if more > IN_MEMORY and shutil.disk_usage(self._folder).free - more < LEAST_FREE:
            raise NoRoom("The server's disk is nearly full.", "Ask its operator.")


def _declared(length: str | None) -> int | None:
    if length is None:
        return None
    if not (length.isascii() and length.isdigit() and len(length) < 19):
        raise Invalid("The request's Content-Length is not a number.", "Send it again.")
    return int(length)
