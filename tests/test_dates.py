"""A date that somebody typed into a cell of a table, in every form in which a host hands it over."""

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

import xl_econ
from xl_econ.core.errors import TableError
from xl_econ.hosts import udf
from xl_econ.tables.store import TABLES
from xl_econ.tables.table import Table

ACCELERATORS = TABLES["accelerators"]
H100 = ACCELERATORS.shipped["H100 SXM 80GB"].model_dump()


def given(as_of, column="as_of"):
    """The row of the H100 with a date in it, as a range of a sheet holds it."""
    row = H100 | {column: as_of}
    return [list(row), list(row.values())]


# Days of the 1900 system from Microsoft's own examples (DATEVALUE, DATE), and the day after a leap day.
DAYS = [
    (45992.0, "2025-12-01"),
    (45992, "2025-12-01"),
    (39448.0, "2008-01-01"),
    (40777, "2011-08-22"),
    (45352.0, "2024-03-01"),
    (10000, "1927-05-18"),
    (2958465.0, "9999-12-31"),
    (2025.0, "2025"),  # a year that somebody typed, as a rate card takes it
    (date(2025, 12, 1), "2025-12-01"),
    (datetime(2025, 12, 1), "2025-12-01"),
    (datetime(2025, 12, 1, tzinfo=UTC), "2025-12-01"),
    (pd.Timestamp("2025-12-01"), "2025-12-01"),
    ("2025-12-01", "2025-12-01"),
    ("2025-12", "2025-12"),
    ("2025", "2025"),
]


@pytest.mark.parametrize(("cell", "day"), DAYS)
@pytest.mark.parametrize("column", ["as_of", "launch"])
def test_a_date_is_read_as_its_iso_form(cell, day, column):
    table: Table = ACCELERATORS.given(given(cell, column))
    assert getattr(table.rows["H100 SXM 80GB"], column) == day
    assert getattr(ACCELERATORS.row(H100 | {column: cell}), column) == day
    assert udf.GPU_SPEC("H100", column, given(cell, column)) == day


def test_a_column_of_pandas_dates():
    frame = pd.DataFrame([H100, H100 | {"accelerator": "mine", "aliases": None}])
    frame["as_of"] = pd.to_datetime(["2025-12-01", "2026-03-31"])
    assert xl_econ.gpu_spec("H100", "as_of", frame) == "2025-12-01"
    assert xl_econ.gpu_spec("mine", "as_of", frame) == "2026-03-31"
    frame["as_of"] = np.array(["2025-12-01", "NaT"], dtype="datetime64[ns]")
    with pytest.raises(TableError, match="row 3, column as_of: is empty"):
        xl_econ.gpu_spec("H100", "as_of", frame)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (45992.5, "45992.5: has a time of day; expected a day"),
        (datetime(2025, 12, 1, 9, 30), "2025-12-01 09:30:00: has a time of day"),
        (pd.Timestamp("2025-12-01 00:00:00.001"), "has a time of day"),
        (59.0, r"59: neither a year \(1900 to 9999\) nor a day as Excel counts them \(10000 is 1927-05-18\)"),
        (2025.5, "2025.5: neither a year"),
        (-1, "-1: neither a year"),
        (2958466, "2958466: neither a year"),
        (float("inf"), "inf: input should be a valid string"),
        (1e300, "input should be a valid string"),
        (True, "True: input should be a valid string"),
        ("45992", "'45992': string should match pattern"),
        ("2025-12-01 00:00:00", "string should match pattern"),
    ],
)
def test_what_is_no_day_is_refused(cell, text):
    with pytest.raises(TableError, match=rf"^table Accelerators, row 2, column as_of: .*{text}"):
        xl_econ.gpu_spec("H100", "bf16", given(cell))
    assert udf.GPU_SPEC("H100", "bf16", given(cell)) == "#VALUE!"
    assert "as_of" in udf.WHY(1)[0][0]
