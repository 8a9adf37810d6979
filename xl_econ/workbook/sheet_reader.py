"""Reads a worksheet into its cells, element by element; nothing is laid out as a grid."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from xl_econ.core.errors import WorkbookError

from .book import Area, Cell, Look, Sheet, Validation
from .cell import COLUMNS, ROWS, column_number, unescaped
from .copies import Copies
from .events import is_true, walk
from .relative import placed, shifted
from .sheet import encoding

MAX_CELLS = 5_000_000
MAX_FORMULA = 16_384  # characters; Excel allows 8,192, without the prefixes of the file
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_ATTRIBUTE = re.compile(r"""([\w:]+)=["']([^"']*)["']""")
# A cell as nearly every program writes it, a row's start or end, white space between them, or anything else.
_PLAIN = re.compile(
    r"""<c\ r="([A-Z]{1,3})(\d{1,7})"((?:\ [a-z]+="[^"&]*")*+)
        (?:/>|>(?:<f((?:\ [\w:]+="[^"&]*")*+)(?:/>|>([^<]*+)</f>))?+(?:<v>([^<]*+)</v>|<v/>)?+
            (?:<is><t(?:\ xml:space="preserve")?>([^<\r]*+)</t></is>)?+</c>)
    |(?:</row>)?<row((?:\ [\w:]+="[^"&]*")*+)>|</row>|<row(?:\ [\w:]+="[^"&]*")*+/>|\s+|(.)""",
    re.X,
)
_NOTHING: dict[str, str] = {}


class SheetReader:
    """Reads one worksheet.

    Nearly every program writes cells in one plain form, which a single expression takes apart an order of magnitude
    faster than a parser calls back. Anything else, down to a comment between two cells, is left to the parser.

    Args:
        path: The workbook, for errors.
        part: The part that the sheet is.
        data: What is in it.
        sheet: The sheet to fill.
        looks: The looks of cells, by number.
        shared: The texts that cells share, by number.
        count: How many cells the workbook has so far.
    """

    def __init__(
        self, path: Path, part: str, data: bytes, sheet: Sheet, looks: list[Look], shared: list[str], count: int
    ) -> None:
        self.path, self.where, self.data = path, f"{path}: {part}", data
        self.sheet, self.looks, self.shared, self.count = sheet, looks, shared, count
        self.hidden: set[int] = set()
        self.hidden_row = False
        self.masters: dict[str, Cell] = {}
        self.trusted: dict[tuple[str, int], bool] = {}  # shared formulas whose key says what they do, by column
        self.arrays: list[Area] = []
        self.copies = Copies()
        self.about: dict[str, tuple[Look, str]] = {}

    def read(self) -> int:
        """Fill the sheet; answers with the count of cells so far."""
        text = self.data.decode(encoding(self.data), "replace").removeprefix("\ufeff")
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
                self.trusted.clear()
                self.arrays.clear()
                self.copies = Copies()
                around.parse(text[opening:closing] + "</sheetData>")
        else:
            around.parse(text)
        self._spill()
        return self.count

    def _spill(self) -> None:
        """Mark the cells that array formulas fill."""
        for places in self.sheet.held(self.arrays, f"{self.path}: the array formulas"):
            for place in places:
                cell = self.sheet.cells[place]
                cell.spilled = cell.spilled or not cell.formula

    def _plain(self, text: str, start: int, end: int) -> bool:  # noqa: PLR0912, PLR0915  (calls would cost a third)
        """Read cells that are written in the plain form; whether all of them are."""
        about, cells, name, hidden = self.about, self.sheet.cells, self.sheet.name, self.hidden
        key_of = self.copies.key
        columns: dict[str, int] = {}
        is_hidden, count = False, self.count
        row, at_row, written = 0, 0, ""
        for m in _PLAIN.finditer(text, start, end):
            letters, number, attributes, f_attributes, formula, value, inline, row_attributes, other = m.groups()
            if letters is None:
                if row_attributes is not None:
                    found = dict(_ATTRIBUTE.findall(row_attributes))
                    row = int(found.get("r") or row + 1)
                    self.row(row, found)
                    is_hidden = self.hidden_row
                elif other is not None:
                    return False
                continue
            if formula is None and value is None and f_attributes is None and inline is None:
                continue
            if number != written:
                written, at_row = number, int(number)
            column = columns.get(letters) or columns.setdefault(letters, column_number(letters))
            look, kind = about.get(attributes) or self._about(attributes)
            count += 1
            if f_attributes or kind == "e" or inline is not None or (formula is None and f_attributes is not None):
                found = dict(_ATTRIBUTE.findall(f_attributes)) if f_attributes else _NOTHING
                formula = "" if formula is None and f_attributes is not None else formula
                self.count = count - 1
                is_inline = inline is not None
                value = unescaped(_characters(inline)) if is_inline else value and _characters(value)
                self.cell(column, at_row, attributes, found, formula and _characters(formula), value, is_inline)
                continue
            # What nearly every cell is, without a call.
            if count > MAX_CELLS or at_row > ROWS or column > COLUMNS:
                self.count = count
                self._beyond()
            shown: Any = None
            if kind != "n":
                shown = None if value is None else self._typed(kind, _characters(value))
            elif value is not None:
                try:
                    shown = float(value)
                except ValueError:
                    shown = math.nan
                if shown - shown != 0:  # white space, or no number of a cell
                    shown = self._typed(kind, _characters(value))
            if not formula:
                if shown is not None:
                    cells[at_row, column] = Cell(name, at_row, column, "", shown, look, is_hidden or column in hidden)
            elif "_x" in formula or len(formula) > MAX_FORMULA or formula.isspace():
                cell = Cell(name, at_row, column, "", shown, look, is_hidden or column in hidden)
                self._formula(cell, _NOTHING, _characters(formula))
                if cell.formula or shown is not None:
                    cells[at_row, column] = cell
            else:
                formula = "=" + (_characters(formula) if "&" in formula else formula)
                key = key_of(formula, at_row, column)
                cells[at_row, column] = Cell(
                    name, at_row, column, formula, shown, look, is_hidden or column in hidden, key
                )
        self.count = count
        return True

    def row(self, number: int, about: Mapping[str, str]) -> None:
        self.hidden_row = is_true(about.get("hidden")) or about.get("ht") == "0"
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
            raise WorkbookError(f"{self.path}: more than {MAX_CELLS:,} cells")
        raise WorkbookError(f"{self.path}: {self.sheet.name} has a cell beyond the sheet")

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
            self._shared(cell, about.get("si", ""))
            return
        if kind == "dataTable":
            text = text or f"TABLE({about.get('r1', '')},{about.get('r2', '')})"
        if not text.strip():
            return
        if len(text) > MAX_FORMULA:  # what takes formulas apart need not be ready for any length
            raise WorkbookError(f"{self.path}: {cell.sheet}!{cell.at} has a formula of {len(text):,} characters")
        cell.formula = "=" + (unescaped(text) if "_x" in text else text)
        cell.key = self.copies.key(cell.formula, cell.row, cell.column)
        if kind == "shared":
            self.masters[about.get("si", "")] = cell
        elif kind in ("array", "dataTable") and ":" in about.get("ref", ""):
            self.arrays.append(area(about["ref"]))

    def _shared(self, cell: Cell, number: str) -> None:
        """A formula that is another's, so far below and to the right; what its key says there is sooner told."""
        master = self.masters.get(number)
        if master is None:
            return
        said, where = placed(master.key, cell.row, cell.column), (number, cell.column)
        if not self.trusted.get(where):
            written = shifted(master.formula, cell.row - master.row, cell.column - master.column)
            self.trusted[where] = written == said
            said = written
        cell.formula, cell.key = said, master.key
        self.copies.is_at(master.key, cell.row, cell.column)


class _Around:
    """What a parser reads of a worksheet: all that stands around the cells, and cells in whatever form."""

    def __init__(self, reader: SheetReader) -> None:
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
        walk(text, self.reader.where, self.start, self.end, self.text)

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
            if is_true(attributes.get("hidden")) or attributes.get("width") == "0":
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
            raise WorkbookError(f"{self.reader.path}: {self.sheet.name} has a cell at {reference[:20]!r}")
        self.column, self.row = column_number(found[1]), int(found[2])

    def _validation(self) -> None:
        about = self.validation
        areas = tuple(_areas(about.get("sqref", "")))
        kind, operator = about.get("type") or "none", about.get("operator") or "between"
        first, second = self.bounds.get("formula1", ""), self.bounds.get("formula2", "")
        self.sheet.validations.append(
            Validation(areas, kind, operator, first, second, is_true(about.get("allowBlank")))
        )
        self.bounds = {}


def _characters(text: str) -> str:
    """A text without the entities of XML."""
    if "&" not in text:
        return text
    if "&#" in text:
        return html.unescape(text)
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&")):
        text = text.replace(entity, character)
    return text


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
    for reference in dict.fromkeys(references.split()):
        yield area(reference)
