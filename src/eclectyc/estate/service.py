"""Regions, suppliers, sites, meters and series: what changes them, with the same checks whoever asks.

Actor first; one short transaction; one audit event. Fields are those of the models. Where a person names a thing (a
region, a supplier, a parent meter), its name may be given instead of the object. A field that is not known is refused,
never dropped. ``version`` is the one that was read: where it has moved on, ``Changed`` is raised.
"""

from eclectyc.estate.bulk import BulkResult, change_meters, change_sites
from eclectyc.estate.changes import Changed
from eclectyc.estate.corrections import amend_correction, correction_on, remove_correction, set_correction
from eclectyc.estate.devices import correct_device, exchange_device, remove_device, take_back_exchange
from eclectyc.estate.fields import METER_FIELDS, SITE_FIELDS, SUPPLIER_FIELDS
from eclectyc.estate.meters import create_meter, create_meters, delete_meter, update_meter, warnings_of
from eclectyc.estate.metrics import add_metric, delete_metric, metric_on, update_metric
from eclectyc.estate.multipliers import correct_multiplier, multiplier_on, remove_multiplier, set_multiplier
from eclectyc.estate.placements import correct_move, move_meter, site_on, take_back_move
from eclectyc.estate.regions import create_region, delete_region, update_region
from eclectyc.estate.series import SeriesKey, are_there, ensure_series, quantity_in, series_for, series_of, series_rows
from eclectyc.estate.sites import create_site, delete_site, update_site
from eclectyc.estate.suppliers import create_supplier, delete_supplier, update_supplier

__all__ = [
    "METER_FIELDS",
    "SITE_FIELDS",
    "SUPPLIER_FIELDS",
    "BulkResult",
    "Changed",
    "SeriesKey",
    "add_metric",
    "amend_correction",
    "are_there",
    "change_meters",
    "change_sites",
    "correct_device",
    "correct_move",
    "correct_multiplier",
    "correction_on",
    "create_meter",
    "create_meters",
    "create_region",
    "create_site",
    "create_supplier",
    "delete_meter",
    "delete_metric",
    "delete_region",
    "delete_site",
    "delete_supplier",
    "ensure_series",
    "exchange_device",
    "metric_on",
    "move_meter",
    "multiplier_on",
    "quantity_in",
    "remove_correction",
    "remove_device",
    "remove_multiplier",
    "series_for",
    "series_of",
    "series_rows",
    "set_correction",
    "set_multiplier",
    "site_on",
    "take_back_exchange",
    "take_back_move",
    "update_meter",
    "update_metric",
    "update_region",
    "update_site",
    "update_supplier",
    "warnings_of",
]
