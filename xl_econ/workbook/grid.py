"""A workbook as a person sees it: cells with content and look, Excel Tables, names; for comparing two of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from .cell import At, address
from .read import held, load
from .references import shape

_SIDES = ("left", "right", "top", "bottom")
_CELL = re.compile(r"=?(?:'((?:[^']|'')+)'|([^'!]+))!\$?([A-Za-z]{1,3})\$?(\d+)(?::.*)?")


@dataclass(frozen=True)
class GridCell:
    """A cell that holds something: a constant, or a formula with the value stored beside it."""

    formula: str | None
    value: Any
    look: tuple[Any, ...]

    @property
    def is_text(self) -> bool:
        return self.formula is None and isinstance(self.value, str)

    @property
    def token(self) -> str:
        """The content without what an inserted row or other inputs change: places in formulas, their results."""
        return repr(self.value) if self.formula is None else shape(self.formula)

    def shown(self) -> Any:
        """What the cell holds, as a report says it."""
        return self.value if self.formula is None else f"={self.formula}"


@dataclass(frozen=True)
class TableArea:
    """An Excel Table: its headings by column and the rows of its body."""

    name: str
    sheet: str
    columns: dict[int, str]
    body: range

    @property
    def key_column(self) -> int:
        return min(self.columns)


@dataclass
class GridSheet:
    """The cells of a worksheet that hold something, in order."""

    name: str
    cells: dict[At, GridCell]
    tables: list[TableArea] = field(default_factory=list)

    @cached_property
    def rows(self) -> dict[int, dict[int, GridCell]]:
        found: dict[int, dict[int, GridCell]] = {}
        for at, cell in self.cells.items():
            found.setdefault(at.row, {})[at.column] = cell
        return found

    @cached_property
    def columns(self) -> list[int]:
        return sorted({at.column for at in self.cells})

    @cached_property
    def texts(self) -> set[str]:
        return {c.value for c in self.cells.values() if c.is_text}

    def label(self, row: int) -> str:
        """The first text of a row."""
        return next((str(c.value) for c in self.rows.get(row, {}).values() if c.is_text), "")

    @cached_property
    def _headings(self) -> list[int]:
        """Rows of three texts or more and nothing else."""
        return [r for r, cells in self.rows.items() if len(cells) >= 3 and all(c.is_text for c in cells.values())]

    def heading(self, at: At) -> str:
        """The text above a cell in the nearest row of headings; the cell's letter where there is none."""
        for row in reversed([r for r in self._headings if r < at.row]):
            if at.column in self.rows[row]:
                return str(self.rows[row][at.column].value)
        return address(at).rstrip("0123456789")

    def table_at(self, row: int, column: int) -> TableArea | None:
        return next((t for t in self.tables if row in t.body and column in t.columns), None)

    def row_keys(self) -> dict[tuple[str, str], int]:
        """The rows of Excel Tables by table and key; keys that stand there twice are left out."""
        found: dict[tuple[str, str], list[int]] = {}
        for t in self.tables:
            for row in t.body:
                if cell := self.rows.get(row, {}).get(t.key_column):
                    found.setdefault((t.name, str(cell.value)), []).append(row)
        return {key: rows[0] for key, rows in found.items() if len(rows) == 1}

    def column_keys(self) -> dict[tuple[str, str], int]:
        """The columns of Excel Tables by table and heading; those under which two tables stand are left out."""
        found = {(t.name, heading): n for t in self.tables for n, heading in t.columns.items()}
        counts = Counter(found.values())
        return {key: n for key, n in found.items() if counts[n] == 1}


class Grid:
    """A workbook read for comparing.

    Args:
        path: The workbook.

    Raises:
        WorkbookError: It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        texts, values = load(path, values=False), load(path, values=True)
        self.sheets: dict[str, GridSheet] = {}
        for sheet in texts.worksheets:
            # A cell in the middle of a merged area holds nothing.
            cells = dict(_cells(sheet, values[sheet.title]))
            self.sheets[sheet.title] = GridSheet(sheet.title, cells, list(_tables(sheet, cells)))
        self.names = {str(n): str(d.attr_text or "") for n, d in texts.defined_names.items() if not n.startswith("_")}

    def cell_of(self, name: str) -> tuple[str, At] | None:
        """The first cell that a name leads to."""
        return place(self.names.get(name, ""))

    @property
    def tables(self) -> dict[str, TableArea]:
        return {t.name: t for s in self.sheets.values() for t in s.tables}


def place(text: str) -> tuple[str, At] | None:
    """The first cell of a reference with its sheet; None for anything else."""
    from .cell import column_number

    found = _CELL.fullmatch(text.strip())
    if found is None:
        return None
    sheet = found[1].replace("''", "'") if found[1] else found[2].lstrip("$")
    return sheet, At(int(found[4]), column_number(found[3]))


def _cells(texts: Any, values: Any) -> Iterator[tuple[At, GridCell]]:
    looks: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for c in held(texts):
        if c.value is None or c.value == "":
            continue
        style = tuple(c._style)
        if style not in looks:
            looks[style] = _look(c)
        formula: str | None = None
        value = c.value
        if c.data_type == "f":
            text = str(getattr(value, "text", value) or "").removeprefix("=")
            value = values.cell(c.row, c.column).value
            truth = text.upper() in ("TRUE()", "FALSE()")  # as LibreOffice writes a truth value
            formula, value = (None, text.upper() == "TRUE()") if truth else (text, value)
        if type(value) is int:
            value = float(value)
        yield At(c.row, c.column), GridCell(formula, value, looks[style])


def _look(c: Any) -> tuple[Any, ...]:
    """What a person sees of a cell's style; how a program files it away is its own affair."""
    font, fill, place = c.font, c.fill, c.alignment
    filled = _colour(fill.fgColor) if fill is not None and fill.fill_type == "solid" else None
    lines = tuple((side.style if side else None) or None for side in (getattr(c.border, s) for s in _SIDES))
    horizontal = None if place.horizontal == "general" else place.horizontal
    vertical = None if place.vertical == "bottom" else place.vertical
    face = (font.name, font.sz, bool(font.b), bool(font.i), None if font.u == "none" else font.u, _colour(font.color))
    # Whether a sign is escaped or quoted is no matter of looks.
    number = re.sub(r'[\\"]', "", c.number_format.casefold())
    return number, face, filled, lines, horizontal, vertical, bool(place.wrap_text)


def _colour(colour: Any) -> Any:
    """A colour by its red, green and blue; black where none is said."""
    if colour is None or (colour.type == "theme" and colour.theme == 1 and not colour.tint):
        return "000000"
    return str(colour.rgb)[-6:].upper() if colour.type == "rgb" else (colour.type, colour.value)


def _tables(sheet: Any, cells: dict[At, GridCell]) -> Iterator[TableArea]:
    from openpyxl.utils import range_boundaries

    for area in sheet.tables.values():
        corners: Any = range_boundaries(area.ref)
        left, top, right, bottom = corners
        headed = area.headerRowCount != 0
        headings = {n: cells.get(At(top, n)) for n in range(left, right + 1)} if headed else {}
        columns = {n: str(c.value) for n, c in headings.items() if c is not None}
        if columns:
            body = range(top + 1, bottom - (area.totalsRowCount or 0) + 1)
            yield TableArea(area.displayName, sheet.title, columns, body)
