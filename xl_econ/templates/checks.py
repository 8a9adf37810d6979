"""Checks of a model: figures between bounds, in every case, and the worked-out columns of the tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import LayoutError
from xl_econ.core.expr import Expr, leaves, steps
from xl_econ.core.ops import evaluate
from xl_econ.hosts import cells
from xl_econ.printers import excel
from xl_econ.tables import store

from .language import expression
from .layout import Check, TableColumn, table
from .parts import CHECKS, LIVE, CheckRow

if TYPE_CHECKING:
    from .model import Model


def of(model: Model) -> list[CheckRow]:
    """The layout's checks, and those of its tables."""
    return [*(_check(model, check) for check in model.layout.checks), *_table_checks(model)]


def _check(model: Model, check: Check) -> CheckRow:
    where = f"check {check.label!r}"
    root = expression(check.formula, model.keys, where).root
    if len(steps(root)) > 1:
        raise LayoutError(f"{where}: has steps of its own; make it a row of the calculation")
    named = {e.args[0] for e in leaves(root) if isinstance(e, Expr)}
    # The timeline shows the live case only.
    cases = [LIVE] if named & model.timeline_keys else list(model.columns.of)
    key = {id(root): "check"}
    found = {
        case: cells.rows(root, model.refs(case, CHECKS), model.values(case), model.units, str, key)[0] for case in cases
    }
    result = found[LIVE]
    unit = "" if result.unit == "ratio" else result.unit
    bounds = (check.low, check.high, check.format, check.severity, check.note)
    formulas = {case: row.formula for case, row in found.items()}
    return CheckRow(check.label, formulas, {case: row.value for case, row in found.items()}, unit, *bounds, root)


def _table_checks(model: Model) -> list[CheckRow]:
    """Rows of a table whose worked-out figure is impossible: the product's own data is checked in the open."""
    found = []
    for sheet in model.layout.tables:
        for column in sheet.columns:
            if column.flag_above is None:
                continue
            count = sum(1 for v in column_values(sheet.name, column) if v != "" and v > column.flag_above)
            text = f'COUNTIF({table(sheet).sheet}[{column.key}],">{column.flag_above:g}")'
            severity = "info" if sheet.name.startswith("seed") else "check"
            label = f"{sheet.sheet}: rows with {column.key} above {column.flag_above:.0%}"
            values = {LIVE: float(count)}
            found.append(CheckRow(label, {LIVE: text}, values, "rows", 0, 0, "0", severity, column.note))
    return found


def column_tree(name: str, column: TableColumn) -> Expr:
    """The expression of a worked-out table column, of the table's other columns."""
    return expression(column.formula, set(store.get(name).columns), f"{name}.{column.key}").root


def column_formula(name: str, column: TableColumn, constants: Mapping[str, str]) -> str:
    """The formula of a worked-out table column; empty where the row lacks what it needs."""
    t = store.get(name)
    refs = {c: f"{t.sheet}[[#This Row],[{c}]]" for c in t.columns}
    root = column_tree(name, column)
    needs = ",".join(refs[c] for c in column.needs)
    return f'=IF(COUNT({needs})={len(column.needs)},{excel.formula(root, {**refs, **constants})},"")'


def column_values(name: str, column: TableColumn) -> list[Any]:
    """The values of a worked-out table column."""
    t, root = store.get(name), column_tree(name, column)
    rows = [row.model_dump() for row in t.rows.values()]
    return ["" if any(r[c] is None for c in column.needs) else evaluate(root, r) for r in rows]
