"""Promise: a look-up or a conditional sum has the unit of the figures that it returns, so a lost conversion is seen."""

from pathlib import Path

import pytest
import xlsxwriter

from xl_econ.audit import run
from xl_econ.audit.lineage import Lineage
from xl_econ.workbook.cell import as_shown
from xl_econ.workbook.scan import scan

PRICES = [
    ("GPU", "USD per GPU-hour", "Board power (W)", "Memory (GB)"),
    ("A100", 1.8, 400, 80),
    ("H100", 2.7, 700, 80),
    ("B200", 5.0, 1000, 180),
]
JOBS = [("Job", "GPU", "GPU-hours", "Energy (kWh)"), *((f"job {n}", "H100", 1000 * n, 700 * n) for n in range(1, 7))]
# Formula and unit of its label: a fault, and its twin that converts.
TWINS = [
    ("VLOOKUP", '=VLOOKUP("H100",Prices!$A$2:$D$4,3,FALSE)/1{}', "kW", "", "000"),
    ("HLOOKUP", '=HLOOKUP("H100",Across!$B$1:$D$3,3,FALSE)/1{}', "kW", "", "000"),
    ("INDEX", '=INDEX(Prices!$C$2:$C$4,MATCH("H100",Prices!$A$2:$A$4,0))/1{}', "kW", "", "000"),
    ("INDEX of a table", '=INDEX(Prices!$A$2:$D$4,MATCH("H100",Prices!$A$2:$A$4,0),3)/1{}', "kW", "", "000"),
    ("XLOOKUP", '=_xlfn.XLOOKUP("H100",Prices!$A$2:$A$4,Prices!$C$2:$C$4)/1{}', "kW", "", "000"),
    ("SUMIF", '=SUMIF(Jobs!$B$2:$B$7,"H100",Jobs!$D$2:$D$7)/1{}', "MWh", "", "000"),
    ("SUMIFS", '=SUMIFS(Jobs!$D$2:$D$7,Jobs!$B$2:$B$7,"H100")/1{}', "MWh", "", "000"),
    ("AVERAGEIF", '=AVERAGEIF(Jobs!$B$2:$B$7,"H100",Jobs!$D$2:$D$7)/1{}', "MWh", "", "000"),
    ("MAXIFS", '=_xlfn.MAXIFS(Jobs!$D$2:$D$7,Jobs!$B$2:$B$7,"H100")/1{}', "MWh", "", "000"),
    ("LET", "=_xlfn.LET(_xlpm.watts,Prices!$C$3,_xlpm.watts/1{})", "kW", "", "000"),
    ("LET of two", "=_xlfn.LET(_xlpm.w,Prices!$C$3,_xlpm.kw,_xlpm.w/1{},_xlpm.kw)", "kW", "", "000"),
    ("LET of two, the first", "=_xlfn.LET(_xlpm.w,Prices!$C$3,_xlpm.n,Jobs!$D$2,_xlpm.w/1{})", "kW", "", "000"),
    ("LET in a LET", "=_xlfn.LET(_xlpm.p,Prices!$C$3,_xlfn.LET(_xlpm.p,_xlpm.p*2,_xlpm.p)/1{})", "kW", "", "000"),
    ("SUMIF of a price and hours", '=SUMIF(Jobs!$B$2:$B$7,"H100",Jobs!$C$2:$C$7)*Prices!$B$3/1{}', "k$", "", "000"),
]


def book(path: Path, formula: str, unit: str) -> Path:
    made = xlsxwriter.Workbook(path)
    for name, rows in (("Prices", PRICES), ("Jobs", JOBS)):
        sheet = made.add_worksheet(name)
        for n, row in enumerate(rows):
            sheet.write_row(n, 0, row)
    across = made.add_worksheet("Across")
    for n in range(3):
        across.write_row(n, 0, [row[n] for row in PRICES])
    result = made.add_worksheet("Result")
    result.write_row(0, 0, ["Figure", "Value", "Unit"])
    result.write(1, 0, "Result")
    result.write_formula("B2", formula)
    result.write(1, 2, unit)
    made.close()
    return path


def said(path: Path, formula: str, unit: str) -> dict[str, str]:
    return {f.cell: f.message for f in run.findings(book(path, formula, unit), ["unit-clash", "unit-factor"])}


@pytest.mark.parametrize(("what", "formula", "unit", "wrong", "right"), TWINS, ids=[t[0] for t in TWINS])
def test_what_is_looked_up_has_its_unit(what, formula, unit, wrong, right, tmp_path):
    assert not said(tmp_path / "right.xlsx", formula.format(right), unit)
    message = said(tmp_path / "wrong.xlsx", formula.format(wrong), unit)["B2"]
    assert "1,000 times too large" in message


def test_a_look_up_of_an_unknown_column_says_nothing(tmp_path):
    """The column's number is computed: it may return any of the table."""
    assert not said(tmp_path / "any.xlsx", '=VLOOKUP("H100",Prices!$A$2:$D$4,Prices!$B$2+1,FALSE)', "kW")


def test_a_share_that_may_be_either_is_no_clash(tmp_path):
    """0.05 marked "%" but not shown as a percentage: 5% or 0.05%; a figure above one is so many percent."""
    path = tmp_path / "share.xlsx"
    made = xlsxwriter.Workbook(path)
    sheet = made.add_worksheet("Model")
    for n, row in enumerate([("Item", "Value", "Unit"), ("Cost", 100, "USD"), ("Growth", 0.05, "%"), ("Fee", 5, "%")]):
        sheet.write_row(n, 0, row)
    for n, growth in ((4, "B3"), (5, "B4")):
        sheet.write_row(n, 0, [f"Next {n}", f"=B2*(1+{growth})", "USD"])
    made.close()
    assert {f.cell for f in run.findings(path, ["unit-factor"])} == {"B6"}


def test_a_price_in_a_bill_of_quantities_is_of_the_rows_unit(tmp_path):
    path = tmp_path / "bill.xlsx"
    made = xlsxwriter.Workbook(path)
    sheet = made.add_worksheet("Bill")
    sheet.write_row(0, 0, ["Service", "Usage", "Unit", "Rate (USD)", "Cost (USD)"])
    for n, (unit, rate) in enumerate([("GB", 0.08), ("hours", 2.5), ("kWh", 0.1), ("GB", 0.02)], 1):
        sheet.write_row(n, 0, [f"service {n}", 1000 * n, unit, rate, f"=B{n + 1}*D{n + 1}"])
    made.close()
    assert not list(run.findings(path, ["unit-clash", "unit-factor"]))


def test_formulas_are_told_as_excel_shows_them(tmp_path):
    """The prefixes of newer functions, and of the names of a LET, stand in the file only."""
    formula = "=_xlfn.LET(_xlpm.w,Prices!$C$3,_xlfn._xlws.FILTER(_xlpm.w,TRUE))"
    assert as_shown(formula) == "=LET(w,Prices!$C$3,FILTER(w,TRUE))"
    formula = "=_xlfn.LET(_xlpm.w,Prices!$C$3,_xlpm.w)"
    assert "=LET(w,Prices!$C$3,w)" in said(book_path := tmp_path / "b.xlsx", formula, "kW")["B2"]
    assert next(Lineage(scan(book_path)).tree(scan(book_path).sheets["Result"].cells[2, 2])).formula == as_shown(
        formula
    )
