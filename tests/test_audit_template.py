"""Differences from a workbook's own template: each kind is found at its cell, and nothing that people do rightly."""

import openpyxl
import pytest
import rich
from openpyxl.workbook.defined_name import DefinedName
from test_edited import edited as edited_in_libreoffice
from test_templates import book as template_book
from test_upgrade import by_hand, of

from xl_econ.audit import checks  # noqa: F401  (they register themselves)
from xl_econ.audit.registry import CHECKS
from xl_econ.audit.run import findings, report
from xl_econ.audit.subject import Subject
from xl_econ.templates import build, layout, pristine
from xl_econ.templates.model import Model
from xl_econ.workbook.package import rewrite

OURS = (
    "differs-from-template",
    "input-label-edited",
    "unit-edited",
    "name-moved",
    "row-deleted",
    "table-row-deleted",
    "validation-removed",
)
TEMPLATE = layout.load("training_budget")


def found(path, only=OURS):
    subject = Subject(path)
    return [
        (name, f.severity or CHECKS[name].severity, f.sheet, f.cell) for name in only for f in CHECKS[name].run(subject)
    ]


def alarms(path, only=OURS):
    return [(name, sheet, cell) for name, severity, sheet, cell in found(path, only) if severity != "info"]


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return of(TEMPLATE, tmp_path_factory.mktemp("template") / "b.xlsx")


def row(sheet, text, column):
    return next(
        r for r in range(1, sheet.max_row + 1) if str(sheet.cell(r, column).value or "").split(" = ")[0] == text
    )


def write(sheet, cell, value):
    def edit(book):
        book[sheet][cell] = value

    return edit


def of_input(what, column, value):
    def edit(book):
        sheet = book["Inputs"]
        sheet[f"{column}{row(sheet, what, 15)}"] = value

    return edit


def all_in_kilo(book):
    """The whole column of a step in kW in place of W: no cell differs from its neighbours."""
    sheet = book["Calculation"]
    r = row(sheet, "watts_at_meter", 8)
    for c in "DEFG":
        sheet[f"{c}{r}"] = f"{sheet[f'{c}{r}'].value}/1000"


def moved_name(book):
    r = row(book["Inputs"], "goodput", 15)
    book.defined_names["inputs.mfu"] = DefinedName("inputs.mfu", attr_text=f"Inputs!$D${r}")


def shadowed(book):
    book["Results"].defined_names["inputs.mfu"] = DefinedName("inputs.mfu", attr_text="Results!$D$5")


def deleted_result(book):
    book["Glossary"].delete_rows(5)
    sheet = book["Checks"]
    for r in range(9, sheet.max_row + 1):
        for c in range(1, 12):
            sheet.cell(r, c).value = sheet.cell(r + 1, c).value


def deleted_accelerator(book):
    sheet = book["Accelerators"]
    for r in range(10, sheet.max_row + 1):
        for c in range(1, 20):
            sheet.cell(r, c).value = sheet.cell(r + 1, c).value


def no_validation(book):
    book["Inputs"].data_validations.dataValidation = [
        v for v in book["Inputs"].data_validations.dataValidation if "E17" not in str(v.sqref)
    ]


def wider(book):
    for v in book["Inputs"].data_validations.dataValidation:
        if "F17" in str(v.sqref):
            v.formula2 = "100"


