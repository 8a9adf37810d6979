"""The cells of a sheet by column and by kind, told apart once: what asks for texts does not look at every number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .book import Cell, Look

_NUMBERS = (float, int)  # and no truth value


class Column:
    """The cells of a column, from the top.

    Attributes:
        cells: All of them.
        formulas: Those with a formula.
        numbers: The typed numbers.
    """

    def __init__(self) -> None:
        self.cells: list[Cell] = []
        self.formulas: list[Cell] = []
        self.numbers: list[Cell] = []

    @cached_property
    def number_rows(self) -> list[int]:
        """The rows of the typed numbers."""
        return [c.row for c in self.numbers]

    @cached_property
    def filled(self) -> list[int]:
        """The rows in which something stands."""
        return [c.row for c in self.cells if _is_filled(c)]


class Census:
    """The cells of a sheet.

    Attributes:
        columns: The columns by number.
        texts: The cells that show a text, typed or computed, row by row; an error value is none.
        errors: The cells that show an error value, and the formulas beside which no value is stored, row by row.
        looks: The numbers, typed or computed, by how they look; cells of one style share one look.

    Args:
        cells: The cells by row and column, in any order.
    """

    def __init__(self, cells: Mapping[tuple[int, int], Cell]) -> None:
        places = sorted(cells)  # of what is in order already this is a walk through it
        self._cells = [*cells.values()] if places == [*cells] else [cells[place] for place in places]
        self.columns: dict[int, Column] = {}
        self.texts: list[Cell] = []
        self.errors: list[Cell] = []
        by_look: dict[int, tuple[Look, list[Cell]]] = {}
        look, alike = None, self.texts
        for cell in self._cells:  # once: in a large workbook every look at a cell is one into far memory
            column = self.columns.get(cell.column)
            if column is None:
                column = self.columns[cell.column] = Column()
            column.cells.append(cell)
            shown = cell.shown
            is_number = type(shown) in _NUMBERS
            if cell.formula:
                column.formulas.append(cell)
            elif is_number:
                column.numbers.append(cell)
            if is_number:
                if cell.look is not look:
                    look = cell.look
                    alike = by_look.setdefault(id(look), (look, []))[1]
                alike.append(cell)
            elif cell.is_error or (shown is None and cell.formula):
                self.errors.append(cell)
            elif type(shown) is str:
                self.texts.append(cell)
        self.looks = [*by_look.values()]

    @cached_property
    def rows(self) -> dict[int, list[Cell]]:
        """The cells of every row, from left to right."""
        found: dict[int, list[Cell]] = {}
        for cell in self._cells:
            row = found.get(cell.row)
            if row is None:
                row = found[cell.row] = []
            row.append(cell)
        return found

    @cached_property
    def filled(self) -> dict[int, list[int]]:
        """The columns in which something stands, of every row from the left."""
        return {row: [c.column for c in cells if _is_filled(c)] for row, cells in self.rows.items()}

    @cached_property
    def text_columns(self) -> dict[int, list[int]]:
        """The columns of the texts of every row, from the left; of those that are more than white space."""
        return _columns(c for c in self.texts if not c.shown.isspace() and c.shown)

    @cached_property
    def text_rows(self) -> dict[int, list[int]]:
        """The rows of the same of every column, from the top."""
        return _rows(self.text_columns)

    @cached_property
    def white_columns(self) -> dict[int, list[int]]:
        """The columns of the texts of every row that are nothing but white space, from the left."""
        return _columns(c for c in self.texts if c.shown.isspace())

    @cached_property
    def white_rows(self) -> dict[int, list[int]]:
        """The rows of the same of every column, from the top."""
        return _rows(self.white_columns)


def _columns(cells: Iterable[Cell]) -> dict[int, list[int]]:
    """The columns of cells by row."""
    found: dict[int, list[int]] = {}
    for cell in cells:
        held = found.get(cell.row)
        if held is None:
            found[cell.row] = [cell.column]
        else:
            held.append(cell.column)
    return found


def _rows(columns: dict[int, list[int]]) -> dict[int, list[int]]:
    """The same, the rows by column."""
    found: dict[int, list[int]] = {}
    for row, in_row in columns.items():
        for column in in_row:
            held = found.get(column)
            if held is None:
                found[column] = [row]
            else:
                held.append(row)
    return found


def _is_filled(cell: Cell) -> bool:
    return bool(cell.formula) or (cell.shown is not None and cell.shown != "")
