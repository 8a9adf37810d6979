"""Reads a workbook into the one model of its cells: every part once, element by element, nothing laid out as a grid."""

from __future__ import annotations

import html
import posixpath
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

from xl_econ.core.errors import WorkbookError

from .book import Area, Book, Cell, Look, Settings, Sheet, Table, Validation
from .cell import COLUMNS, ROWS, cell_at, column_number, unescaped
from .looks import looks
from .parts import parse
from .preflight import preflight
from .relative import placed, relative, shifted
from .sheet import encoding

MAX_CELLS = 5_000_000
MAX_FORMULA = 16_384  # characters; Excel allows 8,192, without the prefixes of the file
MAX_SPILLED = 5_000_000  # cells of array formulas, one by one
_WORKBOOK = "xl/workbook.xml"
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_ATTRIBUTE = re.compile(r"""([\w:]+)=["']([^"']*)["']""")
# A cell as nearly every program writes it, a row's start or end, white space between them.
_PLAIN = re.compile(
    r"""<c\ r="([A-Z]{1,3})(\d{1,7})"((?:\ [a-z]+="[^"&]*")*)
        (?:/>|>(?:<f((?:\ [\w:]+="[^"&]*")*)(?:/>|>([^<]*)</f>))?(?:<v>([^<]*)</v>|<v/>)?</c>)
    |<row(?P<row>(?:\ [\w:]+="[^"&]*")*)>|</row>|<row(?:\ [\w:]+="[^"&]*")*/>|\s+""",
    re.X,
)
_NOTHING: dict[str, str] = {}


def scan(path: Path) -> Book:
    """The model of a workbook.

    Raises:
        WorkbookError: The file cannot be read, or holds more cells than a model of people does.
    """
    preflight(path)
    try:
        with zipfile.ZipFile(path) as package:
            return _Package(path, package).book()
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as e:
        raise WorkbookError(f"{path}: cannot be read: {e}") from None
    except (ValueError, LookupError, TypeError, AttributeError) as e:
        reason = f"{type(e).__name__}: {e}".replace("\n", " ")[:200]
        raise WorkbookError(f"{path}: is not written as the format demands ({reason})") from None


