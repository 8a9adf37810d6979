"""Cells that compute one of our metrics: by a call of it, by a template's step, by arithmetic of the same value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import XlEconError
from xl_econ.core.registry import Metric
from xl_econ.metrics import REGISTRY
from xl_econ.workbook.book import Cell

from .arithmetic import Evaluator, Where
from .parsed import Unknown, calls_ours, tree

if TYPE_CHECKING:
    from .subject import Subject

_PARAMETER = re.compile(r"_xl(?:pm|op)\.(\w+)\s*,")


@dataclass(frozen=True)
class Recognised:
    """What a cell computes, and what the reference implementation makes of the same inputs.

    Attributes:
        cell: The cell.
        metric: The metric; None for a step of a template that is none by itself.
        inputs: Its inputs by parameter, as it takes them.
        expected: What it gives.
        way: "function", "step" or "arithmetic".
        ratio: What stands in the cell over what is expected, where that is a slip.
        slip: The slip that explains the ratio; "" where none is known.
    """

    cell: Cell
    metric: Metric | None
    inputs: Mapping[str, Any]
    expected: Any
    way: str
    ratio: float = 1.0
    slip: str = ""


def of(subject: Subject) -> dict[Where, Recognised]:
    """Every cell that is recognised, by sheet, row and column."""
    from . import equivalent

    found: dict[Where, Recognised] = {}
    for each in (*calls(subject), *_steps(subject), *equivalent.cells(subject)):
        found.setdefault((each.cell.sheet, each.cell.row, each.cell.column), each)
    return found


# -- calls ------------------------------------------------------------------------------------------------------------
def calls(subject: Subject) -> Iterator[Recognised]:
    """Formulas with calls of our functions, from the add-in or by a LAMBDA, as the core computes them."""
    foreign = _foreign(subject)
    ours = {key for _, key in subject.copies if calls_ours(key)}
    for cell in subject.formulas if ours else ():
        if cell.key not in ours:
            continue
        found = tree(cell.key)
        names = {m.name for m in found.calls} if found else set()
        if found is None or not names or names & foreign:
            continue
        evaluator = Evaluator(subject.graph)
        try:
            value = evaluator.of(cell)
            m = REGISTRY.get(found.op)
            inputs = m.bind(tuple(evaluator.node(a, cell) for a in found.args), {}) if m else {}
        except (Unknown, XlEconError):
            continue
        yield from _spread(subject, cell, m, inputs, value)


def _foreign(subject: Subject) -> set[str]:
    """The names of our functions that mean something else in the workbook: other parameters."""
    found = set()
    for name, text in subject.book.names.items():
        m = REGISTRY.get(name.upper())
        if m is not None:
            said = _PARAMETER.findall(text)[: len(m.params)]
            if "LAMBDA(" not in text.upper() or [s.casefold() for s in said] != list(m.scalars)[: len(said)]:
                found.add(m.name)
    return found


def _spread(subject: Subject, cell: Cell, m: Metric | None, inputs: dict[str, Any], value: Any) -> Iterator[Recognised]:
    """A value at its cell; rows of values at the cells that they spill into."""
    if not isinstance(value, list):
        yield Recognised(cell, m, inputs, value, "function")
        return
    for i, row in enumerate(value):
        for j, each in enumerate(row if isinstance(row, list) else [row]):
            at = subject.book.cell(cell.sheet, cell.row + i, cell.column + j)
            if at is not None and (at is cell or at.spilled) and (len(value) > 1 or len(value[0]) > 1):
                if at is cell and not _spills(subject, cell):
                    return  # a range where a cell was meant: the row's own element is taken, which is Excel's affair
                yield Recognised(at, m, {}, each, "function")


def _spills(subject: Subject, cell: Cell) -> bool:
    below, right = (subject.book.cell(cell.sheet, cell.row + i, cell.column + 1 - i) for i in (1, 0))
    return any(c is not None and c.spilled for c in (below, right))


def _steps(subject: Subject) -> Iterator[Recognised]:
    """The rows of a template's calculation."""
    if subject.manifest is not None:
        from .template_steps import steps  # all that makes templates; what others made needs none of it

        yield from steps(subject.manifest)
