"""Which cells a formula reads, and which formulas read a cell.

References are taken from a formula's R1C1 form once for all the cells that share it; an area is kept as an area, so
that a thousand sums over a thousand rows are a thousand areas and not a million pairs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from .book import Area, Book, Cell, Sheet, Table
from .cell import COLUMNS, ROWS
from .relative import relative, shape

_PLACE = r"R(?:\d+|\[-?\d+\])?C(?:\d+|\[-?\d+\])?"
_TOKEN = re.compile(
    rf"""(?P<text>"(?:[^"]|"")*")
    |(?:(?P<sheet>'(?:[^']|''){{1,300}}+'|(?<![\w.\\])(?:\[\d+\])?[^\W\d][\w.]*+(?::[^\W\d][\w.]*+)?|\[\d+\])!)?
     (?:(?<![\w.\\])(?P<one>{_PLACE})(?::(?P<two>{_PLACE}))?(?![\w.(!])
       |(?<![\w.\\])(?P<c1>C(?:\d+|\[-?\d+\])?):(?P<c2>C(?:\d+|\[-?\d+\])?)(?![\w.(!])
       |(?<![\w.\\])(?P<r1>R(?:\d+|\[-?\d+\])?):(?P<r2>R(?:\d+|\[-?\d+\])?)(?![\w.(!])
       |(?P<table>(?<![\w.\\])[^\W\d][\w.\\]*)?(?P<inside>\[(?:[^\[\]]|\[[^\[\]]*\])*\])
       |(?P<name>(?<![\w.\\])[^\W\d][\w.\\?]*)(?![\w.\\(!]))""",
    re.X,
)
_PART = re.compile(r"R(\d+|\[-?\d+\])?C(\d+|\[-?\d+\])?")
_COLUMN = re.compile(r"\[((?:[^\[\]']|'.){1,300}+)\]")
_NO_NAMES = ("TRUE", "FALSE", "N", "A", "REF", "VALUE", "DIV", "NUM", "NAME", "NULL")
_DEEPEST = 8  # names of names
_MOST = 1 << 16  # references that are held


class Axis(NamedTuple):
    """A row or column of a reference: where it stands, or how far away."""

    fixed: bool
    number: int

    def at(self, here: int) -> int:
        return self.number if self.fixed else here + self.number


class Reference(NamedTuple):
    """An area that a formula names: by place, by a table or by a defined name; `text` is how it does."""

    text: str
    sheet: str = ""
    corners: tuple[Axis, Axis, Axis, Axis] | None = None  # first and last row, first and last column
    table: str | None = None
    inside: str = ""
    name: str = ""
    external: bool = False


class Place(NamedTuple):
    """An area of a sheet."""

    sheet: str
    area: Area

    @property
    def is_cell(self) -> bool:
        top, bottom, left, right = self.area
        return top == bottom and left == right


_known: dict[str, Reference | None] = {}


def references(key: str) -> tuple[Reference, ...]:
    """The references of a formula in R1C1 terms, in the order in which they stand."""
    return tuple(r for m in _TOKEN.finditer(key) if (r := _held(m)) is not None)


def reference_at(key: str, start: int) -> tuple[Reference, int] | None:
    """The reference that begins at a place in a formula in R1C1 terms, and where it ends; None: there is none."""
    m = _TOKEN.match(key, start)
    found = _reference(m) if m else None
    return (found, m.end()) if found and m else None


def _held(m: re.Match[str]) -> Reference | None:
    """The reference of a token; many formulas of a workbook name the same few."""
    text = m[0]
    if text not in _known:
        if len(_known) >= _MOST:
            _known.clear()
        _known[text] = _reference(m)
    return _known[text]


def _reference(m: re.Match[str]) -> Reference | None:
    if m["text"] or (m["name"] and (m["name"].upper() in _NO_NAMES or m["name"].startswith(("_xlpm.", "_xlop.")))):
        return None
    sheet = (m["sheet"] or "").replace("''", "'")
    sheet = sheet[1:-1] if sheet.startswith("'") else sheet
    outside = "[" in sheet
    corners = _corners(m)
    if corners is not None:
        return Reference(m[0], sheet, corners, external=outside)
    if m["inside"] is not None:
        return Reference(m[0], sheet, None, m["table"] or "", m["inside"], external=outside)
    return Reference(m[0], sheet, name=m["name"], external=outside) if m["name"] else None


def _corners(m: re.Match[str]) -> tuple[Axis, Axis, Axis, Axis] | None:
    if m["one"]:
        (r1, c1), (r2, c2) = (_axes(m["one"]), _axes(m["two"] or m["one"]))
        return r1, r2, c1, c2
    if m["c1"]:
        return Axis(True, 1), Axis(True, ROWS), _axis(m["c1"][1:]), _axis(m["c2"][1:])
    if m["r1"]:
        return _axis(m["r1"][1:]), _axis(m["r2"][1:]), Axis(True, 1), Axis(True, COLUMNS)
    return None


def _axes(text: str) -> tuple[Axis, Axis]:
    found = _PART.fullmatch(text)
    assert found is not None  # noqa: S101  (the token says so)
    return _axis(found[1]), _axis(found[2])


def _axis(text: str | None) -> Axis:
    """A number where it is fixed, a distance in brackets where it is not, nothing for the same row or column."""
    if text and text.isdigit():
        return Axis(True, int(text))
    return Axis(False, int(text.strip("[]")) if text else 0)


@dataclass
class Graph:
    """The precedents and dependents of a workbook's cells."""

    book: Book
    positions: dict[Place, dict[Any, int]] = field(default_factory=dict)  # of keys in the areas that look-ups search
    _references: dict[str, tuple[Reference, ...]] = field(default_factory=dict)
    _fixed: dict[tuple[str, str], tuple[Place, ...]] = field(default_factory=dict)  # places by reference and sheet
    _open: set[tuple[str, str]] = field(default_factory=set)

    def references(self, cell: Cell) -> tuple[Reference, ...]:
        key = shape(cell.key)
        found = self._references.get(key)
        if found is None:
            found = self._references[key] = references(key)
        return found

    def precedents(self, cell: Cell) -> list[Place]:
        """The areas that a formula reads, names and structured references resolved; what leads nowhere is left out."""
        return [place for r in self.references(cell) for place in self.places(r, cell)]

    def places(self, reference: Reference, cell: Cell, depth: int = 0) -> Sequence[Place]:
        """The areas that a reference of a formula in `cell` leads to; a name may lead to several."""
        if reference.external or depth > _DEEPEST:
            return ()
        if reference.corners is not None:
            where = reference.text, cell.sheet
            found = self._fixed.get(where)
            if found is None:
                found = self._cornered(reference, reference.corners, cell)
                if all(axis.fixed for axis in reference.corners):
                    self._fixed[where] = found
            return found
        if reference.table is not None:
            place = self._structured(reference, cell)
            return () if place is None else (place,)
        return [*self._named(reference, cell, depth)]

    def _cornered(self, reference: Reference, corners: tuple[Axis, Axis, Axis, Axis], cell: Cell) -> tuple[Place, ...]:
        one, two, three, four = corners
        top, bottom = one.at(cell.row), two.at(cell.row)
        left, right = three.at(cell.column), four.at(cell.column)
        if top > bottom:
            top, bottom = bottom, top
        if left > right:
            left, right = right, left
        if top <= 0 or left <= 0:
            return ()
        sheets = self._sheets(reference.sheet, cell.sheet) if reference.sheet else (cell.sheet,)
        return tuple([Place(sheet, (top, bottom, left, right)) for sheet in sheets])

    def _sheets(self, text: str, here: str) -> list[str]:
        if not text:
            return [here]
        if text.casefold() in self._sheet_names:
            return [self._sheet_names[text.casefold()]]
        first, mark, last = text.partition(":")
        names = list(self.book.sheets)
        ends = [self._sheet_names.get(n.casefold()) for n in (first, last)]
        if not mark or None in ends:
            return []
        one, two = sorted(names.index(str(n)) for n in ends)
        return names[one : two + 1]

    @cached_property
    def _sheet_names(self) -> dict[str, str]:
        return {n.casefold(): n for n in self.book.sheets}

    @cached_property
    def _names(self) -> dict[tuple[str, str], str]:
        """The text of every name by its scope ("" the workbook) and name, in small letters."""
        found = {("", n.casefold()): t for n, t in self.book.names.items()}
        for sheet in self.book.sheets.values():
            found |= {(sheet.name, n.casefold()): t for n, t in sheet.names.items()}
        return found

    def _named(self, reference: Reference, cell: Cell, depth: int) -> Iterator[Place]:
        scope = self._sheet_names.get(reference.sheet.casefold(), cell.sheet)
        name = reference.name.casefold()
        text = self._names.get((scope, name), self._names.get(("", name)))
        if text is not None:
            # What a name stands for is looked up once for a cell, however many names lead to it.
            if depth == 0:
                self._open = set()
            if (scope, name) in self._open:
                return
            self._open.add((scope, name))
            key = relative(f"={text}", cell.row, cell.column)
            for r in references(key):
                yield from self.places(r, cell, depth + 1)
        elif name in self.book.tables:
            table = self.book.tables[name]
            _, _, left, right = table.area
            yield Place(table.sheet, (table.body.start, table.body.stop - 1, left, right))

    def _structured(self, reference: Reference, cell: Cell) -> Place | None:
        table = self.table(reference, cell)
        if table is None:
            return None
        inside = reference.inside[1:-1]
        parts = _COLUMN.findall(inside) or [inside]
        this_row = inside.startswith("@") or any(p.casefold() == "#this row" for p in parts)
        names = [p.lstrip("@").replace("'", "").casefold() for p in parts if not p.startswith("#") and p.strip("@")]
        known = [c.casefold() for c in table.columns]
        if any(n not in known for n in names):
            return None
        top, bottom, left, right = table.area
        at = sorted(known.index(n) for n in names) or [0, right - left]
        special = {p.casefold() for p in parts}
        first, last = table.body.start, table.body.stop - 1
        if this_row:
            first = last = cell.row
        elif "#all" in special:
            first, last = top, bottom
        elif "#headers" in special:
            first, last = top, last if "#data" in special else top
        elif "#totals" in special:
            first, last = (first if "#data" in special else bottom), bottom
        return Place(table.sheet, (first, last, left + at[0], left + at[-1]))

    def table(self, reference: Reference, cell: Cell) -> Table | None:
        """The table of a structured reference; without a name it is the one that holds the cell."""
        if reference.table:
            return self.book.tables.get(reference.table.casefold())
        return self.book.sheets[cell.sheet].table_of(cell)

    def cells(self, place: Place) -> Iterator[Cell]:
        """The cells of an area that hold something."""
        sheet = self.book.sheets.get(place.sheet)
        if sheet is None:
            return
        top, bottom, left, right = place.area
        if (bottom - top + 1) * (right - left + 1) <= len(sheet.cells):
            for row in range(top, bottom + 1):
                for column in range(left, right + 1):
                    if (cell := sheet.cells.get((row, column))) is not None:
                        yield cell
        else:
            for (row, column), cell in sheet.cells.items():
                if top <= row <= bottom and left <= column <= right:
                    yield cell

    def dependents(self, sheet: Sheet | str, row: int, column: int) -> list[Cell]:
        """The formulas that read a cell, directly."""
        name = sheet if isinstance(sheet, str) else sheet.name
        singles, areas = self._readers
        found = dict.fromkeys(singles.get((name, row, column), ()))
        for (top, bottom, left, right), readers in areas.get(name, {}).items():
            if top <= row <= bottom and left <= column <= right:
                found |= dict.fromkeys(readers)
        return [c for c in (self.book.cell(*place) for place in found) if c is not None]

    @cached_property
    def _readers(
        self,
    ) -> tuple[
        dict[tuple[str, int, int], list[tuple[str, int, int]]], dict[str, dict[Area, list[tuple[str, int, int]]]]
    ]:
        """The formulas by what they read: by single cell, and by area of a sheet."""
        singles: dict[tuple[str, int, int], list[tuple[str, int, int]]] = {}
        areas: dict[str, dict[Area, list[tuple[str, int, int]]]] = {}
        for _, cell in self.book.formulas():
            here = (cell.sheet, cell.row, cell.column)
            for place in self.precedents(cell):
                if place.is_cell:
                    singles.setdefault((place.sheet, place.area[0], place.area[2]), []).append(here)
                else:
                    areas.setdefault(place.sheet, {}).setdefault(place.area, []).append(here)
        return singles, areas
