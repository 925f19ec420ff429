"""Bank holidays as published at gov.uk/bank-holidays for England and Wales."""

from datetime import date

import numpy as np
import pytest

from eclectyc.demo.calendars import bank_holidays, easter, school_days, working_days

PUBLISHED = {
    2022: "0103 0415 0418 0502 0602 0603 0829 0919 1226 1227",
    2024: "0101 0329 0401 0506 0527 0826 1225 1226",
    2025: "0101 0418 0421 0505 0526 0825 1225 1226",
    2026: "0101 0403 0406 0504 0525 0831 1225 1228",
    2027: "0101 0326 0329 0503 0531 0830 1227 1228",
}


@pytest.mark.parametrize(("year", "days"), PUBLISHED.items())
def test_bank_holidays_are_those_that_were_published(year, days):
    assert " ".join(sorted(f"{day:%m%d}" for day in bank_holidays(year))) == days


@pytest.mark.parametrize("day", [date(2019, 4, 21), date(2024, 3, 31), date(2025, 4, 20), date(2038, 4, 25)])
def test_easter_falls_where_the_almanac_says(day):
    assert easter(day.year) == day


def test_a_bank_holiday_is_no_working_day_and_no_school_day():
    days = np.array(["2025-05-02", "2025-05-03", "2025-05-05", "2025-05-06"], dtype="datetime64[D]")
    assert working_days(days).tolist() == [True, False, False, True]
    assert school_days(days).tolist() == [True, False, False, True]


@pytest.mark.parametrize(
    ("day", "is_open"),
    [("2025-08-12", False), ("2025-12-23", False), ("2025-10-29", False), ("2025-04-16", False), ("2025-06-10", True)],
)
def test_schools_close_in_their_holidays(day, is_open):
    assert school_days(np.array([day], dtype="datetime64[D]")).tolist() == [is_open]
