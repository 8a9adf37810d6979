"""The model that a layout states: every row with its cell, its formulas and its values, live and in each case.

Nothing is written here.  The workbook builder places what this module works out, and the tests compare it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xl_econ.core.errors import InputError, LayoutError, NotAvailable, XlEconError, nearest
from xl_econ.core.expr import Const, Expr, leaves, steps
from xl_econ.core.ops import evaluate
from xl_econ.core.quantities import Share
from xl_econ.core.quantity import Quantity, clean
from xl_econ.core.registry import Metric
from xl_econ.hosts import cells
from xl_econ.printers import excel
from xl_econ.printers.excel import step_names
from xl_econ.tables import store

from .layout import CASES, CalculationRow, Check, Formula, Input, Layout, Origin, TableColumn, expression, table

LIVE = "Live"
COLUMNS = {LIVE: "D", "Base": "E", "Low": "F", "High": "G"}  # the same letters on every sheet with cases
INPUTS, CALCULATION, RESULTS, CHECKS, FUNCTIONS = "Inputs", "Calculation", "Results", "Checks", "Functions"
SELECTOR_ROW = 5
# Names after `inputs.` that are not an input's.
RESERVED = {"case", "purpose", "owner", "source", "as_of", "grade", "key", *(c.casefold() for c in CASES)}
FIRST_ROW = 9  # below title, about, case selector and headings

Values = dict[str, Any]


@dataclass(frozen=True)
class InputRow:
    """An input with its row on the Inputs sheet and its value in every case."""

    input: Input
    row: int
    values: Values
    origin: Origin


@dataclass(frozen=True)
class ConstantRow:
    """A named constant of the definitions, with its row on the Inputs sheet."""

    constant: Const
    row: int


@dataclass(frozen=True)
class Line:
    """A row of the Calculation sheet: formula and value by case; `metric` if it is a call of one."""

    key: str
    label: str
    unit: str
    row: int
    formulas: dict[str, str]
    values: Values
    text: str
    format: str
    note: str
    metric: Metric | None = None
    call: str = ""
    root: Expr | None = None


@dataclass(frozen=True)
class CheckRow:
    """A row of the Checks sheet: a figure that should lie between two bounds, in every case that has one."""

    label: str
    formulas: dict[str, str]
    values: Values
    unit: str
    low: float
    high: float
    format: str
    severity: str
    note: str
    root: Expr | None = None

    @property
    def flag(self) -> int:
        return 1 if self.failing else 0

    @property
    def failing(self) -> list[str]:
        """The cases in which the figure is out of bounds."""
        return [case for case, value in self.values.items() if not self.low <= value <= self.high]


@dataclass(frozen=True)
class Heading:
    """The title of a block, with its row."""

    title: str
    row: int


class Model:
    """A layout with a case chosen and values for every case.

    Args:
        layout: The template.
        selected: The live case.
        given: Values by case and key; what is not given is the template's own.
        origins: Where given values come from, by key; a given value without one has no source.

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
    ):
        self.layout, self.selected = layout, selected
        self.given, self.origins = given or {}, origins or {}
        self.inputs: list[InputRow | Heading] = []
        self.constants: list[ConstantRow] = []
        self.lines: list[Line | Heading] = []
        self._values: dict[str, Values] = {case: {} for case in COLUMNS}
        self._units: dict[str, str] = {}
        self._sheet_of: dict[str, tuple[str, int]] = {}
        self._place_inputs()
        self._place_constants()
        self._calculate()
        self._verify_results()
        self.checks = [*map(self._check, layout.checks), *self._table_checks()]

    # -- inputs -------------------------------------------------------------------------------------------------
    def _place_inputs(self) -> None:
        row = FIRST_ROW
        for key in RESERVED & self.layout.by_key.keys():
            raise LayoutError(f"{self.layout.name}: the key {key!r} is the name of something else")
        for group in self.layout.inputs:
            self.inputs.append(Heading(group.title, row))
            row += 1
            for i in group.inputs:
                values = {case: self._input_value(i, case) for case in CASES}
                values[LIVE] = values[self.selected]
                self.inputs.append(InputRow(i, row, values, self._origin(i)))
                self._add(i.key, INPUTS, row, values, i.kind.unit)
                row += 1
        self.end_of_inputs = row

    def _origin(self, i: Input) -> Origin:
        """Where an input's values come from; a given value never keeps the template's source."""
        if any(i.key in self.given.get(case, {}) for case in CASES):
            return self.origins.get(i.key, Origin(source="Given without a source"))
        return Origin(source=i.source, as_of=i.as_of, grade=i.grade)

    @property
    def own(self) -> list[str]:
        """Keys of the inputs that are the template's own in every case."""
        return [k for k in self.layout.by_key if not any(k in self.given.get(case, {}) for case in CASES)]

    def _input_value(self, i: Input, case: str) -> Any:
        value = self.given.get(case, {}).get(i.key, i.value(case))
        shared = all(self.given.get(c, {}).get(i.key) is value for c in CASES)
        where = i.key if shared else f"{i.key} ({case})"
        value = clean(where, i.kind, value)
        try:
            return store.get(i.table).find(value) if i.table else value
        except NotAvailable as e:
            raise InputError(f"{where} = {value!r}: {e}") from None

    def _add(self, key: str, sheet: str, row: int, values: Values, unit: str) -> None:
        if key in self._sheet_of:
            raise LayoutError(f"{self.layout.name}: the key {key!r} is used twice")
        self._sheet_of[key] = (sheet, row)
        self._units[key] = unit
        for case in COLUMNS:
            self._values[case][key] = values[case]

    def _place_constants(self) -> None:
        """The named constants of all formulas, each in a cell of its own below the inputs."""
        known = set(self._sheet_of)
        used: dict[str, Const] = {}
        for spec in (r for block in self.layout.calculation for r in block.rows):
            root = expression(spec.formula, known, f"row {spec.key}").root
            known |= {*self._step_keys(root, known).values(), spec.key}
            used |= {c.name: c for c in leaves(root) if isinstance(c, Const)}
        for check in self.layout.checks:
            root = expression(check.formula, known, f"check {check.label!r}").root
            used |= {c.name: c for c in leaves(root) if isinstance(c, Const)}
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

    def refs(self, case: str, sheet: str) -> dict[str, str]:
        """The cell of every key and constant in the column of a case, as a formula on `sheet` writes it."""
        column = COLUMNS[case]
        found = {
            key: f"{column}{row}" if where == sheet else f"{where}!{column}{row}"
            for key, (where, row) in self._sheet_of.items()
        }
        return found | {c.constant.name: f"{INPUTS}!$D${c.row}" for c in self.constants}

    # -- calculation --------------------------------------------------------------------------------------------
    def _calculate(self) -> None:
        row = 5
        for block in self.layout.calculation:
            self.lines.append(Heading(block.title, row))
            row += 1
            for spec in block.rows:
                row = self._calculate_row(spec, row)
            row += 1

    def _calculate_row(self, spec: CalculationRow, row: int) -> int:
        """Add the steps of a row of the layout, the row itself last; answers with the next free row."""
        formula = expression(spec.formula, set(self._sheet_of), f"row {spec.key}")
        keys = self._step_keys(formula.root, set(self._sheet_of)) | {id(formula.root): spec.key}
        order = steps(formula.root)
        by_case = {case: self._steps(formula.root, case, row, keys, spec) for case in COLUMNS}
        for n, (e, step) in enumerate(zip(order, by_case[LIVE], strict=True)):
            result = e is formula.root
            unit = (spec.unit or step.unit) if result else step.unit
            if result and spec.unit and step.unit not in ("", spec.unit):
                raise LayoutError(f"row {spec.key}: the layout says {spec.unit} but the formula yields {step.unit}")
            metric = formula.metric if result else None
            line = Line(
                step.name,
                spec.label if result else self.layout.step_labels.get(str(e.name), str(e.name)),
                unit,
                row + n,
                {case: by_case[case][n].formula for case in COLUMNS},
                {case: by_case[case][n].value for case in COLUMNS},
                step.text,
                (spec.format if result else None) or number_format(unit, metric),
                spec.note if result else "",
                metric,
                self._call(formula) if metric else "",
                e,
            )
            self.lines.append(line)
            self._add(line.key, CALCULATION, line.row, line.values, unit)
        return row + len(order)

    def _steps(
        self, root: Expr, case: str, row: int, keys: Mapping[int, str], spec: CalculationRow
    ) -> list[cells.StepRow]:
        refs, column = self.refs(case, CALCULATION), COLUMNS[case]
        try:
            return cells.rows(root, refs, self._values[case], self._units, lambda i: f"{column}{row + i}", keys)
        except LayoutError:
            raise
        except (XlEconError, ZeroDivisionError, OverflowError, ValueError) as e:
            reason = e if isinstance(e, XlEconError) else "no finite result for these inputs"
            raise InputError(f"{spec.label} ({case} case) cannot be worked out: {reason}") from None

    def _call(self, formula: Formula) -> str:
        """The call of a metric's LAMBDA that a row is, with the live cells of its arguments."""
        refs = self.refs(LIVE, FUNCTIONS)
        texts = (excel.formula(a, refs) for a in formula.args)
        return f"{formula.metric.name}({','.join(texts)})" if formula.metric else ""

    def _verify_results(self) -> None:
        """The layout shows only what the model has."""
        calculated = {x.key for x in self.lines if isinstance(x, Line)}
        shown = {r.key for r in self.layout.results}
        for what, keys, known in (
            ("headline", self.layout.headline, calculated),
            ("results", shown, set(self._sheet_of)),
            ("charts", {key for chart in self.layout.charts for key in chart.series}, shown),
        ):
            for key in keys:
                if key not in known:
                    raise LayoutError(f"{self.layout.name}: {what}: unknown key {key!r}{nearest(key, known)}")

    def line(self, key: str) -> Line:
        return next(x for x in self.lines if isinstance(x, Line) and x.key == key)

    def value(self, key: str, case: str = LIVE) -> Any:
        return self._values[case][key]

    def values_of(self, case: str) -> Values:
        """Every input and line of a case, by key."""
        return self._values[case]

    def unit(self, key: str) -> str:
        return self._units[key]

    def format(self, key: str) -> str:
        """The number format of an input or a calculated row."""
        if key in self.layout.by_key:
            return self.layout.by_key[key].kind.format
        return self.line(key).format

    # -- checks -------------------------------------------------------------------------------------------------
    def _check(self, check: Check) -> CheckRow:
        where = f"check {check.label!r}"
        root = expression(check.formula, set(self._sheet_of), where).root
        if len(steps(root)) > 1:
            raise LayoutError(f"{where}: has steps of its own; make it a row of the calculation")
        found = {
            case: cells.rows(root, self.refs(case, CHECKS), self._values[case], self._units, str, {id(root): "check"})[
                0
            ]
            for case in COLUMNS
        }
        result = found[LIVE]
        unit = "" if result.unit == "ratio" else result.unit
        bounds = (check.low, check.high, check.format, check.severity, check.note)
        formulas = {case: row.formula for case, row in found.items()}
        return CheckRow(check.label, formulas, {case: row.value for case, row in found.items()}, unit, *bounds, root)

    def _table_checks(self) -> list[CheckRow]:
        """Rows of a table whose worked-out figure is impossible: the product's own data is checked in the open."""
        found = []
        for sheet in self.layout.tables:
            for column in sheet.columns:
                if column.flag_above is None:
                    continue
                count = sum(1 for v in self.column_values(sheet.name, column) if v != "" and v > column.flag_above)
                text = f'COUNTIF({table(sheet).sheet}[{column.key}],">{column.flag_above:g}")'
                severity = "info" if sheet.name.startswith("seed") else "check"
                label = f"{sheet.sheet}: rows with {column.key} above {column.flag_above:.0%}"
                values = {LIVE: float(count)}
                found.append(CheckRow(label, {LIVE: text}, values, "rows", 0, 0, "0", severity, column.note))
        return found

    def column_formula(self, name: str, column: TableColumn) -> str:
        """The formula of a worked-out table column; empty where the row lacks what it needs."""
        t = store.get(name)
        refs = {c: f"{t.sheet}[[#This Row],[{c}]]" for c in t.columns}
        root = expression(column.formula, set(refs), f"{name}.{column.key}").root
        needs = ",".join(refs[c] for c in column.needs)
        return f'=IF(COUNT({needs})={len(column.needs)},{excel.formula(root, refs)},"")'

    def column_values(self, name: str, column: TableColumn) -> list[Any]:
        """The values of a worked-out table column."""
        t = store.get(name)
        root = expression(column.formula, set(t.columns), f"{name}.{column.key}").root
        rows = [row.model_dump() for row in t.rows.values()]
        return ["" if any(r[c] is None for c in column.needs) else evaluate(root, r) for r in rows]


# The number format of a unit: that of the first quantity declared in it. Bare ratios show as percentages.
def _formats() -> dict[str, str]:
    from xl_econ.core import quantities

    found = {"ratio": Share.__metadata__[0].format, "h": "#,##0.00", "FLOP/token": "0.000E+00", "node": "#,##0"}
    for alias in vars(quantities).values():
        for q in getattr(alias, "__metadata__", ()):
            if isinstance(q, Quantity) and not q.auto:
                found.setdefault(q.unit, q.format)
    return found | {"FLOP/GPU-h": "0.000E+00", "": "General"}


_FORMATS: dict[str, str] = {}


def number_format(unit: str, metric: Metric | None) -> str:
    """How a value of that unit is shown; a metric's result as its quantity says."""
    if metric is not None and metric.result.format != "General":
        return metric.result.format
    _FORMATS.update(_FORMATS or _formats())
    return _FORMATS.get(unit, "#,##0.0##")
