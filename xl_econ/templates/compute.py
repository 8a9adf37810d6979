"""The values of a template for many cases: its formulas are traced once, and each case only computes them."""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from xlsxwriter.utility import xl_col_to_name

from xl_econ.core.errors import NotAvailable, XlEconError
from xl_econ.core.expr import Expr
from xl_econ.core.provenance import UNSOURCED
from xl_econ.core.quantity import clean
from xl_econ.tables import store

from . import checks as checks_of
from . import columns, fill, sensitivity, shaped, tables, timeline
from .fill import Case
from .layout import CASES, Layout, Origin
from .model import Model
from .parts import DRIVERS, LIVE, RESULTS, SENSITIVITY, TIMELINE, InputRow, Line
from .program import program, read

Cells = dict[tuple[str, str], Any]
Values = dict[str, Any]


@dataclass(frozen=True)
class Computed:
    """The values of a template for one case, as a `Model` of the case has them.

    Attributes:
        selected: The live case.
        values: Every input and line by case and key; the live case too.
        checks: The figures of every check, by case, in the order of the template.
        cells: By sheet and cell, what only the live case has or a chart needs: months, sensitivities, bars of charts.
        order: Keys of the bars of the tornado, the widest first.
        origins: Where each input comes from.
        own: Keys of the inputs that are the template's own.
        texts: Texts of the cover.
    """

    selected: str
    values: Mapping[str, Values]
    checks: list[Values]
    cells: Cells
    order: list[str]
    origins: Mapping[str, Origin]
    own: list[str]
    texts: Mapping[str, str]


