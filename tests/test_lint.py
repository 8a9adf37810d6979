"""The linter: every template and example is clean, and each breach that is planted is found, and nothing else."""

import json
import shutil
from pathlib import Path

import openpyxl
import pytest
from openpyxl.styles import Font
from openpyxl.workbook.defined_name import DefinedName
from test_templates import BOOKS, book

from xl_econ import cli
from xl_econ.core.errors import WorkbookError
from xl_econ.lint import book as book_model
from xl_econ.lint import formula, run
from xl_econ.templates import rate_card

SHIPPED = sorted((Path(__file__).parents[1] / "workbooks").rglob("*.xlsx"))


def found(path):
    return [(f.sheet, f.cell, f.rule) for f in run.findings(path)]


@pytest.mark.parametrize(("name", "case"), BOOKS, ids=lambda x: getattr(x, "stem", x))
@pytest.mark.parametrize("flavour", ["plain", "lambda"])
def test_templates_and_cases_are_clean(name, case, flavour, tmp_path):
    path, _ = book(tmp_path, name, case, flavour)
    assert found(path) == []


def test_the_rate_card_is_clean(tmp_path):
    rate_card.build(tmp_path / "r.xlsx")
    assert found(tmp_path / "r.xlsx") == []


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A built workbook, as openpyxl keeps it with the values stored beside its formulas."""
    return book(tmp_path_factory.mktemp("lint"), "gpu_buy_vs_rent")[0]


@pytest.fixture
def edited(built, tmp_path, monkeypatch):
    """Edits a copy with openpyxl. It keeps no stored values: they come from the original, or are 1 for a new formula."""
    path, load = tmp_path / "edited.xlsx", book_model.load
    shutil.copy(built, path)

    def with_values(of, values):
        texts = load(of, values=False)
        if values:
            stored = load(built, values=True)
            for sheet in texts.worksheets:
                for cell in (c for row in sheet.iter_rows() for c in row if c.data_type == "f"):
                    was = stored[sheet.title][cell.coordinate]
                    cell.value = 1.0 if was.value is None and was.data_type == "n" else was.value
        return texts

    monkeypatch.setattr(book_model, "load", with_values)

    def edit(change):
        wb = openpyxl.load_workbook(path)
        change(wb)
        wb.save(path)
        return found(path)

    return edit


def put(sheet, at, value, like=None, **style):
    """An edit: a value in a cell, in the look of another one, with parts of it changed."""

    def change(wb):
        cell = wb[sheet][at]
        if like:
            other = wb[like[0]][like[1]]
            cell._style = other._style.__copy__()
        for what, how in style.items():
            setattr(cell, what, how)
        cell.value = value

    return change


def hide(sheet, state):
    return lambda wb: setattr(wb[sheet], "sheet_state", state)


def hide_row(wb):
    wb["Results"].row_dimensions[6].hidden = True


def hide_column(wb):
    wb["Glossary"].column_dimensions["C"].hidden = True


def merge(wb):
    wb["Calculation"].merge_cells("D6:E6")


def name(text):
    return lambda wb: wb.defined_names.add(DefinedName("lost", attr_text=text))


CALC = ("Calculation", "D9")  # black
GREEN = ("Results", "E5")
FREE = ("Glossary", "F20")  # a cell that holds nothing
RED = Font(color="FFFF0000")

PLANTED = {
    "a formula in an input": ("input-holds-formula", put("Inputs", "E10", "=F10"), "Inputs", "E10"),
    "a number over a formula": ("constant-for-calculation", put("Calculation", "F9", 41800), "Calculation", "F9"),
    "a text over a formula": ("constant-for-calculation", put("Inputs", "D10", "about ten"), "Inputs", "D10"),
    "a number over a link": ("link-colour", put("Results", "E6", 7), "Results", "E6"),
    "arithmetic in green": ("link-colour", put(*FREE, "=Inputs!D10+Inputs!D11", GREEN), *FREE),
    "a link in black": ("link-colour", put(*FREE, "=Inputs!D10", CALC), *FREE),
    "red without reason": ("link-colour", put(*FREE, "=C5", font=RED), *FREE),
    "a figure in a formula": ("constant-in-formula", put(*FREE, "=Inputs!D10*1.21", CALC), *FREE),
    "a rounding is none, a percentage is": (
        "constant-in-formula",
        put(*FREE, "=ROUND(Inputs!D10,3)*5%", CALC),
        *FREE,
    ),
    "another formula in a case": ("formula-differs-in-row", put("Results", "F6", "=Calculation!F9"), "Results", "F6"),
    "another formula in a month": ("formula-differs-in-row", put("Timeline", "J8", "=I8+I9"), "Timeline", "J8"),
    "another formula in a grid": ("formula-differs-in-row", put("Sensitivity", "F9", "=E9+E8"), "Sensitivity", "F9"),
    "no unit": ("unit-missing", put("Calculation", "C9", None), "Calculation", "D9"),
    "OFFSET": ("volatile-function", put(*FREE, "=OFFSET(Inputs!D10,1,0)", CALC), *FREE),
    "TODAY": ("volatile-function", put(*FREE, "=TODAY()", CALC), *FREE),
    "another workbook": ("external-link", put(*FREE, "='[prices.xlsx]Sheet1'!B2", font=RED), *FREE),
    "a name in another workbook": ("external-link", name("'[prices.xlsx]Sheet1'!$B$2"), "", "lost"),
    "a whole column": ("whole-column", put(*FREE, "=SUM(Inputs!D:D)", CALC), *FREE),
    "an unknown name": ("unknown-name", put(*FREE, "=inputs.gone*C5", CALC), *FREE),
    "an unknown sheet": ("unknown-name", put(*FREE, "=Gone!A1*C5", CALC), *FREE),
    "an unknown function": ("unknown-name", put(*FREE, "=GPU_PRICE(C5)", CALC), *FREE),
    "an unknown column": ("unknown-name", put(*FREE, "=SUM(CloudPrices[gone])", CALC), *FREE),
    "an unknown table": ("unknown-name", put(*FREE, "=SUM(Gone[usd])", CALC), *FREE),
    "a lost reference": ("unknown-name", put(*FREE, "=#REF!*C5", CALC), *FREE),
    "a name that lost its reference": ("unknown-name", name("#REF!"), "", "lost"),
    "no source": ("input-without-source", put("Inputs", "K10", None), "Inputs", "E10"),
    "a source that was not given": ("source-not-given", put("Inputs", "K10", "Given without a source"), "Inputs", "E10"),
    "no date": ("input-without-date", put("Inputs", "L10", "lately"), "Inputs", "E10"),
    "an error": ("error-value", put("Glossary", "F20", "#N/A"), *FREE),
    "a number as a text": ("text-number", put("Inputs", "E10", "12"), "Inputs", "E10"),
    "a merged figure": ("merged-figure", merge, "Calculation", "D6"),
    "a hidden sheet": ("hidden-sheet", hide("Sources", "hidden"), "Sources", ""),
    "a very hidden sheet": ("hidden-sheet", hide("Sources", "veryHidden"), "Sources", ""),
    "a hidden row": ("hidden-cells", hide_row, "Results", "B6"),
    "a hidden column": ("hidden-cells", hide_column, "Glossary", "C4"),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_breach_is_found_and_nothing_else(planted, edited):
    rule, change, sheet, cell = PLANTED[planted]
    assert edited(change) == [(sheet, cell, rule)]
