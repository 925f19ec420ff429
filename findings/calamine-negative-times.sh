#!/usr/bin/env bash
# python-calamine 0.9.1: a negative number shown as hh:mm is read as a positive time of day.
#
# A difference of -6 hours (-0.25 of a day) comes out as 18:00, and one of -5 days as 00:00, without an error and without
# the sign. Shown as [h]:mm the same numbers keep it, as negative timedeltas. Spreadsheets that count from 1904 show and
# compute with such differences; the workbook here is one. Exits 0 while that is so, 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check python-calamine==0.9.1 xlsxwriter==3.2.5
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from datetime import time, timedelta
from importlib.metadata import version

import python_calamine
import xlsxwriter

with xlsxwriter.Workbook("times.xlsx", {"date_1904": True}) as book:
    sheet = book.add_worksheet()
    clock, hours = (book.add_format({"num_format": code}) for code in ("hh:mm", "[h]:mm"))
    for row, days in enumerate((0.25, -0.25, -5)):
        sheet.write_number(row, 0, days, clock)
        sheet.write_number(row, 1, days, hours)

found = python_calamine.CalamineWorkbook.from_path("times.xlsx").get_sheet_by_index(0).to_python()
print("python-calamine", version("python-calamine"))
for days, (as_clock, as_hours) in zip((0.25, -0.25, -5), found):
    print(f"{days:6} days: as hh:mm {as_clock!r}, as [h]:mm {as_hours!r}")
seen = [
    [time(6), timedelta(hours=6)],
    [time(18), timedelta(hours=-6)],
    [time(0), timedelta(days=-5)],
]
if found != seen:
    sys.exit("This has changed.")
print("As seen on 30 November 2026: the sign is lost where the format is hh:mm.")
PYTHON
