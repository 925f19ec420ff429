"""The derivations there are. Each room registers its own in ``AppConfig.ready``::

    from eclectyc.derived.registry import FROM_OWN_READINGS, derivations

    derivations.register("gas", "eclectyc.gas.derivation:GAS", rank=FROM_OWN_READINGS)

The target is named, not imported: nothing is loaded until a batch asks which derived days depend on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from eclectyc.kernel.hooks import Hook

if TYPE_CHECKING:
    from eclectyc.derived.protocol import Derivation

# Lower ranks are recalculated first. A derivation that may depend on another one's results needs a higher rank: it is
# still right with a lower one, but some of its days would be recalculated twice.
FROM_OWN_READINGS: Final = 10  # a meter's readings converted, such as gas volumes to kWh
FROM_OTHER_METERS: Final = 50  # formulas over meters

derivations: Final[Hook[Derivation]] = Hook("derivation")


def all_derivations() -> list[Derivation]:
    """Return every derivation, in the order in which they are recalculated."""
    return list(derivations)
