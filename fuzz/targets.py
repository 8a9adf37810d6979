"""What the fuzzers call: each takes bytes, and raises where a promise breaks; a WorkbookError is an answer, no failure."""

from __future__ import annotations

import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.parsers import expat

from xl_econ.audit import checks as _checks  # noqa: F401  (they register themselves)
from xl_econ.audit.arguments import calls
from xl_econ.audit.registry import CHECKS
from xl_econ.audit.subject import Subject
from xl_econ.core.errors import WorkbookError
from xl_econ.lint import formula as lint_formula
from xl_econ.workbook import references as spelled
from xl_econ.workbook.cell import COLUMNS, ROWS, At
from xl_econ.workbook.graph import Graph, references
from xl_econ.workbook.package import rewrite
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.relative import placed, relative, shifted
from xl_econ.workbook.scan import scan
from xl_econ.workbook.sheet import SheetXml

SECONDS = 5.0  # an input of a few kilobytes takes milliseconds; more is a pattern that backtracks
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"


def _links(*kinds: tuple[str, str]) -> str:
    links = (
        f'<Relationship Id="r{n}" Type="{OFFICE}/{kind}" Target="{target}"/>' for n, (kind, target) in enumerate(kinds)
    )
    return f'<Relationships xmlns="{LINKS}">{"".join(links)}</Relationships>'


SHEET = f"""<worksheet xmlns="{MAIN}"><cols><col min="3" max="4" hidden="1"/></cols><sheetData><row r="1">\
<c r="A1" t="s"><v>0</v></c><c r="B1"><v>2.5</v></c><c r="C1" t="e"><f>A1/0</f><v>#DIV/0!</v></c></row><row r="2" ht="0">\
<c r="A2"><f t="shared" ref="A2:A4" si="0">SUM($B$1:B2)+rate</f><v>3</v></c></row><row r="3"><c r="A3"><f t="shared" si="0"/>\
<v>4</v></c><c r="B3" t="str"><f t="array" ref="B3:B4">VLOOKUP(A1,T[[k]:[v]],2,FALSE)</f><v>x</v></c></row></sheetData>\
<mergeCells><mergeCell ref="D1:E2"/></mergeCells><conditionalFormatting sqref="A1:A3 B1"><cfRule/></conditionalFormatting>\
<dataValidations><dataValidation type="decimal" sqref="B1"><formula1>0</formula1><formula2>9</formula2></dataValidation>\
</dataValidations></worksheet>"""
PARTS = {
    "xl/worksheets/sheet1.xml": SHEET,
    "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="S" sheetId="1" r:id="r0"/>'
    '</sheets><definedNames><definedName name="rate">S!$B$1</definedName></definedNames><calcPr/></workbook>',
    "xl/_rels/workbook.xml.rels": _links(
        ("worksheet", "worksheets/sheet1.xml"), ("styles", "styles.xml"), ("sharedStrings", "sharedStrings.xml")
    ),
    "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}"><si><t>a</t></si><si><r><t>b</t></r><rPh><t>c</t></rPh></si></sst>',
    "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="0.0"/></numFmts>'
    '<fonts><font><color rgb="FF0000FF"/></font></fonts><fills><fill/></fills><cellXfs><xf numFmtId="164" fontId="0"/>'
    "</cellXfs></styleSheet>",
    "xl/worksheets/_rels/sheet1.xml.rels": _links(("table", "../tables/t.xml"), ("comments", "../comments1.xml")),
    "xl/tables/t.xml": f'<table xmlns="{MAIN}" displayName="T" ref="E5:F7" totalsRowCount="1"><tableColumns>'
    '<tableColumn name="k"/><tableColumn name="v"/></tableColumns></table>',
    "xl/comments1.xml": f'<comments xmlns="{MAIN}"><commentList><comment ref="A1"><text><t>n</t></text></comment>'
    "</commentList></comments>",
    "docProps/app.xml": "<Properties><Application>P</Application></Properties>",
}
ORDER = list(PARTS)
_FOLDER = Path(tempfile.mkdtemp(prefix="xl_econ_fuzz_"))
_FILE = _FOLDER / "f.xlsx"

# Pieces of formulas, of which bytes choose: a fuzzer then spends its time on grammar and not on spelling.
WORDS = (
    "A1", "$A$1", "B$2", "$XFD1048576", "XFD1", "A1048576", "A:A", "$B:C", "1:1", "3:$9", "A1:B2", "S!A1", "'a b'!C3",
    "'it''s'!$D4:E9", "[1]X!A1", "'[b.xlsx]S'!A1", "S:S2!A1", "T[k]", "T[@k]", "T[[#This Row],[k]]", "T[[k]:[v]]",
    "T[#All]", "[@k]", "[", "]", "'", '"', '""', "(", ")", "{", "}", ",", ";", "+", "-", "*", "/", "^", "&", "=", "<>",
    " ", "%", "#", "@", "!", ":", ".", "$", "SUM(", "IF(", "VLOOKUP(", "_xlfn.LET(", "_xlpm.x", "rate", "TRUE", "R1C1",
    "RC", "R[-1]C", "C:C", "#REF!", "#N/A", "1", "0.5", "1E+10", "1E", '"text"', '"a""b"', "LOG10(", "\\x", "é", "\u3042",
    "A1A", "AA0", "a1", "Ab12", "ZZZZ9", "A99999999", "_x0041_", "IFERROR(", "OFFSET(", "----", "(((", ")))",
)  # fmt: skip


