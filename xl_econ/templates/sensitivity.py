"""The Sensitivity sheet: grids of a result over two figures, and a tornado; every cell a formula of its own.

A cell spells out the chain from the figures that vary to the result; what does not depend on them is read from the
live case. So the sheet needs no data table, which other programs and headless engines do not compute alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import LayoutError, TraceError, nearest
from xl_econ.core.expr import Expr, Unavailable, var
from xl_econ.hosts import cells
from xl_econ.printers import excel

from .language import mapped
from .layout import Axis, Grid, Sensitivity, Swing, Tornado
from .parts import INPUTS, LIVE, SENSITIVITY, CheckRow
from .program import Program, program, read

if TYPE_CHECKING:
    from .model import Model

FIRST = 4
_POINTS = '+0%" pts";-0%" pts";0'
_LONGEST = 4000  # characters of a cell's formula that a person may still want to follow
LOW_SHIFT, HIGH_SHIFT, LOW, HIGH, AT_LOW, AT_HIGH, DOWN, UP = "DEFGHIJK"  # columns of the tornado
BAR = (LOW_SHIFT, LOW, AT_LOW, DOWN, HIGH_SHIFT, HIGH, AT_HIGH, UP)  # in the order of a bar's cells


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


@dataclass(frozen=True)
class GridBlock:
    """A grid with its cells; the corner is the live case by the same formula."""

    grid: Grid
    row: int
    cells: list[Cell]
    corner: Cell
    link: Cell


@dataclass(frozen=True)
class TornadoBlock:
    """The bars of the tornado, the widest first."""

    tornado: Tornado
    row: int
    bars: list[tuple[Swing, list[Cell]]]
    corner: Cell
    link: Cell
    ordered: Callable[[Values], list[tuple[Swing, list[Any]]]]

    @property
    def first(self) -> int:
        """The row of the first bar."""
        return self.row + 4


@dataclass(frozen=True)
class Sheet:
    """What the sheet holds."""

    grids: list[GridBlock]
    tornado: TornadoBlock | None

    @cached_property
    def blocks(self) -> list[GridBlock | TornadoBlock]:
        return [*self.grids, *([self.tornado] if self.tornado else [])]

    @cached_property
    def fixed(self) -> list[Cell]:
        """The cells that stand where they stand in every case: all but the bars, which are sorted."""
        found = [cell for grid in self.grids for cell in grid.cells]
        return found + [cell for block in self.blocks for cell in (block.corner, block.link)]


class _Chain:
    """A result as one formula of the figures that vary."""

    def __init__(self, model: Model, result: str, varied: tuple[str, ...]) -> None:
        self.model, self.result, self.varied = model, result, varied
        for key in (result, *varied):
            if key not in model.keys:
                raise LayoutError(f"sensitivity: unknown key {key!r}{nearest(key, model.keys)}")
        self.refs = model.refs(LIVE, SENSITIVITY, fixed=True)
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
            raise LayoutError(f"sensitivity: {result} does not depend on {' and '.join(varied)}")
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
        return _shown(values[self.result])

    def cell(self, at: str, kind: str, refs: dict[str, str], varied: Mapping[str, Compute]) -> Cell:
        """The result where the figures that vary stand in the cells `refs` and are worked out so."""
        try:
            text = excel.formula(self.root, self.refs | refs)
        except TraceError:
            text = "?" * _LONGEST
        if len(text) >= _LONGEST:
            raise LayoutError(f"sensitivity: {self.result} over {' and '.join(self.varied)} is too long for one cell")

        def compute(values: Values) -> Any:
            return self.value({**values, **{key: of(values) for key, of in varied.items()}})

        return _cell(self.model, at, kind, text, compute, self.format)

    def live(self, corner: str, link: str) -> tuple[Cell, Cell]:
        """The live case by this formula, and the live result itself."""
        by_link = _cell(self.model, link, "link", self.refs[self.result], self.live_value, self.format)
        return self.cell(corner, "result", {}, {}), by_link


def _shown(value: Any) -> Any:
    return value.cell if isinstance(value, Unavailable) else value


def _cell(model: Model, at: str, kind: str, text: str, compute: Compute, form: str) -> Cell:
    return Cell(at, kind, text, _shown(compute(model.values(LIVE))), form, compute)


def of(model: Model, spec: Sensitivity) -> Sheet:
    """The sheet's cells, with the values that the core gives them."""
    row, grids = FIRST, []
    for g in spec.grids:
        grids.append(_grid(model, g, row))
        row += 7 + len(g.down.values or g.down.shifts)
    return Sheet(grids, _tornado(model, spec.tornado, row) if spec.tornado else None)


def _grid(model: Model, g: Grid, row: int) -> GridBlock:
    chain = _Chain(model, g.result, (g.across.key, g.down.key))
    top = row + 3  # the across values; their shifts stand above
    columns = [chr(ord("D") + n) for n in range(len(g.across.values or g.across.shifts))]
    rows = [top + 1 + n for n in range(len(g.down.values or g.down.shifts))]
    across = [_axis(model, g.across, n, f"{c}{top}", f"{c}{top - 1}") for n, c in enumerate(columns)]
    down = [_axis(model, g.down, n, f"C{r}", f"B{r}") for n, r in enumerate(rows)]
    found = [cell for axis in (*across, *down) for cell in axis]
    for (r, y), (c, x) in product(zip(rows, down, strict=True), zip(columns, across, strict=True)):
        refs = {g.across.key: f"{c}${top}", g.down.key: f"$C{r}"}
        varied = {g.across.key: x[0].compute, g.down.key: y[0].compute}
        found.append(chain.cell(f"{c}{r}", "calculation", refs, varied))
    corner, link = chain.live(f"C{top}", f"C{top - 1}")
    return GridBlock(g, row, found, corner, link)


