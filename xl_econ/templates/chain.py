"""A result of a template as one formula of a few figures, for cells that ask what if: the chain from them to it.

What does not depend on the figures is read where the workbook has it, so a cell is as short as it can be and needs no
data table, which other programs and headless engines do not compute alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import LayoutError, TraceError, nearest
from xl_econ.core.expr import Expr, Unavailable, var
from xl_econ.hosts import cells
from xl_econ.printers import excel

from .language import mapped
from .parts import LIVE
from .program import Program, program, read

if TYPE_CHECKING:
    from .model import Model

LONGEST = 4000  # characters of a cell's formula that a person may still want to follow

Values = Mapping[str, Any]
Compute = Callable[[Values], Any]


@dataclass(frozen=True)
class Cell:
    """A cell: its place, what kind it is, its formula (none: a given number), value and number format.

    Attributes:
        compute: Its value where the live case has other values.
    """

    at: str
    kind: str
    formula: str
    value: Any
    format: str
    compute: Compute


class Chain:
    """A result as one formula of the figures that vary.

    Args:
        model: The template.
        result: Key of the result.
        varied: Keys of the figures.
        sheet: Where the formula stands.
        case: What does not vary is read from this case.
    """

    def __init__(self, model: Model, result: str, varied: tuple[str, ...], sheet: str, case: str = LIVE) -> None:
        self.model, self.result, self.varied, self.sheet = model, result, varied, sheet
        for key in (result, *varied):
            if key not in model.keys:
                raise LayoutError(f"{sheet}: unknown key {key!r}{nearest(key, model.keys)}")
        self.refs = model.refs(case, sheet, fixed=True)
        key_of = {id(e): key for key, e in model.nodes.items()}

        known: dict[int, bool] = {}
        held = model.layout.sensitivity.held if model.layout.sensitivity else ()

        def depends(e: Any) -> bool:
            """Whether an expression depends on a figure that varies."""
            if not isinstance(e, Expr):
                return False
            if id(e) not in known:
                key = e.args[0] if e.op == "var" else key_of.get(id(e))
                if key in held:
                    known[id(e)] = False
                elif key in varied or e.op == "var":
                    known[id(e)] = key in varied or depends(model.nodes.get(str(key)))
                else:
                    known[id(e)] = any(map(depends, e.args))
            return known[id(e)]

        def instead(e: Expr) -> Expr | None:
            key = e.args[0] if e.op == "var" else key_of.get(id(e), "")
            if key in varied or (key and not depends(e)):
                return var(key)
            if e.op != "var":
                return None
            if key not in written:  # once, so that a step which several others read is one expression
                written[key] = mapped(model.nodes[key], instead)
            return written[key]

        written: dict[str, Expr] = {}
        if result in varied or not depends(var(result)):
            raise LayoutError(f"{sheet}: {result} does not depend on {' and '.join(varied)}")
        self.root = mapped(model.nodes[result], instead)
        self.format = model.format(result)

    @cached_property
    def _program(self) -> Program:
        return program([(self.result, self.root)], read([self.root]))

    def value(self, values: Values) -> Any:
        """The result for the live case's values, those that vary among them."""
        [found] = self._program(values)
        return cells.shown(self.root, values, {}) if isinstance(found, float) and math.isnan(found) else found

    def live_value(self, values: Values) -> Any:
        return shown(values[self.result])

    def cell(self, at: str, kind: str, refs: dict[str, str], varied: Mapping[str, Compute]) -> Cell:
        """The result where the figures that vary stand in the cells `refs` and are worked out so."""
        text = self.text(refs)

        def compute(values: Values) -> Any:
            return self.value({**values, **{key: of(values) for key, of in varied.items()}})

        return cell(self.model, at, kind, text, compute, self.format)

    def text(self, refs: dict[str, str]) -> str:
        """The formula where the figures that vary stand in the cells `refs`."""
        try:
            text = excel.formula(self.root, self.refs | refs)
        except TraceError:
            text = "?" * LONGEST
        if len(text) >= LONGEST:
            raise LayoutError(f"{self.sheet}: {self.result} over {' and '.join(self.varied)} is too long for one cell")
        return text

    def live(self, corner: str, link: str) -> tuple[Cell, Cell]:
        """The live case by this formula, and the live result itself."""
        by_link = cell(self.model, link, "link", self.refs[self.result], self.live_value, self.format)
        return self.cell(corner, "result", {}, {}), by_link


def shown(value: Any) -> Any:
    """A value as its cell shows it."""
    return value.cell if isinstance(value, Unavailable) else value


def cell(model: Model, at: str, kind: str, text: str, compute: Compute, form: str) -> Cell:
    """A cell that follows from the live case."""
    return Cell(at, kind, text, shown(compute(model.values(LIVE))), form, compute)
