"""Copied formulas: a cell that differs from the copies around it, and a number typed over one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from xl_econ.audit.registry import ERROR, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.workbook.book import Cell, Sheet

_RUN = 4  # cells side by side that make a row or column of one kind
_SHARE = 0.6  # of a run that the usual formula takes


@check(
    "formula-break",
    ERROR,
    "A cell of a copied row or column has another formula than the cells on both sides of it",
    "copy the formula of its neighbours over it, or give the exception a row or column of its own",
)
def formula_break(subject: Subject) -> Iterator[Found]:
    """Compared in R1C1 terms. A cell that goes with its neighbours in the other direction is no exception."""
    for run, usual in _runs(subject):
        for n, cell in enumerate(run):
            if (
                cell.formula
                and cell.key != usual
                and _surrounded(run, n, usual)
                and not _goes_across(subject, run, cell)
            ):
                model = next(c for c in run if c.key == usual)
                yield at(cell, f"{cell.formula[:80]} among copies of {model.formula[:80]} ({model.at})")


@check(
    "formula-overwritten",
    ERROR,
    "A number is typed where the cells on both sides have a formula: it no longer follows the inputs",
    "restore the formula; if the number is meant, make it an input with a source and let the formula choose it",
)
def formula_overwritten(subject: Subject) -> Iterator[Found]:
    """A typed number between copies of one formula; beside other typed numbers it is data."""
    for run, usual in _runs(subject):
        for n, cell in enumerate(run):
            if (
                not cell.formula
                and cell.is_number
                and _surrounded(run, n, usual)
                and not _among_data(subject, run, cell)
            ):
                model = next(c for c in run if c.key == usual)
                yield at(cell, f"{cell.text} typed among copies of {model.formula[:80]} ({model.at})")


def _runs(subject: Subject) -> Iterator[tuple[list[Cell], str]]:
    """Rows and columns of adjacent figures that are mostly copies of one formula, with that formula's key."""
    for sheet in subject.book.sheets.values():
        for cells in (*sheet.rows().values(), *_columns(sheet)):
            for run in _adjacent(cells):
                if len(run) < _RUN:
                    continue
                key, count = (
                    Counter(c.key for c in run if c.formula).most_common(1)[0]
                    if any(c.formula for c in run)
                    else ("", 0)
                )
                if count >= _RUN - 1 and count >= _SHARE * len(run) and count < len(run):
                    yield run, key


def _columns(sheet: Sheet) -> list[list[Cell]]:
    found: dict[int, list[Cell]] = {}
    for (_, column), cell in sorted(sheet.cells.items()):
        found.setdefault(column, []).append(cell)
    return list(found.values())


def _adjacent(cells: list[Cell]) -> Iterator[list[Cell]]:
    """Figures without a gap between them."""
    run: list[Cell] = []
    for cell in cells:
        if not (cell.formula or cell.is_number):
            continue
        if run and abs(cell.row - run[-1].row) + abs(cell.column - run[-1].column) != 1:
            yield run
            run = []
        run.append(cell)
    if run:
        yield run


def _surrounded(run: list[Cell], n: int, usual: str) -> bool:
    """Whether the usual formula stands on both sides; at the ends of a run a total or an opening may stand."""
    return 0 < n < len(run) - 1 and run[n - 1].key == usual == run[n + 1].key


def _across(subject: Subject, run: list[Cell], cell: Cell) -> list[Cell]:
    """The neighbours of a cell in the direction that the run does not take."""
    sheet = subject.book.sheets[cell.sheet]
    beside = ((-1, 0), (1, 0)) if run[0].row == run[1].row else ((0, -1), (0, 1))
    found = (sheet.at(cell.row + r, cell.column + c) for r, c in beside)
    return [c for c in found if c is not None]


def _goes_across(subject: Subject, run: list[Cell], cell: Cell) -> bool:
    """Whether a cell belongs to a run in the other direction, or its neighbours there are one."""
    across = [c for c in _across(subject, run, cell) if c.formula]
    return any(c.key == cell.key or _is_series(subject, run, c) for c in across)


def _is_series(subject: Subject, run: list[Cell], cell: Cell) -> bool:
    return any(c.key == cell.key for c in _across(subject, run, cell) if c.formula)


def _among_data(subject: Subject, run: list[Cell], cell: Cell) -> bool:
    return any(not c.formula and c.is_number for c in _across(subject, run, cell))
