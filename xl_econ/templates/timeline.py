"""The Timeline sheet: a column for every month of the live case, with balances that carry over from month to month."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from xlsxwriter.utility import xl_col_to_name

from xl_econ.core import units
from xl_econ.core.errors import LayoutError
from xl_econ.core.expr import Expr, leaves, steps
from xl_econ.hosts import cells

from .canvas import Canvas
from .language import expression, mapped
from .layout import LineChart, Timeline, TimelineRow
from .parts import LIVE, TIMELINE, unit_text
from .program import Program, program, read
from .styles import NAVY, SERIES, Styles

if TYPE_CHECKING:
    from .model import Model

MONTH_ROW, FIRST = 5, 6
TOTAL, OPENING = 3, 4  # columns D and E; the months follow
_FIRST = xl_col_to_name(OPENING)
_YEAR = 12
_WIDTHS = (3, 40, 14, 15, 15)
_CHART = 630  # pixels from one chart to the next; two fill the first page
_CHART_ROWS = 20  # that a chart covers
_PAGE_ROWS = 55  # of the paper
_WORDS = 150  # characters across the first page


@dataclass(frozen=True)
class Cell:
    """A cell of the timeline: its formula (none: a given number) and its value."""

    formula: str
    value: Any


@dataclass(frozen=True)
class MonthRow:
    """A row of the timeline: its total, the value before the first month, and every month."""

    spec: TimelineRow
    row: int
    total: Cell | None
    opening: Cell | None
    months: list[Cell]
    text: str


def _names(spec: Timeline, known: set[str]) -> set[str]:
    keys = {r.key for r in spec.rows}
    if clash := sorted(keys & known):
        raise LayoutError(f"timeline: the key {clash[0]!r} is used twice")
    return known | keys | {f"previous({k})" for k in keys} | {"month"}


def _tree(row: TimelineRow, text: str, names: set[str]) -> Expr:
    """A formula of one cell: the steps of a metric that it calls are written into it."""
    root = expression(text, names, f"timeline {row.key}").root
    if len(steps(root)) == 1:
        return root

    def unnamed(e: Expr) -> Expr | None:
        if e.name is None or e is root:
            return None
        return Expr(e.op, *(mapped(a, unnamed) if isinstance(a, Expr) else a for a in e.args))

    return mapped(root, unnamed)


def trees(spec: Timeline, known: set[str]) -> list[Expr]:
    """The expressions of all rows and openings."""
    names = _names(spec, known)
    texts = [(r, t) for r in spec.rows for t in (r.formula, r.opening) if isinstance(t, str)]
    return [_tree(r, t, names) for r, t in texts]


def of(model: Model, spec: Timeline) -> list[MonthRow]:
    """Every row with the formula and the value of every month."""
    names = _names(spec, model.keys)
    at = {r.key: FIRST + n for n, r in enumerate(spec.rows)}
    unit_of = model.units | {"month": "month"}
    unit_of |= {k: r.unit for r in spec.rows for k in (r.key, f"previous({r.key})")}
    fixed = model.refs(LIVE, TIMELINE, fixed=True)
    values = dict(model.values(LIVE))
    roots = {r.key: _tree(r, r.formula, names) for r in spec.rows}
    openings = {r.key: _opening(model, r, fixed) for r in spec.rows}
    looks = _looks(roots.values())
    unit_of |= {look.name: unit_of[look.key] for look in looks}
    found: dict[str, list[Cell]] = {r.key: [] for r in spec.rows}
    texts: dict[str, str] = {}
    last = {k: c.value if c else 0.0 for k, c in openings.items()}
    for month in range(1, spec.months + 1):
        here, before = (xl_col_to_name(OPENING + n) for n in (month, month - 1))
        refs = fixed | {"month": f"{here}${MONTH_ROW}"}
        refs |= {k: f"{here}{row}" for k, row in at.items()} | {f"previous({k})": f"{before}{r}" for k, r in at.items()}
        values |= {"month": float(month)} | {f"previous({k})": v for k, v in last.items()}
        for look in looks:
            refs[look.name] = look.formula(at[look.key], here, before, fixed[look.count])
        for r in spec.rows:
            root = roots[r.key]
            for look in looks:
                if look.reader is root:
                    start = openings[look.key]
                    held = [start.value if start else 0.0, *(c.value for c in found[look.key])]
                    values[look.name] = look.value(held, month, values[look.count])
            [step] = cells.rows(root, refs, values, unit_of, str, {id(root): r.key})
            if month == 1 and step.unit and units.parse(step.unit) != units.parse(r.unit):
                raise LayoutError(f"timeline {r.key}: the layout says {r.unit} but the formula yields {step.unit}")
            found[r.key].append(Cell(step.formula, step.value))
            values[r.key] = last[r.key] = step.value
            texts[r.key] = step.text
    return [
        MonthRow(
            r,
            at[r.key],
            _total(r, at[r.key], openings[r.key], found[r.key]),
            openings[r.key],
            found[r.key],
            texts[r.key],
        )
        for r in spec.rows
    ]


@dataclass(frozen=True)
class Look:
    """A formula's look back at a row: at the month so long ago, or at all months since."""

    name: str
    key: str
    count: str
    reader: Expr

    @property
    def is_earlier(self) -> bool:
        """Whether it looks at one month, and not at all since."""
        return self.name.startswith("earlier")

    def formula(self, row: int, here: str, before: str, count: str) -> str:
        ago = f"{here}${MONTH_ROW}-{count}"
        last, criterion = (before, ago) if self.is_earlier else (here, f'">"&({ago})')
        return f"SUMIF(${_FIRST}${MONTH_ROW}:{last}${MONTH_ROW},{criterion},${_FIRST}{row}:{last}{row})"

    def value(self, held: list[float], month: int, count: float) -> float:
        """The same of the values that the row has had so far, that of the start first."""
        if self.is_earlier:
            return sum(v for n, v in enumerate(held[:month]) if n == month - count)
        return math.fsum(held[max(0, math.floor(month - count) + 1) :])


