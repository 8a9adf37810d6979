"""The UDF host: every metric as a function that xlwings registers in Excel.

Each function takes what Excel hands over (`Value2`: floats, texts, booleans, error codes, blanks, nested tuples) and
returns what Excel shows: a float, a text, an error value as its text, or a list of rows that spills. The module can
be imported by xlwings' own button; on other platforms the decorators do nothing and the functions still run.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable
from typing import Any

import xlwings as xw

from xl_econ import __version__
from xl_econ.core.errors import XlEconError
from xl_econ.core.registry import Metric, Param
from xl_econ.metrics import REGISTRY

from .explain import explain
from .python import each, one, with_rows

CATEGORY = "AI economics"
# xlwings hands over an error cell as this code, or as its text when asked to.
ERROR_CODES = {
    -2146826288: "#NULL!",
    -2146826281: "#DIV/0!",
    -2146826273: "#VALUE!",
    -2146826265: "#REF!",
    -2146826259: "#NAME?",
    -2146826252: "#NUM!",
    -2146826246: "#N/A",
    -2146826245: "#GETTING_DATA",
    -2146826243: "#SPILL!",
    -2146826239: "#CALC!",
}
_LAST_ERRORS: deque[str] = deque(maxlen=20)


def incoming(value: Any) -> Any:
    """A COM value as the core takes it: error codes become their texts, ranges become lists of rows."""
    if isinstance(value, list | tuple):
        return [incoming(v) for v in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return ERROR_CODES.get(value, float(value))
    return value


def outgoing(value: Any) -> Any:
    """A result as COM takes it: floats, never integers of 64 bits; rows of equal length."""
    if isinstance(value, list):
        return [outgoing(v) for v in value]
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _failed(m: Metric) -> Callable[[XlEconError], str]:
    def answer(error: XlEconError) -> str:
        _LAST_ERRORS.appendleft(f"{m.name}: {error}")
        return error.cell

    return answer


def call(m: Metric, *args: Any) -> Any:
    """A metric as a cell calls it; an error is the text of its error value, and WHY tells its reason."""
    try:
        given = with_rows(m, m.bind(tuple(incoming(a) for a in args), {}))
        if any(isinstance(given[name], list) for name in m.elements):
            return outgoing(each(m, given, _failed(m)))
    except XlEconError as e:
        return _failed(m)(e)
    return outgoing(one(m, given, _failed(m)))


def _adapter(m: Metric) -> Callable[..., Any]:
    """A plain function with the metric's own signature, as xlwings wants it: positional, without annotations."""

    def udf(*args: Any) -> Any:
        return call(m, *args)

    udf.__name__ = udf.__qualname__ = m.name
    udf.__doc__ = m.doc.summary
    udf.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(p.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=_default(p))
            for p in m.params.values()
        ]
    )
    return udf


def _default(p: Param) -> Any:
    return None if p.optional else inspect.Parameter.empty


def _register(f: Callable[..., Any], helps: dict[str, str], category: str = CATEGORY) -> Callable[..., Any]:
    """Declare a function to xlwings: values raw in and out, help text for the function and each argument."""
    declared = xw.func(category=category)(f)
    for name, text in helps.items():
        declared = xw.arg(name, "raw", doc=text)(declared)
    registered: Callable[..., Any] = xw.ret("raw")(declared)
    return registered


def EXPLAIN(function: Any, *args: Any) -> Any:  # noqa: N802  (the name that the cell shows)
    """Spills how a function comes to its number: name, formula, value and unit, one step a row."""
    name = str(function).strip().upper()
    if name not in REGISTRY:
        _LAST_ERRORS.appendleft(f"EXPLAIN: no function {function!r}")
        return "#N/A"
    m = REGISTRY[name]
    try:
        bound = m.bind(tuple(incoming(a) for a in args), {})
        steps = explain(m, {name: bound[name] for name in list(m.params)[: len(args)]})
    except XlEconError as e:
        return _failed(m)(e)
    return [["step", "formula", "value", "unit"]] + [[s.name, s.formula, outgoing(s.value), s.unit] for s in steps]


def WHY(count: Any = None) -> Any:  # noqa: N802
    """Texts of the last errors, the newest first."""
    wanted = int(count) if isinstance(count, int | float) and 1 <= count <= len(_LAST_ERRORS) else 10
    return [[text] for text in list(_LAST_ERRORS)[:wanted]] or "no error so far"


def XL_ECON_VERSION() -> str:  # noqa: N802
    """Version of xl-econ."""
    return __version__


for _metric in REGISTRY.values():
    globals()[_metric.name] = _register(_adapter(_metric), {p.name: p.help for p in _metric.params.values()})
EXPLAIN = _register(EXPLAIN, {"function": "Name of the function to explain", "args": "Its arguments"})
WHY = _register(WHY, {"count": "How many errors"})
XL_ECON_VERSION = _register(XL_ECON_VERSION, {})
