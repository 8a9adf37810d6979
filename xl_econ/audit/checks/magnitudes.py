"""Figures of another magnitude than all the others of their column: cents among dollars, raw counts among trillions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from xl_econ.audit.registry import WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.workbook.book import Cell

_FEWEST = 6  # other figures that show what is usual
_APART = 40.0  # how many times it lies from the nearest of them at least
_OF_SPREAD = 2.0  # and how many times farther than they lie from each other


@check(
    "magnitude-apart",
    WARNING,
    "A typed figure is many times larger or smaller than all the others of its column: it may be in another unit",
    "look for cents among dollars, for raw counts among billions; or say beside it why it is so",
)
def magnitude_apart(subject: Subject) -> Iterator[Found]:
    """Runs of typed figures down a column that lie close together but for one."""
    for run in _runs(subject):
        figures = sorted(((float(c.shown), c) for c in run if c.shown), key=lambda f: f[0])
        if len(figures) <= _FEWEST or figures[0][0] <= 0:
            continue
        values = [v for v, _ in figures]
        for value, cell, rest in ((*figures[-1], values[:-1]), (*figures[0], values[1:])):
            times = max(value / rest[-1], rest[0] / value)
            if times >= max(_APART, _OF_SPREAD * rest[-1] / rest[0]) and not subject.as_built(cell):
                span = f"{rest[0]:,.6g} to {rest[-1]:,.6g}"
                yield at(cell, f"{cell.text} among {len(rest)} figures of {span}: {times:,.3g} times apart from all")


def _runs(subject: Subject) -> Iterator[list[Cell]]:
    """Typed figures one below the other, of one number format."""
    columns: dict[tuple[str, int], list[Cell]] = defaultdict(list)
    for _, cell in subject.book.cells():
        if cell.is_number and not cell.formula and not cell.look.is_date and isinstance(cell.shown, int | float):
            columns[cell.sheet, cell.column].append(cell)
    for cells in columns.values():
        cells.sort(key=lambda c: c.row)
        run = cells[:1]
        for cell in cells[1:]:
            if cell.row != run[-1].row + 1 or cell.format != run[-1].format:
                yield run
                run = []
            run.append(cell)
        yield run
