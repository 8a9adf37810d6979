"""Checks of a model: figures between bounds, in every case, and the worked-out columns of the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xl_econ.core.errors import LayoutError, nearest
from xl_econ.core.expr import Expr, leaves, steps
from xl_econ.hosts import cells

from . import columns
from .language import expression
from .layout import Check, TableColumn
from .parts import CHECKS, COLUMNS, LIVE, CheckRow

if TYPE_CHECKING:
    from .model import Model


def of(model: Model) -> list[CheckRow]:
    """The layout's checks, and those of its tables."""
    return [*(_check(model, check) for check in model.layout.checks), *_table_checks(model)]


def _check(model: Model, check: Check) -> CheckRow:
    where = f"check {check.label!r}"
    root = expression(check.formula, model.keys | columns.names(model.layout), where).root
    columns.same_in_every_case(root, model.column_trees, where)
    if len(steps(root)) > 1:
        raise LayoutError(f"{where}: has steps of its own; make it a row of the calculation")
    named = {e.args[0] for e in leaves(root) if isinstance(e, Expr)}
    # The timeline shows the live case only.
    cases = [LIVE] if named & model.timeline_keys else list(COLUMNS)
    key = {id(root): "check"}
    found = {
        case: cells.rows(root, model.refs(case, CHECKS), model.env(case), model.units, str, key)[0] for case in cases
    }
    result = found[LIVE]
    unit = "" if result.unit == "ratio" else result.unit
    bounds = (check.low, check.high, check.format, check.severity, check.note)
    formulas = {case: row.formula for case, row in found.items()}
    return CheckRow(check.label, formulas, {case: row.value for case, row in found.items()}, unit, *bounds, root)


def _table_checks(model: Model) -> list[CheckRow]:
    """Rows of a table whose worked-out figure is out of bounds: the product's own data is checked in the open."""
    found = []
    for sheet in model.layout.tables:
        for column in sheet.columns:
            if column.flag_above is None:
                continue
            name = columns.whole(sheet, column.key)
            limit, shown, said = limit_of(model, column)
            count = sum(1 for v in model.columns[name] if v != "" and v > limit)
            text = f'COUNTIF({name},">{shown}")' if said == shown else f'COUNTIF({name},">"&{shown})'
            label = f"{sheet.sheet}: rows with {column.key} above {said if said != shown else f'{limit:.0%}'}"
            values = {LIVE: float(count)}
            found.append(CheckRow(label, {LIVE: text}, values, "rows", 0, 0, "0", column.severity, column.note))
    return found


def limit_of(model: Model, column: TableColumn) -> tuple[float, str, str]:
    """The limit of a column's flag, as a formula has it, and in words: a figure, or an input of the live case.

    Raises:
        LayoutError: No such input.
    """
    if isinstance(column.flag_above, str):
        i = model.layout.by_key.get(column.flag_above)
        if i is None:
            known = model.layout.by_key
            raise LayoutError(f"column {column.key}: no input {column.flag_above!r}{nearest(column.flag_above, known)}")
        return model.value(i.key), model.refs(LIVE, CHECKS, fixed=True)[i.key], f"the {i.label[0].lower()}{i.label[1:]}"
    text = f"{column.flag_above:g}"
    return float(column.flag_above or 0), text, text
