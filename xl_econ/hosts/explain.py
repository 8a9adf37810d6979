"""EXPLAIN: how a number comes about, step by step, each with its formula in names, its value and its unit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

from xl_econ.core.errors import XlEconError
from xl_econ.core.expr import Expr
from xl_econ.core.ops import evaluate
from xl_econ.core.registry import Metric
from xl_econ.printers.excel import step_names
from xl_econ.printers.markdown import text
from xl_econ.tables.store import TABLES
from xl_econ.tables.table import replaced

from .python import inputs_of, one


@dataclass(frozen=True)
class Step:
    """A line of an explanation: an input (or a default), a figure looked up, a step, the result."""

    name: str
    kind: str
    formula: str
    value: Any
    unit: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def explain(m: Metric, given: Mapping[str, Any]) -> list[Step]:
    """Inputs with defaults filled in, the steps in the order of calculation, and the result.

    Raises:
        XlEconError: An input is not acceptable, or there is no finite result.
    """
    one(m, dict(given), _raised)
    inputs = inputs_of(m, dict(given))
    own = {t.name: t.rows for name, t in inputs.items() if name not in m.scalars and t is not None}
    with replaced(own):
        return _lines(m, given, inputs)


def _lines(m: Metric, given: Mapping[str, Any], inputs: dict[str, Any]) -> list[Step]:
    lines = [_input(m, name, value, given) for name, value in inputs.items() if name in m.scalars]
    names = step_names(m.tree)
    memo: dict[int, Any] = {}
    evaluate(m.tree, inputs, memo)
    for e, unit in m.step_units():
        result = e is m.tree
        lines.append(
            Step(
                m.name if result else names[id(e)],
                "result" if result else "lookup" if _is_lookup(e) else "step",
                text(e, names, top=e),
                _value(e, inputs, memo),
                _unit(m, inputs) if result else unit,
            )
        )
    return lines


def _value(e: Expr, inputs: Mapping[str, Any], memo: dict[int, Any]) -> Any:
    """A step's value, also where the result took another branch; None where it has none."""
    try:
        value = evaluate(e, inputs, memo)
    except (XlEconError, ArithmeticError, ValueError):
        return None
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _raised(error: XlEconError) -> NoReturn:
    raise error


def _input(m: Metric, name: str, value: Any, given: Mapping[str, Any]) -> Step:
    p = m.params[name]
    auto = p.quantity.auto and value == 0
    kind = "input" if name in given else "default"
    if p.quantity.table and hasattr(value, "model_fields_set"):
        value = getattr(value, TABLES[p.quantity.table].key)
    if isinstance(value, tuple):
        value = ", ".join(f"{x:.15g}" for x in value)
    return Step(name, kind, p.help, "auto" if auto else value, "" if p.quantity.is_text else p.quantity.unit)


_READING = ("lookup", "lookup_or", "choose", "segment", "at")


def _is_lookup(e: Any) -> bool:
    """Whether an expression only reads tables: a figure that somebody else answers for."""
    return not isinstance(e, Expr) or e.op == "var" or (e.op in _READING and all(map(_is_lookup, e.args)))


def _unit(m: Metric, inputs: Mapping[str, Any]) -> str:
    """The result's unit; that of a look-up is the unit of the column that was asked for."""
    if m.tree.op == "concat":
        return ""
    if m.unit != "any" or m.tree.op != "lookup":
        return m.unit_for(inputs)
    table, _, column = m.tree.args
    unit: str = table.unit(evaluate(column, inputs))
    return "" if unit == "text" else unit
