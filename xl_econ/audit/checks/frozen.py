"""The last part of a row of copies pasted as values: each is exactly what the formula before it would give."""

from __future__ import annotations

import math
from collections.abc import Iterator

from xl_econ.audit.arithmetic import Evaluator
from xl_econ.audit.lines import COLUMN, ROW, beside
from xl_econ.audit.parsed import Unknown, tree
from xl_econ.audit.registry import WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.workbook.book import Cell, Sheet

_COPIES = 3
_MOST = 60  # typed figures that are compared
_DIGITS = 6  # significant digits, of all the different figures, from which on they are not the same by chance
_YEARS = range(1990, 2101)
_EXACT = 1e-9


@check(
    "formulas-frozen",
    WARNING,
    "Typed figures go on a row of copies with exactly what their formula would give: they no longer follow the inputs",
    "restore the formula, or say beside them that they are actuals",
)
def formulas_frozen(subject: Subject) -> Iterator[Found]:
    """Several typed figures right after at least three copies; a single one is an overwritten formula."""
    evaluator = Evaluator(subject.graph)
    for name, cells in subject.beside_copies.items():
        sheet = subject.book.sheets[name]
        for cell in cells:
            for step in (ROW, COLUMN):
                model = beside(sheet, cell, step, -1)
                if model is None or not model.formula or not _is_copied(sheet, model, step):
                    continue
                tail = _tail(sheet, cell, step)
                if len(tail) > 1 and not subject.as_built(cell) and _are_results(evaluator, model, tail):
                    text = f"{len(tail)} figures from {cell.text} on are what {model.formula[:80]} ({model.at}) gives"
                    yield at(cell, text)


def _is_copied(sheet: Sheet, model: Cell, step: tuple[int, int]) -> bool:
    for n in range(1, _COPIES):
        before = beside(sheet, model, step, -n)
        if before is None or before.key != model.key:
            return False
    return True


def _tail(sheet: Sheet, cell: Cell, step: tuple[int, int]) -> list[Cell]:
    """The typed figures from a cell on."""
    found = []
    for n in range(_MOST):
        other = beside(sheet, cell, step, n)
        if other is None or other.formula or not other.is_number or other.spilled:
            break
        found.append(other)
    return found


def _are_results(evaluator: Evaluator, model: Cell, tail: list[Cell]) -> bool:
    """Whether each is what the formula gives in its place, and that not by chance."""
    node = tree(model.key)
    texts = {f"{c.shown:.12g}".strip("-0.").replace(".", "") for c in tail}
    heads = all(c.look.is_date or c.shown in _YEARS for c in tail)
    if node is None or heads or sum(map(len, texts)) < _DIGITS:
        return False
    try:
        return all(_equal(evaluator.node(node, c), c.shown) for c in tail)
    except (Unknown, ArithmeticError, TypeError, ValueError):
        return False


def _equal(given: object, typed: float) -> bool:
    if isinstance(given, bool) or not isinstance(given, int | float):
        return False
    return math.isclose(given, typed, rel_tol=_EXACT)
