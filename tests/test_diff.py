"""What differs between two workbooks: by key and name, whatever rows and columns were inserted."""

import base64
import hashlib
import json
import re
import shutil

import openpyxl
import pytest
import rich
from test_edited import built, edited, run

from xl_econ.workbook.parts import Parts
from xl_econ.workbook.patch import patch
from xl_econ.workbook.references import pieces, shape


def changed(path, edit, name="c.xlsx"):
    """A workbook that openpyxl saved after an edit."""
    book = openpyxl.load_workbook(path)
    edit(book)
    book.save(path.with_name(name))
    return path.with_name(name)


def found(a, b, capsys, *options):
    code, printed, err = run(["diff", a, b, "--json", *options], capsys)
    assert err == ""
    report = json.loads(printed)
    assert code == (1 if report["different"] else 0)
    return [(f["group"], f["name"], f["old"], f["new"]) for f in report["findings"]]


def test_equal_workbooks(tmp_path, capsys):
    path = built(tmp_path / "a.xlsx")
    assert found(path, shutil.copy(path, tmp_path / "b.xlsx"), capsys) == []
    assert run(["diff", path, path], capsys) == (0, "no difference\n", "")


def test_inputs_results_and_tables(tmp_path, capsys):
    path = built(tmp_path / "a.xlsx")
    other = tmp_path / "b.xlsx"
    assert run(["fill", path, "--set", "Low.mfu=0.3", "--set", "case=low", "--set", "owner=<b>", "-o", other], capsys)
    patch(Parts(other), other, {("Accelerators", "C7"): 1234.0})
    report = found(path, other, capsys)
    assert ("case", "case", "Base", "Low") in report
    assert ("inputs", "Low.mfu", 0.43, 0.3) in report
    assert [f[3] for f in report if f[:2] == ("texts", "owner")] == ["<b>"]
    [table] = [f for f in report if f[0] == "tables"]
    assert table[1].startswith("Accelerators[")
    assert table[3] == 1234
    groups = {f[0] for f in report}
    assert groups == {"case", "inputs", "results", "tables", "texts", "computed"}
    results = {f[1] for f in report if f[0] == "results"}
    assert {"run_usd (Live)", "run_usd (Low)"} <= results
    assert not any("(High)" in name for name in results)
    page = tmp_path / "x.html"
    code, printed, _ = run(["diff", path, other, "--html", page], capsys)
    assert code == 1
    assert "  Low.mfu     0.43" in printed
    text = page.read_text()
    assert "&lt;b&gt;" in text
    assert "<b>" not in text
    # The page allows its own style and nothing else.
    style = re.search("<style>(.*)</style>", text, re.S)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in text
    assert not re.search(r"\b(?:src|href)=\"(?!#)|\bstyle=|url\(|@import", text)
    assert "<script" not in page.read_text()
    assert run(["diff", path, other, "--html", page], capsys)[0] == 2, "it is there"
    nowhere = tmp_path / "none" / "x.html"
    code, _, err = run(["diff", path, other, "--html", nowhere], capsys)
    assert (code, err) == (4, f"xl-econ: {nowhere}: cannot be written: No such file or directory\n")


def test_formulas_and_looks_after_inserted_rows(tmp_path, capsys):
    path = built(tmp_path / "a.xlsx")

    def edit(book):
        book["Calculation"]["F8"] = "=F7*2"
        book["Calculation"]["E9"].number_format = "0.000"
        book["Glossary"].insert_rows(3)
        book["Glossary"]["B3"] = "A line of mine"
        book["Changelog"].title = "History"
        book.create_sheet("Mine")["A1"] = 1

    report = found(path, changed(path, edit), capsys)
    assert ("formulas", "train_flop (Low)", "=F7*(Inputs!F11*Inputs!$D$47)", "=F7*2") in report
    assert ("rows", "Glossary row 3", None, "A line of mine") in report
    assert ("sheets", "renamed", "Changelog", "History") in report
    assert ("sheets", "added", None, "Mine") in report
    assert ("formatting", "Calculation", None, 1) in report
    assert len(report) == 5
    assert not [f for f in found(path, path.with_name("c.xlsx"), capsys, "--ignore-formatting") if f[0] == "formatting"]


@pytest.mark.libreoffice
def test_what_libreoffice_saves_is_the_same(tmp_path, capsys):
    path = built(tmp_path / "a.xlsx")
    assert found(path, rich.by_libreoffice(path), capsys) == []
    report = found(path, edited(path, tmp_path), capsys)
    assert report == [
        ("sheets", "renamed", "Cover", "Deckblatt"),
        ("sheets", "renamed", "Inputs", "Annahmen & Co's"),
        ("sheets", "renamed", "Checks", "Prüfung"),
        ("sheets", "added", None, "Notes"),
    ]


