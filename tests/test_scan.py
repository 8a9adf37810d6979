"""The model of a workbook's cells: what openpyxl reads, read in one go and by either of two ways."""

import datetime as dt
import re
import zipfile
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from xl_econ.core.errors import WorkbookError
from xl_econ.workbook import sheet_reader
from xl_econ.workbook.relative import placed, relative, shifted
from xl_econ.workbook.scan import scan
from xl_econ.workbook.sheet_reader import area

ROOT = Path(__file__).parents[1]
BOOKS = sorted([*(ROOT / "templates").glob("*.xlsx"), *(ROOT / "workbooks").rglob("*.xlsx")])


def told(path):
    """Every cell as openpyxl tells it: formula or value, what is stored, colour, number format, style."""
    texts, values = openpyxl.load_workbook(path), openpyxl.load_workbook(path, data_only=True)
    for ws in texts.worksheets:
        for row in ws.iter_rows():
            for c in row:
                if c.value is not None:
                    formula = str(getattr(c.value, "text", c.value)) if c.data_type == "f" else ""
                    shown = values[ws.title][c.coordinate].value
                    yield ws.title, c.coordinate, formula, number(shown), c.number_format, c.style


def number(value):
    if isinstance(value, dt.datetime):
        return float((value - dt.datetime(1899, 12, 30)).days)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def seen(path):
    for _, c in scan(path).cells():
        shown = None if c.formula and c.shown == "" else c.shown
        yield c.sheet, c.at, c.formula, shown, c.format, c.style


@pytest.mark.parametrize("path", BOOKS, ids=lambda p: p.stem)
def test_every_workbook_as_openpyxl_reads_it(path):
    assert set(seen(path)) == {(*a[:3], None if a[2] and a[3] == "" else a[3], *a[4:]) for a in told(path)}


NOTHING_IS_PLAIN = re.compile(r"(?:()()()()()()()()){0}(.)")


@pytest.mark.parametrize("path", BOOKS[:3], ids=lambda p: p.stem)
def test_both_ways_read_the_same(path, monkeypatch):
    fast = scan(path)
    monkeypatch.setattr(sheet_reader, "_PLAIN", NOTHING_IS_PLAIN)
    slow = scan(path)
    assert fast == slow


@pytest.mark.parametrize(
    "text", ["a & b < c", " kept ", "_x0041_ and _x005F_", "two\nlines", "cr\rlf\r\n", "\u20ac \u2028 \U0001f4a1", ""]
)
def test_texts_in_cells_read_the_same_both_ways(text, tmp_path, monkeypatch):
    path = tmp_path / "inline.xlsx"
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_string("A1", text)
        sheet.write_formula("B1", "=A1&1", None, "x")
        sheet.write_number("C1", 2)
    fast = scan(path)
    monkeypatch.setattr(sheet_reader, "_PLAIN", NOTHING_IS_PLAIN)
    assert fast == scan(path)
    assert fast.sheets["Sheet1"].text(1, 3) == "2"
    held = fast.sheets["Sheet1"].at(1, 1)
    assert (held.shown if held else "") == text


FORMS = """<?xml version="1.0"?><x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
<x:cols><x:col min="3" max="3" hidden="1"/></x:cols><x:sheetData>
<x:row><x:c><x:v>1</x:v></x:c><!-- a comment --><x:c t="inlineStr"><x:is><x:r><x:t>in</x:t></x:r><x:rPh sb="0" eb="1">
<x:t>hint</x:t></x:rPh><x:r><x:t>line &amp; _x0041_</x:t></x:r></x:is></x:c><x:c t="b"><x:v>1</x:v></x:c>
<x:c t="e"><x:v>#N/A</x:v></x:c></x:row>
<x:row r="4" hidden="1"><x:c r="B4"><x:f t="shared" si="0" ref="B4:B5">A4*$A$1</x:f><x:v>2</x:v></x:c></x:row>
<x:row r="5"><x:c r="B5"><x:f t="shared" si="0"/><x:v>3</x:v></x:c>
<x:c r="D5" t="str"><x:f t="array" ref="D5:E5"><![CDATA[A1:B1&"<"]]></x:f><x:v>1&lt;</x:v></x:c>
<x:c r="E5" t="str"><x:v>x&lt;</x:v></x:c></x:row>
</x:sheetData><x:mergeCells><x:mergeCell ref="A8:B9"/></x:mergeCells>
<x:dataValidations><x:dataValidation type="decimal" operator="between" sqref="A1 A3:A4"><x:formula1>0</x:formula1>
<x:formula2>1</x:formula2></x:dataValidation></x:dataValidations></x:worksheet>"""


@pytest.fixture
def plain(tmp_path):
    path = tmp_path / "b.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("S")
    sheet.write("A1", 1)
    book.add_worksheet("T").hide()
    book.define_name("rate", "=S!$A$1")
    book.define_name("T!local", "=S!$A$1")
    book.close()
    return path


