"""Promise: one cause is one finding, at the cause; what follows from it is information that names it."""

import openpyxl
import pytest

from xl_econ.audit import causes, checks  # noqa: F401  (they register themselves)
from xl_econ.audit.registry import CHECKS
from xl_econ.audit.run import findings
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.refresh import refresh

RUNS = [
    ["Run", "Parameters (B)", "Tokens (T)", "FLOP", "Peak (TFLOP/s)", "MFU", "GPU-hours"],
    *(
        [f"r{r}", 7, tokens, f"=6*B{r}*10^9*C{r}*10^12", 989.4, 0.4, f"=D{r}/(E{r}*10^12*F{r}*3600)"]
        for r, tokens in enumerate((1, 1.5, 2, 2.5, 3, 3.5), 2)
    ),
]
BILL = [
    ["Contract", 0.08, "as signed"],
    [],
    ["Month", "Energy (kWh)", "Cost (USD)", "USD per kWh"],
    *([month, 5000 + 10 * r, f"=B{r}*$B$1", f"=C{r}/B{r}"] for r, month in enumerate(("Jan", "Feb", "Mar", "Apr"), 4)),
]
PRICES = [
    ["GPU", "USD per GPU-hour", None, "Choice", "USD per GPU-hour"],
    *([gpu, price, None, gpu, f"=VLOOKUP(D{r},$A$2:$B$4,2,FALSE)"] for r, (gpu, price) in enumerate(
        (("A100 SXM", 1.8), ("H100 SXM", 2.6), ("L40S", 0.9)), 2)),
]  # fmt: skip


def told(path, rows, **changed):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for at, value in changed.items():
        book.active[at] = value
    book.save(path)
    refresh(Parts(path), path)
    return findings(path)


def grave(found):
    return [(f.cell, f.check) for f in found if f.severity == "error"]


@pytest.mark.parametrize("rows", [RUNS, BILL, PRICES])
def test_nothing_is_wrong_with_these(rows, tmp_path):
    assert [f for f in told(tmp_path / "b.xlsx", rows) if f.severity != "info"] == []


def test_hours_that_follow_from_an_impossible_mfu(tmp_path):
    found = told(tmp_path / "b.xlsx", RUNS, F4=1.4)
    assert grave(found) == [("F4", "out-of-bounds")]
    (cause,) = (f for f in found if f.cell == "F4" and f.check == "out-of-bounds")
    (follows,) = (f for f in found if f.cell == "G4" and f.check == "run-hours")
    assert "wrong for it: G4" in cause.message
    assert (follows.severity, follows.message.endswith("follows from F4 [out-of-bounds]")) == ("info", True)


def test_a_figure_beside_the_cause_keeps_its_own_finding(tmp_path):
    """G4 follows from F4; hours that are typed in another row do not."""
    found = told(tmp_path / "b.xlsx", RUNS, F4=1.4, G6=10)
    assert set(grave(found)) == {("F4", "out-of-bounds"), ("G6", "formula-overwritten")}


def test_the_one_negative_input_is_the_cause_of_negative_figures(tmp_path):
    ((cell, check),) = grave(told(tmp_path / "b.xlsx", BILL, B1=-0.08))
    assert (cell, check) == ("B1", "out-of-bounds")


def test_a_key_that_is_there_twice_weighs_as_the_error_that_it_makes(tmp_path):
    found = told(tmp_path / "b.xlsx", PRICES, A3="L40S")
    assert grave(found) == [("A4", "duplicate-key")]
    assert [f.severity for f in found if f.check == "error-value"] == ["info"]


def test_a_look_up_of_another_row_has_another_cause(tmp_path):
    """A wrong price in one row of a list is not the cause of what is wrong with the choice of another."""
    found = told(tmp_path / "b.xlsx", PRICES, B2=-1.8, E4=-0.9)
    assert ("B2", "out-of-bounds") in grave(found)
    assert "E4" in {c for c, _ in grave(found)}


def test_without_its_cause_an_error_stays_one(tmp_path):
    path = tmp_path / "b.xlsx"
    told(path, PRICES, A3="L40S")
    assert [f.severity for f in findings(path, ["error-value"])] == ["error"]


def test_the_checks_that_are_named_exist():
    named = causes.OF_FIGURES | causes.OF_CELLS
    assert named <= CHECKS.keys(), named - CHECKS.keys()
