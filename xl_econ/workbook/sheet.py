"""The cells of a worksheet as they stand in its XML, and other values put into them with nothing else touched.

A parser and a serialiser would lose what makes a file its author's: the order of attributes, prefixes, white space.
So the text is only cut at the elements that change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from xml.parsers import expat

from xl_econ.core.errors import WorkbookError

from .cell import (
    ATTRIBUTES,
    COLUMNS,
    ROWS,
    SKIP,
    At,
    Value,
    address,
    cell_at,
    characters,
    column_number,
    elements,
    inline_text,
    storable,
    unescaped,
    written,
)

_DEPTH = {"sheetData": 0, "row": 1, "c": 2}
_MAIN = ("http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://purl.oclc.org/ooxml/spreadsheetml/main")
_ROOT = re.compile(rf"(?:{SKIP}|\s|\ufeff)*<([\w.-]+:)?worksheet(?=[\s/>])({ATTRIBUTES})>", re.S)
_NUMBER_OF_ROW = re.compile(r"""\sr\s*=\s*["'](\d{1,7})["']""")
_REFERENCE = re.compile(r"""\sr\s*=\s*["']([A-Za-z]{1,3})(\d{1,7})["']""")
_PLACE = re.compile(r"""\sr\s*=\s*["']([^"'>]*)""")
_TYPE = re.compile(r"""\st\s*=\s*["'](\w+)["']""")
_TYPE_AND_METADATA = re.compile(r"""(?<!\s)\s++(?:t|vm)\s*=\s*(?:"[^"]*"|'[^']*')""")
_STYLE = re.compile(r"""(?<!\s)\s++s\s*=\s*(?:"[^"]*"|'[^']*')""")
_METADATA = re.compile(r"""(?<!\s)\s++cm\s*=\s*(?:"[^"]*"|'[^']*')""")
_AREA = re.compile(r"""\sref\s*=\s*["']([^"']+)["']""")


class Span(NamedTuple):
    """An element in the text: where it starts, where its content starts and ends, where it ends."""

    start: int
    inside: int
    close: int
    end: int


@dataclass(frozen=True)
class Cell:
    """A cell that stands in the text."""

    at: At
    span: Span


@dataclass(frozen=True)
class Written:
    """A cell that is written anew: its formula and the value beside it, or a value alone; "" keeps the style."""

    value: Value
    formula: str | None = None
    style: str = ""
    is_array: bool = False


@dataclass
class Row:
    """A row that stands in the text, with its cells."""

    number: int
    span: Span
    cells: list[Cell]


class SheetXml:
    """A worksheet part as text, with the places of its cells.

    Args:
        data: The part.
        where: What to call it in errors.

    Raises:
        WorkbookError: Not a worksheet that can be patched safely.
    """

    def __init__(self, data: bytes, where: str) -> None:
        self.where = where
        self.encoding = encoding(data)
        try:
            self.text = data.decode(self.encoding)
        except (UnicodeDecodeError, LookupError):
            raise WorkbookError(f"{where}: its text cannot be decoded as {self.encoding}") from None
        refuse_malformed(self.text, where)  # patterns take for granted that what is opened is closed
        root = _ROOT.match(self.text)
        if root is None:
            raise WorkbookError(f"{where}: is no worksheet (or declares a document type, which is refused)")
        self.prefix = root[1] or ""
        namespace = rf"""\sxmlns{":" + re.escape(self.prefix[:-1]) if self.prefix else ""}\s*=\s*["']([^"']+)["']"""
        found = re.search(namespace, root[2])
        if found is None or found[1] not in _MAIN:
            raise WorkbookError(f"{where}: is no worksheet of a workbook")
        self.rows: list[Row] = []
        self.data = self._scan(root.end())  # the element of all rows

    # -- where cells stand --------------------------------------------------------------------------------------
    def _scan(self, position: int) -> Span:
        text, row, cell = self.text, None, None
        start = (0, 0)
        token = re.compile(rf"{SKIP}|<(/?){re.escape(self.prefix)}(sheetData|row|c)(?=[\s/>]){ATTRIBUTES}>", re.S)
        outer, depth = (0, 0), 0
        for found in token.finditer(text, position):
            name = found[2]
            if name is None or (name != "sheetData" and outer == (0, 0)):
                continue
            first, last = found.span()
            empty = text[last - 2] == "/"
            if depth != _DEPTH[name] + bool(found[1]):
                raise WorkbookError(f"{self.where}: its cells do not stand in rows")
            depth += -1 if found[1] else not empty
            if name == "sheetData":
                if empty or found[1]:
                    return Span(first, last, last, last) if empty else Span(*outer, first, last)
                outer = (first, last)
            elif name == "row":
                if found[1] and row is not None:
                    row.span = Span(row.span.start, row.span.inside, first, last)
                else:
                    row = self._row_at(first, last)
                    self.rows.append(row)
            elif row is not None and not found[1]:
                cell, start = self._at(row, first, last), (first, last)
                if empty:
                    row.cells.append(Cell(cell, Span(first, last, last, last)))
            elif row is not None and cell is not None:
                row.cells.append(Cell(cell, Span(*start, first, last)))
        raise WorkbookError(f"{self.where}: has no cells")

    def _row_at(self, first: int, last: int) -> Row:
        number = self._said(_NUMBER_OF_ROW, first, last)
        before = self.rows[-1].number if self.rows else 0
        row = Row(int(number[1]) if number else before + 1, Span(first, last, last, last), [])
        if not before < row.number <= ROWS:
            raise WorkbookError(f"{self.where}: its rows are not in order at row {row.number}")
        return row

    def _at(self, row: Row, first: int, last: int) -> At:
        reference = self._said(_REFERENCE, first, last)
        before = row.cells[-1].at.column if row.cells else 0
        at = At(int(reference[2]), column_number(reference[1])) if reference else At(row.number, before + 1)
        if at.row != row.number or at.column <= before:
            raise WorkbookError(f"{self.where}: its cells are not in order at {address(at)}")
        return at

    def _said(self, place: re.Pattern[str], first: int, last: int) -> re.Match[str] | None:
        """Where a tag says that it stands; None where it leaves that to be counted."""
        found = place.search(self.text, first, last)
        if found is None and (other := _PLACE.search(self.text, first, last)):
            raise WorkbookError(f"{self.where}: has a row or cell at {other[1][:20]!r}")
        return found

    def is_merged(self, first: str, last: str) -> bool:
        """Whether the cells from the first to the last are one merged cell."""
        area = rf"""<{re.escape(self.prefix)}mergeCell\s[^>]*?\bref\s*=\s*["']{first}:{last}["']"""
        return re.search(area, self.text[self.data.end :], re.I) is not None

    def cells(self) -> Iterator[Cell]:
        for row in self.rows:
            yield from row.cells

    # -- what they hold -----------------------------------------------------------------------------------------
    def formula(self, cell: Cell) -> tuple[str, str] | None:
        """Attributes and text of a cell's formula."""
        found = self._first("f", cell)
        return None if found is None else (found[1], characters(found[2] or ""))

    def stored(self, cell: Cell, shared: Mapping[int, str] | list[str]) -> Value:
        """The value that a cell holds, or that is stored beside its formula."""
        found = _TYPE.search(self.text, cell.span.start, cell.span.inside)
        kind = found[1] if found else "n"
        if kind == "inlineStr":
            inline = self._first("is", cell)
            return None if inline is None else inline_text(inline[2] or "", self.prefix)
        held = self._first("v", cell)
        if held is None or not (text := characters(held[2] or "")):
            return "" if kind == "str" and held is not None else None
        try:
            match kind:
                case "n":
                    return float(text)
                case "b":
                    return text.strip() in ("1", "true")
                case "s":
                    return shared[int(text)] if int(text) >= 0 else shared[len(shared)]
        except (ValueError, LookupError):
            raise WorkbookError(f"{self.where}: {address(cell.at)} holds {text[:40]!r}, which is no value") from None
        return unescaped(text)

    def style(self, cell: Cell) -> str:
        """The number of a cell's style; "" where it says none."""
        found = _STYLE.search(self.text, cell.span.start, cell.span.inside)
        return re.sub(r"\D", "", found[0]) if found else ""

    def _first(self, name: str, cell: Cell) -> re.Match[str] | None:
        """The first element of that name in a cell; group 1 are its attributes, group 2 its content.

        What is no formula stands behind it: elements in a formula are none of the cell's.
        """
        formula = self._element("f", cell, cell.span.inside)
        if name == "f":
            return formula
        return self._element(name, cell, formula.end() if formula else cell.span.inside)

    def _element(self, name: str, cell: Cell, start: int) -> re.Match[str] | None:
        found = next(elements(self.prefix, name, self.text, start, cell.span.close), None)
        content = found and found[2]
        if content and "<" in content and f"<{self.prefix}{name}" in re.sub(SKIP, "", content, flags=re.S):
            raise WorkbookError(f"{self._called(cell.at)} has an element {name} in another, where none can be")
        return found

    def addressed(self) -> bytes:
        """The part with the address at every row and cell, which may be left to be counted."""
        out, done = [], 0
        for row in self.rows:
            places = [(row.span, _NUMBER_OF_ROW, "row", str(row.number))]
            places += [(c.span, _REFERENCE, "c", address(c.at)) for c in row.cells]
            for span, said, name, text in places:
                if not said.search(self.text, span.start, span.inside):
                    at = span.start + len(f"<{self.prefix}{name}")
                    out += [self.text[done:at], f' r="{text}"']
                    done = at
        return "".join([*out, self.text[done:]]).encode(self.encoding, "xmlcharrefreplace")

    # -- other values -------------------------------------------------------------------------------------------
    def patched(
        self,
        values: Mapping[At, Value],
        results: Mapping[At, Value],
        cells: Mapping[At, Written] | None = None,
    ) -> bytes:
        """The part with other values.

        Args:
            values: What cells without a formula hold from now on; a cell or row that is not there is added.
            results: What is stored beside formulas, or in the cells that an array formula fills.
            cells: Cells that are written anew, whatever they hold.

        Raises:
            WorkbookError: A value that a cell cannot hold, or one for a cell that holds a formula.
        """
        changes: dict[At, tuple[Value | Written, bool]] = {at: (value, False) for at, value in values.items()}
        changes |= {at: (value, True) for at, value in results.items()}
        changes |= {at: (cell, False) for at, cell in (cells or {}).items()}
        for at in changes:
            if not (1 <= at.row <= ROWS and 1 <= at.column <= COLUMNS):
                raise WorkbookError(f"{self.where}: has no cell in row {at.row}, column {at.column}")
        self._refuse_in_arrays(values)
        by_row: dict[int, dict[At, tuple[Value | Written, bool]]] = {}
        for at in sorted(changes):
            by_row.setdefault(at.row, {})[at] = changes[at]
        edits = [e for row in self.rows if (here := by_row.pop(row.number, None)) for e in self._row(row, here)]
        edits += self._new_rows(by_row)
        out, done = [], 0
        for first, last, text in sorted(edits, key=lambda e: e[:2]):
            out += [self.text[done:first], text]
            done = last
        return "".join([*out, self.text[done:]]).encode(self.encoding, "xmlcharrefreplace")

    def _row(self, row: Row, changes: dict[At, tuple[Value | Written, bool]]) -> list[tuple[int, int, str]]:
        found = [cell for cell in row.cells if cell.at in changes]
        edits = [(c.span.start, c.span.end, self._cell(c, *changes[c.at])) for c in found]
        missing = changes.keys() - {c.at for c in found}
        added: dict[int, str] = {}
        for at in sorted(missing):
            if (value := changes[at][0]) is not None:
                place = next((c.span.start for c in row.cells if c.at.column > at.column), row.span.close)
                added[place] = added.get(place, "") + self._new(at, value)
        if added and row.span.inside == row.span.end:  # <row/> has to be opened
            [new] = added.values()
            edits.append((row.span.start, row.span.end, self._opened(row.span, "row", new)))
        else:
            edits += [(place, place, text) for place, text in added.items()]
        return edits

    def _new_rows(self, by_row: Mapping[int, Mapping[At, tuple[Value | Written, bool]]]) -> list[tuple[int, int, str]]:
        added: dict[int, str] = {}
        for number, changes in by_row.items():
            cells = "".join(self._new(at, value) for at, (value, _) in changes.items() if value is not None)
            place = next((r.span.start for r in self.rows if r.number > number), self.data.close)
            if cells:
                text = f'<{self.prefix}row r="{number}">{cells}</{self.prefix}row>'
                added[place] = added.get(place, "") + text
        if added and self.data.inside == self.data.end:  # <sheetData/>
            [new] = added.values()
            return [(self.data.start, self.data.end, self._opened(self.data, "sheetData", new))]
        return [(place, place, text) for place, text in added.items()]

    def _opened(self, span: Span, name: str, content: str) -> str:
        """An element that was empty, with content."""
        tag = self.text[span.start : span.end].removesuffix(">").rstrip().removesuffix("/").rstrip()
        return f"{tag}>{content}</{self.prefix}{name}>"

    def _new(self, at: At, value: Value | Written) -> str:
        if isinstance(value, Written):
            return self._anew(f'<{self.prefix}c r="{address(at)}"', at, value)
        kind, content = written(self.prefix, value, False, self._called(at))
        return f'<{self.prefix}c r="{address(at)}"{kind}>{content}</{self.prefix}c>'

    def _anew(self, tag: str, at: At, cell: Written) -> str:
        """A cell from the beginning of its tag; what is a formula is stored as a result."""
        if cell.style:
            tag = _STYLE.sub("", tag).rstrip() + f' s="{cell.style}"'
        kind, content = written(self.prefix, cell.value, cell.formula is not None, self._called(at))
        if cell.formula is not None:
            area = f' t="array" ref="{address(at)}"' if cell.is_array else ""
            text = storable(cell.formula, self._called(at))
            content = f"<{self.prefix}f{area}>{text}</{self.prefix}f>{content}"
        return f"{tag}{kind}>{content}</{self.prefix}c>" if content else f"{tag}{kind}/>"

    def _cell(self, cell: Cell, value: Value | Written, result: bool) -> str:
        if isinstance(value, Written):
            tag = self.text[cell.span.start : cell.span.inside].removesuffix(">").rstrip().removesuffix("/")
            return self._anew(_METADATA.sub("", _TYPE_AND_METADATA.sub("", tag)).rstrip(), cell.at, value)
        formula = self._first("f", cell)
        if formula is not None and not result:
            raise WorkbookError(f"{self._called(cell.at)} holds a formula, which is not replaced by a value")
        kind, content = written(self.prefix, value, result, self._called(cell.at))
        tag = self.text[cell.span.start : cell.span.inside].removesuffix(">").rstrip().removesuffix("/")
        # vm leads to the rich value behind the old one, which the new one is not.
        tag = _TYPE_AND_METADATA.sub("", tag).rstrip() + kind
        beyond = self._first("extLst", cell)
        content = (formula[0] if formula else "") + content + (beyond[0] if beyond else "")
        return f"{tag}>{content}</{self.prefix}c>" if content else f"{tag}/>"

    def _called(self, at: At) -> str:
        return f"{self.where}!{address(at)}"

    def arrays(self) -> Iterator[tuple[At, At, At]]:
        """The formulas that fill an area: their cell, and the first and last cell of the area."""
        for cell in self.cells():
            if cell.span.inside == cell.span.close:
                continue
            found = self._first("f", cell)
            if found and (kind := _TYPE.search(found[1])) and kind[1] in ("array", "dataTable"):
                area = _AREA.search(found[1])
                first, _, last = (area[1] if area else address(cell.at)).partition(":")
                yield cell.at, cell_at(first), cell_at(last or first)

    def _refuse_in_arrays(self, values: Mapping[At, Value]) -> None:
        if "array" not in self.text and "dataTable" not in self.text:
            return
        for origin, first, last in self.arrays():
            for here in values:
                if first.row <= here.row <= last.row and first.column <= here.column <= last.column:
                    raise WorkbookError(f"{self._called(here)} is filled by the formula in {address(origin)}")


def refuse_malformed(text: str, where: str) -> None:
    """Refuse what is no XML.

    Raises:
        WorkbookError: Malformed.
    """
    try:
        expat.ParserCreate("utf-8").Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as e:
        raise WorkbookError(f"{where}: malformed: {e}") from None


def encoding(data: bytes) -> str:
    """The encoding that an XML part says it has."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    said = re.match(rb"""(?:\xef\xbb\xbf)?<\?xml[^>]*encoding\s*=\s*["']([\w.-]+)["']""", data[:200])
    return said[1].decode() if said else "utf-8"
