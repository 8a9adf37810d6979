"""The Sensitivity sheet: grids of a result over two figures, and a tornado; every cell a formula of its own.

A cell spells out the chain from the figures that vary to the result; what does not depend on them is read from the
live case. So the sheet needs no data table, which other programs and headless engines do not compute alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import LayoutError, TraceError, nearest
from xl_econ.core.expr import Expr, var
from xl_econ.hosts import cells
from xl_econ.printers import excel

from .language import mapped
from .layout import Axis, Grid, Sensitivity, Swing, Tornado
from .parts import LIVE, SENSITIVITY, CheckRow

if TYPE_CHECKING:
    from .model import Model

FIRST = 4
_POINTS = '+0%" pts";-0%" pts";0'
_LONGEST = 4000  # characters of a cell's formula that a person may still want to follow
LOW_SHIFT, HIGH_SHIFT, LOW, HIGH, AT_LOW, AT_HIGH, DOWN, UP = "DEFGHIJK"  # columns of the tornado


@dataclass(frozen=True)
class Cell:
    """A cell: its place, what kind it is, its formula (none: a given number), value and number format."""

    at: str
    kind: str
    formula: str
    value: Any
    format: str


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


@dataclass(frozen=True)
class Sheet:
    """What the sheet holds."""

    grids: list[GridBlock]
    tornado: TornadoBlock | None


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
            return mapped(model.nodes[key], instead) if e.op == "var" else None

        if result in varied or not depends(var(result)):
            raise LayoutError(f"sensitivity: {result} does not depend on {' and '.join(varied)}")
        self.root = mapped(model.nodes[result], instead)
        self.format = model.format(result)

    def cell(self, at: str, kind: str, refs: dict[str, str], values: dict[str, Any]) -> Cell:
        """The result where the figures that vary stand in the cells `refs` and have these values."""
        try:
            text = excel.formula(self.root, self.refs | refs)
        except TraceError:
            text = "?" * _LONGEST
        if len(text) >= _LONGEST:
            raise LayoutError(f"sensitivity: {self.result} over {' and '.join(self.varied)} is too long for one cell")
        env = self.model.values(LIVE) | values
        return Cell(at, kind, text, cells.shown(self.root, env, {}), self.format)

    def live(self, corner: str, link: str) -> tuple[Cell, Cell]:
        """The live case by this formula, and the live result itself."""
        value = self.model.value(self.result)
        return self.cell(corner, "result", {}, {}), Cell(link, "link", self.refs[self.result], value, self.format)


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
        values = {g.across.key: x[0].value, g.down.key: y[0].value}
        found.append(chain.cell(f"{c}{r}", "calculation", refs, values))
    corner, link = chain.live(f"C{top}", f"C{top - 1}")
    return GridBlock(g, row, found, corner, link)


def _axis(model: Model, axis: Axis, n: int, at: str, shift_at: str) -> list[Cell]:
    """A value of an axis, with the shift that it comes from if it is one."""
    form = model.format(axis.key)
    if axis.values:
        return [Cell(at, "axis_input", "", axis.values[n], form)]
    shift = axis.shifts[n]
    text, value = _shifted(model, Swing(key=axis.key), shift_at, shift)
    return [Cell(at, "axis", text, value, form), Cell(shift_at, "input", "", shift, "+0%;-0%;0%")]


def _shifted(model: Model, swing: Swing, at: str, shift: float) -> tuple[str, float]:
    """A live value moved by the shift in a cell, within the input's bounds."""
    live, value = model.refs(LIVE, SENSITIVITY, fixed=True)[swing.key], model.value(swing.key)
    text = f"{live}*(1+{at})" if swing.by == "share" else f"{live}+{at}"
    found = value * (1 + shift) if swing.by == "share" else value + shift
    row = model.input_rows.get(swing.key)
    if row is None:
        return text, found
    q = row.input.kind
    if q.high <= 1:
        text, found = f"MIN({text},Inputs!$I${row.row})", min(found, q.high)
    if swing.by == "amount":
        text, found = f"MAX({text},Inputs!$H${row.row})", max(found, q.low)
    return text, found


def _less(value: Any, live: float) -> Any:
    """How far a bar reaches; an error value stays one."""
    return value if isinstance(value, str) else float(value - live)


def _tornado(model: Model, t: Tornado, row: int) -> TornadoBlock:
    """The bars, sorted by what they move in the live case as it is built."""
    chains = [_Chain(model, t.result, (s.key,)) for s in t.rows]
    live = model.value(t.result)

    def reach(pair: tuple[Swing, _Chain]) -> float:
        s, chain = pair
        ends = (chain.cell("", "", {}, {s.key: _shifted(model, s, "", x)[1]}).value for x in (s.low, s.high))
        return max(abs(d) if isinstance(d := _less(v, live), float) else 0.0 for v in ends)

    ordered = sorted(zip(t.rows, chains, strict=True), key=reach, reverse=True)
    first = row + 4
    corner, link = chains[0].live(f"{AT_LOW}{row + 2}", f"{AT_HIGH}{row + 2}")
    bars = []
    for n, (s, chain) in enumerate(ordered, first):
        bar: list[Cell] = []
        for shift, columns in ((s.low, (LOW_SHIFT, LOW, AT_LOW, DOWN)), (s.high, (HIGH_SHIFT, HIGH, AT_HIGH, UP))):
            a, b, c, d = (f"{x}{n}" for x in columns)
            shown = "+0%;-0%;0%" if s.by == "share" else _POINTS if "%" in model.format(s.key) else "+0.##;-0.##;0"
            text, value = _shifted(model, s, a, shift)
            result = chain.cell(c, "calculation", {s.key: b}, {s.key: value})
            delta = Cell(d, "calculation", f"{c}-${link.at[0]}${row + 2}", _less(result.value, live), chain.format)
            bar += [Cell(a, "input", "", shift, shown), Cell(b, "calculation", text, value, model.format(s.key))]
            bar += [result, delta]
        bars.append((s, bar))
    return TornadoBlock(t, row, bars, corner, link)


def checks(sheet: Sheet) -> list[CheckRow]:
    """The live case by the sheet's own formulas against the calculation."""
    blocks: list[GridBlock | TornadoBlock] = [*sheet.grids, *([sheet.tornado] if sheet.tornado else [])]
    found = []
    for block in blocks:
        title = block.grid.title if isinstance(block, GridBlock) else block.tornado.title
        a, b = f"{SENSITIVITY}!{block.corner.at}", f"{SENSITIVITY}!{block.link.at}"
        same = block.corner.value == block.link.value
        value = 1.0 if same else block.corner.value / block.link.value
        text = f"IF({a}={b},1,{a}/{b})"
        bounds = (0.999999999, 1.000000001, "0.000000000", "check", "The live case by the formula of the cells")
        found.append(CheckRow(f"{title}: at the live case", {LIVE: text}, {LIVE: value}, "", *bounds))
    return found
