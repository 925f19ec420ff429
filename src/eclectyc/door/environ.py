"""A request as WSGI describes it. Pure."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, Final

_OWN_NAMES: Final = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


def environ_of(scope: Any) -> dict[str, Any]:
    """Return the environ of an RSGI scope, without its body."""
    address, _, _ = scope.client.rpartition(":")
    server, _, port = scope.server.rpartition(":")
    environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": _as_latin(scope.path),
        "QUERY_STRING": _as_latin(scope.query_string),
        "SERVER_NAME": server.strip("[]"),
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": address.strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **header_fields(scope.headers.items()),
    }
    if scope.authority:
        environ.setdefault("HTTP_HOST", scope.authority)
    return environ


def header_fields(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return headers as fields of an environ; repeated ones are joined.

    Names with an underscore are left out: they could pass for those with a hyphen, which a proxy sets.

    >>> header_fields([("x-real", "1"), ("x_real", "2"), ("cookie", "a=1"), ("cookie", "b=2"), ("content-type", "t")])
    {'HTTP_X_REAL': '1', 'HTTP_COOKIE': 'a=1; b=2', 'CONTENT_TYPE': 't'}
    """
    fields: dict[str, str] = {}
    for name, value in headers:
        if "_" in name:
            continue
        field = _OWN_NAMES.get(name.lower()) or f"HTTP_{name.upper().replace('-', '_')}"
        joint = "; " if field == "HTTP_COOKIE" else ","
        fields[field] = f"{fields[field]}{joint}{value}" if field in fields else value
    return fields


def _as_latin(text: str) -> str:
    """Return text as WSGI wants it: each byte of its UTF-8 as one character."""
    return text.encode("utf-8", "replace").decode("latin-1")