class _Package:
    """The parts of a package, by their names in whatever case."""

    def __init__(self, path: Path, package: zipfile.ZipFile) -> None:
        self.path, self.package = path, package
        self.held = {n.casefold(): n for n in package.namelist()}

    def has(self, part: str) -> bool:
        return part.casefold() in self.held

    def open(self, part: str) -> Any:
        if not self.has(part):
            raise WorkbookError(f"{self.path}: the package lacks {part}")
        return self.package.open(self.held[part.casefold()])

    def read(self, part: str) -> bytes:
        with self.open(part) as f:
            try:
                return bytes(f.read())
            except Exception as e:  # zlib.error, BadZipFile
                raise WorkbookError(f"{self.path}: {part} is damaged: {e}") from None

    def root(self, part: str) -> Any:
        return parse(self.read(part), f"{self.path}: {part}")

    def relations(self, part: str) -> list[tuple[str, str, str, bool]]:
        """The relations of a part: id, kind, the part or address that it leads to, whether that lies outside."""
        folder, _, file = part.rpartition("/")
        links = f"{folder}/_rels/{file}.rels"
        found = []
        for r in self.root(links) if self.has(links) else ():
            kind = str(r.get("Type")).rpartition("/")[2]
            target, outside = str(r.get("Target")), r.get("TargetMode") == "External"
            if not outside:
                target = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"{folder}/{target}")
            found.append((str(r.get("Id")), kind, target, outside))
        return found

    def book(self) -> Book:
        root = self.root(_WORKBOOK)
        relations = self.relations(_WORKBOOK)
        by_id = {i: (kind, target) for i, kind, target, _ in relations}
        by_kind = {kind: target for _, kind, target, _ in relations}
        found = looks(self.root(by_kind["styles"])) if self.has(by_kind.get("styles", "")) else [Look()]
        shared = _shared(self, by_kind.get("sharedStrings", ""))
        book = Book(settings=self.settings(root, relations))
        order: list[str] = []
        count = 0
        for e in root.iter():
            tag = _local(e.tag)
            if tag == "sheet":
                name = str(e.get("name"))
                order.append(name)
                link = next((v for k, v in e.attrib.items() if _local(k) == "id" and k != "sheetId"), "")
                kind, part = by_id.get(link, ("", ""))
                if kind == "worksheet":
                    sheet = Sheet(name, e.get("state") or "visible")
                    count = _SheetReader(self, part, sheet, found, shared, count).read()
                    book.sheets[name] = sheet
                    self.beside(part, sheet)
            elif tag == "definedName":
                self.name(book, order, e)
        if not order:
            raise WorkbookError(f"{self.path}: has no sheets")
        return book

    def name(self, book: Book, order: list[str], e: Any) -> None:
        name, text, scope = str(e.get("name")), (e.text or "").strip(), e.get("localSheetId")
        if scope is None:
            book.names[name] = text
        elif scope.isdigit() and int(scope) < len(order) and order[int(scope)] in book.sheets:
            book.sheets[order[int(scope)]].names[name] = text

    def beside(self, part: str, sheet: Sheet) -> None:
        """Tables and comments, which are parts of their own."""
        for _, kind, target, outside in self.relations(part):
            if outside or not self.has(target):
                continue
            if kind == "table":
                sheet.tables.append(_table(self.root(target), sheet.name))
            elif kind == "comments":
                for e in self.root(target).iter():
                    if _local(e.tag) == "comment" and _REFERENCE.fullmatch(str(e.get("ref"))):
                        text = "".join(t.text or "" for t in e.iter() if _local(t.tag) == "t")
                        row, column = cell_at(str(e.get("ref")))
                        sheet.comments[row, column] = unescaped(text)

    def settings(self, root: Any, relations: list[tuple[str, str, str, bool]]) -> Settings:
        found = Settings()
        for e in root.iter():
            tag = _local(e.tag)
            if tag == "calcPr":
                found.mode = e.get("calcMode") or "auto"
                found.iterates = _true(e.get("iterate"))
                found.as_displayed = e.get("fullPrecision") in ("0", "false")
            elif tag == "workbookPr":
                found.from_1904 = _true(e.get("date1904"))
        if self.has("docProps/app.xml"):
            found.application = next(
                (e.text or "" for e in self.root("docProps/app.xml").iter() if _local(e.tag) == "Application"), ""
            )
        found.macros = any(kind == "vbaProject" for _, kind, _, _ in relations)
        for _, kind, target, _ in relations:
            if kind == "externalLink" and self.has(target):
                found.links += self.link(target)
            found.connections += kind == "connections"
        folders = ("xl/embeddings/", "xl/activex/", "xl/ctrlprops/")
        found.embedded = sum(1 for n in self.held if n.startswith(folders) and not n.endswith("/"))
        return found

    def link(self, part: str) -> list[str]:
        """What an external link leads to: a file, or the server and topic of a DDE link."""
        outside = [target for _, _, target, away in self.relations(part) if away]
        dde = [
            f"DDE {e.get('ddeService')}|{e.get('ddeTopic')}"
            for e in self.root(part).iter()
            if _local(e.tag) == "ddeLink"
        ]
        return dde or outside or [part]


def _characters(text: str) -> str:
    """A text without the entities of XML."""
    if "&#" in text:
        return html.unescape(text)
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&")):
        text = text.replace(entity, character)
    return text


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _true(text: str | None) -> bool:
    return text in ("1", "true")


def _table(root: Any, sheet: str) -> Table:
    columns = tuple(unescaped(str(e.get("name"))) for e in root.iter() if _local(e.tag) == "tableColumn")
    headings = int(root.get("headerRowCount") or 1)
    totals = int(root.get("totalsRowCount") or 0)
    return Table(str(root.get("displayName")), columns, area(str(root.get("ref"))), sheet, headings, totals)


