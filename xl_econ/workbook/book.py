"""One model of a workbook: cells with what stands in them and how they look, tables, names, settings.

Whatever judges a workbook reads this. It is read once, from the package itself, in time and memory that grow with the
cells that hold something and not with what the file claims to hold.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from xl_econ.core.errors import WorkbookError

from .cell import At, address
from .census import Census

Area = tuple[int, int, int, int]  # first and last row, first and last column
_NUMBERS = (float, int)  # and no truth value
_MOST_HELD = 5_000_000  # cells of areas, one by one
_LONGEST = 255  # characters of a number format
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\[[^\]]*\]')


@dataclass(frozen=True, slots=True)
class Look:
    """How a cell looks: colours as RRGGBB ("black" the program's own, "" unknown or none), number format, style."""

    font: str = "black"
    fill: str = ""
    format: str = "General"
    style: str = "Normal"
    locked: bool = True

    @property
    def is_date(self) -> bool:
        """Whether the format shows a number as a date or time."""
        return _shows_dates(self.format)


@lru_cache(1 << 12)
def _shows_dates(text: str) -> bool:
    first = _LITERAL.sub("", text[:_LONGEST].split(";", maxsplit=1)[0]).casefold()
    return text.casefold() != "general" and bool(set(first) & set("dmyhs"))


@dataclass(slots=True)
class Cell:
    """A cell that holds something.

    Attributes:
        sheet: Name of its sheet.
        row: Number of its row, from 1.
        column: Number of its column, from 1.
        formula: Its formula with the equals sign, "" for a typed value.
        shown: What a reader sees: the typed value, or the value stored beside the formula (None: none is stored). A
            number is a float or int, an error value its text.
        look: How it looks.
        hidden: Whether its row or column is hidden.
        key: The formula in R1C1 terms, "" for a typed value.
        spilled: Whether another cell's array formula fills it.
        is_error: Whether it shows an error value.
    """

    sheet: str
    row: int
    column: int
    formula: str
    shown: Any
    look: Look
    hidden: bool = False
    key: str = ""
    spilled: bool = False
    is_error: bool = False

    @property
    def at(self) -> str:
        return address(At(self.row, self.column))

    @property
    def value(self) -> Any:
        """What was typed; None for a formula."""
        return None if self.formula else self.shown

    @property
    def stored(self) -> Any:
        """The value beside a formula; None where none is stored, and for what was typed."""
        return self.shown if self.formula else None

    @property
    def is_number(self) -> bool:
        return type(self.shown) in _NUMBERS

    @property
    def text(self) -> str:
        """What a reader sees, as a text; a number with all its digits."""
        return "" if self.shown is None else f"{self.shown:.15g}" if self.is_number else str(self.shown)

    @property
    def font(self) -> str:
        return self.look.font

    @property
    def fill(self) -> str:
        return self.look.fill

    @property
    def format(self) -> str:
        return self.look.format

    @property
    def style(self) -> str:
        return self.look.style


@dataclass(frozen=True)
class Table:
    """An Excel Table.

    Attributes:
        name: Its name.
        columns: Its headings.
        area: All of it, with the heading row and the totals.
        headings: Rows of headings, 0 or 1.
        totals: Rows of totals.
    """

    name: str
    columns: tuple[str, ...]
    area: Area
    sheet: str = ""
    headings: int = 1
    totals: int = 0

    def holds(self, row: int, column: int) -> bool:
        top, bottom, left, right = self.area
        return top <= row <= bottom and left <= column <= right

    @property
    def body(self) -> range:
        return range(self.area[0] + self.headings, self.area[1] - self.totals + 1)


@dataclass(frozen=True)
class Validation:
    """What a data validation allows in its areas: kind (whole, decimal, list...), operator and the two bounds."""

    areas: tuple[Area, ...]
    kind: str
    operator: str
    first: str
    second: str
    allow_blank: bool


@dataclass
class Sheet:
    """A sheet: its cells by row and column, and what lies over them."""

    name: str
    state: str = "visible"
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)
    tables: list[Table] = field(default_factory=list)
    merged: list[tuple[str, Area]] = field(default_factory=list)
    conditional: list[Area] = field(default_factory=list)
    validations: list[Validation] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: list[range] = field(default_factory=list)
    comments: dict[tuple[int, int], str] = field(default_factory=dict)

    def at(self, row: int, column: int) -> Cell | None:
        return self.cells.get((row, column))

    def held(self, areas: Iterable[Area], what: str) -> Iterator[list[tuple[int, int]]]:
        """Where cells stand in each of some areas.

        Args:
            areas: They do not lie on one another in any workbook of people.
            what: They are, for the error: "b.xlsx: the merged areas".

        Raises:
            WorkbookError: They lie on one another, so that it would take for ever to look.
        """
        cells, left_over = self.cells, _MOST_HELD
        for top, bottom, left, right in areas:
            size = (bottom - top + 1) * (right - left + 1)
            left_over -= min(size, len(cells))
            if left_over < 0:
                raise WorkbookError(f"{what} of {self.name} lie on one another")
            if size <= len(cells):
                inside = ((r, c) for r in range(top, bottom + 1) for c in range(left, right + 1))
                yield [p for p in inside if p in cells]
            else:
                yield [(r, c) for r, c in cells if top <= r <= bottom and left <= c <= right]

    @cached_property
    def census(self) -> Census:
        """Its cells by column and by kind, as they are when this is first asked for."""
        return Census(self.cells)

    def rows(self) -> dict[int, list[Cell]]:
        """The cells of every row, from left to right; as the census has them."""
        return self.census.rows

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
        return "" if cell is None else cell.text.strip()


