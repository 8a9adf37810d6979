"""Patching a workbook that somebody else made: the given cells differ, and not a byte besides."""

import math
import os
import re
import zipfile

import openpyxl
import pytest
import rich
from rich import MAIN

from xl_econ import cli
from xl_econ.core.errors import WorkbookError
from xl_econ.workbook import patch as patching
from xl_econ.workbook import refresh
from xl_econ.workbook.package import rewrite
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.patch import patch

# openpyxl, which reads the results here, says what it would not keep.
pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported.*:UserWarning")
SHEET = "In & out"
LIBREOFFICE = pytest.param("libreoffice", marks=pytest.mark.libreoffice)
KINDS = ["xlsx", "xlsm", "openpyxl", "openpyxl-xlsm", LIBREOFFICE]


def made(kind, folder):
    path = rich.rich(folder / ("b.xlsm" if "xlsm" in kind else "b.xlsx"))
    if kind == "libreoffice":
        return rich.by_libreoffice(path)
    return rich.by_openpyxl(path) if "openpyxl" in kind else path


def contents(path):
    with zipfile.ZipFile(path) as package:
        return {i.filename: (i.date_time, i.external_attr, package.read(i)) for i in package.infolist()}


def cells(xml):
    """The elements of cells by address, and everything around them."""
    pattern = re.compile(r'<c r="(\w+)"[^>]*?(?:/>|>.*?</c>)', re.S)
    return {m[1]: m[0] for m in pattern.finditer(xml)}, pattern.sub("", xml)


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_given_cells_differ(kind, tmp_path):
    path = made(kind, tmp_path)
    before, book = contents(path), Parts(path)
    values = {(SHEET, "A2"): 4.25, (SHEET, "B2"): None, (SHEET, "D7"): "=1+1", (SHEET, "A1"): "@new <text> & more"}
    results = {(SHEET, "A3"): 4.25, (SHEET, "B3"): "n: 4.25", (SHEET, "C3"): False, (SHEET, "A5"): "#N/A"}
    results |= {(SHEET, "E3"): 4.25, (SHEET, "E4"): 8.5}
    patch(book, path, values, results)
    after = contents(path)
    part = book.parts[SHEET]
    assert list(after) == list(before)
    assert {n for n in after if after[n] != before[n]} == {part}
    assert after[part][:2] == before[part][:2]
    old, around_old = cells(before[part][2].decode())
    new, around_new = cells(after[part][2].decode())
    assert around_old == around_new
    assert list(old) == list(new)
    assert {c for c in old if old[c] != new[c]} == {c for _, c in {**values, **results}}
    for c in old:
        assert re.findall(r' s="\d+"', old[c]) == re.findall(r' s="\d+"', new[c])
        assert re.findall(r"<f.*?</f>", old[c]) == re.findall(r"<f.*?</f>", new[c])
    read = openpyxl.load_workbook(path, data_only=True)[SHEET]
    expected = {"A2": 4.25, "B2": None, "D7": "=1+1", "A1": "@new <text> & more", "A3": 4.25, "B3": "n: 4.25"}
    expected |= {"C3": False, "A5": "#N/A", "E4": 8.5, "C2": True}
    assert {c: read[c].value for c in expected} == expected
    texts = openpyxl.load_workbook(path)[SHEET]
    assert (texts["D7"].data_type, texts["A3"].value) == ("s", "=SUM(A2:B2)")
    again = Parts(path)
    assert {at: again.value(*at) for at in values} == values
    assert {at: again.value(*at) for at in results} == results


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_to_change_changes_nothing(kind, tmp_path):
    path = made(kind, tmp_path)
    before = path.read_bytes()
    patch(Parts(path), path, {}, {})
    assert path.read_bytes() == before
    patch(Parts(path), tmp_path / f"copy{path.suffix}", {})
    assert contents(tmp_path / f"copy{path.suffix}") == contents(path)
    assert openpyxl.load_workbook(tmp_path / f"copy{path.suffix}")[SHEET]["A2"].value == 1


