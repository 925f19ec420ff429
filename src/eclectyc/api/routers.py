"""The routers of the API. A module of routes registers its own in ``AppConfig.ready``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from eclectyc.kernel.hooks import Hook

if TYPE_CHECKING:
    from ninja import Router

# Ranks matter only if one router's addresses could match another's: a meter's identifier may contain slashes, so what
# lies below a meter comes first.
FIRST: Final = 0
BELOW_METERS: Final = 10
USUAL: Final = 20

routers: Final[Hook[Router]] = Hook("router")
