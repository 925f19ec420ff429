"""The questions that pages and programs ask, in one place.

Each takes the actor first, sees only what the actor may see, and costs a constant number of registry and lake
queries. Days are each site's own local days; values are in the unit stated beside them; a gap is null, never zero;
every sum carries the present, expected and estimated slots it rests on.
"""

from eclectyc.analytics.balance import Balance, meter_balance
from eclectyc.analytics.estate import (
    ConsumptionFilter,
    consumption,
    consumption_over_time,
    estate_overview,
    monthly,
    totals,
)
from eclectyc.analytics.readings import (
    DayView,
    MeterYear,
    compare_days,
    day_of,
    days_of,
    main_point,
    meter_day,
    meter_readings,
    meter_year,
    point_of,
    readings_in_parts,
    readings_of,
    today_in,
    window_of,
    year_of,
)
from eclectyc.analytics.sites import SiteSummary, Sparkline, site_summary, site_year, sparklines

__all__ = [
    "Balance",
    "DayView",
    "ConsumptionFilter",
    "MeterYear",
    "SiteSummary",
    "Sparkline",
    "compare_days",
    "consumption",
    "consumption_over_time",
    "day_of",
    "days_of",
    "estate_overview",
    "main_point",
    "meter_balance",
    "meter_day",
    "meter_readings",
    "meter_year",
    "monthly",
    "point_of",
    "readings_in_parts",
    "readings_of",
    "site_summary",
    "site_year",
    "sparklines",
    "today_in",
    "totals",
    "window_of",
    "year_of",
]
