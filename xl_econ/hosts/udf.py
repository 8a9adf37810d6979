"""The UDF host: every metric as a function that xlwings registers in Excel.

The add-in calls `CALL`, which takes a function's name and its arguments as one array: xlwings then handles one
argument, whatever their number. Each function is also registered by its own name, so that xlwings' own button can
import the module; on other platforms the decorators do nothing and the functions still run.

Every function gives rows of cells, a single value as one row of one: xlwings' server takes the length of a result.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable
from typing import Any

import xlwings as xw

from xl_econ import __version__
from xl_econ.core.errors import UsageError, XlEconError
from xl_econ.core.registry import Metric, Param
from xl_econ.metrics import REGISTRY, get

from .explain import explain
from .marshal import incoming, outgoing
from .python import each, scalar, with_rows

CATEGORY = "AI economics"
_LAST_ERRORS: deque[str] = deque(maxlen=20)


def _failed(name: str) -> Callable[[XlEconError], str]:
    """Keeps an error's text for WHY and answers with its error value."""

    def answer(error: XlEconError) -> str:
        _LAST_ERRORS.appendleft(f"{name}: {error}")
        return error.cell

    return answer


def evaluate(m: Metric, *args: Any) -> Any:
    """A metric of COM values; where it fails, the text of the error value, and WHY tells the reason."""
    failed = _failed(m.name)
    try:
        given = with_rows(m, m.bind(tuple(incoming(a) for a in args), {}))
        if any(_is_range(given[name]) for name in m.elements):
            return each(m, given, failed)
        return scalar(m, given)
    except XlEconError as e:
        return failed(e)


def _is_range(value: Any) -> bool:
    return type(value) is not float and (isinstance(value, list) or hasattr(value, "dtype"))


def EXPLAIN(function: Any, *args: Any) -> Any:  # noqa: N802  (the name that the cell shows)
    """Spills how a function comes to its number: name, formula, value and unit, one step a row."""
    try:
        m = get(str(incoming(function)))
    except UsageError as e:
        _failed("EXPLAIN")(e)
        return [["#N/A"]]
    try:
        bound = m.bind(tuple(incoming(a) for a in args), {})
        steps = explain(m, {name: bound[name] for name in list(m.params)[: len(args)]})
    except XlEconError as e:
        return [[_failed(m.name)(e)]]
    return outgoing([["step", "formula", "value", "unit"]] + [[s.name, s.formula, s.value, s.unit] for s in steps])


def WHY(count: Any = None) -> Any:  # noqa: N802
    """Texts of the last errors, the newest first."""
    wanted = int(count) if isinstance(count, int | float) and 1 <= count <= len(_LAST_ERRORS) else 10
    return outgoing([[text] for text in list(_LAST_ERRORS)[:wanted]] or "no error so far")


def XL_ECON_VERSION() -> Any:  # noqa: N802
    """Version of xl-econ."""
    return outgoing(__version__)


def CALL(packed: Any) -> Any:  # noqa: N802
    """A function of this module by name.

    Args:
        packed: Its name, and its arguments as `Value2` gives them.
    """
    name, *args = packed
    if name not in FUNCTIONS:
        _failed("CALL")(UsageError(f"no function {name!r}; the add-in and the package are of different versions"))
        return [["#NAME?"]]
    try:
        return FUNCTIONS[name](*args)
    except Exception as e:  # a traceback in a cell helps nobody; WHY tells
        return [[_failed(name)(XlEconError(f"internal error, please report it: {type(e).__name__}: {e}"))]]


def _adapter(m: Metric) -> Callable[..., Any]:
    """A plain function with the metric's own signature, as xlwings wants it: positional, without annotations."""

    def udf(*args: Any) -> Any:
        return outgoing(evaluate(m, *args))

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


def _register(f: Callable[..., Any], helps: dict[str, str]) -> Callable[..., Any]:
    """Declare a function to xlwings: values raw in and out, help text for the function and each argument."""
    declared = xw.func(category=CATEGORY)(f)
    for name, text in helps.items():
        declared = xw.arg(name, "raw", doc=text)(declared)
    registered: Callable[..., Any] = xw.ret("raw")(declared)
    return registered


# What a cell can call, by the name that it uses.
FUNCTIONS = {m.name: _register(_adapter(m), {p.name: p.help for p in m.params.values()}) for m in REGISTRY.values()} | {
    "EXPLAIN": _register(EXPLAIN, {"function": "Name of the function to explain", "args": "Its arguments"}),
    "WHY": _register(WHY, {"count": "How many errors"}),
    "XL_ECON_VERSION": _register(XL_ECON_VERSION, {}),
}
globals().update(FUNCTIONS)
_register(CALL, {"packed": "Name of a function, and its arguments"})
