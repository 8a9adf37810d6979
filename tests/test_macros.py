"""The ribbon's macros against a stand-in for Excel: what they write, what they leave, and every message."""

import inspect
import subprocess
import sys
from pathlib import Path

import fake_excel
import pytest
import xlwings as xw
from xlwings import main as xwmain

from xl_econ.addin import calls, excel, macros, refreshed, ribbon
from xl_econ.core.errors import InputError, UsageError
from xl_econ.hosts import explain
from xl_econ.metrics import get
from xl_econ.tables.store import TABLES
from xl_econ.templates import batch, fill, layout

COST = "=TRAIN_COST(405,15.6,B1,41%,B2)"


@pytest.fixture
def app(monkeypatch):
    found = fake_excel.App()
    monkeypatch.setattr(excel, "application", lambda: found)
    return found


@pytest.fixture(scope="module")
def budget(tmp_path_factory):
    path = tmp_path_factory.mktemp("built") / "training_budget.xlsx"
    batch.write(batch.prepare(layout.load("training_budget"), [fill.Case("training_budget")], path)[0])
    return path


def with_cost(app, formula=COST):
    sheet = app.open().sheets[0]
    sheet.set("B1", 989.4)
    sheet.set("B2", 2.5)
    sheet.set("B4", formula, 64895206.25)
    app.selection = sheet.range("B4")
    return sheet


def block(sheet, place):
    return [list(row) for row in sheet.range(place).api.Value2]


def before_and_after(sheet):
    return dict(sheet._cells)


# The stand-in and the ribbon


def test_the_stand_in_has_no_name_that_xlwings_lacks():
    pairs = (
        (fake_excel.Range, xw.Range),
        (fake_excel.Sheet, xw.Sheet),
        (fake_excel.Sheets, xwmain.Sheets),
        (fake_excel.Names, xwmain.Names),
    )
    own = {"set", "writes", "known"}
    for fake, real in pairs:
        names = {n for n in vars(fake) if not n.startswith("_")} - own
        assert {n for n in names if not hasattr(real, n)} == set(), fake
    for name in ("name", "refers_to", "delete"):
        assert hasattr(xwmain.Name, name)
    for name in ("name", "header_row_range", "data_body_range"):
        assert hasattr(xwmain.Table, name)
    for name in ("alert", "properties", "books", "selection", "api", "screen_updating", "calculation"):
        assert hasattr(xw.App, name)
    for name in ("sheets", "names", "api", "app", "name"):
        assert hasattr(xw.Book, name)


def test_every_button_has_its_macro():
    for button in (b for group in ribbon.GROUPS.values() for b in group if b.macro != "help"):
        macro = getattr(macros, button.macro)
        assert len(inspect.signature(macro).parameters) == (button.macro == "insert_template"), button


def test_the_macros_through_the_com_server():
    script = Path(__file__).with_name("macros_dispatch.py")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr + done.stdout


def test_without_excel():
    text = "Excel is not running, or does not answer; press the button again when it is ready"
    assert [macros.explain_cell(), macros.audit_workbook(), macros.refresh_prices()] == [text] * 3


@pytest.mark.parametrize("macro", [macros.explain_cell, macros.audit_workbook, macros.refresh_prices])
def test_without_a_workbook(app, macro):
    assert macro() == "no workbook is open; open the one that is meant, then press the button again"


# Explain


def test_the_steps_stand_beside_the_cell(app):
    sheet = with_cost(app)
    held = before_and_after(sheet)
    assert macros.explain_cell() == "Sheet1!B4: the steps are in Sheet1!D4:G16."
    found = block(sheet, "D4:G17")
    assert found[0][:2] == ["TRAIN_COST in Sheet1!B4", get("TRAIN_COST").doc.summary]
    assert found[1] == ["step", "formula or meaning", "value", "unit"]
    given = {"params_b": 405, "tokens_t": 15.6, "peak_tflops": 989.4, "mfu": 0.41, "usd_per_gpu_hour": 2.5}
    steps = explain.explain(get("TRAIN_COST"), given)
    assert [r[:4] for r in found[2 : 2 + len(steps)]] == [[s.name, s.formula, s.value, s.unit or None] for s in steps]
    # 6 * 405e9 * 15.6e12 / (989.4e12 * 0.41 * 3600) * 2.5
    assert found[1 + len(steps)][2] == pytest.approx(64895206.2596, rel=1e-9)
    assert {at: sheet._cells[at] for at in held} == held


