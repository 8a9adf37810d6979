"""The cell host: an expression as rows of a sheet, one step a row, each formula with its value."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from xl_econ.core import units
from xl_econ.core.expr import Const, Expr, steps
from xl_econ.core.ops import evaluate, why_unavailable
from xl_econ.printers.excel import show
from xl_econ.printers.markdown import text as readable


@dataclass(frozen=True)
class StepRow:
    """One row: the step's name, its unit, the cell's formula, the same in names, and its value."""

    name: str
    unit: str
    formula: str
    text: str
    value: Any


def rows(
    root: Expr,
    refs: Mapping[str, str],
    inputs: Mapping[str, Any],
    unit_of: Mapping[str, str],
    place: Callable[[int], str],
    names: Mapping[int, str],
) -> list[StepRow]:
    """The steps of a tree as rows, the result last.

    Args:
        root: The tree.
        refs: Cell of each input, and of a constant by its name where the sheet holds it.
        inputs: Value of each input.
        unit_of: Unit of each input.
        place: Cell of the i-th row.
        names: Name of every step, and of the result, by the id of its expression (see `step_names`).
    """
    order = steps(root)
    at = {id(e): place(i) for i, e in enumerate(order)}
    values: dict[int, Any] = {}
    evaluate(root, inputs, values)
    labels: dict[int, Any] = {}

    def text(top: Expr) -> str:
        def leaf(e: Any) -> str | None:
            if isinstance(e, Const):
                return refs.get(e.name)
            if isinstance(e, Expr) and e.op == "var":
                return refs[e.args[0]]
            return at.get(id(e)) if e is not top and isinstance(e, Expr) else None

        return show(top, leaf)

    def unit(e: Expr) -> str:
        found = units.unit_of(e, unit_of, labels)
        return "" if found is None else units.show(found)

    return [
        # A branch that the inputs do not take was never evaluated; its row shows what it would be.
        StepRow(names[id(e)], unit(e), text(e), readable(e, names, top=e), shown(e, inputs, values))
        for e in order
    ]


def shown(e: Expr, inputs: Mapping[str, Any], values: dict[int, Any]) -> Any:
    """What a cell shows: the value, or the error value of a figure that does not exist."""
    value = evaluate(e, inputs, values)
    missing = isinstance(value, float) and math.isnan(value) and why_unavailable(e, inputs)
    return missing.cell if missing else value
