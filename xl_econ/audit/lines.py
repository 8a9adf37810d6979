"""A cell beside copies of a formula: in a row or a column, between them or at their end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xl_econ.workbook.book import Cell, Sheet
from xl_econ.workbook.graph import Graph, Place, Reference

ROW, COLUMN = (0, 1), (1, 0)
_FEWEST = 3  # copies that make a formula the usual one
_ROWS = 3  # other rows that show what columns a row is copied over
_FARTHEST = 60  # cells that are looked at to either side


@dataclass(frozen=True)
class Line:
    """Copies beside a cell.

    Attributes:
        cell: The cell that is none of them.
        step: The direction of the line: ROW or COLUMN.
        model: The nearest copy.
        before: Copies before the cell without a gap.
        after: Copies after it.
    """

    cell: Cell
    step: tuple[int, int]
    model: Cell
    before: int
    after: int

    @property
    def usual(self) -> str:
        return self.model.key

    @property
    def count(self) -> int:
        return self.before + self.after

    @property
    def between(self) -> bool:
        """Whether copies stand on both sides."""
        return bool(self.before and self.after)

    @property
    def across(self) -> tuple[int, int]:
        return self.step[1], self.step[0]

    @property
    def stand(self) -> tuple[str, tuple[int, int], int]:
        """The line through the cell in the other direction: exceptions that share it are of one design."""
        return self.cell.sheet, self.step, self.cell.column if self.step == ROW else self.cell.row


def is_figure(cell: Cell | None) -> bool:
    """Whether a cell holds a formula or a number."""
    return cell is not None and (bool(cell.formula) or cell.is_number)


Spans = dict[tuple[int, int], int]  # first and last column of blocks, with how many rows they take in all


def lines(sheet: Sheet, cell: Cell, spans: Spans | None = None) -> Iterator[Line]:
    """The lines of copies that a cell stands in or at the end of without being a copy.

    Args:
        sheet: Its sheet.
        cell: The cell.
        spans: The columns that other rows of the sheet are copied over. Where several are over the same three columns,
            as the cases of a comparison are, two copies are enough.
    """
    held, row, column, key = sheet.cells, cell.row, cell.column, cell.key
    for step in (ROW, COLUMN):
        down, right = step
        before, after = held.get((row - down, column - right)), held.get((row + down, column + right))
        one = before if before is not None and before.formula and before.key != key else None
        two = after if after is not None and after.formula and after.key != key else None
        if one is None and two is None:
            continue
        if one is not None and two is not None and one.key == two.key:
            line = Line(cell, step, one, _copies(sheet, one, step, -1), _copies(sheet, two, step, 1))
            if line.count >= _FEWEST or _is_usual(line, spans):
                yield line
            continue
        for model, way, other in ((one, -1, after), (two, 1, before)):
            if model is None or _same(cell, other):
                continue
            next_ = held.get((row + 2 * way * down, column + 2 * way * right))
            if next_ is None or next_.key != model.key:
                continue  # a single formula is no copy
            count = _copies(sheet, model, step, way)
            line = Line(cell, step, model, count if way < 0 else 0, count if way > 0 else 0)
            if count >= _FEWEST or _is_usual(line, spans):
                yield line


def _is_usual(line: Line, spans: Spans | None) -> bool:
    """Whether other rows are copied over the very columns of a line with two copies."""
    if not spans or line.step != ROW or line.count != _FEWEST - 1:
        return False
    first, last = line.cell.column - line.before, line.cell.column + line.after
    return spans.get((first, last), 0) >= _ROWS


def beside(sheet: Sheet, cell: Cell, step: tuple[int, int], distance: int) -> Cell | None:
    """The cell so far along a direction."""
    return sheet.cells.get((cell.row + step[0] * distance, cell.column + step[1] * distance))


def figures(sheet: Sheet, line: Line) -> Iterator[Cell]:
    """The other figures of the line that stand without a gap, to both sides."""
    for way in (-1, 1):
        for distance in range(1, _FARTHEST):
            found = beside(sheet, line.cell, line.step, way * distance)
            if found is None or not is_figure(found):
                break
            yield found


def works_here(graph: Graph, line: Line, references: tuple[Reference, ...]) -> bool:
    """Whether the usual formula would find in the cell's place what it finds in its own: figures where figures are."""
    return all(
        [_kind(graph, p) for p in graph.places(r, line.cell)] == [_kind(graph, p) for p in graph.places(r, line.model)]
        for r in references
    )


def is_figures(graph: Graph, reference: Reference, cell: Cell) -> bool:
    """Whether a reference, from that cell, leads to figures."""
    return any(_kind(graph, p) == "figure" for p in graph.places(reference, cell))


def _copies(sheet: Sheet, cell: Cell, step: tuple[int, int], way: int) -> int:
    """How many copies of a cell stand from it onwards in a direction, itself included."""
    count = 1
    while count < _FARTHEST:
        found = beside(sheet, cell, step, way * count)
        if found is None or found.key != cell.key:
            break
        count += 1
    return count


def _same(cell: Cell, other: Cell | None) -> bool:
    """Whether two neighbours are of one kind, so that neither is an exception."""
    return (
        other is not None and is_figure(other) and bool(other.formula) == bool(cell.formula) and other.key == cell.key
    )


def _kind(graph: Graph, place: Place) -> str:
    top, bottom, left, right = place.area
    sheet = graph.book.sheets.get(place.sheet)
    if sheet is None:
        return "blank"
    kinds = set()
    for row in range(top, min(bottom, top + _FARTHEST) + 1):
        for column in range(left, min(right, left + _FARTHEST) + 1):
            cell = sheet.cells.get((row, column))
            if cell is not None and cell.shown != "":
                figure = cell.is_number or cell.shown is None or isinstance(cell.shown, bool) or cell.is_error
                kinds.add("figure" if figure else "text")
    return "figure" if "figure" in kinds else kinds.pop() if kinds else "blank"
