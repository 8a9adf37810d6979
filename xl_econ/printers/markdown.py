"""Readable text of an expression in names, and the reference page of a metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from xl_econ.core.errors import TraceError
from xl_econ.core.expr import Const, Expr, Unavailable
from xl_econ.core.ops import OF_COLUMNS
from xl_econ.core.registry import Metric, default_text

from .excel import PRECEDENCE, lambda_, literal
from .latex import equations

_FUNCTIONS = {
    "min": "MIN({})",
    "max": "MAX({})",
    "sqrt": "SQRT({})",
    "exp": "EXP({})",
    "log": "LN({})",
    "log2": "LOG({}, 2)",
    "expm1": "(EXP({}) - 1)",
    "log1p": "LN(1 + {})",
    "total": "SUM({})",
    "weighted_sum": "WEIGHTED_SUM({})",
    "snapped": "ROUND({}, 9)",
    "roundup": "ROUNDUP({})",
    "rounddown": "ROUNDDOWN({})",
    "geometric_sum": "GEOMETRIC_SUM({})",
    "if": "IF({})",
    "neg": "-({})",
}


def text(e: Any, names: Mapping[int, str] | None = None, top: Any = None, binds: int = 0) -> str:
    """An expression as a person reads it: inputs, constants and earlier steps by name.

    Args:
        e: The expression.
        names: Names of steps by the id of their expression, where they differ from the steps' own.
        top: The step that is being spelt out; every other named one is called by name.
        binds: How tightly the surroundings bind.
    """
    if isinstance(e, Unavailable):
        return e.cell
    if isinstance(e, Const):
        return e.name
    if not isinstance(e, Expr):
        return literal(e)
    if e.op == "var":
        return str(e.args[0])
    if e is not top and e.name:
        return (names or {}).get(id(e), e.name)
    shown: Callable[[Any, int], str] = lambda x, b: text(x, names, top, b)  # noqa: E731
    if e.op in PRECEDENCE:
        own = PRECEDENCE[e.op]
        joined = f"{shown(e.args[0], own)} {e.op} {shown(e.args[1], own + 1)}"
        return f"({joined})" if own < binds else joined
    if e.op in _FUNCTIONS:
        return _FUNCTIONS[e.op].format(", ".join(shown(a, 0) for a in e.args))
    if e.op in _SPECIAL:
        return _SPECIAL[e.op](e, shown)
    raise TraceError(f"operation {e.op!r} has no readable text; add it to xl_econ.printers.markdown")


def _column(e: Expr, shown: Callable[[Any, int], str]) -> str:
    table, at, column, *default = e.args
    tail = "".join(f" or {shown(d, 9)}" for d in default)
    return f"{table.name}[{shown(at, 0)}, {shown(column, 0) if isinstance(column, Expr) else column}]{tail}"


def _choose(e: Expr, shown: Callable[[Any, int], str]) -> str:
    key, names, *options = e.args
    listed = ", ".join(f"{n}: {shown(o, 0)}" for n, o in zip(names, options, strict=True))
    return f"CHOOSE({shown(key, 0)}; {listed})"


def _call(e: Expr, shown: Callable[[Any, int], str]) -> str:
    return f"{e.op.upper()}({', '.join(shown(a, 0) for a in e.args)})"


_SPECIAL: dict[str, Callable[[Expr, Callable[[Any, int], str]], str]] = {
    **dict.fromkeys(("day_of", *OF_COLUMNS), _call),
    "join": lambda e, shown: ' & "|" & '.join(shown(a, 9) for a in e.args),
    "concat": lambda e, shown: " & ".join(shown(a, 9) for a in e.args),
    "choose": _choose,
    "lookup": _column,
    "lookup_or": _column,
    "at": _column,
    "segment": lambda e, shown: f"{e.args[0].name}.segment({shown(e.args[1], 0)})",
}


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(c.replace("|", "\\|") for c in line) + " |" for line in lines)


def page(m: Metric, explained: list[list[str]]) -> str:
    """The reference page of a metric.

    Args:
        m: The metric.
        explained: Rows of step, formula, value and unit for its example.
    """
    arguments = [
        [f"`{p.name}`", p.help, p.quantity.unit, default_text(p) if p.optional else "required", p.quantity.range]
        for p in m.params.values()
    ]
    parts = [
        f"# {m.name}",
        f"`{m.signature}` gives **{m.unit}**.",
        m.doc.summary,
        m.doc.description,
        "## Arguments",
        table(["argument", "meaning", "unit", "default", "allowed"], arguments),
        "## Definition",
        *(f"$$\n{line}\n$$" for line in equations(m)),
        "## Worked example",
        table(["step", "formula", "value", "unit"], explained),
        "## In Python",
        f"```pycon\n>>> from xl_econ import {m.name.lower()}\n{m.doc.sections.get('Example', '')}\n```",
        "## In the Name Manager (Excel 365)",
        f"```\n={lambda_(m)}\n```",
        "## Returns",
        m.doc.sections.get("Returns", ""),
        "## Errors",
        m.doc.sections.get("Raises", ""),
        "## Source",
        m.doc.sections.get("Source", ""),
    ]
    return "\n\n".join(p for p in parts if p) + "\n"
