"""Promise: hours of the wrong period, watts in kilowatts, sources to be found and pasted results are seen."""

import datetime as dt
from pathlib import Path

import pytest
import xlsxwriter

from xl_econ.audit import run

MONTHS = [dt.datetime(2027 + n // 12, n % 12 + 1, 1) for n in range(14)]
YEARS = [2027, 2028, 2029, 2030]


def across(path: Path, heads: list, formula: str, label: str = "GPU-hours", down: bool = False) -> Path:
    """A row, or a column, of copies beside dates; GPUs stand before each of them."""
    book = xlsxwriter.Workbook(path)
    sheet, month = book.add_worksheet("Plan"), book.add_format({"num_format": "mmm yy"})
    for n, head in enumerate(heads):
        for line, what in enumerate((head, 100 + n, formula.format(f"B{n + 2}" if down else f"{chr(66 + n)}2"))):
            place = (n + 1, line) if down else (line, n + 1)
            sheet.write(*place, what, month if isinstance(what, dt.datetime) else None)
    for line, text in enumerate(("Period", "GPUs", label)):
        sheet.write(*((0, line) if down else (line, 0)), text)
    book.close()
    return path


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize(
    ("heads", "wrong", "right"),
    [(MONTHS, "={}*8760", "={}*730"), (YEARS, "={}*730", "={}*8760"), (MONTHS, "={}*8766", "={}*8760/12")],
)
def test_hours_of_the_wrong_period(heads, wrong, right, down, tmp_path):
    first = "C2" if down else "B3"
    found = run.findings(across(tmp_path / "wrong.xlsx", heads, wrong, down=down), ["hours-of-period"])
    assert [(f.cell, f.severity) for f in found] == [(first, "warning")]
    assert not run.findings(across(tmp_path / "right.xlsx", heads, right, down=down), ["hours-of-period"])


def test_a_row_of_the_other_period_says_so(tmp_path):
    path = across(tmp_path / "rate.xlsx", MONTHS, "={}*8760", "GPU-hours, annualised, per year")
    assert not run.findings(path, ["hours-of-period"])


def test_dates_that_are_no_months_say_nothing(tmp_path):
    weeks = [dt.datetime(2027, 1, 4) + dt.timedelta(weeks=n) for n in range(5)]
    assert not run.findings(across(tmp_path / "weeks.xlsx", weeks, "={}*8760"), ["hours-of-period"])


def listed(path: Path, rows: list) -> Path:
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("List")
    for n, row in enumerate(rows):
        sheet.write_row(n, 0, row)
    book.close()
    return path


@pytest.mark.parametrize(
    ("head", "watts", "seen"),
    [("Board power (W)", 0.7, True), ("Board power (W)", 700, False), ("Board power (kW)", 0.7, False),
     ("Idle power (W)", 70, False)],
)  # fmt: skip
def test_kilowatts_for_the_watts_of_a_board(head, watts, seen, tmp_path):
    rows = [["GPU", head], ["A100 SXM", watts and (0.4 if watts < 1 else 400)], ["H100 SXM", watts]]
    found = run.findings(listed(tmp_path / "list.xlsx", rows), ["board-power"])
    assert {f.cell for f in found} == ({"B2", "B3"} if seen else set())


@pytest.mark.parametrize(("sources", "cells"), [(["quote 1", "tbd", "quote 3"], {"C3"}), (["a", "b", "c"], set())])
def test_sources_that_are_still_to_be_found(sources, cells, tmp_path):
    prices = [[f"GPU {n}", 2 + n, source] for n, source in enumerate(sources)]
    rows = [["GPU", "USD per GPU-hour", "Source"], *prices, ["Mean", "=AVERAGE(B2:B4)"]]
    found = run.findings(listed(tmp_path / "list.xlsx", rows), ["input-unsourced"])
    assert {f.cell for f in found if f.cell} == cells


def test_sources_nobody_has_are_said_once_and_not_a_row_each(tmp_path):
    rows = [["GPU", "USD", "Source"], ["a", 2, "tbd"], ["b", 3, "tbd"], ["Mean", "=AVERAGE(B2:B3)"]]
    assert not [f for f in run.findings(listed(tmp_path / "list.xlsx", rows), ["input-unsourced"]) if f.cell]


@pytest.mark.parametrize(("factor", "cells"), [(1.0, {"H3"}), (1.02, set())])
def test_a_tail_pasted_as_values(factor, cells, tmp_path):
    """What the formula gives, typed; figures of another size are data of their own, such as actuals."""
    path = tmp_path / "tail.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("Plan")
    sheet.write_row(0, 0, ["Item", *range(1, 10)])
    sheet.write_row(1, 0, ["GPU-hours", *(1234 + 17 * n for n in range(9))])
    sheet.write(2, 0, "Cost")
    for n in range(9):
        letter = chr(66 + n)
        value = (1234 + 17 * n) * 2.5
        sheet.write(2, n + 1, f"={letter}2*2.5" if n < 6 else value * factor)
    book.close()
    assert {f.cell for f in run.findings(path, ["formulas-frozen"])} == cells