def book_of(path, rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_workbooks_of_other_people(tmp_path, capsys):
    rows = [["Item", "Price", "Count", "Sum"], *[[f"item {n}", n * 1.5, n, f"=B{n}*C{n}"] for n in range(2, 40)]]
    rows.append(["Total", None, None, "=SUM(D2:D39)"])
    path = book_of(tmp_path / "a.xlsx", rows)
    more = [list(r) for r in rows]
    more.insert(20, ["new", 1.0, 2, "=B21*C21"])
    for n in range(21, len(more) - 1):
        more[n][3] = f"=B{n + 1}*C{n + 1}"
    more[-1][3] = "=SUM(D2:D40)"
    more[4][1] = 99.0
    assert found(path, book_of(tmp_path / "b.xlsx", more), capsys) == [
        ("values", "item 5 (Price)", 7.5, 99),
        ("rows", "Sheet row 21", None, "new | 1.0 | 2.0 | =B21*C21"),
    ]
    wider = [[r[0], "note", *r[1:3], (r[3] or "").replace("C", "D").replace("B", "C")] for r in rows]
    wider[0][1], wider[0][4], wider[-1][4] = "Note", "Sum", "=SUM(E2:E39)"
    assert found(path, book_of(tmp_path / "b.xlsx", wider), capsys) == [
        ("columns", "Sheet column B", None, "Note (40 values)")
    ]


@pytest.mark.libreoffice
def test_a_rich_workbook_that_libreoffice_saved(tmp_path, capsys):
    path = rich.rich(tmp_path / "a.xlsx")
    assert found(path, rich.by_libreoffice(path), capsys, "--ignore-formatting") == []


def test_what_cannot_be_read(tmp_path, capsys):
    path = book_of(tmp_path / "a.xlsx", [[1]])
    (tmp_path / "b.xlsx").write_text("no workbook")
    code, _, err = run(["diff", path, tmp_path / "b.xlsx"], capsys)
    assert (code, err) == (4, f"xl-econ: {tmp_path / 'b.xlsx'}: not an .xlsx workbook\n")
    assert run(["diff", tmp_path / "none.xlsx", path], capsys)[0] == 4


def test_spellings_of_one_formula():
    assert pieces("sum( $A$1:B2 )*1E3 + TRUE()") == pieces("SUM(A1:B2)*1000+TRUE")
    assert shape("IF('My ''sheet'!A1=\"A1\",T[[#Data],[x]],LOG10(B2))") == '=IF(@="A1",T[[#Data],[x]],LOG10(@))'


def with_table(path, formula, first=2, names=()):
    """A workbook with an Excel Table below some rows, and formulas beside it."""
    book = openpyxl.Workbook()
    sheet = book.active
    for row, line in enumerate([["Item", "Price", "Count"], ["a", 1, 2], ["b", 3, 4]], first):
        for column, value in enumerate(line, 1):
            sheet.cell(row, column).value = value
        sheet.cell(row, 5).value = formula if row > first else "Sum"
    sheet.add_table(openpyxl.worksheet.table.Table(displayName="T", ref=f"A{first}:C{first + 2}"))
    for name, text in names:
        book.defined_names[name] = openpyxl.workbook.defined_name.DefinedName(name, attr_text=text)
    book.save(path)
    return path


@pytest.mark.parametrize(
    ("structured", "area", "equal"),
    [
        ("SUM(T[Price])", "SUM(B4:B5)", True),
        ("SUM(T[[#All],[Price]])", "SUM(B3:B5)", True),
        ("SUM(T[[#Data],[Price]:[Count]])", "SUM(B4:C5)", True),
        ("COUNTA(T[#Headers])", "COUNTA(A3:C3)", True),
        ("COUNTA(T[[#Headers],[Count]])", "COUNTA(C3)", True),
        ("SUM(T[Price])", "SUM(B4:B4)", False),
        ("SUM(T[Nothing])", "SUM(B4:B5)", False),
        ("SUM(U[Price])", "SUM(B4:B5)", False),
        ("SUM(T[[#Totals],[Price]])", "SUM(B6:B6)", False),
    ],
)
def test_a_structured_reference_is_the_area_that_it_means(structured, area, equal, tmp_path, capsys):
    a = with_table(tmp_path / "a.xlsx", f"={structured}")
    b = with_table(tmp_path / "b.xlsx", f"={area}", first=3)
    formulas = [f for f in found(a, b, capsys) if f[0] == "formulas"]
    assert (not formulas) is equal


def test_names_are_compared_by_what_they_say(tmp_path, capsys):
    names = [("cell", "Sheet!$B$3"), ("both", "Sheet!$B$3,Sheet!$C$4"), ("f", "LAMBDA(x,x*2)"), ("gone", "Sheet!$A$1")]
    moved = [("cell", "Sheet!$B$4"), ("both", "Sheet!$B$4,Sheet!$C$5"), ("f", "LAMBDA(x,x*3)")]
    a = with_table(tmp_path / "a.xlsx", 1, names=names)
    b = with_table(tmp_path / "b.xlsx", 1, first=3, names=moved)
    assert [f[1:] for f in found(a, b, capsys) if f[0] == "names"] == [
        ("f", "LAMBDA(x,x*2)", "LAMBDA(x,x*3)"),
        ("gone", "Sheet!$A$1", None),
    ]


def test_a_formula_that_reads_a_row_that_took_the_place_of_another(tmp_path, capsys):
    """The address is the same and the row is not."""
    rows = [["Item", "Price", "Note"], ["first", 1.5, "a"], ["second", 7.5, "b"], ["sum", "=B2+B3", "c"]]
    other = [*rows[:2], ["quite", 99.5, "different"], rows[3]]
    a, b = book_of(tmp_path / "a.xlsx", rows), book_of(tmp_path / "b.xlsx", other)
    assert "rows" in {f[0] for f in found(a, b, capsys)}
    assert ("formulas", "sum (Price)", "=B2+B3", "=B2+B3") in found(a, b, capsys)


def test_unrelated_workbooks(tmp_path, capsys):
    a = book_of(tmp_path / "a.xlsx", [["Some", "thing", "else"], [1, 2, 3]])
    report = found(a, built(tmp_path / "b.xlsx"), capsys)
    assert ("sheets", "removed", "Sheet", None) in report
    assert [f[3] for f in report if f[:2] == ("sheets", "added")][:2] == ["Cover", "Inputs"], "in the workbook's order"
