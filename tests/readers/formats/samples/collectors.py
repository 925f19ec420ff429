"""BGlobal, Stark DF2 and D0379: small faithful files, after the descriptions of their layouts."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.readers.formats.golden import ExpectedSeries, Golden

MPAN, OTHER = "1200023305967", "1000000000040"


def _bglobal() -> bytes:
    """Two January days of one meter and one of another: slot k of the first holds k/100, of the second 1."""
    slots = ",".join(f"{k / 100:.2f}" for k in range(48))
    lines = [
        f"{MPAN},AAA,01/01/2024,{slots}",
        f"{MPAN},AAA,02/01/2024,{slots}",
        f"{OTHER},,01/01/2024,{','.join(['1'] * 47)},",
    ]
    return ("\r\n".join(lines) + "\r\n").encode()


def _stark() -> bytes:
    """One January day of active energy, 0.5 in each half-hour, its last estimated; half a day of either reactive."""
    lines = ["#F2"]
    for meter, sensor, count, value in ((f"{MPAN}-1", 1, 48, "0.5"), ("", 3, 24, "0.25"), ("", 4, 24, "0.125")):
        lines += [f"#O {meter}"] if meter else []
        lines.append(f"#S {sensor}")
        for k in range(1, count + 1):
            at = datetime(2024, 1, 1) + timedelta(minutes=30 * k)
            lines.append(f"{at:%d/%m/%Y,%H:%M},{value},{'E' if k == 48 else 'A'}")
    return ("\n".join(lines) + "\n").encode()


def _d0379() -> bytes:
    """Two days of one meter, 0.125 in each half-hour, and one of another's export, 0.5; one half-hour is estimated."""
    lines = ["ZHV|1719878400|D0379001|X|SUPP|C|UDMS|20240102030405||||OPER|"]
    for meter, quantity, days, value in ((MPAN, "AI", (1, 2), "0.125"), (OTHER, "AE", (1,), "0.500")):
        lines.append(f"25B|{meter}|{quantity}|SUPP|")
        for day in days:
            lines.append(f"26B|202401{day:02}|")
            lines += [f"66L|{'E' if (day, k) == (2, 5) else 'A'}|{value}|" for k in range(48)]
    lines.append("ZPT|1719878400|149||2|20240102030405|")
    return ("\n".join(lines) + "\n").encode()


FILES = [
    Golden(
        "bglobal.csv",
        "bglobal",
        _bglobal(),
        3,
        {
            (MPAN, "import"): ExpectedSeries("kWh", 30, 96, 22.56),
            (OTHER, "import"): ExpectedSeries("kWh", 30, 47, 47.0),
        },
    ),
    Golden(
        "stark.df2",
        "Stark DF2",
        _stark(),
        96,
        {
            (MPAN, "import"): ExpectedSeries("kWh", 30, 48, 24.0),
            (MPAN, "reactive_import"): ExpectedSeries("kVArh", 30, 24, 6.0),
            (MPAN, "reactive_export"): ExpectedSeries("kVArh", 30, 24, 3.0),
        },
    ),
    Golden(
        "d0379.txt",
        "d0379",
        _d0379(),
        144,
        {(MPAN, "import"): ExpectedSeries("kWh", 30, 96, 12.0), (OTHER, "export"): ExpectedSeries("kWh", 30, 48, 24.0)},
    ),
]
