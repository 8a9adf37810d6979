"""The structural checks: what they find in a model with one fault, and that they find nothing in one without."""

import datetime as dt
import re
import zipfile

import openpyxl
import pytest
import xlsxwriter
from audit_models import MODELS, built, fill
from openpyxl.styles import Font, PatternFill
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from test_templates import BOOKS, book

from xl_econ.audit.registry import CHECKS
from xl_econ.audit.run import findings
from xl_econ.audit.subject import Subject
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.refresh import refresh


def told(path, *, grave=True):
    return {(f.sheet, f.cell, f.check, f.severity) for f in findings(path) if f.severity != "info" or not grave}


@pytest.mark.parametrize("name", MODELS)
def test_clean_models_are_passed_over(name, tmp_path):
    assert told(built(name, tmp_path)) == set()


@pytest.mark.unmeasured
@pytest.mark.parametrize(("name", "case"), BOOKS, ids=lambda x: getattr(x, "stem", x))
def test_templates_and_cases_are_passed_over(name, case, tmp_path):
    path, _ = book(tmp_path, name, case)
    assert told(path) == set()


# A model, a cell of it, what is put there, the check that finds it at that cell, and how grave it is.
FAULTS = [
    ("three_statements", "P&L", "E5", "=-E2*Assumptions!D4", "formula-break", "error"),
    ("three_statements", "P&L", "E5", "=E2*Assumptions!E4", "formula-break", "error"),
    ("three_statements", "P&L", "E6", "=E4-E5", "formula-break", "error"),
    ("three_statements", "P&L", "E2", "=D2*(1+0.22)", "formula-break", "error"),
    ("three_statements", "P&L", "E2", "=D2*(1+Assumptions!E2)+250", "formula-break", "error"),
    ("three_statements", "P&L", "G8", "=SUM(G6:G7)*1.1", "formula-break", "error"),
    ("three_statements", "P&L", "F8", "=F6", "formula-break", "error"),
    ("three_statements", "P&L", "C3", "=-C2*(1-Assumptions!D3)", "formula-break", "warning"),
    ("three_statements", "P&L", "E3", -2500, "formula-overwritten", "error"),
    ("three_statements", "P&L", "G3", -2500, "formula-overwritten", "error"),
    ("saas_plan", "Monthly", "F5", "=(SUM(F2:F4))*1000", "formula-break", "error"),
    ("saas_plan", "Monthly", "Z2", 140.5, "formula-overwritten", "error"),
    ("gpu_tco", "TCO", "D13", "=D4*D5*8760*D6", "formula-break", "error"),
    ("gpu_tco", "TCO", "D12", 5210, "formula-overwritten", "error"),
    ("amortisation", "Loan", "B32", 125_000, "formula-overwritten", "error"),
    ("prices_and_lookups", "Quote", "C3", "=INDEX(Prices[usd_per_hour],MATCH(A4,Prices[sku],0))",
     "formula-break", "error"),
    ("cost_with_subtotals", "Cost", "D6", "=SUM(D3:D4)", "range-short", "error"),
    ("cost_with_subtotals", "Cost", "E17", "=SUM(E15:E16)", "range-short", "error"),
    ("prices_and_lookups", "Quote", "F7", "=SUM(F2:F4)", "range-short", "error"),
    ("pivot", "Pivot", "F3", "=SUM(B3:D3)", "range-short", "error"),
    ("cost_with_subtotals", "Cost", "D19", "=SUM(D3:D17)", "total-in-range", "error"),
    ("amortisation", "Loan", "C44", "=SUM(C7:C43)", "total-in-range", "error"),
    ("amortisation", "Loan", "C43", "=SUM(C7:C42)+C42", "counted-twice", "error"),
    ("actuals_and_forecast", "Forecast", "B6", "1,300", "number-as-text", "error"),
    ("actuals_and_forecast", "Forecast", "C6", "1320\u00a0", "number-as-text", "error"),
    ("gpu_tco", "TCO", "D6", " 0.075", "number-as-text", "warning"),
    ("pivot", "Data", "C40", "'144", "number-as-text", "error"),
    ("gpu_tco", "TCO", "C10", "=C2+C9*G3", "reference-to-blank", "warning"),
    ("gpu_tco", "TCO", "C16", "=IF(1,C15/B15,0)", "reference-to-blank", "warning"),
    ("gpu_tco", "TCO", "B21", "=A17*2", "error-value", "error"),
    ("gpu_tco", "TCO", "B21", "=MIN(C17:E17)*1.07", "constant-in-formula", "warning"),
    ("gpu_tco", "TCO", "B21", "=IFERROR(INDEX(C17:E17,9),0)", "error-masked", "warning"),
    ("gpu_tco", "TCO", "B21", "=MIN(C17:E17)/0", "error-value", "error"),
    ("gpu_tco", "TCO", "B21", "=MIN(C17:E17)+B22", "circular-reference", "error"),
    ("gpu_tco", "TCO", "B22", "=INDEX(C1:E1,MATCH(B21,B17:E17,0))", "areas-misaligned", "error"),
    ("saas_plan", "Summary", "B2", "=INDEX(Monthly!$C$5:$Z$5,MATCH($B$1,Monthly!$B$1:$Y$1,0))",
     "areas-misaligned", "error"),
    ("pivot", "Pivot", "C2", "=SUMIFS(Data!$C$2:$C$81,Data!$A$1:$A$80,$A2)", "areas-misaligned", "error"),
    ("prices_and_lookups", "Quote", "A3", "l40", "validation-violated", "error"),
    ("saas_plan", "Inputs", "B5", 1.8, "validation-violated", "warning"),
    ("scenarios", "Scenarios", "B1", 4, "validation-violated", "error"),
    ("prices_and_lookups", "Prices", "A4", "b200", "duplicate-key", "error"),
    ("prices_and_lookups", "Quote", "C3", "=VLOOKUP(A3,Prices!$A$2:$B$7,2)", "lookup-approximate", "warning"),
    ("prices_and_lookups", "Quote", "F2", "=E2*(1+margn)", "name-undefined", "error"),
    ("three_statements", "P&L", "C2", "=5200+TODAY()*0", "volatile-function", "info"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "sheet", "at", "value", "check", "severity"), FAULTS)
