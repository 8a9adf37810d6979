"""LaTeX text of an expression, for the function reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xl_econ.core.errors import TraceError
from xl_econ.core.expr import Const, Expr, Unavailable, steps
from xl_econ.core.registry import Metric

_PRECEDENCE = {"=": 1, "<>": 1, "<": 1, "<=": 1, ">": 1, ">=": 1, "+": 2, "-": 2, "*": 3, "^": 4, "neg": 2}
_SIGNS = {"=": "=", "<>": r"\ne", "<": "<", "<=": r"\le", ">": ">", ">=": r"\ge", "+": "+", "-": "-", "*": r"\cdot"}
_FUNCTIONS = {
    "min": r"\min({0})",
    "max": r"\max({0})",
    "sqrt": r"\sqrt{{{0}}}",
    "exp": r"\exp({0})",
    "log": r"\ln({0})",
    "log2": r"\log_2({0})",
    "expm1": r"\left(e^{{{0}}} - 1\right)",
    "geometric_sum": r"\operatorname{{geometric\_sum}}({0})",
    "log1p": r"\ln(1 + {0})",
    "total": r"\sum {0}",
    "weighted_sum": r"\operatorname{{weighted\_sum}}({0})",
    "snapped": r"{0}",
    "roundup": r"\left\lceil {0} \right\rceil",
    "rounddown": r"\left\lfloor {0} \right\rfloor",
}


def word(text: str) -> str:
    """A name as an upright word."""
    return r"\mathrm{" + text.replace("_", r"\_") + "}"


def show(e: Any, top: Any = None, binds: int = 0) -> str:
    """LaTeX of an expression in which inputs, constants and steps are called by name."""
    if isinstance(e, Unavailable):
        return rf"\text{{{e.cell} ({e.reason})}}".replace("#", r"\#")
    if isinstance(e, Const):
        return word(e.name)
    if not isinstance(e, Expr):
        return word(e) if isinstance(e, str) else f"{e:g}"
    if e is not top and e.name:
        return word(e.name)
    text, own = _text(e, top)
    return rf"\left({text}\right)" if own < binds else text


def _text(e: Expr, top: Any) -> tuple[str, int]:
    a = e.args
    if e.op == "/":
        return rf"\frac{{{show(a[0], top)}}}{{{show(a[1], top)}}}", 9
    if e.op == "^":
        return f"{show(a[0], top, 9)}^{{{show(a[1], top)}}}", 4
    if e.op == "neg":
        return f"-{show(a[0], top, 3)}", 2
    if e.op in _SIGNS:
        own = _PRECEDENCE[e.op]
        return f"{show(a[0], top, own)} {_SIGNS[e.op]} {show(a[1], top, own + (e.op == '-'))}", own
    if e.op in _FUNCTIONS:
        return _FUNCTIONS[e.op].format(", ".join(show(x, top) for x in a)), 9
    if e.op in _SPECIAL:
        return _SPECIAL[e.op](e, top), 9
    raise TraceError(f"operation {e.op!r} has no LaTeX text; add it to xl_econ.printers.latex")


def _cases(pairs: list[tuple[str, str]]) -> str:
    return r"\begin{cases}" + r"\\ ".join(f"{value} & {when}" for value, when in pairs) + r"\end{cases}"


def _if(e: Expr, top: Any) -> str:
    when, yes, no = e.args
    return _cases([(show(yes, top), r"\text{if } " + show(when, top)), (show(no, top), r"\text{otherwise}")])


def _choose(e: Expr, top: Any) -> str:
    key, names, *options = e.args
    whens = (rf"\text{{if }} {show(key, top)} = \text{{{n}}}" for n in names)
    return _cases([(show(o, top), when) for o, when in zip(options, whens, strict=True)])


def _table(e: Expr, top: Any) -> str:
    table, at, column, *_ = e.args
    name = show(column, top) if isinstance(column, Expr) else word(column)
    return rf"{word(table.name)}\left[{show(at, top)}\right].{name}"


_SPECIAL: dict[str, Callable[[Expr, Any], str]] = {
    "join": lambda e, top: r"\,\Vert\,\text{|}\,\Vert\,".join(show(a, top) for a in e.args),
    "concat": lambda e, top: r"\,\Vert\,".join(show(a, top) for a in e.args),
    "if": _if,
    "choose": _choose,
    "lookup": _table,
    "lookup_or": lambda e, top: rf"{_table(e, top)}\ \text{{or}}\ {show(e.args[3], top)}",
    "at": _table,
    "segment": lambda e, top: rf"\operatorname{{segment}}({show(e.args[1], top)}, {word(e.args[0].name)})",
}


def equations(m: Metric) -> list[str]:
    """One equation a step, the result last."""
    return [f"{word(m.name if e is m.tree else str(e.name))} = {show(e, e)}" for e in steps(m.tree)]