def book(data: bytes) -> None:
    """One part of a workbook is what the bytes say; it is read, and every check runs over what was read."""
    if not data:
        return
    name = ORDER[data[0] % len(ORDER)]
    with zipfile.ZipFile(_FILE, "w") as package:
        for part, text in PARTS.items():
            package.writestr(part, data[1:] if part == name else text)
    _audit(_FILE)


def package(data: bytes) -> None:
    """The bytes are the file: read, looked into and copied part by part."""
    _FILE.write_bytes(data)
    _audit(_FILE)
    try:
        opened = Parts(_FILE)
        for _ in opened.formulas():
            pass
        rewrite(_FILE, _FOLDER / "copy.xlsx", {})
    except (WorkbookError, zipfile.BadZipFile, OSError):
        return
    with zipfile.ZipFile(_FILE) as old, zipfile.ZipFile(_FOLDER / "copy.xlsx") as new:
        assert old.namelist() == new.namelist(), "a part was lost"


def _audit(path: Path) -> None:
    started = time.process_time()
    try:
        found = scan(path)
    except WorkbookError as e:
        assert "\n" not in str(e), f"more than a line: {e}"
        return
    subject = Subject.__new__(Subject)  # without an engine, which would take all the time
    subject.path, subject.engine, subject.as_of, subject.book, subject.graph = path, "none", None, found, Graph(found)
    subject.__dict__["_computation"] = [None] * sum(b.count for b in subject.blocks), "not asked"
    for check in CHECKS.values():
        for f in check.run(subject):
            assert f.message, check.id
    _in_time(started)


def sheet(data: bytes) -> None:
    """The bytes are a worksheet: two cells get values, everything else stays as it is."""
    started = time.process_time()
    try:
        old = SheetXml(data, "S")
        cells = {c.at: (old.formula(c), old.stored(c, ["a", "b"])) for c in old.cells()}
        at = next((a for a, (f, _) in cells.items() if f is None), At(1, 1))
        values = {at: 'a <"&_x0041_ b', At(ROWS, COLUMNS): 1.5}
        if any(a in values and f is not None for a, (f, _) in cells.items()):
            return
        patched = old.patched(values, {a: 2.0 for a, (f, _) in cells.items() if f is not None and f[1]})
    except WorkbookError:
        return
    if _well_formed(data):
        assert _well_formed(patched), "no XML any more"
        new = SheetXml(patched, "S")
        held = {c.at: (new.formula(c), new.stored(c, ["a", "b"])) for c in new.cells()}
        for a, value in values.items():
            assert held[a] == (None, value), (a, held[a])
        for a, (f, value) in cells.items():
            if a not in values:
                assert held[a] == (f, 2.0 if f is not None and f[1] else value), (a, held[a])
    _in_time(started)


def _well_formed(data: bytes) -> bool:
    try:
        expat.ParserCreate().Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError):
        return False
    return True


def formulas(data: bytes) -> None:
    """The bytes choose a place and spell a formula, by letters or by pieces: its forms say the same."""
    if len(data) < 4:
        return
    row, column = 1 + (data[0] << 8 | data[1]) * 16, 1 + data[2] * 64
    rest = data[4:]
    text = rest.decode("utf-8", "replace") if data[3] % 2 else "".join(WORDS[b % len(WORDS)] for b in rest)
    formula(f"={text[:8192]}", row, column)


def formula(text: str, row: int, column: int) -> None:
    """The promises that the forms of a formula keep."""
    started = time.process_time()
    key = relative(text, row, column)
    there = placed(key, row, column)
    if there:
        # The reader takes a cell for a copy of the one above where the text that the key gives is the text it has.
        assert relative(there, row, column) == key or "#" in there or _ambiguous(text), (text, key, there)
    for rows, columns in ((1, 0), (0, 1), (-1, -1), (100, 3)):
        moved = shifted(text, rows, columns)
        if row + rows > 0 and column + columns > 0 and moved.count("#REF!") == text.count("#REF!"):
            assert relative(moved, row + rows, column + columns) == key, (text, moved)
            copy = placed(key, row + rows, column + columns)
            assert not there or there != text or copy == moved, (text, copy, moved)
    found = references(key)
    for r in found:
        assert r.text in key, (key, r)
    for name, arguments in calls(text):
        assert name
        assert all(a in text for a in arguments), (text, arguments)
    lint_formula.parts(text)
    parts = spelled.pieces(text[1:])
    assert spelled.equal(parts, parts, lambda a, b: a == b)
    spelled.may_read(text[1:], At(row, column), "S")
    spelled.moved(text[1:], lambda r: [r])
    _in_time(started)


def _ambiguous(text: str) -> bool:
    """Whether a formula holds what is R1C1 already; Excel allows no such name."""
    upper = text.upper()
    return "R" in upper and "C" in upper


def _in_time(started: float) -> None:
    took = time.process_time() - started
    assert took < SECONDS, f"took {took:.1f} s"


TARGETS: dict[str, Callable[[bytes], None]] = {
    "book": book, "package": package, "sheet": sheet, "formulas": formulas,
}  # fmt: skip