def _looks(roots: Iterable[Expr]) -> list[Look]:
    found = {(e.args[0], id(root)): root for root in roots for e in leaves(root) if isinstance(e, Expr)}
    pattern = re.compile(r"(?:earlier|recent)\((\w+), (\w+)\)")
    return [Look(m[0], m[1], m[2], root) for (name, _), root in found.items() if (m := pattern.fullmatch(str(name)))]


def _opening(model: Model, r: TimelineRow, refs: dict[str, str]) -> Cell | None:
    if not isinstance(r.opening, str):
        return None if r.opening is None else Cell("", r.opening)
    root = _tree(r, r.opening, model.keys)
    [step] = cells.rows(root, refs, model.values(LIVE), model.units, str, {id(root): r.key})
    return Cell(step.formula, step.value)


def _total(r: TimelineRow, row: int, opening: Cell | None, months: list[Cell]) -> Cell | None:
    """The sum of a row, what stands before the first month included, or its last value."""
    if not r.total:
        return None
    first, last = (xl_col_to_name(OPENING + n) for n in (0 if opening else 1, len(months)))
    text = f"SUM({first}{row}:{last}{row})" if r.total == "sum" else f"{last}{row}"
    return Cell(text, _totalled(r, opening and opening.value, [c.value for c in months]))


def _totalled(r: TimelineRow, opening: Any, months: Sequence[Any]) -> Any:
    """What a row comes to."""
    return sum(months if opening is None else [opening, *months]) if r.total == "sum" else months[-1]


@dataclass(frozen=True)
class _Stage:
    """Rows of a month that are computed at once, after the looks back that they need."""

    keys: list[str]
    looks: list[Look]
    compute: Program


def _stages(roots: Sequence[tuple[str, Expr]], looks: Sequence[Look]) -> Iterator[_Stage]:
    """The rows in their order, cut where one looks back at a row that this month must have first."""
    groups: list[tuple[dict[str, Expr], list[Look]]] = [({}, [])]
    for key, root in roots:
        own = [look for look in looks if look.reader is root]
        if any(look.key in groups[-1][0] for look in own):
            groups.append(({}, []))
        groups[-1][0][key] = root
        groups[-1][1].extend(own)
    for rows, own in groups:
        inputs = [name for name in read(rows.values()) if name not in rows]
        yield _Stage(list(rows), own, program(list(rows.items()), inputs))


class Months:
    """The timeline of a template made ready to compute.

    Args:
        model: The template.
        spec: Its timeline.
    """

    def __init__(self, model: Model, spec: Timeline) -> None:
        self.spec = spec
        known = model.keys - model.timeline_keys
        names = _names(spec, known)
        moving = {"month", *(f"previous({r.key})" for r in spec.rows)}
        self.roots = [(r.key, _tree(r, r.formula, names)) for r in spec.rows]
        self.openings = [(r.key, _tree(r, r.opening, known)) for r in spec.rows if isinstance(r.opening, str)]
        self.looks = _looks(root for _, root in self.roots)
        within = moving | {r.key for r in spec.rows} | {look.name for look in self.looks}
        self._fixed = ({*read(root for _, root in self.roots)} | {look.count for look in self.looks}) - within
        self._stages = list(_stages(self.roots, self.looks))
        self._opening = program(self.openings, read(root for _, root in self.openings))
        self._opened = [key for key, _ in self.openings]

    def __call__(self, live: Mapping[str, Any]) -> list[tuple[Any, Any, list[Any]]]:
        """The total, the opening where it is worked out, and the months of every row, for a live case's values."""
        opened = dict(zip(self._opened, self._opening(live), strict=True))
        openings = [opened.get(r.key, r.opening) for r in self.spec.rows]
        env = {key: live[key] for key in self._fixed}
        held = {r.key: [0.0 if v is None else v] for r, v in zip(self.spec.rows, openings, strict=True)}
        for month in range(1, self.spec.months + 1):
            env["month"] = float(month)
            env.update((f"previous({key})", values[-1]) for key, values in held.items())
            for stage in self._stages:
                for look in stage.looks:
                    env[look.name] = look.value(held[look.key], month, env[look.count])
                for key, value in zip(stage.keys, stage.compute(env), strict=True):
                    env[key] = value
                    held[key].append(value)
        rows = [(r, o, held[r.key][1:]) for r, o in zip(self.spec.rows, openings, strict=True)]
        return [(_totalled(r, o, m) if r.total else None, opened.get(r.key), m) for r, o, m in rows]


