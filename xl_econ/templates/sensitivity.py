"""The Sensitivity sheet: grids of a result over two figures, and a tornado; every cell a formula of its own.

A cell spells out the chain from the figures that vary to the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

from xl_econ.core.expr import Unavailable

from .chain import Cell, Chain, Compute, Values, cell, shown
from .layout import Axis, Grid, Sensitivity, Swing, Tornado
from .parts import INPUTS, LIVE, SENSITIVITY, CheckRow

if TYPE_CHECKING:
    from .model import Model

FIRST = 4
_POINTS = '+0%" pts";-0%" pts";0'
LOW_SHIFT, HIGH_SHIFT, LOW, HIGH, AT_LOW, AT_HIGH, DOWN, UP = "DEFGHIJK"  # columns of the tornado
BAR = (LOW_SHIFT, LOW, AT_LOW, DOWN, HIGH_SHIFT, HIGH, AT_HIGH, UP)  # in the order of a bar's cells


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


def of(model: Model, spec: Sensitivity) -> Sheet:
    """The sheet's cells, with the values that the core gives them."""
    row, grids = FIRST, []
    for g in spec.grids:
        grids.append(_grid(model, g, row))
        row += 7 + len(g.down.values or g.down.shifts)
    return Sheet(grids, _tornado(model, spec.tornado, row) if spec.tornado else None)


def _grid(model: Model, g: Grid, row: int) -> GridBlock:
    chain = Chain(model, g.result, (g.across.key, g.down.key), SENSITIVITY)
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
    return [cell(model, at, "axis", text, compute, form), given]


def _given(model: Model, at: str, kind: str, value: float, form: str) -> Cell:
    return cell(model, at, kind, "", lambda _: value, form)


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
        self.model, self.swing, self.chain = model, swing, Chain(model, result, (swing.key,), SENSITIVITY)
        shifts = (swing.low, swing.high)
        self._ends = [(shift, _shifted(model, swing, "", shift)[1]) for shift in shifts]

    def values(self, live: Values) -> list[Any]:
        """The shift, the figure, the result and how far it is off, at the low end and at the high one."""
        found: list[Any] = []
        for shift, moved in self._ends:
            figure = moved(live)
            result = self.chain.value({**live, self.swing.key: figure})
            found += [shift, shown(figure), result, _less(result, self.chain.live_value(live))]
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
                cell(self.model, b, "calculation", text, moved, self.model.format(s.key)),
                chain.cell(c, "calculation", {s.key: b}, {s.key: moved}),
                cell(self.model, d, "calculation", f"{c}-{link}", self._off(4 * n + 3), chain.format),
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