class Calculator:
    """A template made ready to compute.

    Args:
        layout: The template.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.model = Model(layout)
        self.inputs = [x for x in self.model.inputs if isinstance(x, InputRow)]
        lines = [x for x in self.model.lines if isinstance(x, Line)]
        self._keys = [x.key for x in lines]
        rows = [(n, c, c.root) for n, c in enumerate(self.model.checks) if c.root is not None]
        of_cases = {n: root for n, c, root in rows if len(c.values) > 1}
        of_live = {n: root for n, c, root in rows if len(c.values) == 1}
        self._checked, self._checked_live = list(of_cases), list(of_live)
        roots = [*((x.key, x.root) for x in lines if x.root is not None), *_named(of_cases)]
        whole = {name for _, root in roots for name in columns.read_by(root)}
        self._program = program(roots, [*self.layout.by_key, *sorted(whole)])
        self._live = program(_named(of_live), read(of_live.values()))
        self._months = timeline.Months(self.model, layout.timeline) if layout.timeline else None
        self._rows = {x.input.key: x for x in self.inputs}
        trees = self.model.column_trees
        self._same_columns = {
            name: values for name, values in self.model.table_columns.items() if not columns.reads_inputs(name, trees)
        }

    def __call__(self, case: Case, where: str = "") -> Computed:
        """The values of a case.

        Raises:
            InputError: A value that its input cannot take, or a combination without a result.
        """
        found = self._quickly(case)
        if found is None:  # a full model says what is wrong, and knows every special case
            model = fill.model(self.layout, case, where)
            return computed(model, case.texts)
        return found

    def _quickly(self, case: Case) -> Computed | None:
        values: dict[str, Values] = {}
        checks: list[Values] = [{} for _ in self.model.checks]
        try:
            for name in CASES:
                env = {key: row.values[name] for key, row in self._rows.items()}
                for key, given in case.values.get(name, {}).items():
                    env[key] = self._value(key, given)
                found = self._program(ChainMap(env, self.model.table_columns))
                if not all(type(v) is not float or math.isfinite(v) for v in found):
                    return None
                env.update(zip(self._keys, found, strict=False))
                for n, value in zip(self._checked, found[len(self._keys) :], strict=True):
                    checks[n][name] = value
                values[name] = env
        except (XlEconError, LookupError, ArithmeticError, ValueError, TypeError):
            return None
        try:
            values[LIVE], cells, order = self._live_case(values, case.selected, checks)
        except (XlEconError, LookupError, ArithmeticError, ValueError, TypeError):
            return None
        if not all(type(v) is not float or math.isfinite(v) for v in cells.values()):
            return None
        keys = {key for given in case.values.values() for key in given}
        unsaid = Origin(source=UNSOURCED)
        origins = {k: case.origins.get(k, unsaid) if k in keys else row.origin for k, row in self._rows.items()}
        own = [k for k in self._rows if k not in keys]
        return Computed(case.selected, values, checks, cells, order, origins, own, case.texts)

    def _live_case(
        self, cases: Mapping[str, Values], selected: str, checks: list[Values]
    ) -> tuple[Values, Cells, list[str]]:
        """The values of the live case, the cells that follow from them, the order of the tornado; fills in checks."""
        live, cells, order = dict(cases[selected]), Cells(), list[str]()
        whole = columns.Columns(self.layout, self.model.column_trees, live)
        whole |= self._same_columns
        if self._months is not None:
            rows = self._months(live)
            cells |= _month_cells(rows)
            live |= {r.key: total for r, (total, *_) in zip(self._months.spec.rows, rows, strict=True) if r.total}
        by_sensitivity = []
        if sheet := self.model.sensitivity:
            cells |= {(SENSITIVITY, cell.at): cell.compute(live) for cell in sheet.fixed}
            order = _bars(sheet, live, cells)
            corners = [(cells[SENSITIVITY, b.corner.at], cells[SENSITIVITY, b.link.at]) for b in sheet.blocks]
            by_sensitivity = [sensitivity.off_live(*pair) for pair in corners]
        by_drivers: list[float] = []
        if drawn := self.model.drivers:
            found = drawn.values({**cases, LIVE: live})
            cells |= {(DRIVERS, at): value for at, value in found.items()}
            by_drivers = drawn.figures(found)
        cells |= _shaped(self.layout, {**cases, LIVE: live})
        cells |= _table_cells(self.model, whole)
        for n, value in zip(self._checked_live, self._live(ChainMap(live, whole)), strict=True):
            checks[n][LIVE] = value
        for n in self._checked:
            checks[n][LIVE] = checks[n][selected]
        counted = [*checks_of.over_limits(self.layout, live, whole), *by_sensitivity, *by_drivers]
        uncomputed = [n for n, check in enumerate(self.model.checks) if check.root is None]
        for n, value in zip(uncomputed, counted, strict=True):
            checks[n][LIVE] = value
        return live, cells, order

    def _value(self, key: str, given: Any) -> Any:
        i = self._rows[key].input
        value = clean(key, i.kind, given)
        if i.table:
            try:
                return store.get(i.table).find(value)
            except NotAvailable:
                raise LookupError(key) from None
        return value


def _named(roots: Mapping[int, Expr]) -> list[tuple[str, Expr]]:
    return [(f"check {n}", root) for n, root in roots.items()]


def _worked_out(cell: timeline.Cell | None) -> Any:
    return cell.value if cell and cell.formula else None


def _month_cells(rows: Sequence[tuple[Any, Any, Sequence[Any]]]) -> Cells:
    """The cells of the timeline, from the total, the opening and the months of every row."""
    found = Cells()
    for row, (total, opening, months) in enumerate(rows, timeline.FIRST):
        for column, value in enumerate((total, opening, *months), timeline.TOTAL):
            if value is not None:
                found[TIMELINE, f"{_letters(column)}{row}"] = value
    return found


_letters = cache(xl_col_to_name)


def _bars(sheet: sensitivity.Sheet, live: Mapping[str, Any], cells: Cells) -> list[str]:
    """The keys of the bars in the order of a live case; adds their cells."""
    if sheet.tornado is None:
        return []
    ordered = sheet.tornado.ordered(live)
    for row, (_, values) in enumerate(ordered, sheet.tornado.first):
        cells.update(((SENSITIVITY, f"{c}{row}"), v) for c, v in zip(sensitivity.BAR, values, strict=True))
    return [swing.key for swing, _ in ordered]


def _shaped(layout: Layout, values: Mapping[str, Values]) -> Cells:
    """The cells behind the charts that need some."""
    value = lambda key, case: values[case][key]  # noqa: E731
    cases = [case for case in values if case != LIVE]
    places = shaped.places(layout)
    return {(RESULTS, at): v for spec, row in places for at, v in shaped.values(spec, row + 1, value, cases).items()}


def _table_cells(model: Model, whole: Mapping[str, Sequence[Any]]) -> Cells:
    """The cells of table columns that follow the case, from the values of whole columns."""
    found = Cells()
    for sheet in model.layout.tables:
        for column in sheet.columns:
            name = columns.whole(sheet, column.key)
            if columns.reads_inputs(name, model.column_trees):
                found |= tables.cells(sheet, column.key, whole[name])
    return found


def computed(model: Model, texts: Mapping[str, str]) -> Computed:
    """What a full model holds, in the same form."""
    inputs = [x for x in model.inputs if isinstance(x, InputRow)]
    values = {case: {key: model.value(key, case) for key in model.values(case)} for case in (*model.cases, LIVE)}
    origins = {x.input.key: x.origin for x in inputs}
    cells, order = Cells(), list[str]()
    cells |= _month_cells(
        [(_worked_out(r.total), _worked_out(r.opening), [m.value for m in r.months]) for r in model.months]
    )
    if sheet := model.sensitivity:
        cells |= {(SENSITIVITY, cell.at): cell.value for cell in sheet.fixed}
        bars = sheet.tornado.bars if sheet.tornado else []
        cells |= {(SENSITIVITY, cell.at): cell.value for _, bar in bars for cell in bar}
        order = [swing.key for swing, _ in bars]
    if drawn := model.drivers:
        cells |= {(DRIVERS, at): value for at, value in drawn.values(values).items()}
    cells |= _shaped(model.layout, values) | _table_cells(model, model.table_columns)
    checks = [c.values for c in model.checks]
    return Computed(model.selected, values, checks, cells, order, origins, model.own, texts)
