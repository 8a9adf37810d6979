"""Dates as cells hold them: Excel gives a day's number, openpyxl and xlwings a datetime, pandas a Timestamp."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

DAY_0 = date(1899, 12, 30)  # of Excel's 1900 system, for every day from March 1900 on
# A number of four digits is a year that somebody typed; as a day it would lie before 1928.
YEARS, DAYS = range(1900, 10_000), range(10_000, 2_958_466)
LARGEST = 1e15  # of the numbers that are told what they are not


def iso(value: Any) -> Any:
    """A date from a cell in ISO form; what is no date comes back as it is.

    Raises:
        ValueError: A time of day, or a number that is neither a year nor a day.
    """
    if isinstance(value, datetime):
        if value.time() != time():
            raise ValueError(f"{value}: has a time of day; expected a day")
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST:
        return _from_number(value)
    return value


def _from_number(number: float) -> str:
    if number % 1 == 0 and int(number) in YEARS:
        return f"{number:.0f}"
    if number % 1 == 0 and int(number) in DAYS:
        return (DAY_0 + timedelta(number)).isoformat()
    if DAYS.start < number < DAYS.stop:
        raise ValueError(f"{number:.15g}: has a time of day; expected a day")
    raise ValueError(
        f"{number:.15g}: neither a year ({YEARS.start} to {YEARS.stop - 1}) nor a day as Excel counts them "
        f"({DAYS.start} is {DAY_0 + timedelta(DAYS.start)})"
    )
