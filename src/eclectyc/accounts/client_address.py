"""Where a request comes from, as far as it can be believed."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def origin_of(request: HttpRequest) -> str:
    """Return the address that a request came from.

    ``X-Forwarded-For`` can be written by anybody, so it counts only where so many proxies stand in front of this
    installation (``ECLECTYC_PROXIES``): each appends whom it heard, and the last of them are ours.
    """
    direct = str(request.META.get("REMOTE_ADDR", ""))
    if not settings.TRUSTED_PROXIES:
        return direct
    heard = [part.strip() for part in str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",") if part.strip()]
    return heard[-settings.TRUSTED_PROXIES] if len(heard) >= settings.TRUSTED_PROXIES else direct


def network_of(origin: str) -> str:
    """Return whom attempts are counted against: an IPv4 address, or the /64 that one subscriber of IPv6 has."""
    try:
        address = ipaddress.ip_address(origin)
    except ValueError:
        return origin
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network(f"{address}/64", strict=False))
    return str(address)