def _shared(package: _Package, part: str) -> list[str]:
    """The texts that cells share."""
    if not package.has(part):
        return []
    found: list[str] = []
    pieces: list[str] = []
    inside = {"si": False, "t": False, "rPh": False}

    def start(tag: str, _: Mapping[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name == "si":
            pieces.clear()
        if name in inside:
            inside[name] = True

    def end(tag: str) -> None:
        name = tag.rpartition(":")[2]
        if name == "si":
            found.append(unescaped("".join(pieces)))
        if name in inside:
            inside[name] = False

    def text(data: str) -> None:
        if inside["t"] and not inside["rPh"]:
            pieces.append(data)

    _run(package, part, start, end, text)
    return found


def _run(
    package: _Package,
    part: str,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    text: Callable[[str], None],
    given: str | None = None,
) -> None:
    """Parse a part, or text of it; a document type, which could make a parser work for ever, is refused."""
    parser = expat.ParserCreate() if given is None else expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text

    def refuse(*_: Any) -> None:
        raise WorkbookError(f"{package.path}: {part} has a document type of its own")

    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(package.read(part) if given is None else given.encode("utf-8", "replace"), True)
    except expat.ExpatError as e:
        raise WorkbookError(f"{package.path}: {part} is malformed: {e}") from None


def area(reference: str) -> Area:
    """The rows and columns of a text such as B2:D9, $A:$C or 3:3.

    Raises:
        ValueError: No area.
    """
    first, _, last = reference.replace("$", "").upper().partition(":")
    one, two = (re.fullmatch(r"([A-Z]{0,3})(\d{0,7})", t) for t in (first, last or first))
    if one is None or two is None or not (first and (one[1] or one[2])):
        raise ValueError(f"{reference!r} is no area")
    top, bottom = int(one[2] or 1), int(two[2] or ROWS)
    left, right = column_number(one[1]) or 1, column_number(two[1]) or COLUMNS
    return min(top, bottom), max(top, bottom), min(left, right), max(left, right)


def _areas(references: str) -> Iterator[Area]:
    for reference in references.split():
        yield area(reference)


_number = lru_cache(COLUMNS)(column_number)


class _SheetReader:
    """Reads one worksheet.

    Nearly every program writes cells in one plain form, which a single expression takes apart an order of magnitude
    faster than a parser calls back. Anything else, down to a comment between two cells, is left to the parser.
    """

    def __init__(
        self, package: _Package, part: str, sheet: Sheet, looks: list[Look], shared: list[str], count: int
    ) -> None:
        self.package, self.part, self.sheet, self.looks, self.shared = package, part, sheet, looks, shared
        self.count = count
        self.hidden: set[int] = set()
        self.hidden_row = False
        self.masters: dict[str, Cell] = {}
        self.arrays: list[Area] = []
        self.above: dict[int, str] = {}  # the last key of every column
        self.about: dict[str, tuple[Look, str]] = {}

    def read(self) -> int:
        """Fill the sheet; answers with the count of cells so far."""
        data = self.package.read(self.part)
        text = data.decode(encoding(data), "replace").removeprefix("\ufeff")
        opening = text.find("<sheetData>")
        closing = text.rfind("</sheetData>")
        around = _Around(self)
        if 0 <= opening < closing and text.find("<!DOCTYPE", 0, opening) < 0:
            around.parse(text[:opening] + "<sheetData/>" + text[closing + len("</sheetData>") :])
            before = self.count
            if not self._plain(text, opening + len("<sheetData>"), closing):
                self.count = before
                self.sheet.cells.clear()
                self.masters.clear()
                self.above.clear()
                self.arrays.clear()
                around.parse(text[opening:closing] + "</sheetData>")
        else:
            around.parse(text)
        self._spill()
        return self.count

    def _spill(self) -> None:
        """Mark the cells that array formulas fill."""
        cells, left_over = self.sheet.cells, MAX_SPILLED
        for top, bottom, left, right in self.arrays:
            size = (bottom - top + 1) * (right - left + 1)
            left_over -= min(size, len(cells))
            if left_over < 0:
                raise WorkbookError(f"{self.package.path}: the array formulas of {self.sheet.name} lie on one another")
            if size <= len(cells):
                places = ((r, c) for r in range(top, bottom + 1) for c in range(left, right + 1))
                found = [cells[p] for p in places if p in cells]
            else:
                found = [c for (r, n), c in cells.items() if top <= r <= bottom and left <= n <= right]
            for cell in found:
                cell.spilled = cell.spilled or not cell.formula

    def _plain(self, text: str, start: int, end: int) -> bool:  # noqa: PLR0912  (calls would cost a third of the time)
        """Read cells that are written in the plain form; whether all of them are."""
        at, row = start, 0
        about, cells, name, above = self.about, self.sheet.cells, self.sheet.name, self.above
        for m in _PLAIN.finditer(text, start, end):
            first, last = m.span()
            if first != at:
                return False
            at = last
            letters, number, attributes, f_attributes, formula, value, row_attributes = m.groups()
            if letters is None:
                if row_attributes is not None:
                    found = dict(_ATTRIBUTE.findall(row_attributes))
                    row = int(found.get("r") or row + 1)
                    self.row(row, found)
                continue
            if formula is None and value is None and f_attributes is None:
                continue
            if value is not None and "&" in value:
                value = _characters(value)
            if formula is not None and "&" in formula:
                formula = _characters(formula)
            at_row, column = int(number), _number(letters)
            look, kind = about.get(attributes) or self._about(attributes)
            if f_attributes or (formula is None and f_attributes is not None) or kind == "e":
                found = dict(_ATTRIBUTE.findall(f_attributes)) if f_attributes else _NOTHING
                formula = "" if formula is None and f_attributes is not None else formula
                self.cell(column, at_row, attributes, found, formula, value)
                continue
            # What nearly every cell is, without a call.
            self.count += 1
            if self.count > MAX_CELLS or at_row > ROWS or column > COLUMNS:
                self._beyond()
            shown = None if value is None else self._typed(kind, value)
            cell = Cell(name, at_row, column, "", shown, look, self.hidden_row or column in self.hidden)
            if formula:
                said = above.get(column)
                formula = f"={formula}"
                if said is not None and "_x" not in formula and placed(said, at_row, column) == formula:
                    cell.formula, cell.key = formula, said
                else:
                    self._formula(cell, _NOTHING, formula[1:])
            if cell.formula or shown is not None:
                cells[at_row, column] = cell
        return at == end

    def row(self, number: int, about: Mapping[str, str]) -> None:
        self.hidden_row = _true(about.get("hidden")) or about.get("ht") == "0"
        if self.hidden_row:
            self.sheet.hidden_rows.add(number)

    def cell(
        self,
        column: int,
        row: int,
        attributes: str,
        about: Mapping[str, str],
        formula: str | None,
        value: str | None,
        inline: bool = False,
    ) -> None:
        """A cell by its place, its attributes, those of its formula, its formula and value."""
        self.count += 1
        if self.count > MAX_CELLS or row > ROWS or column > COLUMNS:
            self._beyond()
        look, kind = self.about.get(attributes) or self._about(attributes)
        shown: Any = None
        if value is not None:
            shown = value if inline else self._typed(kind, value)
        hidden = self.hidden_row or column in self.hidden
        cell = Cell(self.sheet.name, row, column, "", shown, look, hidden)
        if kind == "e":
            cell.is_error = value is not None
        if formula is not None:
            self._formula(cell, about, formula)
        if cell.formula or shown is not None:
            self.sheet.cells[row, column] = cell

    def _about(self, attributes: str) -> tuple[Look, str]:
        found = dict(_ATTRIBUTE.findall(attributes))
        style = int(found.get("s") or 0)
        look = self.looks[style] if 0 <= style < len(self.looks) else self.looks[0]
        self.about[attributes] = look, found.get("t") or "n"
        return self.about[attributes]

    def _beyond(self) -> NoReturn:
        if self.count > MAX_CELLS:
            raise WorkbookError(f"{self.package.path}: more than {MAX_CELLS:,} cells")
        raise WorkbookError(f"{self.package.path}: {self.sheet.name} has a cell beyond the sheet")

    def _typed(self, kind: str, text: str) -> Any:
        if kind == "n":
            if not text or text.isspace():
                return None
            number = float(text)
            if number - number != 0:
                raise ValueError(f"{text[:20]!r} is no number of a cell")
            return number
        if kind == "s":
            place = int(text)
            return self.shared[place] if 0 <= place < len(self.shared) else None
        if kind == "b":
            return text.strip() in ("1", "true")
        return unescaped(text)

    def _formula(self, cell: Cell, about: Mapping[str, str], text: str) -> None:
        kind = about.get("t")
        if kind == "shared" and not text.strip():
            master = self.masters.get(about.get("si", ""))
            if master is not None:
                cell.formula = shifted(master.formula, cell.row - master.row, cell.column - master.column)
                cell.key = self.above[cell.column] = master.key
            return
        if kind == "dataTable":
            text = text or f"TABLE({about.get('r1', '')},{about.get('r2', '')})"
        if not text.strip():
            return
        if len(text) > MAX_FORMULA:  # what takes formulas apart need not be ready for any length
            raise WorkbookError(
                f"{self.package.path}: {cell.sheet}!{cell.at} has a formula of {len(text):,} characters"
            )
        cell.formula = "=" + (unescaped(text) if "_x" in text else text)
        above = self.above.get(cell.column, "")
        same = above and placed(above, cell.row, cell.column) == cell.formula
        cell.key = above if same else relative(cell.formula, cell.row, cell.column)
        self.above[cell.column] = cell.key
        if kind == "shared":
            self.masters[about.get("si", "")] = cell
        elif kind in ("array", "dataTable") and ":" in about.get("ref", ""):
            self.arrays.append(area(about["ref"]))


class _Around:
    """What a parser reads of a worksheet: all that stands around the cells, and cells in whatever form."""

    def __init__(self, reader: _SheetReader) -> None:
        self.reader, self.sheet = reader, reader.sheet
        self.names: dict[str, str] = {}
        self.row = self.column = 0
        self.columns = 1  # the first that has not been told of
        self.attributes: dict[str, str] = {}
        self.about: dict[str, str] = {}
        self.formula: str | None = None
        self.value: str | None = None
        self.inline = self.hint = False
        self.pieces: list[str] | None = None
        self.validation: dict[str, str] = {}
        self.bounds: dict[str, str] = {}

    def parse(self, text: str) -> None:
        _run(self.reader.package, self.reader.part, self.start, self.end, self.text, text)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = self.names.get(tag) or self.names.setdefault(tag, tag.rpartition(":")[2])
        if name == "c":
            self.attributes, self.formula, self.value = attributes, None, None
            self.inline = False
            self._place(attributes.get("r"))
        elif name in ("v", "t"):
            self.pieces = None if self.hint else []
        elif name in ("f", "formula1", "formula2"):
            self.pieces, self.about = [], attributes
        elif name == "row":
            self.row, self.column = int(attributes.get("r") or self.row + 1), 0
            self.reader.row(self.row, attributes)
        elif name == "rPh":
            self.hint = True
        elif name == "col":
            if _true(attributes.get("hidden")) or attributes.get("width") == "0":
                # They come in order and none twice, so this looks at every column once at most.
                columns = range(max(int(attributes["min"]), self.columns), min(int(attributes["max"]), COLUMNS) + 1)
                if columns:
                    self.sheet.hidden_columns.append(columns)
                    self.reader.hidden |= set(columns)
                    self.columns = columns.stop
        elif name == "mergeCell":
            self.sheet.merged.append((attributes["ref"], area(attributes["ref"])))
        elif name == "conditionalFormatting":
            self.sheet.conditional.extend(_areas(attributes.get("sqref", "")))
        elif name == "dataValidation":
            self.validation = attributes

    def text(self, data: str) -> None:
        if self.pieces is not None:
            self.pieces.append(data)

    def end(self, tag: str) -> None:
        name = self.names[tag]
        if name == "c":
            if self.formula is not None or self.value is not None:
                written = "".join(f' {k}="{v}"' for k, v in self.attributes.items() if k in ("s", "t"))
                self.reader.cell(self.column, self.row, written, self.about, self.formula, self.value, self.inline)
        elif name == "v":
            self.value = self._taken()
        elif name == "t":
            self.value, self.inline = (self.value or "") + unescaped(self._taken()), True
        elif name == "f":
            self.formula = self._taken()
        elif name in ("formula1", "formula2"):
            self.bounds[name] = self._taken()
        elif name == "rPh":
            self.hint = False
        elif name == "dataValidation":
            self._validation()

    def _taken(self) -> str:
        pieces, self.pieces = self.pieces, None
        return "".join(pieces or ())

    def _place(self, reference: str | None) -> None:
        if reference is None:
            self.column += 1
            return
        found = _REFERENCE.fullmatch(reference)
        if found is None:
            raise WorkbookError(f"{self.reader.package.path}: {self.sheet.name} has a cell at {reference[:20]!r}")
        self.column, self.row = column_number(found[1]), int(found[2])

    def _validation(self) -> None:
        about = self.validation
        areas = tuple(_areas(about.get("sqref", "")))
        kind, operator = about.get("type") or "none", about.get("operator") or "between"
        first, second = self.bounds.get("formula1", ""), self.bounds.get("formula2", "")
        self.sheet.validations.append(Validation(areas, kind, operator, first, second, _true(about.get("allowBlank"))))
        self.bounds = {}
