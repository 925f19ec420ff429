"""Tables: wide, long, matrix, daily, sites and meters; EDF's portal export and the simple long layout."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from tests.readers.formats.golden import DATA, ExpectedSeries, Golden

MPAN, OTHER = "1200023305967", "1000000000040"

# The real London meter: six days with both clock changes, its total as published with the sample.
LONDON = {("2200000000005", "import"): ExpectedSeries("kWh", 30, 288, 65.1339999)}


def _edf() -> bytes:
    """Two days and three measurement types: slot k of 48 holds k/100, and the last is estimated."""
    clocks = [f"{k // 2:02}:{k % 2 * 30:02}" for k in range(50)]
    headings = ["Month", "MPAN", "Measurement Type", "Settlement Date", *clocks, *(f"{c}_Act_Est" for c in clocks)]
    lines = [",".join(f'"{heading}"' for heading in headings)]
    for kind in ("AI", "RI", "RE"):
        for day in (date(2024, 1, 1), date(2024, 1, 2)):
            values = [f"{k / 100:.2f}" for k in range(1, 49)] + ["-", "-"]
            flags = ["A"] * 47 + ["E", "-", "-"]
            cells = [day.strftime("%b-%y"), MPAN, kind, day.strftime("%d-%m-%Y"), *values, *flags]
            lines.append(",".join(f'"{cell}"' for cell in cells))
    return ("\r\n".join(lines) + "\r\n").encode()


def _simple_long() -> bytes:
    """One day of January, in UTC; 48 rows of 0.25, and 48 of reactive export of 0.125."""
    lines = ["MPAN Core, Channel Type, Start Date, Value, Status"]
    for kind, value in (("AI", "0.25"), ("RE", "0.125")):
        for k in range(48):
            at = datetime(2024, 1, 1) + timedelta(minutes=30 * k)
            lines.append(f"{MPAN}, {kind}, {at:%Y-%m-%d %H:%M}, {value}, {'E' if k == 0 else 'A'}")
    return ("\n".join(lines) + "\n").encode()


def _matrix() -> bytes:
    """One day, hourly, two meters: 1 kWh and 2.5 kWh in each hour."""
    lines = [f"datetime_utc,{MPAN} (kWh),{OTHER} (kWh)"]
    lines += [f"2024-01-01 {hour:02}:00,1,2.5" for hour in range(24)]
    return ("\n".join(lines) + "\n").encode()


_DAILY = f"""MPAN,Date,kWh,Status
{MPAN},29/03/2024,10.5,A
{MPAN},30/03/2024,11,A
{MPAN},31/03/2024,9.25,E
{OTHER},31/03/2024,7,A
"""

_SITES = """site_name,address,post code,site_type,floor area,lat,lng,region_id
Dock Office,1 Dock Road,BS1 4RN,office,1200,51.45,-2.59,7
"Mill, The",2 Mill Lane,BS2 0JP,industrial,5400.5,51.46,-2.58,7
"""

_METERS = f"""mpan,site,utility,direction,serial,unit
{MPAN},Dock Office,electricity,import,E10A 12345,kWh
{OTHER},Dock Office,electricity,export,E10A 12346,kWh
"""

# 0.01 + 0.02 + … + 0.48 is 11.76 a day.
_EDF_SERIES = {
    (MPAN, "import"): ExpectedSeries("kWh", 30, 96, 23.52),
    (MPAN, "reactive_import"): ExpectedSeries("kVArh", 30, 96, 23.52),
    (MPAN, "reactive_export"): ExpectedSeries("kVArh", 30, 96, 23.52),
}

FILES = [
    Golden("london-wide.csv", "wide", (DATA / "hh/wide48_settlement_local.csv").read_bytes(), 6, LONDON),
    Golden("london-long.csv", "long", (DATA / "hh/long_period_ending_local.csv").read_bytes(), 288, LONDON),
    Golden("edf-portal.csv", "EDF wide-50", _edf(), 6, _EDF_SERIES),
    Golden(
        "simple-long.csv",
        "simple long",
        _simple_long(),
        96,
        {
            (MPAN, "import"): ExpectedSeries("kWh", 30, 48, 12.0),
            (MPAN, "reactive_export"): ExpectedSeries("kVArh", 30, 48, 6.0),
        },
    ),
    Golden(
        "matrix.csv",
        "matrix",
        _matrix(),
        24,
        {(MPAN, "import"): ExpectedSeries("kWh", 60, 24, 24.0), (OTHER, "import"): ExpectedSeries("kWh", 60, 24, 60.0)},
    ),
    Golden(
        "daily.csv",
        "daily",
        _DAILY.encode(),
        4,
        {
            (MPAN, "import"): ExpectedSeries("kWh", 1440, 3, 30.75),
            (OTHER, "import"): ExpectedSeries("kWh", 1440, 1, 7.0),
        },
    ),
    Golden("sites.csv", "sites", _SITES.encode(), 2),
    Golden("meters.csv", "meters", _METERS.encode(), 2),
]
