"""A workbook as a person sees it: cells with content and look, Excel Tables, names; for comparing two of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from .appearance import Seen, appearances
from .book import Book, Sheet
from .cell import At, address
from .child import seconds, within_limits
from .preflight import preflight
from .references import shape
from .scan import scan

_TRUTHS = ("TRUE()", "FALSE()")  # as LibreOffice writes a truth value
LEAST, MEGABYTE = 30, 2  # seconds that any workbook has to be read, and more for every megabyte of cells
_CELL = re.compile(r"=?(?:'((?:[^']|'')++)'|([^'!]++))!\$?([A-Za-z]{1,3})\$?([1-9]\d{0,6})(?::.*)?")


_quoted = lru_cache(1 << 12)(repr)  # a long text that a thousand cells share is held once


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
        if self.formula is not None:
            return shape(self.formula)
        return _quoted(self.value) if isinstance(self.value, str) else repr(self.value)

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
            # A table may claim a million rows, of which a few are there.
            for row in t.body if len(t.body) <= len(self.rows) else [r for r in self.rows if r in t.body]:
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
        preflight(path)
        with within_limits(path, seconds(path, LEAST, MEGABYTE)):
            self._take(scan(path, appearances), path)

    @classmethod
    def of(cls, book: Book, path: Path) -> Grid:
        """A workbook that was read already, without its looks.

        Args:
            book: Its cells.
            path: Where it is.
        """
        self = cls.__new__(cls)
        self._take(book, path)
        return self

    def _take(self, book: Book, path: Path) -> None:
        self.path = path
        self.sheets = {s.name: GridSheet(s.name, dict(sorted(_seen(book, s, path)))) for s in book.sheets.values()}
        for t in book.tables.values():
            if t.headings:
                left = t.area[2]
                columns = {left + n: name for n, name in enumerate(t.columns) if name}
                self.sheets[t.sheet].tables.append(TableArea(t.name, t.sheet, columns, t.body))
        self.names = {n: text for n, text in book.names.items() if not n.startswith("_")}

    def cell_of(self, name: str) -> tuple[str, At] | None:
        """The first cell that a name leads to."""
        return place(self.names.get(name, ""))

    @property
    def tables(self) -> dict[str, TableArea]:
        return {t.name: t for s in self.sheets.values() for t in s.tables}


def _seen(book: Book, sheet: Sheet, path: Path) -> Iterator[tuple[At, GridCell]]:
    covered = _covered(sheet, path)
    for (row, column), cell in sheet.cells.items():
        text: str | None = cell.formula.removeprefix("=") if cell.formula else None
        value = float(cell.shown) if type(cell.shown) is int else cell.shown
        if text is not None and (truth := text.upper()) in _TRUTHS:
            text, value = None, truth == _TRUTHS[0]
        if (text is not None or value not in (None, "")) and (row, column) not in covered:
            look = cell.look.appearance if isinstance(cell.look, Seen) else ()
            yield At(row, column), GridCell(text, book.moment(cell) or value, look)


def _covered(sheet: Sheet, path: Path) -> set[tuple[int, int]]:
    """The cells in the middle of merged areas, which hold nothing that is seen."""
    areas = [area for _, area in sheet.merged]
    found = zip(areas, sheet.held(areas, f"{path}: the merged areas"), strict=True)
    return {p for (top, _, left, _), places in found for p in places if p != (top, left)}


def place(text: str) -> tuple[str, At] | None:
    """The first cell of a reference with its sheet; None for anything else."""
    from .cell import column_number

    found = _CELL.fullmatch(text.strip())
    if found is None:
        return None
    sheet = found[1].replace("''", "'") if found[1] else found[2].lstrip("$")
    return sheet, At(int(found[4]), column_number(found[3]))