def test_a_fault_is_found_at_its_cell(name, sheet, at, value, check, severity, tmp_path):
    path = built(name, tmp_path, lambda wb: wb[sheet].__setitem__(at, value))
    found = told(path, grave=False)
    assert (sheet, at, check, severity) in found
    # What follows from it shows errors, rightly; nothing else is accused.
    assert not {f for f in found if f[:2] != (sheet, at) and f[3] == "error" and f[2] != "error-value"}


def test_an_approximate_look_up_in_unsorted_bands(tmp_path):
    path = built("prices_and_lookups", tmp_path, lambda wb: wb["Prices"].__setitem__("D4", 900))
    assert ("Quote", "D2", "lookup-unsorted", "error") in told(path)


def book_of(rows, path, change=None):
    """A workbook of one sheet S with these rows, and its values stored."""
    wb = openpyxl.Workbook()
    wb.active.title = "S"
    fill(wb.active, rows)
    if change is not None:
        change(wb)
    wb.save(path)
    refresh(Parts(path), path)
    return path


def said(path):
    """What is found, but that these small books state no sources."""
    return {(f.cell, f.check): f for f in findings(path) if f.check != "input-unsourced"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "b.xlsx"


def test_an_opening_and_a_total_are_no_exceptions(path):
    rows = [
        ["Balance", 100, "=B1*1.1", "=C1*1.1", "=D1*1.1", "=SUM(B1:E1)"],
        ["Paid", "=B1", "=C1", "=D1", "=E1", "=F1"],
    ]
    assert {c for _, c in said(book_of(rows, path))} == {"constant-in-formula"}


def test_the_same_cells_fixed_otherwise_are_the_same(path):
    rows = [["Rate", 2]] + [[f"r{n}", n * n, f"=B{n}*{'B$1' if n == 4 else '$B$1'}"] for n in range(2, 8)]
    assert said(book_of(rows, path)) == {}


def test_another_comparison_is_only_information(path):
    rows = [[f"r{n}", n, f"=IF(B{n}{'>' if n == 4 else '>='}2,1,0)"] for n in range(1, 8)]
    found = said(book_of(rows, path))
    assert found["C4", "formula-break"].severity == "info"
    assert "has > for >=" in found["C4", "formula-break"].message


def test_a_cell_where_the_usual_formula_would_read_nothing_is_no_exception(path):
    rows = [[f"r{n}", n, None if n == 4 else n + 0.5, f"=B{n}*2" if n == 4 else f"=B{n}*C{n}"] for n in range(1, 9)]
    assert said(book_of(rows, path)) == {}


def test_a_quarter_among_months_is_a_column_of_its_own(path):
    rows = [["Month", "Jan", "Feb", "Mar", "Q1", "Apr", "May", "Jun", "Q2"], ["Price", 5, 5, 5, 5, 6, 6, 6, 6]]
    for n, what in ((3, "{c}2*2"), (4, "{c}3*2"), (5, "{c}3-{c}4")):
        cells = [f"=SUM({a}{n}:{b}{n})" if (a, b) != ("", "") else "" for a, b in (("B", "D"), ("F", "H"))]
        months = [f"={what.format(c=c)}" for c in "BCDFGH"]
        rows.append([f"row {n}", *months[:3], cells[0], *months[3:], cells[1]])
    assert said(book_of(rows, path)) == {}


def test_a_deliberate_number_in_blue_is_a_warning(path):
    rows = [[f"r{n}", n, n + 0.5, 9 if n == 4 else f"=B{n}*C{n}"] for n in range(1, 9)]
    found = said(book_of(rows, path, lambda wb: setattr(wb["S"]["D4"], "font", Font(color="0000FF"))))
    assert found["D4", "formula-overwritten"].severity == "warning"
    assert found["D4", "formula-overwritten"].expected == "=B4*C4"


def test_a_sum_elsewhere_that_stops_before_the_last_figure(path):
    def change(wb):
        wb.create_sheet("R")["A1"] = "=SUM(S!B1:B8)"

    rows = [[f"item {n}", n * 7] for n in range(1, 10)]
    assert said(book_of(rows, path, change))["A1", "range-short"].severity == "warning"
    rows.append([None, None])
    half = [["a", f"={n}+Z1"] for n in range(3)]
    assert ("A1", "range-short") not in said(book_of(rows[:8] + half, path, change))


def test_running_and_rolling_sums_are_not_short(path):
    rows = [[f"m{n}", n * 3, f"=SUM(B$1:B{n})", f"=SUM(B{n - 2}:B{n})" if n > 2 else None] for n in range(1, 13)]
    assert said(book_of(rows, path)) == {}


def test_a_year_in_the_heading_is_no_amount(path):
    rows = [
        ["", 2025, 2026, 2027],
        ["a", 5, 6, 9],
        ["b", 7, 4, 1],
        ["Total", "=SUM(B1:B3)", "=SUM(C2:C3)", "=SUM(D2:D3)"],
    ]
    assert said(book_of(rows, path))["B4", "heading-in-range"].severity == "error"


def test_a_blank_that_a_formula_asks_for_may_be_blank(path):
    rows = [["optional", None], ["x", 3], ["y", '=IF(B1="",B2,B1*B2)'], ["z", "=B1+B2"]]
    assert said(book_of(rows, path)) == {}
    rows[2][1] = "=B2"
    assert ("B4", "reference-to-blank") in said(book_of(rows, path))


def test_a_text_in_arithmetic(path):
    rows = [["x", "=B2*2"], ["y", "n/a"]]
    book_of(rows, path)
    assert said(path)["B1", "error-value"].severity == "error"


def test_white_space_in_arithmetic(path):
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for row, values in enumerate([[1, 2, " "], [4, "\u00a0", 6]]):
            sheet.write_row(row, 0, values)
        for column in "ABC":
            sheet.write_formula(f"{column}3", f"={column}1*2")  # what wrote it took them for nothing
        for row in (1, 2):
            sheet.write_formula(f"D{row}", f"=C{row}/2")
    found = [(f.cell, f.message) for f in CHECKS["reference-to-text"].run(Subject(path))]
    assert [m for _, m in found] == ["=C1*2 reads C1, the text ' '", "=C1/2 reads C1, the text ' '"]


def test_conversions_of_units_are_no_constants(path):
    rows = [["W", 700, "=B1/1000*8760*24/3600*1e6*12*365^2"], ["d", "=DATE(2026,5,31)", "=ROUND(B1*0.93,2)"]]
    found = said(book_of(rows, path))
    assert {k for k in found if k[1] == "constant-in-formula"} == {("C2", "constant-in-formula")}
    assert "0.93" in found["C2", "constant-in-formula"].message


def test_a_copied_constant_is_said_once(path):
    rows = [[f"r{n}", n, f"=B{n}*1.07"] for n in range(1, 9)]
    found = said(book_of(rows, path))
    assert list(found) == [("C1", "constant-in-formula")]
    assert "in 8 copies" in found["C1", "constant-in-formula"].message


def test_names(path):
    def change(wb):
        wb.defined_names["gone"] = DefinedName("gone", attr_text="#REF!")
        wb.defined_names["rate"] = DefinedName("rate", attr_text="S!$B$1")
        wb.defined_names["label"] = DefinedName("label", attr_text="S!$D$9")
        wb.defined_names["idle"] = DefinedName("idle", attr_text="#REF!")
        other = wb.create_sheet("T")
        other.defined_names["rate"] = DefinedName("rate", attr_text="S!$B$2")
        other["C3"] = "=rate*2"

    rows = [["a", 5], ["b", 7], ["c", "=IFERROR(gone,1)+rate"], ["d", "=label*2"]]
    found = said(book_of(rows, path, change))
    assert found["B3", "name-broken"].severity == "error"
    assert found["", "name-broken"].severity == "info"
    assert found["C3", "name-shadowed"].sheet == "T"
    assert found["B4", "name-no-figure"].severity == "warning"


def test_validations(path):
    def change(wb):
        ws = wb["S"]
        for kind, operator, one, two, where in (
            ("whole", "greaterThanOrEqual", "1", None, "B1"),
            ("decimal", "between", "$D$1", "$D$2", "B2:B3"),
            ("textLength", "lessThanOrEqual", "3", None, "B4"),
            ("list", None, "$E$1:$E$3", None, "B5:B6"),
            ("date", "greaterThan", "40000", None, "B7"),
            ("custom", None, "B8>1", None, "B8"),
            ("decimal", "lessThan", "D1", None, "B9:B10"),
        ):
            rule = DataValidation(type=kind, operator=operator, formula1=one, formula2=two)
            rule.add(where)
            ws.add_data_validation(rule)

    rows = [
        ["whole", 1.5, None, 0, "x"], ["low", -1, None, 1, "y"], ["in", 1, None, None, "z"], ["long", "four"],
        ["list", "w"], ["list", "Z"], ["date", dt.date(2001, 1, 1)], ["custom", 0], ["relative", -1], ["relative", 5],
    ]  # fmt: skip
    found = {c for c, check in said(book_of(rows, path, change)) if check == "validation-violated"}
    assert found == {"B1", "B2", "B4", "B5", "B7", "B10"}


def test_what_a_format_hides(path):
    def change(wb):
        ws = wb["S"]
        ws["B1"].number_format = ";;;"
        ws["B2"].font, ws["B2"].fill = Font(color="DDDDDD"), PatternFill("solid", start_color="DDDDDD")
        ws["B3"].number_format, ws["B4"].number_format, ws["B5"].number_format = "0", "#,##0,", '0.0"%"'

    rows = [["a", 1.5], ["b", 2], ["c", 2.45], ["d", 1_450_000], ["e", 3.04], ["f", 9.5], ["sum", "=SUM(B1:B6)"]]
    found = said(book_of(rows, path, change))
    assert found["B1", "format-hides-number"].severity == found["B2", "format-hides-number"].severity == "warning"
    assert "shows as 2 " in found["B3", "digits-hidden"].message
    assert {c for c, check in found if check == "digits-hidden"} == {"B3", "B5"}


def test_an_input_that_nobody_reads(path):
    rows = [["Year", 2025, 2026, 2027], ["a", 5], ["b", 7], ["c", 9], ["d", "=B2*B4"], ["e", 11]]
    found = said(book_of(rows, path))
    assert {c for c, check in found if check == "unused-input"} == {"B3", "B6"}
    assert {f.severity for f in found.values()} == {"info"}


def changed(path, part, change):
    out = path.with_name("changed.xlsx")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            new.writestr(info.filename, change(data.decode()).encode() if info.filename == part else data)
    return out


def test_a_stale_value_is_said_where_it_begins(path):
    rows = [["a", 5], ["b", "=B1*2"], ["c", "=B2+1"], ["d", "=B3*B2"]]
    book_of(rows, path)
    stale = changed(path, "xl/worksheets/sheet1.xml", lambda t: t.replace("<v>11</v>", "<v>12</v>"))
    assert [f.cell for f in findings(stale) if f.check == "stored-value"] == ["B3"]
    for old, new in (("10", "20"), ("11", "21"), ("110", "420")):
        stale = changed(
            stale.replace(path),
            "xl/worksheets/sheet1.xml",
            lambda t, o=old, n=new: t.replace(f"<v>{o}</v>", f"<v>{n}</v>"),
        )
    [found] = [f for f in findings(stale) if f.check == "stored-value"]
    assert found.cell == "B2"
    assert found.expected == 10


def test_zeros_beside_every_formula_were_never_computed(path):
    book_of([["a", 5], ["b", "=B1*2"], ["c", "=B2+1"], ["d", "=B3*B2"]], path)
    zeros = changed(path, "xl/worksheets/sheet1.xml", lambda t: re.sub(r"(</f>)<v>[^<]*</v>", r"\1<v>0</v>", t))
    assert [(f.check, f.severity) for f in findings(zeros)] == [("never-computed", "warning")]
    none = changed(zeros.replace(path), "xl/worksheets/sheet1.xml", lambda t: t.replace("</f><v>0</v>", "</f>"))
    assert [(f.check, f.severity) for f in findings(none)] == [("never-computed", "info")]


def test_a_circle_is_said_once_with_its_cells(path):
    book_of([["a", 5], ["b", "=B1+B4"], ["c", "=B2+1"], ["d", "=SUM(B2:B3)"], ["e", "=B4*2"], ["self", "=B6"]], path)
    circles = {f.cell: f.message for f in findings(path) if f.check == "circular-reference"}
    assert set(circles) == {"B2", "B6"}
    assert "through B3, B4" in circles["B2"]


def test_settings(path):
    book_of([["a", 5], ["b", "=B1*2"]], path)

    def change(text):
        text = re.sub(r"<calcPr[^>]*/>", '<calcPr calcMode="manual" fullPrecision="0"/>', text)
        return re.sub(r"<workbookPr[^>]*/>", '<workbookPr date1904="1"/>', text)

    found = {f.check: f.severity for f in findings(changed(path, "xl/workbook.xml", change))}
    assert found == {"manual-calculation": "warning", "precision-as-displayed": "error", "dates-from-1904": "info"}


def test_hidden_figures(path):
    def change(wb):
        wb.create_sheet("H")["A1"] = 3
        wb["H"].sheet_state = "veryHidden"
        wb["S"].row_dimensions[1].hidden = True

    found = said(book_of([["a", 5], ["b", "=B1*H!A1"]], path, change))
    assert {k[1]: f.severity for k, f in found.items()} == {"hidden-precedent": "warning", "hidden-sheet": "warning"}
    assert {f.sheet for f in found.values()} == {"S", "H"}


def test_links_and_what_hides_an_error(path):
    rows = [
        ["a", 5],
        ["b", "=[1]Sheet1!A1*B1"],
        ["c", "=IFERROR(#REF!+B1,0)"],
        ["d", '=cmd|"/c calc"!A0'],
        ["e", "=NA()"],
    ]
    wb = openpyxl.Workbook()
    wb.active.title = "S"
    fill(wb.active, rows)
    wb.save(path)
    found = said(path)
    assert found["B2", "external-link"].severity == "warning"
    assert found["B3", "reference-lost"].severity == "error"
    assert found["B3", "error-masked"].severity == "warning"
    assert found["B4", "dde-link"].severity == "error"


def test_every_check_says_what_it_means_and_what_to_do():
    for check in CHECKS.values():
        assert check.meaning
        assert check.remedy
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", check.id)
        assert check.run.__doc__