def test_another_value_in_the_cell_is_said(app):
    sheet = with_cost(app)
    sheet.set("B4", COST, 5.0)
    macros.explain_cell()
    rows = [r for r in block(sheet, "D4:G20") if r[0] == "in the cell"]
    assert [r[2] for r in rows] == [5.0]
    assert "The cell shows another value" in rows[0][1]


def test_two_functions_one_inside_the_other(app):
    sheet = with_cost(app, "=2*TRAIN_COST(405,15.6,989.4,MFU_TYPICAL(B1),B2)")
    sheet.known["MFU_TYPICAL(B1)"] = 0.41
    sheet.set("B1", 1000.0)
    assert macros.explain_cell().startswith("Sheet1!B4: the steps are in")
    titles = [v for (_, v) in sheet._cells.values() if isinstance(v, str) and " in Sheet1!B4" in v]
    assert titles == ["TRAIN_COST in Sheet1!B4", "MFU_TYPICAL in Sheet1!B4"]


@pytest.mark.parametrize(
    ("taken", "where"),
    [
        ({"F4": "here"}, "Sheet1!B6:E18"),  # right of it something stands: below
        ({"C10": "beside"}, "'xl-econ explained'"),  # and in the margin of both
        ({"F4": "here", "B12": "=1+1"}, "'xl-econ explained'"),
    ],
)
def test_nothing_is_overwritten(app, taken, where):
    sheet = with_cost(app)
    for place, text in taken.items():
        sheet.set(place, text)
    held = before_and_after(sheet)
    said = macros.explain_cell()
    assert where.strip("'") in said
    assert {at: sheet._cells.get(at) for at in held} == held
    if where.startswith("'"):
        assert said.endswith("on the sheet xl-econ explained, as there is no room beside the cell.")
        assert sheet.writes == []
        assert macros.explain_cell().endswith("on the sheet xl-econ explained 2, as there is no room beside the cell.")


def test_no_room_at_the_edge_of_the_sheet_or_beside_merged_cells(app):
    sheet = with_cost(app)
    sheet._merged.append((6, 5, 6, 6))
    assert "the steps are in Sheet1!B6" not in macros.explain_cell()
    last = sheet.range((1048576, 16384))
    sheet._cells[1048576, 16384] = (COST, 1.0)
    app.selection = last
    assert "xl-econ explained" in macros.explain_cell()


def test_texts_are_written_as_texts(app):
    sheet = app.open().sheets[0]
    lines = [["=1+1", "-x", "2026-08", "1/2"], ["'q", "@a", 1.5, None]]
    excel.write(sheet, 1, 1, lines)
    assert block(sheet, "A1:D2") == lines


def test_a_merged_cell_is_one_cell(app):
    sheet = with_cost(app)
    sheet._merged.append((4, 2, 4, 3))
    app.selection = sheet.range("B4:C4")
    assert macros.explain_cell() == "Sheet1!B4: the steps are in Sheet1!E4:H16."


