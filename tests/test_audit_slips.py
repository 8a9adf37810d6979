"""Promise: a figure, a date or a total unlike all the others beside it is found, and what only varies is not."""

import openpyxl
import pytest
import xlsxwriter
from openpyxl.workbook.defined_name import DefinedName

from xl_econ.audit.run import findings
from xl_econ.templates import build, layout
from xl_econ.templates.model import Model


def told(path, check):
    return {(f.cell, f.severity) for f in findings(path, [check])}


def column(path, values, shown_in="0.00"):
    book = xlsxwriter.Workbook(str(path))
    sheet, look = book.add_worksheet("Prices"), book.add_format({"num_format": shown_in})
    for row, value in enumerate(values):
        sheet.write(row, 0, f"offer {row}")
        sheet.write(row, 1, value, look)
    sheet.write_formula("D1", "=SUM(B1:B20)", None, 1)
    book.close()
    return path


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        ([1.2, 3.4, 6.5, 2.2, 481.0, 1.9, 4.8], {("B5", "warning")}),
        ([1.2e12, 3.4, 6.5, 2.2, 4.1, 1.9, 4.8], {("B1", "warning")}),
        ([700, 1000, 750, 0.7, 400, 350, 1200], {("B4", "warning")}),
        ([1.2, 3.4, 6.5, 2.2, 28.0, 1.9, 4.8], set()),
        ([0.01, 3.4, 65, 2.2, 481.0, 1.9, 4.8], set()),
        ([1.2, 3.4, 481.0], set()),
    ],
)
def test_a_figure_of_another_magnitude_than_its_column(values, cells, tmp_path):
    assert told(column(tmp_path / "b.xlsx", values), "magnitude-apart") == cells


def test_a_percentage_of_hundreds(tmp_path):
    assert told(column(tmp_path / "b.xlsx", [0.08, 8, 1.5], "0.0%"), "percent-of-hundreds") == {("B2", "warning")}


@pytest.mark.parametrize(("last", "cells"), [("M", {("B4", "error")}), ("N", set())])
def test_a_total_over_fewer_months_than_its_siblings(last, cells, tmp_path):
    book = xlsxwriter.Workbook(str(tmp_path / "b.xlsx"))
    months, summary = book.add_worksheet("Months"), book.add_worksheet("Summary")
    for n, row in enumerate((5, 8, 9, 12, 20), 1):
        months.write_row(row - 1, 1, [f"line {row}", *range(12)])
        summary.write(n - 1, 0, f"line {row}")
        summary.write_formula(n - 1, 1, f"=SUM(Months!C{row}:{last if n == 4 else 'N'}{row})", None, 1)
    book.close()
    assert told(tmp_path / "b.xlsx", "range-short") == cells


@pytest.mark.parametrize("date", ["2019-07", "2062-07"])
def test_a_date_years_from_all_the_others(date, tmp_path):
    rows = [["GPU", "USD per GPU-hour", "Source", "As of"]]
    rows += [[f"g{n}", n, "price list", f"202{n}-03"] for n in (4, 5, 6)] + [["g9", 9, "price list", date]]
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "b.xlsx")
    assert told(tmp_path / "b.xlsx", "date-apart") == {("D5", "warning")}


@pytest.mark.parametrize(("factor", "severity"), [(100, "warning"), (0.001, "warning"), (1.37, "info")])
def test_an_input_that_is_off_by_a_factor_of_units_under_its_source(factor, severity, tmp_path):
    build.build(Model(layout.load("gpu_buy_vs_rent")), tmp_path / "b.xlsx")
    book = openpyxl.load_workbook(tmp_path / "b.xlsx")
    cell = next(
        value
        for unit, _, value in book["Inputs"].iter_rows(min_col=3, max_col=5)
        if "USD" in str(unit.value) and isinstance(value.value, int | float) and value.value
    )
    cell.value *= factor
    book.save(tmp_path / "n.xlsx")
    assert told(tmp_path / "n.xlsx", "price-changed-same-source") == {(cell.coordinate, severity)}


CHECKED = [
    ["Part", "USD"],
    ["One", 10],
    ["Two", 20],
    ["Total", "=SUM(B2:B3)"],
    ["Check: total against ledger", "=B4-30"],
]


def saved(path, rows, names=()):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for name, at in names:
        book.defined_names[name] = DefinedName(name, attr_text=f"Sheet!$B${at}")
    book.save(path)
    return path


@pytest.mark.parametrize(
    ("answer", "cells"), [("=B4-30", set()), (0, {("B5", "warning")}), ("OK", {("B5", "warning")})]
)
def test_a_check_whose_answer_is_typed(answer, cells, tmp_path):
    rows = [*CHECKED[:-1], [CHECKED[-1][0], answer]]
    assert told(saved(tmp_path / "b.xlsx", rows), "check-typed") == cells


def test_a_check_figure_of_a_ledger_is_data(tmp_path):
    rows = [*CHECKED[:-1], ["Check: total against ledger", 30, "as of May"]]
    assert told(saved(tmp_path / "b.xlsx", rows), "check-typed") == set()


DRIVERS = [
    ["Driver", "Value"],
    ["Monthly churn", 0.02],
    ["Price per customer", 249],
    ["Customers", 900],
    ["Loss", "=churn*B4"],
]


@pytest.mark.parametrize(
    ("names", "cells"),
    [
        ([("churn", 2)], set()),
        ([("churn", 3)], {("B3", "warning")}),
        ([("churn", 3), ("monthly_churn", 2)], set()),
        ([("churn", 2), ("arpu", 3)], set()),
        ([("arpu", 3), ("churn", 3)], {("B3", "warning")}),
    ],
)
def test_a_name_that_leads_to_the_row_beside(names, cells, tmp_path):
    assert told(saved(tmp_path / "b.xlsx", DRIVERS, names), "name-beside") == cells
