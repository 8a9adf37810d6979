"""Sums over the wrong cells: a range that stops too early, or that counts something twice."""

from __future__ import annotations

import re
from collections.abc import Iterator

from xl_econ.audit.registry import ERROR, WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.workbook.book import Cell
from xl_econ.workbook.graph import Place

_TOTAL = re.compile(r"=\+?(?:_xlfn\.)?(SUM|AVERAGE|MIN|MAX|COUNT|PRODUCT)\(([^()]*)\)$", re.I)
_SUM = re.compile(r"=\+?(?:SUM|SUBTOTAL)\(", re.I)


@check(
    "range-short",
    ERROR,
    "A total leaves out figures that adjoin its range, between it and the total",
    "extend the range; a Table or a whole block as the range grows by itself",
)
def range_short(subject: Subject) -> Iterator[Found]:
    """The total of a range in its own row or column that does not reach up to it, though figures stand between."""
    for cell, place in _totals(subject):
        missed = _between(subject, cell, place)
        if missed and not _explained(subject, cell, missed):
            yield at(cell, f"{cell.formula[:80]} leaves out {_span(missed)}")


@check(
    "total-in-range",
    WARNING,
    "A sum takes in a cell that is itself the sum of cells in the range: they count twice",
    "take the subtotal out of the range, or use SUBTOTAL for both",
)
def total_in_range(subject: Subject) -> Iterator[Found]:
    """A SUM within the range of a SUM."""
    for cell, place in _totals(subject):
        if not _SUM.match(cell.formula) or "SUBTOTAL" in cell.formula.upper():
            continue
        top, bottom, left, right = place.area
        for inner in subject.graph.cells(place):
            if inner.formula and _SUM.match(inner.formula) and "SUBTOTAL" not in inner.formula.upper():
                reads = [p for p in subject.graph.precedents(inner) if not p.is_cell]
                if any(
                    p.sheet == place.sheet
                    and top <= p.area[0]
                    and p.area[1] <= bottom
                    and left <= p.area[2]
                    and p.area[3] <= right
                    for p in reads
                ):
                    yield at(
                        cell, f"{cell.formula[:80]} counts {inner.at} ({inner.formula[:60]}) as well as what that sums"
                    )
                    break


def _totals(subject: Subject) -> Iterator[tuple[Cell, Place]]:
    """Formulas that only total one range of one row or column, with that range."""
    for cell in subject.formulas:
        if _TOTAL.match(cell.formula):
            places = subject.graph.precedents(cell)
            if len(places) == 1 and not places[0].is_cell and places[0].sheet == cell.sheet:
                yield cell, places[0]


def _between(subject: Subject, cell: Cell, place: Place) -> list[Cell]:
    """The figures between a range and its total without a gap, in its own row or column; none where a gap is."""
    top, bottom, left, right = place.area
    sheet = subject.book.sheets[cell.sheet]
    if left == right == cell.column and bottom < cell.row:
        gap = [sheet.at(r, left) for r in range(bottom + 1, cell.row)]
    elif left == right == cell.column and cell.row < top:
        gap = [sheet.at(r, left) for r in range(cell.row + 1, top)]
    elif top == bottom == cell.row and right < cell.column:
        gap = [sheet.at(top, c) for c in range(right + 1, cell.column)]
    else:
        return []
    found = [c for c in gap if c is not None and c.is_number]
    return found if len(found) == len(gap) and len(found) <= 3 else []


def _explained(subject: Subject, cell: Cell, missed: list[Cell]) -> bool:
    """Whether what is left out is a total itself, or something of another kind."""
    last = next((c for p in subject.graph.precedents(cell) for c in subject.graph.cells(p)), None)
    return last is None or any(
        (c.formula and _TOTAL.match(c.formula)) or c.format != last.format or bool(c.formula) != bool(last.formula)
        for c in missed
    )


def _span(cells: list[Cell]) -> str:
    return cells[0].at if len(cells) == 1 else f"{cells[0].at} to {cells[-1].at}"