def test_selections_that_are_no_cell(app):
    sheet = with_cost(app)
    app.selection = sheet.range("B4:B5")
    assert macros.explain_cell() == "one cell at a time: B4:B5 is selected; click the cell to explain"
    app.selection = fake_excel.Range(sheet, 4, 2, 4, 2, ",$D$1")
    assert macros.explain_cell() == "one cell at a time: B4,D1 is selected; click the cell to explain"
    app.selection = None
    text = "no cell is selected, but a chart, a shape or a chart sheet; click a cell with a function"
    assert macros.explain_cell() == text


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("", "no formula"),
        ("TRAIN_COST(1)", "no formula"),
        (5.0, "no formula"),
        ("=SUM(A1:A3)*MY_TRAIN_COST(1)", "=SUM(A1:A3)*MY_TRAIN_COST(1)"),
        ('="TRAIN_COST(1,2)"', '="TRAIN_COST(1,2)"'),
    ],
)
def test_a_cell_without_a_function_of_ours(app, formula, said):
    with_cost(app, formula)
    text = f"Sheet1!B4 holds {said}, no function of xl-econ; click a cell with one, as =TRAIN_COST(...)"
    assert macros.explain_cell() == text


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("=TRAIN_COST(405,15.6,B1,41,B2)", "mfu = 41: write 0.41 or 41%"),
        ("=TRAIN_COST(405,15.6,B1)", "mfu"),
        ("=TRAIN_COST(405,15.6,A9/0,41%,B2)", "#VALUE!"),
        (
            f"=TRAIN_COST(405,15.6,{'1+' * 130}1,41%,B2)",
            "has 261 characters and Excel evaluates 255",
        ),
        ("=TRAIN_COST(405,", "tokens_t is missing"),
    ],
)
def test_arguments_that_cannot_be_explained(app, formula, said):
    sheet = with_cost(app, formula)
    assert said in macros.explain_cell()
    assert sheet.writes == []


def test_a_protected_sheet_is_left_alone(app):
    sheet = with_cost(app)
    sheet.api.ProtectContents = True
    assert macros.explain_cell().endswith("on the sheet xl-econ explained, as the sheet is protected.")
    assert sheet.writes == []
    sheet.book.api.ProtectStructure = True
    assert macros.explain_cell().startswith("Book1.xlsx: no sheet can be added, the structure is protected; unprotect")


def test_calls_in_formulas():
    [call] = calls.calls("='C:\\x\\xl_econ.xlam'!TRAIN_COST(405, B3*(2+1),{1,2},,SUM(A1,B2),\"a,b\")")
    assert call == calls.Call("TRAIN_COST", ["405", "B3*(2+1)", "{1,2}", "", "SUM(A1,B2)", '"a,b"'], True)
    assert [c.arguments for c in calls.calls("=-MFU()")] == [[]]
    with pytest.raises(InputError, match="cannot be read"):
        calls.calls('=MFU("')


# Insert


def test_a_template_is_inserted_whole(app, budget):
    book = app.open()
    assert macros.insert_template("training_budget") == (
        f"{layout.load('training_budget').title}: {len(book.sheets) - 1} sheets are in Book1.xlsx, with their names. "
        "Begin on the sheet Cover."
    )
    assert {"Sheet1", "Cover", "Inputs", "Accelerators"} <= {s.name for s in book.sheets}
    assert {"inputs.mfu", "results.total", "xl_econ.template"} & {n.name for n in book.names}
    inputs = book.sheets["Inputs"]
    assert any(f.startswith("=") for f, _ in inputs._cells.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", layout.names())
def test_every_template_of_the_menu_is_inserted(app, name):
    book = app.open()
    assert f"sheets are in {book.name}" in macros.insert_template(name)
    assert len(book.names) > 5


def test_names_that_excel_leaves_behind_are_added(app):
    book = app.open()
    book.fault = "loses names"
    assert "sheets are in Book1.xlsx" in macros.insert_template("training_budget")
    [name] = [n for n in book.names if n.name == "inputs.mfu"]
    assert name.refers_to.startswith("=Inputs!$D$")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("links", "formulas that lead back to the file"),
        ("renames", "sheets Inputs, Inputs (2)"),
        ("renames tables", "tables Accelerators"),
        ("names", "the name results."),
        ("refuses", "Excel refused: Method 'Add' of object 'Sheets' failed"),
    ],
)
def test_what_went_wrong_is_taken_out_again(app, fault, said):
    book = app.open()
    book.fault = fault
    assert said in macros.insert_template("training_budget")
    assert [s.name for s in book.sheets] == ["Sheet1"]


def test_clashes_are_refused_and_nothing_is_inserted(app):
    book = app.open(sheets=("inputs", "Data"))
    book.charts.append("Results")
    book.names.add("Data!INPUTS.MFU", "=Data!$A$1")
    book.sheets[1].tables.append(type("T", (), {"name": "accelerators"}))
    said = macros.insert_template("training_budget")
    for part in ("has already sheets Inputs, Results", "names inputs.mfu", "tables Accelerators", "Ctrl+N"):
        assert part in said
    assert [s.name for s in book.sheets] == ["inputs", "Data"]


