"""Figures of another magnitude than all the others of their column: cents among dollars, raw counts among trillions."""

from __future__ import annotations

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
        if len(run) <= _FEWEST:
            continue
        values = [float(c.shown) for c in run if c.shown]
        if len(values) <= _FEWEST or not 0 < _APART * min(values) <= max(values):
            continue
        values.sort()
        for value, low, high in ((values[-1], values[0], values[-2]), (values[0], values[1], values[-1])):
            times = max(value / high, low / value)
            if times < max(_APART, _OF_SPREAD * high / low):
                continue
            cell = next(c for c in run if c.shown == value)
            if not subject.as_built(cell):
                span = f"{len(values) - 1} figures of {low:,.6g} to {high:,.6g}"
                yield at(cell, f"{cell.text} among {span}: {times:,.3g} times apart from all")


def _runs(subject: Subject) -> Iterator[list[Cell]]:
    """Typed figures one below the other, of one number format."""
    for sheet in subject.book.sheets.values():
        for column in sheet.census.columns.values():
            rows = column.number_rows
            if len(rows) <= _FEWEST:
                continue
            if rows[-1] - rows[0] == len(rows) - 1 and len({id(c.look) for c in column.numbers}) == 1:
                if not column.numbers[0].look.is_date:
                    yield column.numbers
                continue
            run: list[Cell] = []
            row, look = 0, None
            for cell in column.numbers:
                if look and (cell.row != row + 1 or (cell.look is not look and cell.look.format != look.format)):
                    if not look.is_date:
                        yield run
                    run = []
                run.append(cell)
                row, look = cell.row, cell.look
            if look and not look.is_date:
                yield run
