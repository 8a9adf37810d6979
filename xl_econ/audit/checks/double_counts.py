"""Sums that count a figure twice: a subtotal along with what it sums, ranges that overlap, a year among amounts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from xl_econ.audit.blocks import Block
from xl_econ.audit.registry import ERROR, WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.audit.tokens import first_of, only_adds, tokens
from xl_econ.workbook.book import Area, Cell
from xl_econ.workbook.graph import Place
from xl_econ.workbook.relative import shape

_NEAR = range(-3, 4)  # columns to either side, by which a heading is told
_MOST = 20_000  # cells of a range that are looked through


@check(
    "total-in-range",
    ERROR,
    "A total takes in a cell that is itself the sum of cells in the range: they count twice",
    "take the subtotal out of the range, or use SUBTOTAL for both",
)
def total_in_range(subject: Subject) -> Iterator[Found]:
    """A sum within the range of a sum, average, minimum or maximum."""
    for block in subject.blocks:
        first = first_of(shape(block.key))
        if first is None or first.text.upper() not in ("SUM(", "AVERAGE(", "MAX("):
            continue
        severity = "" if first.text.upper() == "SUM(" else WARNING
        for place in subject.graph.precedents(block.first):
            inner = None if place.is_cell or _size(place.area) > _MOST else _sum_within(subject, place)
            if inner is not None:
                what = f"{block.first.formula[:80]} counts {inner.at} ({inner.formula[:60]}) as well as what that sums"
                yield at(block.first, what + _copied(block), severity=severity)
                break


@check(
    "counted-twice",
    ERROR,
    "A sum adds a cell that is in a range which it adds as well",
    "take the cell out, or end the range before it",
)
def counted_twice(subject: Subject) -> Iterator[Found]:
    """Formulas that only add, of which two areas overlap."""
    for block in subject.blocks:
        if not only_adds(shape(block.key)):
            continue
        places = subject.graph.precedents(block.first)
        for n, one in enumerate(places):
            both = next((p for p in places[n + 1 :] if p.sheet == one.sheet and _overlap(p.area, one.area)), None)
            if both is not None and not (one.is_cell and both.is_cell):
                yield at(block.first, f"{block.first.formula[:80]} adds cells twice{_copied(block)}")
                break


@check(
    "heading-in-range",
    ERROR,
    "A sum takes in a number of the heading, such as a year",
    "begin the range below the heading",
)
def heading_in_range(subject: Subject) -> Iterator[Found]:
    """The first cell of a summed column is one of a row of numbers that count on, and the others are not."""
    for block in subject.blocks:
        first = first_of(shape(block.key))
        if first is None or first.text.upper() not in ("SUM(", "AVERAGE(") or len(tokens(block.key)) != 3:
            continue
        for place in subject.graph.precedents(block.first):
            top, bottom, left, right = place.area
            sheet = subject.book.sheets.get(place.sheet)
            if sheet is None or left != right or top == bottom:
                continue
            across = [sheet.cells.get((top, left + n)) for n in _NEAR]
            below = [sheet.cells.get((top + 1, left + n)) for n in _NEAR]
            if _counts_on(across) and not _counts_on(below):
                yield at(block.first, f"{block.first.formula[:80]} takes in the heading in row {top}{_copied(block)}")


def _sum_within(subject: Subject, place: Place) -> Cell | None:
    """A cell of an area that sums other cells of it, and nothing else."""
    for cell in subject.graph.cells(place):
        if not cell.formula:
            continue
        found = tokens(cell.key) if only_adds(shape(cell.key)) else ()
        if not found or (found[0].kind != "call" and len(found) < 3):
            continue
        places = subject.graph.precedents(cell)
        if places and all(p.sheet == place.sheet and _within(p.area, place.area) for p in places):
            if found[0].kind == "call" and all(p.is_cell for p in places):
                continue
            if found[0].kind != "call" and not _directly_above(cell, places):
                continue
            return cell
    return None


def _directly_above(cell: Cell, places: list[Place]) -> bool:
    """Whether a sum by plus signs adds the cells right above it, or left of it, and is no running balance."""
    rows = sorted(p.area[0] for p in places)
    columns = sorted(p.area[2] for p in places)
    n = len(places)
    down = set(columns) == {cell.column} and rows == list(range(cell.row - n, cell.row))
    right = set(rows) == {cell.row} and columns == list(range(cell.column - n, cell.column))
    return n > 1 and (down or right)


def _within(inner: Area, outer: Area) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1] and outer[2] <= inner[2] and inner[3] <= outer[3]


def _overlap(a: Area, b: Area) -> bool:
    return a[0] <= b[1] and b[0] <= a[1] and a[2] <= b[3] and b[2] <= a[3]


def _size(area: Area) -> int:
    return (area[1] - area[0] + 1) * (area[3] - area[2] + 1)


def _counts_on(cells: list[Cell | None]) -> bool:
    numbers = [c.shown for c in cells if c is not None and c.is_number]
    return len(numbers) > 1 and all(b - a == 1 for a, b in pairwise(numbers)) and numbers[0] >= 1


def _copied(block: Block) -> str:
    return f" (and {block.count - 1} copies)" if block.count > 1 else ""