# -- the sheet --------------------------------------------------------------------------------------------------
def write(ws: Any, style: Styles, model: Model, workbook: Any) -> None:
    """The rows with a column for every month, their formulas in words, and the charts."""
    spec = model.layout.timeline
    assert spec is not None  # noqa: S101
    c = Canvas(ws, style, _WIDTHS)
    c.title(TIMELINE, spec.about)
    _headings(c, spec.months)
    for r in model.months:
        _row(c, r)
    # Right of the columns that are repeated on every page, or each page would print a piece of charts and words.
    below = FIRST + len(model.months)
    for n, chart in enumerate(spec.charts):
        row, left = below + _CHART_ROWS * (n // 2), 4 + _CHART * (n % 2)
        ws.insert_chart(row, TOTAL, _chart(workbook, model, chart), {"x_offset": left, "y_offset": 4})
    if below + _CHART_ROWS > _PAGE_ROWS:
        ws.set_h_pagebreaks([below])
    below += _CHART_ROWS * math.ceil(len(spec.charts) / 2) + 1
    c.section(below, "Rows in words", "D")
    for n, r in enumerate(model.months, below + 1):
        start = f"{r.spec.opening:g}" if isinstance(r.spec.opening, float) else r.spec.opening
        words = [f"{r.spec.key} = {r.text}", f"Start: {start}" if start else "", r.spec.note]
        text = ". ".join(filter(None, words))
        c.merged(f"D{n}:{xl_col_to_name(OPENING + _YEAR)}{n}", text, "formula_text")
        ws.set_row(n - 1, 14 * max(1, len(wrap(text, _WORDS))) + 1)
    _paper(ws, spec.months)


def _headings(c: Canvas, months: int) -> None:
    row = MONTH_ROW - 1
    c.ws.set_row(row, 20)
    for column, name in enumerate(["", "Month", "Unit"]):
        c.ws.write_string(row, column, name, c.style("heading"))
    c.ws.write_string(row, TOTAL, "Total, or end", c.style("heading_number"))
    c.ws.write_number(row, OPENING, 0, c.style("heading_number", '"Start"'))
    for month in range(1, months + 1):
        before = xl_col_to_name(OPENING + month - 1)
        form = c.style("heading_number", "0")
        c.ws.write_formula(row, OPENING + month, f"={before}{MONTH_ROW}+1", form, month)
    c.ws.set_column(OPENING + 1, OPENING + months, 12, c.style("plain"))
    c.ws.freeze_panes(MONTH_ROW, OPENING + 1)


def _row(c: Canvas, r: MonthRow) -> None:
    c.text(f"B{r.row}", r.spec.label, "bold" if r.spec.total == "end" else "label")
    c.text(f"C{r.row}", unit_text(r.spec.unit, r.spec.format), "unit")
    for column, cell, kind in ((TOTAL, r.total, "result"), (OPENING, r.opening, "calculation")):
        at = f"{xl_col_to_name(column)}{r.row}"
        if cell is None:
            c.text(at, "")
        elif cell.formula:
            c.formula(at, cell.formula, cell.value, kind, r.spec.format)
        else:
            c.number(at, float(cell.value), "constant", r.spec.format)
    for n, cell in enumerate(r.months, OPENING + 1):
        c.formula(f"{xl_col_to_name(n)}{r.row}", cell.formula, cell.value, "calculation", r.spec.format)


def _chart(workbook: Any, model: Model, spec: LineChart) -> Any:
    chart = workbook.add_chart({"type": "line"})
    rows = {r.spec.key: r for r in model.months}
    first = OPENING if all(rows[k].opening for k in spec.series) else OPENING + 1
    last = OPENING + len(model.months[0].months)
    for n, key in enumerate(spec.series):
        row = rows[key].row - 1
        chart.add_series(
            {
                "name": [TIMELINE, row, 1],
                "categories": [TIMELINE, MONTH_ROW - 1, first, MONTH_ROW - 1, last],
                "values": [TIMELINE, row, first, row, last],
                "line": {"color": SERIES[n % len(SERIES)], "width": 2.25},
            }
        )
    chart.set_title({"name": spec.title, "name_font": {"size": 12, "color": NAVY}, "overlay": False})
    months = {"name": "Month", "interval_unit": 6, "interval_tick": 6, "num_format": "0", "label_position": "low"}
    chart.set_x_axis(months)
    lines = {"visible": True, "line": {"color": "#D9D9D9"}}
    chart.set_y_axis({"name": spec.axis, "num_format": spec.format, "major_gridlines": lines})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 620, "height": 330})
    return chart


def _paper(ws: Any, months: int) -> None:
    """A year a page, with the labels on every page."""
    ws.set_print_scale(75)
    ws.repeat_columns(0, TOTAL - 1)
    ws.set_v_pagebreaks(list(range(OPENING + 1 + _YEAR, OPENING + 1 + months, _YEAR)))
