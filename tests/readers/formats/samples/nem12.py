"""NEM12: the examples of nem-reader, whose every value can be added up by hand."""

from __future__ import annotations

from tests.readers.formats.golden import DATA, ExpectedSeries, Golden

_EXAMPLES = DATA / "nem12"

# 48 × 1.111 and 48 × 2.222, as printed.
_ACTUAL = {
    ("VABD000163", "import E1"): ExpectedSeries("kWh", 30, 48, 53.328),
    ("VABD000163", "reactive_import Q1"): ExpectedSeries("kVArh", 30, 48, 106.656),
}
# Two days of 96 intervals in Wh and VArh: 10, 10, 50 and 100 in each of the first meter's, 20 and 50 in the other's.
_SEVERAL = {
    ("NCDE001111", "import E1"): ExpectedSeries("kWh", 15, 192, 1.92),
    ("NCDE001111", "import E2"): ExpectedSeries("kWh", 15, 192, 19.2),
    ("NCDE001111", "export B1"): ExpectedSeries("kWh", 15, 192, 1.92),
    ("NCDE001111", "reactive_import Q1"): ExpectedSeries("kVArh", 15, 192, 9.6),
    ("NDDD001888", "export B1"): ExpectedSeries("kWh", 15, 192, 3.84),
    ("NDDD001888", "reactive_export K2"): ExpectedSeries("kVArh", 15, 192, 9.6),
}
# Its 48 printed values, added up as decimals.
_QUALITIES = {("CCCC123456", "import E1"): ExpectedSeries("kWh", 30, 48, 896.99)}


def _example(name: str) -> bytes:
    return (_EXAMPLES / f"Example_NEM12_{name}.csv").read_bytes()


FILES = [
    Golden("nem12-actual.csv", "nem12", _example("actual_interval"), 2, _ACTUAL),
    Golden("nem12-several.csv", "nem12", _example("multiple_meters"), 12, _SEVERAL),
    Golden("nem12-qualities.csv", "nem12", _example("multiple_quality"), 1, _QUALITIES),
]