def test_a_template_without_an_open_workbook_opens_one(app):
    title = layout.load("training_budget").title
    assert macros.insert_template("training_budget") == f"{title}: opened as a new workbook, as none was open."
    assert [Path(p).name for p in app.opened] == ["training_budget.xlsx"]


def test_a_template_that_is_none_or_cannot_be_inserted(app):
    app.open()
    assert macros.insert_template("training_bugdet").startswith("no template 'training_bugdet'; did you mean")
    app.books.active.api.ProtectStructure = True
    assert "the structure is protected" in macros.insert_template("training_budget")


# Audit


def test_the_audit_reads_the_saved_copy(app, budget, monkeypatch):
    book = app.open("training_budget.xlsx", path=budget)
    assert macros.audit_workbook() == "training_budget.xlsx: no findings."
    book.api.Saved = False
    text = "Changes since training_budget.xlsx was saved last are not in it: save, then repeat."
    assert macros.audit_workbook() == f"training_budget.xlsx: no findings.\n{text}"
    assert len(book.sheets) == 1


def test_a_broken_active_workbook_is_none(app):
    class Gone:
        @property
        def name(self):
            raise AttributeError("'NoneType' object has no attribute 'Name'")

    app.books.active = Gone()
    assert macros.audit_workbook().startswith("no workbook is open")


def test_the_findings_stand_on_a_new_sheet(app, tmp_path):
    import xlsxwriter

    path = tmp_path / "mine.xlsx"
    with xlsxwriter.Workbook(str(path)) as made:
        sheet = made.add_worksheet("Calc")
        sheet.write_formula("A1", "=B1*1.37")
        sheet.write_formula("A2", "=1/0", None, "#DIV/0!")
        made.add_worksheet(macros.FINDINGS).write_formula("A1", "=1/0", None, "#DIV/0!")
    book = app.open("mine.xlsx", path=path)
    book.charts.append(macros.FINDINGS)
    said = macros.audit_workbook()
    assert said.endswith("on the sheet xl-econ findings 2.")
    found = book.sheets["xl-econ findings 2"]
    rows = [found._cells.get((1, c), ("", None))[1] for c in range(1, 7)]
    assert rows == ["severity", "sheet", "cell", "check", "finding", "remedy"]
    assert {v for (r, c), (_, v) in found._cells.items() if c == 2 and r > 1} <= {"Calc"}
    assert book.sheets[0].writes == []


def test_workbooks_that_cannot_be_audited(app, tmp_path):
    book = app.open()
    assert macros.audit_workbook() == "Book1.xlsx was never saved; save it, then press the button again"
    book.api.Path, book.api.FullName = "https://d.docs.live.net/1", "https://d.docs.live.net/1/Book1.xlsx"
    assert "is not a file on this computer; save a copy of it to a folder" in macros.audit_workbook()
    path = tmp_path / "broken.xlsx"
    path.write_text("no workbook")
    app.open("broken.xlsx", path=path)
    assert macros.audit_workbook() == f"{path}: not an .xlsx workbook"
    app.books.active.api.ProtectStructure = True
    assert "the structure is protected" in macros.audit_workbook()


# Refresh


def opened(app, budget):
    book = app.open("budget.xlsx")
    book.take(budget)
    return book, book.sheets["Accelerators"]


def column(sheet, heading):
    [table] = sheet.tables
    found = table.header_row_range
    return found.column + [v for row in [found.api.Value2] for v in row[0]].index(heading)