@dataclass
class Settings:
    """How the workbook is computed, and what it brings along besides sheets.

    Attributes:
        mode: Calculation: auto, autoNoTable or manual.
        iterates: Whether circular references are iterated.
        as_displayed: Whether numbers are rounded to what they show.
        from_1904: Whether dates count from 1904.
        application: The program that wrote it, as it says.
        macros: Whether it holds macros.
        links: Other workbooks and servers (DDE) that it draws on, as they are written.
        connections: External data connections.
        embedded: Embedded objects and controls.
    """

    mode: str = "auto"
    iterates: bool = False
    as_displayed: bool = False
    from_1904: bool = False
    application: str = ""
    macros: bool = False
    links: list[str] = field(default_factory=list)
    connections: int = 0
    embedded: int = 0


@dataclass
class Book:
    """A workbook: its sheets, its defined names with their formulas, its settings."""

    sheets: dict[str, Sheet] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)

    def cells(self) -> Iterator[tuple[Sheet, Cell]]:
        for sheet in self.sheets.values():
            for cell in sheet.cells.values():
                yield sheet, cell

    def formulas(self) -> Iterator[tuple[Sheet, Cell]]:
        return ((sheet, cell) for sheet, cell in self.cells() if cell.formula)

    def cell(self, sheet: str, row: int, column: int) -> Cell | None:
        held = self.sheets.get(sheet)
        return None if held is None else held.cells.get((row, column))

    @cached_property
    def tables(self) -> dict[str, Table]:
        """The Excel Tables by name, in small letters."""
        return {t.name.casefold(): t for sheet in self.sheets.values() for t in sheet.tables}

    def date(self, cell: Cell) -> dt.date | None:
        """The day that a cell shows; None where it shows no date."""
        if not cell.is_number or not cell.look.is_date:
            return None
        start = dt.date(1904, 1, 1) if self.settings.from_1904 else dt.date(1899, 12, 30)
        try:
            return start + dt.timedelta(days=int(cell.shown))
        except OverflowError:
            return None

    def moment(self, cell: Cell) -> dt.datetime | None:
        """The day and time that a cell shows, to the second; None where it shows no date."""
        day = self.date(cell)
        if day is None:
            return None
        return dt.datetime.combine(day, dt.time()) + dt.timedelta(seconds=round(abs(cell.shown) % 1 * 86_400))