FAULTS = {
    "formula changed": (write("Calculation", "D10", "=D9*Inputs!D23"), "differs-from-template", "Calculation", "D10"),
    "number over a formula": (write("Results", "E5", 4.2e7), "differs-from-template", "Results", "E5"),
    "formula cleared": (write("Calculation", "E10", None), "differs-from-template", "Calculation", "E10"),
    "a step in kilowatts": (all_in_kilo, "differs-from-template", "Calculation", None),
    "limit of a check": (write("Checks", "I11", 10), "differs-from-template", "Checks", "I11"),
    "limit of an input": (write("Inputs", "I17", 100), "differs-from-template", "Inputs", "I17"),
    "check neutralised": (write("Checks", "J11", 0), "differs-from-template", "Checks", "J11"),
    "constant": (write("Inputs", "D41", 2), "differs-from-template", "Inputs", "D41"),
    "label": (of_input("mfu", "B", "Goodput of the cluster"), "input-label-edited", "Inputs", "B17"),
    "unit": (of_input("usd_per_gpu_hour", "C", "EUR/GPU-h"), "unit-edited", "Inputs", None),
    "unit of a table": (write("Accelerators", "M4", "kW/GPU"), "unit-edited", "Accelerators", "M4"),
    "name moved": (moved_name, "name-moved", "Inputs", "D18"),
    "name shadowed": (shadowed, "name-moved", "Results", ""),
    "row of checks": (deleted_result, "row-deleted", "Checks", "A9"),
    "row of a table": (deleted_accelerator, "table-row-deleted", "Accelerators", "A10"),
    "validation": (no_validation, "validation-removed", "Inputs", "E17"),
    "validation widened": (wider, "validation-removed", "Inputs", "F17"),
    "sheet": (lambda b: b.remove(b["Checks"]), "row-deleted", "", ""),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("keeps", [True, False], ids=["with its manifest", "without"])
def test_faults(fault, keeps, book, tmp_path):
    """Found with the workbook's own description, and without it against a template that is built anew."""
    edit, check, sheet, cell = FAULTS[fault]
    source = tmp_path / "b.xlsx"
    source.write_bytes(book.read_bytes())
    edited = by_hand(source, edit)
    alarmed = alarms(edited if keeps else tmp_path / "saved.xlsx")
    assert [a for a in alarmed if a[0] == check and a[1] == sheet and cell in (None, a[2])], alarmed
    # One cause, one finding: a deleted row or sheet also takes names and other rows' formulas with it.
    if "row" not in fault and fault != "sheet":
        assert len(alarmed) == 1


def inserted(book):
    sheet = book["Notes"] if "Notes" in book else book.create_sheet("Notes", 0)
    sheet["A1"], sheet["B1"] = "Mine", "=Results!D5*2"


def added_price(book):
    sheet = book["Accelerators"]
    last = sheet.max_row
    for c in range(1, 20):
        sheet.cell(last + 1, c).value = sheet.cell(last, c).value
    sheet.cell(last + 1, 1).value, sheet.cell(last + 1, 2).value = "My own card", None
    sheet.tables["Accelerators"].ref = f"A5:S{last + 1}"


def sorted_table(book):
    sheet = book["Accelerators"]
    rows = [[sheet.cell(r, c).value for c in range(1, 20)] for r in range(6, sheet.max_row + 1)]
    for r, cells in enumerate(sorted(rows, key=lambda x: str(x[0])), 6):
        for c, value in enumerate(cells, 1):
            sheet.cell(r, c).value = value


def reformatted(book):
    for cell in book["Results"]["D"]:
        cell.number_format = "0.000"


def filled(book):
    of_input("mfu", "E", 0.37)(book)
    of_input("mfu", "K", "our own runs")(book)
    of_input("mfu", "L", "2026-10")(book)
    book["Inputs"]["D5"] = "High"


BENIGN = {
    "inputs": filled,
    "a sheet of one's own": inserted,
    "a row of a table": added_price,
    "a sorted table": sorted_table,
    "formats": reformatted,
    "a note at the end": write("Calculation", "B99", "See the memo of March"),
    "sheet renamed": lambda b: setattr(b["Glossary"], "title", "Words"),
    "cover": write("Cover", "C5", "Finance"),
}


@pytest.mark.parametrize("edit", BENIGN)
def test_what_people_do_rightly(edit, book, tmp_path):
    source = tmp_path / "b.xlsx"
    source.write_bytes(book.read_bytes())
    assert alarms(by_hand(source, BENIGN[edit])) == []
    assert alarms(tmp_path / "saved.xlsx") == []


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", layout.names())
@pytest.mark.parametrize("flavour", build.FLAVOURS)
def test_templates_are_as_built(name, flavour, tmp_path):
    path, _ = template_book(tmp_path, name, flavour=flavour)
    subject = Subject(path)
    assert alarms(path) == []
    assert all(subject.as_built(cell) for cell in subject.formulas)


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", layout.names())
def test_a_resave_by_openpyxl(name, tmp_path):
    """It keeps no values, and says of empty cells that they are numbers."""
    path, _ = template_book(tmp_path, name)
    openpyxl.load_workbook(path).save(tmp_path / "saved.xlsx")
    assert [(f.sheet, f.cell, f.check) for f in findings(tmp_path / "saved.xlsx") if f.severity != "info"] == []


@pytest.mark.libreoffice
def test_recomputed_by_libreoffice(book):
    assert [f for f in report(book, engine="libreoffice").findings if f.severity != "info"] == []


@pytest.mark.libreoffice
def test_a_libreoffice_resave(book):
    assert alarms(rich.by_libreoffice(book)) == []


@pytest.mark.libreoffice
def test_edits_in_libreoffice(book, tmp_path):
    """Renamed sheets, inserted rows and columns, a sheet with a chart and a pivot: nothing of the template differs."""
    assert alarms(edited_in_libreoffice(book, tmp_path)) == []


def test_a_formula_copied_down_a_table_is_said_once(tmp_path):
    path = of(layout.load("rate_card"), tmp_path / "b.xlsx")

    def edit(book):
        for (cell,) in book["CloudPrices"]["V6:V60"]:
            cell.value = f"=({cell.value[1:]})*1000" if str(cell.value).startswith("=") else cell.value

    ((name, sheet, cell),) = alarms(by_hand(path, edit))
    assert (name, sheet, cell) == ("differs-from-template", "CloudPrices", "V6")


def test_rows_of_a_rate_card_are_its_owners(tmp_path):
    def edit(book):
        sheet = book["Precisions"]
        for column in range(1, 10):
            sheet.cell(11, column).value = None

    path = by_hand(of(layout.load("rate_card"), tmp_path / "b.xlsx"), edit)
    assert alarms(path) == []
    assert ("table-row-deleted", "info", "Precisions", "A11") in found(path)


def test_other_peoples_workbooks(tmp_path):
    """They have no template; neither has one that only says so."""
    path = tmp_path / "b.xlsx"
    mine = openpyxl.Workbook()
    mine.defined_names["inputs.case"] = DefinedName("inputs.case", attr_text="Sheet!$A$1")
    mine.active["A1"] = 1
    mine.save(path)
    assert Subject(path).manifest is None
    assert found(path) == []


def test_a_note_beside_figures_without_a_label_is_no_row_deleted(tmp_path):
    template = layout.load("commitment_mix")
    build.build(Model(template), tmp_path / "b.xlsx")
    book = openpyxl.load_workbook(tmp_path / "b.xlsx")
    sheet = book["Sensitivity"]
    bare = [r for r in sheet.iter_rows() if not any(isinstance(c.value, str) and c.value[:1] != "=" for c in r)]
    row = next(r for r in bare if sum(c.value is not None for c in r) > 3)
    sheet.cell(row[0].row, sheet.max_column + 1, "OK for now; revisit in Q1")
    book.save(tmp_path / "n.xlsx")
    assert [f for f in findings(tmp_path / "n.xlsx", ["row-deleted"]) if f.severity == "error"] == []


@pytest.mark.parametrize(
    "content",
    [b'<pristine xmlns="urn:xl-econ:pristine">{"a</pristine>', b'<pristine xmlns="urn:xl-econ:pristine">{"sh'],
)
def test_a_damaged_description_of_what_was_built_is_said(book, content, tmp_path):
    """And an edit is found all the same, because the template is known."""
    assert [f for f in findings(book) if f.check == "manifest-damaged"] == []
    rewrite(book, tmp_path / "d.xlsx", {pristine.PART: content})
    ((severity, message),) = [
        (f.severity, f.message) for f in findings(tmp_path / "d.xlsx", ["manifest-damaged", "differs-from-template"])
    ]
    assert severity == "warning"
    assert "damaged" in message
