"""What a cell is called, and where its figure comes from, as the cells around it say.

In a headed area the columns say it: units, source, as of. Elsewhere it is the nearest text to the left and the nearest
heading above, as a person reads a sheet.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain

from xl_econ.core.units import PRETTY, SYNONYMS
from xl_econ.lint import areas
from xl_econ.workbook.book import Book, Cell, Sheet

_UNITS = {u.casefold() for u in (*PRETTY, *SYNONYMS)} | {
    "%", "$", "€", "£", "usd", "eur", "gbp", "w", "mw", "mwh", "h", "hr", "hrs", "hour", "hours", "day", "days",
    "month", "months", "yr", "year", "years", "gpu", "gpus", "node", "nodes", "token", "tokens", "request", "requests",
    "number",
}  # fmt: skip
_IN_BRACKETS = re.compile(r"[(\[]([^()\[\]]{1,16})[)\]]")
_YEARS = range(1990, 2101)
_BOUNDS = ("lowest", "highest", "at least", "at most")
_WORDS = "formula in words"
# Columns that tell about a row, in the order of `About`, by the headings that they may have.
_TOLD = {"source": ("source",), "as_of": ("as of",), "key": ("key",), "words": (_WORDS,)}


@dataclass(frozen=True)
class About:
    """What the cells around a cell say of it.

    Attributes:
        row: What its row is called.
        heading: What its column is called.
        unit: Its unit.
        source: Where the figure comes from.
        as_of: When it was so.
        key: What a template calls its row.
        words: The row's formula in names, as a template writes it.
    """

    row: str = ""
    heading: str = ""
    unit: str = ""
    source: str = ""
    as_of: str = ""
    key: str = ""
    words: str = ""

    @property
    def label(self) -> str:
        """Row and column in one: `GPU-hours / Base`."""
        return " / ".join(filter(None, (self.row, self.heading)))

    @property
    def step(self) -> str:
        """The name of the step or input in formulas in words."""
        return self.words.partition(" = ")[0] if " = " in self.words else self.key


class Labels:
    """The labels of a workbook's cells.

    Args:
        book: The workbook.
    """

    def __init__(self, book: Book) -> None:
        self.book = book
        self._sheets: dict[str, _Sheet] = {}

    def of_sheet(self, name: str) -> _Sheet:
        if name not in self._sheets:
            self._sheets[name] = _Sheet(self.book, self.book.sheets[name])
        return self._sheets[name]

    def about(self, cell: Cell) -> About:
        """What the cells around a cell say of it."""
        return self.of_sheet(cell.sheet).about(cell)

    @cached_property
    def names(self) -> Mapping[tuple[str, str], str]:
        """The defined name of every cell that has one, by sheet and address."""
        found: dict[tuple[str, str], str] = {}
        for name, text in self.book.names.items():
            sheet, mark, cell = text.replace("$", "").rpartition("!")
            if mark and cell.isalnum() and not name.startswith("_xlnm."):
                found.setdefault((sheet.strip("'").replace("''", "'"), cell), name)
        return found


class _Sheet:
    """The labels of one sheet."""

    def __init__(self, book: Book, sheet: Sheet) -> None:
        self.book, self.sheet = book, sheet
        self._texts = sheet.census.text_columns
        self._names: dict[tuple[int, int, int], int] = {}
        headed = areas.of(sheet)
        self.blocks = [a for a in headed if not self._is_table(a)]
        self.tables = [a for a in headed if self._is_table(a)]

    def _is_table(self, area: areas.Area) -> bool:
        return any(t.area[0] == area.heading and t.area[2] in area.columns.values() for t in self.sheet.tables)

    @cached_property
    def _headings(self) -> dict[int, list[int]]:
        """The rows of what may head the cells below it, of every column: a text, a date, a year."""
        found: dict[int, list[int]] = {}
        census = self.sheet.census
        texts = (c for c in census.texts if not c.formula and c.shown.strip())
        dates = (c for look, cells in census.looks if look.is_date for c in cells)
        years = (c for column in census.columns.values() for c in column.numbers if _is_year(c) and not c.look.is_date)
        for cell in chain(texts, dates, years):
            found.setdefault(cell.column, []).append(cell.row)
        for rows in found.values():
            rows.sort()
        return found

    @cached_property
    def _heads(self) -> dict[int, list[int]]:
        """The same by row."""
        found: dict[int, list[int]] = {}
        for column, rows in sorted(self._headings.items()):
            for row in rows:
                found.setdefault(row, []).append(column)
        return found

    def area(self, row: int, column: int) -> areas.Area | None:
        """The headed area of a cell: a table, or the block of rows that it lies in."""
        for table in self.sheet.tables:
            if table.holds(row, column):
                return next((a for a in self.tables if a.heading == table.area[0]), None)
        return next((a for a in reversed(self.blocks) if a.heading < row <= a.last), None)

    def places(self, row: int, column: int) -> tuple[int, int]:
        """The column of the text that names a cell's row, and the row of its heading; 0 where there is none."""
        area = self.area(row, column)
        if area is not None and area in self.tables:
            first = min(area.columns.values())
            return (first if column != first else 0), area.heading
        named = self._named(row, bisect_left(self._texts.get(row, ()), column), self.blocks.index(area) if area else -1)
        if area is not None:
            return named, area.heading if column in self._heads.get(area.heading, ()) else 0
        rows = self._headings.get(column, ())
        above = rows[bisect_left(rows, row) - 1] if rows and rows[0] < row else 0
        # One text above a cell in a list of names and figures is another figure of the list, and heads nothing.
        heads = self._heads.get(above, ())
        return named, above if not named or len(heads) - bisect_right(heads, named) > 1 else 0

    def _named(self, row: int, count: int, block: int) -> int:
        """The column of the text that names a row, among its first `count` texts, in a block; 0 where there is none."""
        held = (row, count, block)
        if held not in self._names:
            told, unit = self._told_columns[block] if block >= 0 else (frozenset[int](), 0)
            left = (c for c in self._texts.get(row, ())[:count][::-1] if c not in told and not (unit and c >= unit))
            self._names[held] = next((c for c in left if not _is_unit(self.sheet.text(row, c))), 0)
        return self._names[held]

    @cached_property
    def _told_columns(self) -> list[tuple[frozenset[int], int]]:
        """Of every block the columns that describe a row, and the one of the units, left of which its name stands."""
        return [(frozenset(c for n, c in b.columns.items() if n in areas.ABOUT), b.unit or 0) for b in self.blocks]

    def _before(self, row: int, column: int) -> list[int]:
        texts = self._texts.get(row, [])
        return texts[: bisect_left(texts, column)][::-1]

    def about(self, cell: Cell) -> About:
        left, above = self.places(cell.row, cell.column)
        row, heading = self._text(cell.row, left), self._text(above, cell.column)
        area = self.area(cell.row, cell.column)
        told = {n: self._told(area, names, cell.row) for n, names in _TOLD.items()}
        if not told["source"]:
            told["source"] = " ".join(self.sheet.comments.get((cell.row, cell.column), "").split())[:200]
        return About(row, heading, self._unit(cell, area, row, heading), **told)

    def _text(self, row: int, column: int) -> str:
        cell = self.sheet.at(row, column) if row and column else None
        if cell is None:
            return ""
        day = self.book.date(cell)
        return day.isoformat() if day else " ".join(cell.text.split())[:120]

    def _told(self, area: areas.Area | None, names: tuple[str, ...], row: int) -> str:
        column = None if area is None else area.column(*names)
        return self._text(row, column) if column is not None else ""

    def _unit(self, cell: Cell, area: areas.Area | None, row: str, heading: str) -> str:
        if not cell.is_number:
            return ""
        if area is not None and area.unit is not None:
            bounds = (area.columns.get(n) for n in _BOUNDS)
            return self._text(cell.row, area.unit) if cell.column in (*area.figures, *bounds) else ""
        for column in (self._before(cell.row, cell.column)[:1] or [0])[0], cell.column + 1:
            text = self._text(cell.row, column)
            if _is_unit(text):
                return text
        for text in (heading, row):
            found = _IN_BRACKETS.search(text)
            if found and _is_unit(found[1]):
                return found[1]
            if _is_unit(text):
                return text
        return ""


def _is_year(cell: Cell) -> bool:
    return bool(_YEARS[0] <= cell.shown <= _YEARS[-1] and cell.shown % 1 == 0)


def unitless(area: areas.Area) -> list[int]:
    """The columns of an area that tell about its rows and hold no figure in the row's unit."""
    return sorted(c for n, c in area.columns.items() if n in areas.ABOUT and n not in _BOUNDS)


@lru_cache(1 << 12)
def _is_unit(text: str) -> bool:
    folded = text.casefold().strip()
    parts = folded.split("/")
    return folded in _UNITS or (len(parts) > 1 and parts[0] in _UNITS and len(folded) <= 16)