def test_a_refresh_asks_then_writes_the_cells_that_differ(app, budget):
    book, sheet = opened(app, budget)
    row, fp32 = sheet.tables[0].data_body_range.row, column(sheet, "fp32")
    shipped = sheet._cells[row, fp32][1]
    old = {(row, fp32): ("1", 1.0), (row, column(sheet, "as_of")): ("2020-01", "2020-01")}
    sheet._cells |= old
    mine = (row + 1, column(sheet, "accelerator"))
    sheet._cells[mine] = ("Mine", "Mine")
    app.answer = "no"
    assert macros.refresh_prices() == "budget.xlsx: nothing was changed."
    assert sheet.writes == []
    key = sheet._cells[row, column(sheet, "accelerator")][1]
    assert f"{key}, fp32: 1 -> {shipped:.6g}" in app.asked[0]
    assert app.asked[0].startswith("1 rows would change, 1 figures in them (the shipped tables")
    assert "1 rows are the workbook's own and kept; 1 rows in use are not in the workbook and not added" in app.asked[0]
    app.answer = "yes"
    assert macros.refresh_prices().startswith("budget.xlsx: 2 cells written in 1 rows.")
    assert sorted(sheet.writes) == sorted(old)
    assert sheet._cells[row, fp32][1] == shipped
    as_of = next(r for k, r in TABLES["accelerators"].rows.items() if k == key).as_of
    assert sheet._cells[row, column(sheet, "as_of")] == (as_of, as_of)
    assert all(s.writes == [] for s in book.sheets if s is not sheet)
    assert macros.refresh_prices().startswith("budget.xlsx: nothing to refresh.")


def test_a_younger_row_of_the_workbook_is_kept(app, budget):
    _, sheet = opened(app, budget)
    row = sheet.tables[0].data_body_range.row
    sheet._cells |= {(row, column(sheet, "fp32")): ("1", 1.0), (row, column(sheet, "as_of")): ("2030-01", "2030-01")}
    assert macros.refresh_prices() == "budget.xlsx: nothing to refresh.\n1 rows are younger in the workbook and kept"


def test_a_formula_in_a_table_a_protected_sheet_a_refused_cell(app, budget):
    _, sheet = opened(app, budget)
    row, fp32 = sheet.tables[0].data_body_range.row, column(sheet, "fp32")
    held = sheet._cells[row, fp32]
    sheet._cells[row, fp32] = ("=1+1", 2.0)
    assert "fp32 is a formula there; type a value over it first" in macros.refresh_prices()
    sheet._cells[row, fp32] = ("1", 1.0)
    sheet._cells[row + 1, fp32] = ("1", 1.0)
    sheet.api.ProtectContents = True
    text = "budget.xlsx: protected: Accelerators; unprotect it (Review, Unprotect Sheet) first"
    assert macros.refresh_prices() == text
    sheet.api.ProtectContents = False
    sheet._refusing = fake_excel.address(row + 1, fp32, row + 1, fp32)
    assert "cannot be written, so nothing was changed" in macros.refresh_prices()
    assert sheet._cells[row, fp32][1] == 1.0
    assert held[1] != 1.0


def test_a_workbook_without_our_tables(app):
    app.open()
    assert macros.refresh_prices() == "Book1.xlsx: holds none of the tables of xl-econ"


def test_prices_of_a_package_that_is_not_there(app, budget, monkeypatch):
    opened(app, budget)

    def absent():
        raise UsageError("genai-prices is not installed")

    monkeypatch.setattr(refreshed.genai, "read", absent)
    assert macros.refresh_prices() == "budget.xlsx: nothing to refresh."


# Why, About, and what nobody expects


def test_why_and_about():
    from xl_econ.hosts import udf

    udf.CALL(("TRAIN_COST", 405.0, 15.6, 989.4, 41.0, 2.5))
    assert macros.why().splitlines()[0] == "TRAIN_COST: mfu = 41: write 0.41 or 41%"
    said = macros.about()
    assert "the shipped tables" in said
    assert "xlwings 0.37.8" in said


def test_an_error_of_any_kind_is_a_message():
    class Busy(Exception):
        pass

    def fail(error):
        @excel.told
        def macro():
            raise error

        return macro()

    assert fail(KeyError("x")) == "internal error, please report it: KeyError: 'x'"
    assert fail(fake_excel.Refused("No.")) == "Excel refused: No."
    busy = Busy(-2147418111, "Call was rejected by callee.", None, None)
    assert fail(busy) == "Excel is busy; finish typing in the cell, then press the button again"
    assert len(excel.told(lambda: "x" * 2000)()) == excel.LONGEST_MESSAGE