def with_parts(path, **changed):
    """The same workbook with other parts: name=(part, text)."""
    out = path.with_name("changed.xlsx")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            for part, change in changed.values():
                if info.filename == part:
                    data = change(data.decode()).encode()
            new.writestr(info.filename, data)
    return out


def test_any_form_of_the_format(plain):
    book = scan(with_parts(plain, sheet=("xl/worksheets/sheet1.xml", lambda _: FORMS)))
    sheet = book.sheets["S"]
    shown = {c.at: c.shown for c in sheet.cells.values()}
    assert shown == {"A1": 1, "B1": "inline & A", "C1": True, "D1": "#N/A", "B4": 2, "B5": 3, "D5": "1<", "E5": "x<"}
    assert sheet.cells[1, 4].is_error
    assert sheet.cells[5, 2].formula == "=A5*$A$1"
    assert sheet.cells[4, 2].key == sheet.cells[5, 2].key == "=RC[-1]*R1C1"
    assert sheet.cells[5, 4].formula == '=A1:B1&"<"'
    assert sheet.cells[5, 5].spilled
    assert not sheet.cells[5, 4].spilled
    assert [c.at for c in sheet.cells.values() if c.hidden] == ["C1", "B4"]
    assert sheet.merged == [("A8:B9", (8, 9, 1, 2))]
    [rule] = sheet.validations
    assert (rule.kind, rule.first, rule.second, rule.areas) == ("decimal", "0", "1", ((1, 1, 1, 1), (3, 4, 1, 1)))
    assert book.sheets["T"].state == "hidden"
    assert book.names == {"rate": "S!$A$1"}
    assert book.sheets["T"].names == {"local": "S!$A$1"}


def test_settings(plain):
    def change(text):
        text = re.sub(r"<calcPr[^>]*/>", '<calcPr calcMode="manual" iterate="1" fullPrecision="0"/>', text)
        return re.sub(r"<workbookPr[^>]*/>", '<workbookPr date1904="1"/>', text)

    settings = scan(with_parts(plain, book=("xl/workbook.xml", change))).settings
    assert (settings.mode, settings.iterates, settings.as_displayed, settings.from_1904) == ("manual", True, True, True)
    assert settings.application == "Microsoft Excel"


def broken(text, old, new):
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: broken(t, "</sheetData>", ""), "malformed"),
        (lambda t: '<!DOCTYPE a [<!ENTITY b "c">]>' + t[t.index("?>") + 2 :], "document type"),
        (lambda t: broken(t, 'r="A1"', 'r="AAAA1"'), "has a cell at 'AAAA1'"),
        (lambda t: broken(t, 'r="A1"', 'r="ZZZ9999999"'), "beyond the sheet"),
        (lambda t: broken(t, "<v>1</v>", "<v>one</v>"), "not written as the format demands"),
    ],
)
def test_what_is_no_worksheet_is_refused(plain, change, says):
    path = with_parts(plain, sheet=("xl/worksheets/sheet1.xml", change))
    with pytest.raises(WorkbookError, match=says) as e:
        scan(path)
    assert "\n" not in str(e.value)


def test_a_shared_text_that_is_not_there_is_nothing(plain):
    def change(text):
        return broken(text, '<c r="A1"', '<c r="A1" t="s"')

    assert scan(with_parts(plain, sheet=("xl/worksheets/sheet1.xml", change))).sheets["S"].cells == {}


@pytest.mark.parametrize(
    ("formula", "key"),
    [
        ("=A1*B$2+SUM($C3:D$4)", "=R[-4]C[-4]*R2C[-3]+SUM(R[-2]C3:R4C[-1])"),
        ("='R2 C3'!A1&\"A1\"&Prices[[#This Row],[A1]]", "='R2 C3'!R[-4]C[-4]&\"A1\"&Prices[[#This Row],[A1]]"),
        ("=SUM(A:$B)+SUM(1:$3)", "=SUM(C[-4]:C2)+SUM(R[-4]:R3)"),
        ("=LOG10(E5)+TRAIN_COST(E5,F6)", "=LOG10(RC)+TRAIN_COST(RC,R[1]C[1])"),
        ("=rate*x_1+_xlfn.STDEV.S(A1:A2)", "=rate*x_1+_xlfn.STDEV.S(R[-4]C[-4]:R[-3]C[-4])"),
    ],
)
def test_formulas_in_r1c1(formula, key):
    assert relative(formula, 5, 5) == key
    assert placed(key, 5, 5) in (formula, "")
    assert relative(shifted(formula, 2, 1), 7, 6) == key


def test_a_copy_beyond_the_sheet_has_lost_its_reference():
    assert shifted("=A1+$A$1", -1, 0) == "=#REF!+$A$1"
    assert placed("=R[-9]C[-9]", 5, 5) != "=#REF!"


def test_areas():
    assert area("$B$2:D9") == (2, 9, 2, 4)
    assert area("A:C") == (1, 1_048_576, 1, 3)
    assert area("3:4") == (3, 4, 1, 16_384)
    with pytest.raises(ValueError, match="no area"):
        area("Prices")