ODD = f"""<?xml version='1.0' encoding='UTF-8' standalone='yes'?>
<!-- <x:sheetData><x:row r="1"><x:c r="A1"/></x:row></x:sheetData> -->
<x:worksheet note='a > b' xmlns:r="{rich.OFFICE}" xmlns:x="{MAIN}"><x:cols><x:col min="1" max="2"/></x:cols>
<x:sheetData >
 <x:row><x:c><x:v>1</x:v></x:c><x:c t='str'><x:f><![CDATA[A1&"</x:c>"]]></x:f><x:v>1&lt;/x:c&gt;</x:v></x:c></x:row>
 <x:row spans="1:9" r="3" /><x:row r='5' ht="30"><x:c s="0" r="B5"/><!-- <x:c r="C5"/> --><x:c r = "D5" t = "n"
 ><x:v>5</x:v></x:c><x:c><x:f t="shared" ref="E5:E6" si="0">D5*2</x:f><x:v>10</x:v></x:c></x:row>
 <x:row><x:c r="E6"><x:f t="shared" si="0"/><x:v>0</x:v></x:c></x:row>
</x:sheetData><x:pageMargins left="1" right="1" top="1" bottom="1" header="1" footer="1"/></x:worksheet>"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_xml_as_other_programs_write_it(encoding, tmp_path):
    """A prefix, no addresses, rows without cells, CDATA, comments, quotes and blanks of every kind, shared formulas."""
    xml = ODD.replace("UTF-8", encoding)
    path = rich.by_hand(tmp_path / "b.xlsx", xml, encoding)
    book = Parts(path)
    assert [book.value("S", c) for c in ("A1", "B1", "B5", "D5", "E5", "C5")] == [1, "1</x:c>", None, 5, 10, None]
    assert (book.formula("S", "B1"), book.formula("S", "E6")) == ('A1&"</x:c>"', "")
    values = {"A1": 2.0, "B3": "δ" if encoding != "iso-8859-1" else "é", "A4": 4.0, "A5": "a", "C5": True, "D5": 6.0}
    results = {"E5": 12.0, "E6": 0.5, "B1": "2"}
    at = {("S", c): v for c, v in values.items()} | {("S", "G9"): 1e-7, ("S", "XFD1048576"): "last"}
    patch(book, path, at, {("S", c): v for c, v in results.items()})
    again = Parts(path)
    assert {c: again.value(*c) for c in at} == at
    assert {c: again.value("S", c) for c in results} == results
    with zipfile.ZipFile(path) as package:
        text = package.read("xl/worksheets/sheet1.xml").decode(encoding)
        assert package.comment == b"a comment of the package"
    start, end = xml.index("<x:sheetData >"), xml.index("</x:sheetData><x:page")
    assert text.startswith(xml[: start + len("<x:sheetData >")])
    assert text.endswith(xml[end:])
    assert '<x:row spans="1:9" r="3"><x:c r="B3"' in text
    assert '<!-- <x:c r="C5"/> -->' in text
    assert '<x:f t="shared" si="0"/><x:v>0.5</x:v>' in text
    assert text.count("<x:f") == 3
    if encoding == "utf-8":
        read = openpyxl.load_workbook(path, data_only=True)["S"]
        assert [read[c].value for c in ("A1", "B1", "C5", "E6", "G9", "XFD1048576")] == [
            2,
            "2",
            True,
            0.5,
            1e-7,
            "last",
        ]


def test_an_empty_sheet(tmp_path):
    path = rich.by_hand(tmp_path / "b.xlsx", f'<worksheet xmlns="{MAIN}"><sheetData/></worksheet>')
    patch(Parts(path), path, {("S", "B2"): 1, ("S", "A1"): "x", ("S", "C9"): None})
    read = openpyxl.load_workbook(path)["S"]
    assert (read["A1"].value, read["B2"].value, read.max_row) == ("x", 1, 2)


NUMBERS = [0.1 + 0.2, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, 123456789012345680.0, 405.0, 1e22]
TEXTS = [
    "=A1",
    "+1",
    "-1",
    "@SUM(A1)",
    " a ",
    "a\nb\tc",
    "_x0041_",
    "_x000D_",
    "]]>&<\"'",
    "𝕏 é",
    "#N/A",
    "1",
    "x" * 32767,
]


def test_values_come_back_as_they_were(tmp_path):
    path = rich.rich(tmp_path / "b.xlsx")
    for start in (20, 20):
        values = {(SHEET, f"A{n}"): v for n, v in enumerate([*NUMBERS, *TEXTS, True, False], start)}
        patch(Parts(path), path, values)
        again = Parts(path)
        found = {at: again.value(*at) for at in values}
        assert found == values
        assert [type(v) for v in found.values()] == [type(v) for v in values.values()]
    read = openpyxl.load_workbook(path)[SHEET]
    assert [read[f"A{20 + n}"].value for n in range(len(NUMBERS))] == NUMBERS
    assert {read[f"A{20 + len(NUMBERS) + n}"].data_type for n in range(len(TEXTS))} == {"s"}


@pytest.mark.parametrize(
    ("cell", "value", "text"),
    [
        ("A2", math.nan, "In & out!A2 = nan: a cell holds no such number"),
        ("A2", -math.inf, "In & out!A2 = -inf: a cell holds no such number"),
        ("A2", "x" * 32_768, "In & out!A2: 32,768 characters; a cell holds 32,767"),
        ("A2", "bell \x07", "In & out!A2: holds '\\x07', which is a control character"),
        ("A2", "\ud800", r"holds '\ud800', which is no character"),
        ("A3", 1.0, "In & out!A3 holds a formula, which is not replaced by a value"),
        ("E4", 1.0, "In & out!E4 is filled by the formula in E3"),
        ("A0", 1.0, "'A0' is no cell"),
        ("XFE1", 1.0, "has no cell in row 1, column 16385"),
        ("A1048577", 1.0, "has no cell in row 1048577"),
    ],
)
def test_what_is_refused(cell, value, text, tmp_path):
    path = rich.rich(tmp_path / "b.xlsx")
    before = path.read_bytes()
    with pytest.raises(WorkbookError, match=re.escape(text)):
        patch(Parts(path), path, {(SHEET, cell): value})
    with pytest.raises(WorkbookError, match="has no worksheet 'Nowhere'"):
        patch(Parts(path), path, {("Nowhere", "A1"): 1})
    assert path.read_bytes() == before
    assert not [p for p in tmp_path.iterdir() if p.suffix == ".tmp"]


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        (f'<!DOCTYPE x><worksheet xmlns="{MAIN}"><sheetData/></worksheet>', "declares a document type"),
        ('<worksheet xmlns="urn:other"><sheetData/></worksheet>', "is no worksheet of a workbook"),
        ('<x:worksheet xmlns="u"><x:sheetData/></x:worksheet>', "is no worksheet of a workbook"),
        (f'<worksheet xmlns="{MAIN}"><sheetData>', "its cells have no end"),
        (f'<worksheet xmlns="{MAIN}"></worksheet>', "its cells have no end"),
        (f'<worksheet xmlns="{MAIN}"><sheetData><c r="A1"/></sheetData></worksheet>', "stands outside a row"),
        (f'<worksheet xmlns="{MAIN}"><sheetData><row r="2"/><row r="1"/></sheetData></worksheet>', "not in order"),
        (f'<worksheet xmlns="{MAIN}"><sheetData><row r="2"><c r="A1"/></row></sheetData></worksheet>', "not in order"),
        (f'<worksheet xmlns="{MAIN}"><sheetData/>', "S: malformed"),
    ],
)
def test_sheets_that_are_refused(xml, text, tmp_path):
    path = rich.by_hand(tmp_path / "b.xlsx", xml)
    before = path.read_bytes()
    with pytest.raises(WorkbookError, match=text):
        patch(Parts(path), path, {("S", "B2"): 1})
    assert path.read_bytes() == before


def test_cells_that_hold_no_value(tmp_path):
    row = '<row><c t="s"><v>7</v></c><c><v>x</v></c><c t="inlineStr"/><c t="inlineStr"><is><r><t>a</t></r>'
    row += "<rPh><t>no</t></rPh><r><t/></r><r><t>b</t></r></is></c><c t='s'><v>0</v></c></row>"
    strings = f'<sst xmlns="{MAIN}"><si><t>one</t><rPh sb="0" eb="1"><t>no</t></rPh></si></sst>'
    xml = f'<worksheet xmlns="{MAIN}"><sheetData>{row}</sheetData></worksheet>'
    book = Parts(rich.by_hand(tmp_path / "b.xlsx", xml, strings=strings))
    for cell in ("A1", "B1"):
        with pytest.raises(WorkbookError, match=f"S: {cell} holds '[7x]', which is no value"):
            book.value("S", cell)
    assert [book.value("S", c) for c in ("C1", "D1", "E1", "Z9")] == [None, "ab", "one", None]


def test_packages_with_descriptors_and_wide_headers(tmp_path):
    """Programs that stream write sizes behind the data, and headers for sizes that they do not know yet."""
    path, streamed = rich.rich(tmp_path / "b.xlsx"), tmp_path / "s.xlsx"

    class Pipe:
        def __init__(self, f):
            self.f = f

        def write(self, data):
            return self.f.write(data)

        def flush(self):
            self.f.flush()

    with zipfile.ZipFile(path) as old, streamed.open("wb") as f, zipfile.ZipFile(Pipe(f), "w", 8) as new:
        for name in old.namelist():
            with new.open(zipfile.ZipInfo(name), "w", force_zip64=True) as part:
                part.write(old.read(name))
    with zipfile.ZipFile(streamed) as package:
        assert all(i.flag_bits & 8 for i in package.infolist())
    patch(Parts(streamed), streamed, {(SHEET, "A2"): 7})
    with zipfile.ZipFile(streamed) as new, zipfile.ZipFile(path) as old:
        assert new.testzip() is None
        changed = [n for n in old.namelist() if new.read(n) != old.read(n)]
    assert changed == ["xl/worksheets/sheet1.xml"]


def test_places_that_cannot_be_written(tmp_path, monkeypatch):
    path = rich.rich(tmp_path / "b.xlsx")
    before, book = path.read_bytes(), Parts(path)
    (tmp_path / "~$b.xlsx").write_bytes(b"")
    with pytest.raises(WorkbookError, match="open in another program"):
        patch(book, path, {(SHEET, "A2"): 7})
    (tmp_path / "~$b.xlsx").unlink()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(WorkbookError, match="is read-only"):
        patch(book, path, {(SHEET, "A2"): 7})
    monkeypatch.undo()

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(patching, "rewrite", full)
    with pytest.raises(WorkbookError, match="No space left on device"):
        patch(book, path, {(SHEET, "A2"): 7})
    monkeypatch.setattr(patching, "rewrite", lambda a, b, c: rewrite(a, b, dict.fromkeys(c, b"<x/>")))
    with pytest.raises(WorkbookError, match="was not copied as it is; nothing is written"):
        patch(book, path, {(SHEET, "A2"): 7})

    def and_saved(*args):
        rewrite(*args)
        os.utime(path, (1, 1))

    monkeypatch.setattr(patching, "rewrite", and_saved)
    with pytest.raises(WorkbookError, match="changed by another program meanwhile"):
        patch(book, path, {(SHEET, "A2"): 7})
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.xlsx", "p.png"]


def test_a_link_stays_a_link_and_a_mode_a_mode(tmp_path):
    path = rich.rich(tmp_path / "b.xlsx")
    path.chmod(0o640)
    (tmp_path / "link.xlsx").symlink_to(path)
    patch(Parts(tmp_path / "link.xlsx"), tmp_path / "link.xlsx", {(SHEET, "A2"): 7})
    assert (tmp_path / "link.xlsx").is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert Parts(path).value(SHEET, "A2") == 7


@pytest.mark.parametrize("kind", KINDS)
def test_fresh_results_beside_formulas(kind, tmp_path, capsys):
    path = made(kind, tmp_path)
    before = contents(path)
    patch(Parts(path), path, {(SHEET, "A2"): 3})
    assert cli.main(["recalc", str(path), "--write"]) == 0
    assert "results refreshed" in capsys.readouterr().out
    assert cli.main(["recalc", str(path)]) == 0
    read = openpyxl.load_workbook(path, data_only=True)
    assert [read[SHEET][c].value for c in ("A3", "B3", "C3", "A5", "E3", "E4", "E5")] == [
        5.5,
        "n: 5.5",
        True,
        0.5,
        3,
        6,
        9,
    ]
    assert read["Other"]["A1"].value == 11
    book = Parts(path)
    changed = {n for n, c in contents(path).items() if c != before[n]}
    assert changed == {book.parts[SHEET], book.parts["Other"]}
    stamp = path.stat().st_mtime_ns
    assert cli.main(["recalc", str(path), "--write", "--json"]) == 0
    assert path.stat().st_mtime_ns == stamp, "nothing is written where nothing is stale"
    assert cli.main(["recalc", str(path), "--write", "--engine", "libreoffice"]) == 2


UNKNOWN = (
    f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1"><v>2</v></c><c r="B1"><f>NOSUCH(A1)</f><v>5</v></c>'
    '<c r="C1"><f>IFERROR(B1,0)</f><v>5</v></c><c r="D1"><f>A1*2</f><v>4</v></c></row></sheetData></worksheet>'
)


def test_what_ironcalc_cannot_compute_is_kept_and_told(tmp_path, capsys):
    path = rich.by_hand(tmp_path / "b.xlsx", UNKNOWN)
    found = refresh.refresh(Parts(path), path, {("S", "A1"): 3})
    assert found.kept == [("S", "B1"), ("S", "C1")], "also the IFERROR that hides it"
    assert found.changes == {("S", "D1"): 6.0}
    book = Parts(path)
    assert [book.value("S", c) for c in ("A1", "B1", "C1", "D1")] == [3, 5, 5, 6]
    assert 'fullCalcOnLoad="1"' in book.read("xl/workbook.xml").decode()
    assert "</x:sheets><x:calcPr" in book.read("xl/workbook.xml").decode()
    assert cli.main(["recalc", str(path), "--write"]) == 0
    out = capsys.readouterr().out
    assert "1 results keep what was stored, because IronCalc cannot compute them: S!B1" in out
    assert 'fullCalcOnLoad="1"' in Parts(path).read("xl/workbook.xml").decode()


def test_computing_on_load_is_said_once(tmp_path):
    for calc in (
        '<calcPr calcId="1" fullCalcOnLoad="0"/>',
        '<calcPr calcId="1"/>',
        '<calcPr fullCalcOnLoad="true"/>',
        "",
    ):
        path = rich.by_hand(tmp_path / "b.xlsx", f'<worksheet xmlns="{MAIN}"><sheetData/></worksheet>')
        text = f'<workbook xmlns="{MAIN}" xmlns:r="{rich.OFFICE}"><sheets><sheet name="S" sheetId="1" r:id="r1"/>'
        rewrite(path, tmp_path / "c.xlsx", {"xl/workbook.xml": f"{text}</sheets>{calc}</workbook>".encode()})
        patch(Parts(tmp_path / "c.xlsx"), tmp_path / "c.xlsx", {}, compute_on_load=True)
        found = Parts(tmp_path / "c.xlsx").read("xl/workbook.xml").decode()
        assert re.findall(r'fullCalcOnLoad="(\w+)"', found) in (["1"], ["true"])
        assert openpyxl.load_workbook(tmp_path / "c.xlsx").calculation.fullCalcOnLoad


def test_parts_that_are_missing_or_damaged(tmp_path):
    path = rich.rich(tmp_path / "b.xlsx")
    book = Parts(path)
    with pytest.raises(WorkbookError, match=r"lacks xl/nothing\.xml"):
        book.read("xl/nothing.xml")
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as package:
        at = package.getinfo("xl/worksheets/sheet1.xml").header_offset
    data[at + 80 : at + 90] = b"\xff" * 10
    (tmp_path / "d.xlsx").write_bytes(data)
    with pytest.raises(WorkbookError, match=r"sheet1.xml (is damaged|cannot be read)"):
        Parts(tmp_path / "d.xlsx").value(SHEET, "A1")
    rewrite(path, tmp_path / "e.xlsx", {"xl/workbook.xml": b"<workbook"})
    with pytest.raises(WorkbookError, match="malformed"):
        Parts(tmp_path / "e.xlsx")
    assert Parts(path).column("T", "k") == [None, None]
    assert Parts(path).column("T", "nothing") == []
