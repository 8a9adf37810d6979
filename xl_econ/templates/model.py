"""The model that a layout states: every row with its cell, its formulas and its values, live and in each case.

Nothing is written here.  The workbook builder places what this module works out, and the tests compare it.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xl_econ.core.errors import CELL_ERRORS, InputError, LayoutError, NotAvailable, XlEconError, nearest
from xl_econ.core.expr import Const, Expr, Unavailable, leaves, steps
from xl_econ.core.ops import why_unavailable
from xl_econ.core.provenance import UNSOURCED
from xl_econ.core.quantity import clean
from xl_econ.hosts import cells
from xl_econ.printers import excel
from xl_econ.printers.excel import step_names
from xl_econ.tables import store

from . import checks, columns, drivers, sensitivity, timeline
from .language import Formula, Sharing, expression
from .layout import CASES, CalculationRow, Input, Layout, Origin
from .parts import (
    CALCULATION,
    FIRST_CALCULATION,
    FIRST_ROW,
    FUNCTIONS,
    INPUTS,
    LIVE,
    RESERVED,
    TIMELINE,
    Columns,
    ConstantRow,
    Heading,
    InputRow,
    Line,
    Values,
    number_format,
)


@dataclass(frozen=True)
class _Read:
    """A row of the layout with its tree, in which earlier rows stand for the steps that they hold, and its steps."""

    spec: CalculationRow
    formula: Formula
    root: Expr
    keys: dict[int, str]


class Model:
    """A layout with a case chosen and values for every case.

    Args:
        layout: The template.
        selected: The live case.
        given: Values by case and key; what is not given is the template's own.
        origins: Where given values come from, by key; a given value without one has no source.
        cases: Names of the cases; each has a column.

    Raises:
        InputError: A value that its input cannot take; says which input and case.
        LayoutError: The layout contradicts itself.
    """

    def __init__(
        self,
        layout: Layout,
        selected: str = "Base",
        given: Mapping[str, Mapping[str, Any]] | None = None,
        origins: Mapping[str, Origin] | None = None,
        cases: tuple[str, ...] = CASES,
    ):
        self.cases, self.columns = cases, Columns(cases)
        self.layout, self.selected = layout, selected
        self.given, self.origins = given or {}, origins or {}
        self.inputs: list[InputRow | Heading] = []
        self.constants: list[ConstantRow] = []
        self.lines: list[Line | Heading] = []
        self._values: dict[str, Values] = {case: {} for case in self.columns.of}
        self.units: dict[str, str] = {}
        self._sheet_of: dict[str, tuple[str, int]] = {}
        self.nodes: dict[str, Expr] = {}  # the expression of every row of the calculation
        self.months: list[timeline.MonthRow] = []
        self.column_trees: columns.Trees = {}
        self.table_columns = columns.Columns(layout, self.column_trees, self._values[LIVE])
        self._place_inputs()
        read = self._read()
        self._place_constants()
        self._calculate(read)
        if layout.timeline:
            self.months = timeline.of(self, layout.timeline)
            self._add_timeline()
        self._verify_results()
        self.sensitivity = sensitivity.of(self, layout.sensitivity) if layout.sensitivity else None
        self.drivers = drivers.of(self, layout.drivers) if layout.drivers else None
        self.checks = [*checks.of(self), *(sensitivity.checks(self.sensitivity) if self.sensitivity else [])]
        self.checks += self.drivers.checks(self._values) if self.drivers else []

    # -- inputs -------------------------------------------------------------------------------------------------
    def _place_inputs(self) -> None:
        row = FIRST_ROW
        for key in RESERVED & self.layout.by_key.keys():
            raise LayoutError(f"{self.layout.name}: the key {key!r} is the name of something else")
        for group in self.layout.inputs:
            self.inputs.append(Heading(group.title, row))
            row += 1
            for i in group.inputs:
                values = {case: self._input_value(i, case) for case in self.cases}
                values[LIVE] = values[self.selected]
                self.inputs.append(InputRow(i, row, values, self._origin(i)))
                self._add(i.key, INPUTS, row, values, i.kind.unit)
                row += 1
        self.end_of_inputs = row

    def _origin(self, i: Input) -> Origin:
        """Where an input's values come from; a given value never keeps the template's source."""
        if any(i.key in self.given.get(case, {}) for case in self.cases):
            return self.origins.get(i.key, Origin(source=UNSOURCED))
        return Origin(source=i.source, as_of=i.as_of, grade=i.grade)

    @property
    def own(self) -> list[str]:
        """Keys of the inputs that are the template's own in every case."""
        return [k for k in self.layout.by_key if not any(k in self.given.get(case, {}) for case in self.cases)]

    def _input_value(self, i: Input, case: str) -> Any:
        value = self.given.get(case, {}).get(i.key, i.value(case))
        shared = all(self.given.get(c, {}).get(i.key) is value for c in self.cases)
        where = i.key if shared else f"{i.key} ({case})"
        value = clean(where, i.kind, value)
        try:
            return store.get(i.table).find(value) if i.table else value
        except NotAvailable as e:
            raise InputError(f"{where} = {value!r}: {e}") from None

    def _add(self, key: str, sheet: str, row: int, values: Values, unit: str) -> None:
        self._place(key, sheet, row, unit)
        for case in self.columns.of:
            value = values[case]
            # A step of a branch that is not taken may not exist; what another row makes of it does not exist either.
            missing = isinstance(value, str) and value in CELL_ERRORS
            self._values[case][key] = Unavailable(f"{key} does not exist", value) if missing else value

    def _place(self, key: str, sheet: str, row: int, unit: str) -> None:
        if key in self._sheet_of:
            raise LayoutError(f"{self.layout.name}: the key {key!r} is used twice")
        self._sheet_of[key] = (sheet, row)
        self.units[key] = unit

    def _read(self) -> list[_Read]:
        """The rows of the calculation as trees; a step that an earlier row holds is called by that row's key."""
        sharing, known, found = Sharing(), set(self._sheet_of) | columns.names(self.layout), []
        for spec in (r for block in self.layout.calculation for r in block.rows):
            formula = expression(spec.formula, known, f"row {spec.key}")
            root = sharing.rewrite(formula.root)
            keys = self._step_keys(root, known) | {id(root): spec.key}
            for e in steps(root):
                self.nodes[keys[id(e)]] = e
                sharing.add(keys[id(e)], e)
            known |= set(keys.values())
            found.append(_Read(spec, formula, root, keys))
        self.column_trees |= columns.trees(self.layout, {*self._sheet_of, *self.nodes}, sharing)
        for read in found:
            columns.same_in_every_case(read.root, self.column_trees, f"row {read.spec.key}")
        return found

    def _place_constants(self) -> None:
        """The named constants of all formulas, each in a cell of its own below the inputs."""
        known = {*self._sheet_of, *self.nodes, *columns.names(self.layout)}
        roots = list(self.nodes.values())
        if self.layout.timeline:
            roots += timeline.trees(self.layout.timeline, known)
            known |= self.timeline_keys
        roots += [expression(c.formula, known, f"check {c.label!r}").root for c in self.layout.checks]
        roots += self.column_trees.values()
        used = {c.name: c for root in roots for c in leaves(root) if isinstance(c, Const)}
        first = self.end_of_inputs + 2
        self.constants = [ConstantRow(used[name], first + n) for n, name in enumerate(sorted(used))]

    @staticmethod
    def _step_keys(root: Expr, taken: set[str]) -> dict[int, str]:
        """A key for every step by the id of its expression, numbered where a key of that name exists already."""
        keys: dict[int, str] = {}
        for at, name in step_names(root).items():
            key, number = name, 1
            while key in taken or key in keys.values():
                number += 1
                key = f"{name}_{number}"
            keys[at] = key
        return keys

    def spot(self, key: str) -> tuple[str, int]:
        """The sheet and the row of a key."""
        return self._sheet_of[key]

    def refs(self, case: str, sheet: str, fixed: bool = False) -> dict[str, str]:
        """The cell of every key and constant in the column of a case, as a formula on `sheet` writes it."""
        column, dollar = self.columns.of[case], "$" if fixed else ""
        found = {
            key: f"{'' if where == sheet else where + '!'}{dollar}{column}{dollar}{row}"
            for key, (where, row) in self._sheet_of.items()
        }
        return found | self.constant_cells | {name: name for name in columns.names(self.layout)}

    @property
    def constant_cells(self) -> dict[str, str]:
        """The cell of every named constant, as a formula on any sheet may write it."""
        return {c.constant.name: f"{INPUTS}!$D${c.row}" for c in self.constants}

    @property
    def input_rows(self) -> dict[str, InputRow]:
        return {x.input.key: x for x in self.inputs if isinstance(x, InputRow)}

    # -- calculation --------------------------------------------------------------------------------------------
    def _calculate(self, read: list[_Read]) -> None:
        row, rest = FIRST_CALCULATION, iter(read)
        for block in self.layout.calculation:
            self.lines.append(Heading(block.title, row))
            row += 1
            for _ in block.rows:
                row = self._calculate_row(next(rest), row)
            row += 1

    def _calculate_row(self, read: _Read, row: int) -> int:
        """Add the steps of a row of the layout, the row itself last; answers with the next free row."""
        spec, formula, root = read.spec, read.formula, read.root
        by_case = {case: self._steps(read, case, row) for case in self.columns.of}
        for n, (e, step) in enumerate(zip(steps(root), by_case[LIVE], strict=True)):
            result = e is root
            unit = (spec.unit or step.unit) if result else step.unit
            if result and spec.unit and step.unit not in ("", spec.unit):
                raise LayoutError(f"row {spec.key}: the layout says {spec.unit} but the formula yields {step.unit}")
            metric = formula.metric if result else None
            line = Line(
                step.name,
                spec.label if result else self.layout.step_labels.get(str(e.name), str(e.name)),
                unit,
                row + n,
                {case: by_case[case][n].formula for case in self.columns.of},
                {case: by_case[case][n].value for case in self.columns.of},
                step.text,
                # As many decimals in every row: the eye compares prices below one another.
                ((spec.format if result else None) or number_format(unit, metric)).replace(".00##", ".0000"),
                spec.note if result else "",
                metric,
                self._call(formula) if metric else "",
                e,
            )
            self.lines.append(line)
            self._add(line.key, CALCULATION, line.row, line.values, unit)
        return row + len(steps(root))

    def _steps(self, read: _Read, case: str, row: int) -> list[cells.StepRow]:
        refs, column = self.refs(case, CALCULATION), self.columns.of[case]
        try:
            place = lambda i: f"{column}{row + i}"  # noqa: E731
            found = cells.rows(read.root, refs, self.env(case), self.units, place, read.keys)
            # What does not exist cannot be shown as a result: the reason is said before a workbook is written.
            if found[-1].value in CELL_ERRORS and (missing := why_unavailable(read.root, self.env(case))):
                raise missing
            return found
        except LayoutError:
            raise
        except (XlEconError, ZeroDivisionError, OverflowError, ValueError) as e:
            reason = e if isinstance(e, XlEconError) else "no finite result for these inputs"
            raise InputError(f"{read.spec.label} ({case} case) cannot be worked out: {reason}") from None

    def _call(self, formula: Formula) -> str:
        """The call of a metric's LAMBDA that a row is, with the live cells of its arguments."""
        refs = self.refs(LIVE, FUNCTIONS)
        texts = (excel.formula(a, refs) for a in formula.args)
        return f"{formula.metric.name}({','.join(texts)})" if formula.metric else ""

    # -- timeline -----------------------------------------------------------------------------------------------
    @property
    def timeline_keys(self) -> set[str]:
        return {r.key for r in self.layout.timeline.rows if r.total} if self.layout.timeline else set()

    def _add_timeline(self) -> None:
        """Outside the timeline the key of its row means the row's total, or its value at the end; live only."""
        for month_row in self.months:
            if month_row.total:
                key = month_row.spec.key
                self._place(key, TIMELINE, month_row.row, month_row.spec.unit)
                self._values[LIVE][key] = month_row.total.value

    @property
    def keys(self) -> set[str]:
        """Every key that a formula can name."""
        return set(self._sheet_of)

    def values(self, case: str) -> Values:
        """The value of every key in a case."""
        return self._values[case]

    def env(self, case: str) -> Mapping[str, Any]:
        """What a formula can read in a case: the value of every key, and whole columns of the tables."""
        return ChainMap(self._values[case], self.table_columns)

    def _verify_results(self) -> None:
        """The layout shows only what the model has."""
        calculated = {x.key for x in self.lines if isinstance(x, Line)}
        shown = {r.key for r in self.layout.results}
        for what, keys, known in (
            ("headline", self.layout.headline, calculated),
            ("results", shown, self.keys),
            ("results", {k for r in self.layout.results for k in (r.label_from, r.note_from) if k}, self.layout.by_key),
            ("charts", {key for chart in self.layout.charts for key in chart.series}, shown - self.timeline_keys),
        ):
            for key in keys:
                if key not in known:
                    raise LayoutError(f"{self.layout.name}: {what}: unknown key {key!r}{nearest(key, known)}")

    def line(self, key: str) -> Line:
        return next(x for x in self.lines if isinstance(x, Line) and x.key == key)

    def value(self, key: str, case: str = LIVE) -> Any:
        """The value of a key in a case; what does not exist as the cell shows it."""
        found = self._values[case][key]
        return found.cell if isinstance(found, Unavailable) else found

    def format(self, key: str) -> str:
        """The number format of an input, a calculated row or a row of the timeline."""
        if key in self.layout.by_key:
            return self.layout.by_key[key].kind.format
        if key in self.timeline_keys:
            return next(r.spec.format for r in self.months if r.spec.key == key)
        return self.line(key).format
