"""One model of a workbook's cells: what stands in them, how they look, what is hidden. Every rule reads this."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xl_econ.core.errors import WorkbookError
from xl_econ.workbook.read import load

from .colours import rgb

MAX_CELLS = 2_000_000


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that holds something.

    `value` is what was typed (None for a formula); `stored` the value beside a formula (None: none is stored).
    """

    sheet: str
    at: str
    row: int
    column: int
    formula: str
    value: Any
    stored: Any
    font: str
    fill: str
    format: str
    style: str
    hidden: bool

    @property
    def shown(self) -> Any:
        """The value that a reader sees."""
        return self.stored if self.formula else self.value

    @property
    def is_number(self) -> bool:
        return isinstance(self.shown, int | float) and not isinstance(self.shown, bool)


@dataclass(frozen=True)
class Table:
    """An Excel Table: its name, columns and area (first and last row, first and last column)."""

    name: str
    columns: tuple[str, ...]
    area: tuple[int, int, int, int]

    def holds(self, row: int, column: int) -> bool:
        top, bottom, left, right = self.area
        return top <= row <= bottom and left <= column <= right


@dataclass
class Sheet:
    """A sheet: its cells by row and column, its tables, merged areas and conditional formats."""

    name: str
    state: str
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)
    tables: list[Table] = field(default_factory=list)
    merged: list[tuple[str, tuple[int, int, int, int]]] = field(default_factory=list)
    conditional: list[tuple[int, int, int, int]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def at(self, row: int, column: int) -> Cell | None:
        return self.cells.get((row, column))

    def rows(self) -> dict[int, list[Cell]]:
        """The cells of every row, from left to right."""
        found: dict[int, list[Cell]] = {}
        for (row, _), cell in sorted(self.cells.items()):
            found.setdefault(row, []).append(cell)
        return found

    def columns(self) -> dict[int, list[Cell]]:
        """The cells of every column that hold something, from the top."""
        found: dict[int, list[Cell]] = {}
        for (_, column), cell in self.cells.items():
            if cell.shown not in (None, ""):
                found.setdefault(column, []).append(cell)
        return found

    def table_of(self, cell: Cell) -> Table | None:
        return next((t for t in self.tables if t.holds(cell.row, cell.column)), None)

    def text(self, row: int, column: int) -> str:
        """What a reader sees in a cell, as a text."""
        cell = self.at(row, column)
        return "" if cell is None or cell.shown is None else str(cell.shown).strip()


@dataclass
class Book:
    """A workbook: its sheets and its defined names with their formulas."""

    sheets: dict[str, Sheet] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    links: int = 0

    def cells(self) -> Iterator[tuple[Sheet, Cell]]:
        for sheet in self.sheets.values():
            for cell in sheet.cells.values():
                yield sheet, cell

    def formulas(self) -> Iterator[tuple[Sheet, Cell]]:
        return ((sheet, cell) for sheet, cell in self.cells() if cell.formula)

    @property
    def tables(self) -> dict[str, Table]:
        return {t.name.casefold(): t for sheet in self.sheets.values() for t in sheet.tables}


def read(path: Path) -> Book:
    """The model of a workbook.

    Raises:
        WorkbookError: The file cannot be read, or holds more cells than a model of people does.
    """
    texts, values = load(path, values=False), load(path, values=True)
    book = Book(names={n: str(d.attr_text or "") for n, d in texts.defined_names.items()})
    book.links = len(getattr(texts, "_external_links", ()))
    count = 0
    for ws in texts.worksheets:
        book.sheets[ws.title] = sheet = Sheet(ws.title, ws.sheet_state)
        sheet.tables = [
            Table(t.displayName, tuple(c.name for c in t.tableColumns), _area(t.ref)) for t in ws.tables.values()
        ]
        sheet.merged = [(str(m), _area(str(m))) for m in ws.merged_cells.ranges]
        sheet.conditional = [_area(str(r)) for c in ws.conditional_formatting for r in c.cells.ranges]
        sheet.names = set(ws.defined_names)
        hidden = _Hidden(ws)
        looks: dict[tuple[int, int], tuple[str, str]] = {}
        for place in sorted(ws._cells):  # not iter_rows, which makes a cell of every empty one in between
            cell = ws._cells[place]
            if cell.value is None:
                continue
            count += 1
            if count > MAX_CELLS:
                raise WorkbookError(f"{path}: more than {MAX_CELLS:,} cells")
            style = (cell._style.fontId, cell._style.fillId)
            if style not in looks:
                fill = rgb(cell.fill.fgColor, "") if cell.fill.fill_type else ""
                looks[style] = (rgb(cell.font.color, "black"), fill)
            sheet.cells[place] = _cell(cell, values[ws.title], looks[style], hidden)
    return book


def _cell(cell: Any, values: Any, look: tuple[str, str], hidden: _Hidden) -> Cell:
    formula, stored = "", None
    if cell.data_type == "f":
        formula = str(getattr(cell.value, "text", None) or cell.value)
        beside = values.cell(cell.row, cell.column)
        stored = "" if beside.value is None and beside.data_type == "str" else beside.value
    place = (cell.coordinate, cell.row, cell.column)
    value = None if formula else cell.value
    shut = hidden(cell.row, cell.column)
    return Cell(cell.parent.title, *place, formula, value, stored, *look, cell.number_format, cell.style, shut)


class _Hidden:
    """Whether a cell stands in a hidden row or column."""

    def __init__(self, ws: Any) -> None:
        self._rows = {n for n, d in ws.row_dimensions.items() if d.hidden or d.height == 0}
        self._columns = [
            range(d.min or 0, (d.max or 0) + 1) for d in ws.column_dimensions.values() if d.hidden or d.width == 0
        ]

    def __call__(self, row: int, column: int) -> bool:
        return row in self._rows or any(column in r for r in self._columns)


def _area(ref: str) -> tuple[int, int, int, int]:
    from openpyxl.utils import range_boundaries

    left, top, right, bottom = range_boundaries(ref)
    return int(top or 1), int(bottom or 1 << 20), int(left or 1), int(right or 1 << 14)
