"""Rectangles of copies: cells side by side that hold one formula, so that a check works per copy and not per cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from xl_econ.workbook.book import Area, Cell, Sheet
from xl_econ.workbook.cell import At, address
from xl_econ.workbook.graph import Graph, Place, Reference

Piece = tuple[str, int, int]  # a formula, and the first and last row that it takes in one column


@dataclass(slots=True)
class Block:
    """A rectangle in which every cell holds the same formula, in R1C1 terms.

    Attributes:
        sheet: Its sheet.
        first: Its cell at the top left.
        last: Its cell at the bottom right.
    """

    sheet: Sheet
    first: Cell
    last: Cell
    _reached: dict[Reference, Sequence[Place]] = field(default_factory=dict, init=False, repr=False)

    @property
    def key(self) -> str:
        return self.first.key

    @property
    def area(self) -> Area:
        return self.first.row, self.last.row, self.first.column, self.last.column

    @property
    def count(self) -> int:
        top, bottom, left, right = self.area
        return (bottom - top + 1) * (right - left + 1)

    def cells(self) -> Iterator[Cell]:
        """Its cells, row by row."""
        top, bottom, left, right = self.area
        return (self.sheet.cells[place] for place in product(range(top, bottom + 1), range(left, right + 1)))

    def reach(self, graph: Graph, reference: Reference) -> Sequence[Place]:
        """All that a reference of the formula reads over the whole block, as one area for each that a copy reads."""
        if self.first is self.last:
            return graph.places(reference, self.first)
        if reference not in self._reached:
            one, two = graph.places(reference, self.first), graph.places(reference, self.last)
            is_one = len(one) == len(two)
            self._reached[reference] = [*map(_around, one, two)] if is_one else [*one, *two]
        return self._reached[reference]


def blocks(sheet: Sheet) -> Iterator[Block]:
    """The blocks of a sheet."""
    growing: dict[Piece, Block] = {}
    for column, held in sorted(sheet.census.columns.items()):
        here: dict[Piece, Block] = {}
        for first, last in _pieces(held.formulas):
            piece = (first.key, first.row, last.row)
            block = growing.pop(piece, None)
            if block is not None and block.last.column == column - 1:
                block.last = last
            else:
                if block is not None:
                    yield block
                block = Block(sheet, first, last)
            here[piece] = block
        yield from growing.values()
        growing = here
    yield from growing.values()


def _pieces(cells: list[Cell]) -> Iterator[tuple[Cell, Cell]]:
    """The first and last cell of every unbroken stretch of copies in a column."""
    if not cells:
        return
    first = last = cells[0]
    for cell in cells:
        if cell is first:
            continue
        if cell.row != last.row + 1 or (cell.key is not last.key and cell.key != last.key):
            yield first, last
            first = cell
        last = cell
    yield first, last


def _around(a: Place, b: Place) -> Place:
    (top, bottom, left, right), (top_too, bottom_too, left_too, right_too) = a.area, b.area
    return Place(a.sheet, (min(top, top_too), max(bottom, bottom_too), min(left, left_too), max(right, right_too)))


def span(area: Area) -> str:
    """An area as text: B2, or B2:D9."""
    top, bottom, left, right = area
    first, last = address(At(top, left)), address(At(bottom, right))
    return first if first == last else f"{first}:{last}"