def _axis(model: Model, axis: Axis, n: int, at: str, shift_at: str) -> list[Cell]:
    """A value of an axis, with the shift that it comes from if it is one."""
    form = model.format(axis.key)
    if axis.values:
        return [_given(model, at, "axis_input", axis.values[n], form)]
    shift = axis.shifts[n]
    text, compute = _shifted(model, Swing(key=axis.key), shift_at, shift)
    given = _given(model, shift_at, "input", shift, "+0%;-0%;0%")
    return [_cell(model, at, "axis", text, compute, form), given]


def _given(model: Model, at: str, kind: str, value: float, form: str) -> Cell:
    return _cell(model, at, kind, "", lambda _: value, form)


def _shifted(model: Model, swing: Swing, at: str, shift: float) -> tuple[str, Compute]:
    """A live value moved by the shift in a cell, within the input's bounds."""
    live = model.refs(LIVE, SENSITIVITY, fixed=True)[swing.key]
    text = f"{live}*(1+{at})" if swing.by == "share" else f"{live}+{at}"
    row = model.input_rows.get(swing.key)
    highest, lowest = math.inf, -math.inf
    if row is not None and row.input.kind.high <= 1:
        text, highest = f"MIN({text},{INPUTS}!${model.columns.beyond(1)}${row.row})", row.input.kind.high
    if row is not None and swing.by == "amount":
        text, lowest = f"MAX({text},{INPUTS}!${model.columns.beyond(0)}${row.row})", row.input.kind.low

    def moved(values: Values) -> Any:
        value = values[swing.key]
        if isinstance(value, Unavailable):
            return value
        return max(min(value * (1 + shift) if swing.by == "share" else value + shift, highest), lowest)

    return text, moved


def _less(value: Any, live: Any) -> Any:
    """How far a bar reaches; an error value stays one."""
    errors = [v for v in (value, live) if isinstance(v, str)]
    return errors[0] if errors else float(value - live)


class _Arm:
    """A figure that moves, wherever its bar stands."""

    def __init__(self, model: Model, result: str, swing: Swing) -> None:
        self.model, self.swing, self.chain = model, swing, _Chain(model, result, (swing.key,))
        shifts = (swing.low, swing.high)
        self._ends = [(shift, _shifted(model, swing, "", shift)[1]) for shift in shifts]

    def values(self, live: Values) -> list[Any]:
        """The shift, the figure, the result and how far it is off, at the low end and at the high one."""
        found: list[Any] = []
        for shift, moved in self._ends:
            figure = moved(live)
            result = self.chain.value({**live, self.swing.key: figure})
            found += [shift, _shown(figure), result, _less(result, self.chain.live_value(live))]
        return found

    def bar(self, row: int, link: str) -> list[Cell]:
        """The cells of the bar in a row."""
        s, chain, found = self.swing, self.chain, []
        shown = "+0%;-0%;0%" if s.by == "share" else _POINTS if "%" in self.model.format(s.key) else "+0.##;-0.##;0"
        ends = ((s.low, BAR[:4]), (s.high, BAR[4:]))
        for n, (shift, columns) in enumerate(ends):
            a, b, c, d = (f"{x}{row}" for x in columns)
            text, moved = _shifted(self.model, s, a, shift)
            found += [
                _given(self.model, a, "input", shift, shown),
                _cell(self.model, b, "calculation", text, moved, self.model.format(s.key)),
                chain.cell(c, "calculation", {s.key: b}, {s.key: moved}),
                _cell(self.model, d, "calculation", f"{c}-{link}", self._off(4 * n + 3), chain.format),
            ]
        return found

    def _off(self, n: int) -> Compute:
        return lambda values: self.values(values)[n]


def _reach(values: list[Any]) -> float:
    return max(abs(d) if isinstance(d, float) else 0.0 for d in (values[3], values[7]))


def _tornado(model: Model, t: Tornado, row: int) -> TornadoBlock:
    """The bars, sorted by what they move in the live case as it is built."""
    arms = [_Arm(model, t.result, s) for s in t.rows]

    def ordered(live: Values) -> list[tuple[Swing, list[Any]]]:
        return sorted(((a.swing, a.values(live)) for a in arms), key=lambda found: _reach(found[1]), reverse=True)

    corner, link = arms[0].chain.live(f"{AT_LOW}{row + 2}", f"{AT_HIGH}{row + 2}")
    arm_of = {id(a.swing): a for a in arms}
    sorted_arms = [arm_of[id(swing)] for swing, _ in ordered(model.values(LIVE))]
    bars = [(a.swing, a.bar(n, f"${link.at[0]}${row + 2}")) for n, a in enumerate(sorted_arms, row + 4)]
    return TornadoBlock(t, row, bars, corner, link, ordered)


def off_live(corner: Any, link: Any) -> Any:
    """The live case by the sheet's own formula over the live case, as the check of a block shows it."""
    return 1.0 if corner == link else corner / link


def checks(sheet: Sheet) -> list[CheckRow]:
    """The live case by the sheet's own formulas against the calculation."""
    found = []
    for block in sheet.blocks:
        title = block.grid.title if isinstance(block, GridBlock) else block.tornado.title
        a, b = f"{SENSITIVITY}!{block.corner.at}", f"{SENSITIVITY}!{block.link.at}"
        value, text = off_live(block.corner.value, block.link.value), f"IF({a}={b},1,{a}/{b})"
        bounds = (0.999999999, 1.000000001, "0.000000000", "check", "The live case by the formula of the cells")
        found.append(CheckRow(f"{title}: at the live case", {LIVE: text}, {LIVE: value}, "", *bounds))
    return found
