"""Expressions: the values a metric computes with while it is being traced.

A metric body is plain arithmetic.  Given floats it returns a float, given arrays an array, and given `Expr`
leaves the tree that the printers turn into text.  What a spreadsheet cannot say raises `TraceError`, with
the line of the body and the remedy.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from .errors import TraceError

_CORE = str(Path(__file__).parent)


class Const(float):
    """A named constant with a unit: a float where it computes, a name where it is printed."""

    name: str
    unit: str

    def __new__(cls, name: str, value: float, unit: str = "1") -> Const:
        self = super().__new__(cls, value)
        self.name, self.unit = name, unit
        return self


class Unavailable(float):
    """What stands where a figure does not exist: not a number, so that nothing can be computed from it."""

    reason: str
    cell: str

    def __new__(cls, reason: str, cell: str = "#N/A") -> Unavailable:
        self = super().__new__(cls, "nan")
        self.reason, self.cell = reason, cell
        return self


class Expr:
    """A node of the tree: an operation on expressions, numbers, texts and tables; perhaps a named step."""

    __slots__ = ("args", "name", "op")

    def __init__(self, op: str, *args: Any, name: str | None = None) -> None:
        self.op, self.args, self.name = op, args, name

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"Expr({self.name or self.op})"

    def __add__(self, other: Any) -> Expr:
        return self if _is_literal(other, 0) else Expr("+", self, other)

    def __radd__(self, other: Any) -> Expr:
        return self if _is_literal(other, 0) else Expr("+", other, self)

    def __sub__(self, other: Any) -> Expr:
        return self if _is_literal(other, 0) else Expr("-", self, other)

    def __rsub__(self, other: Any) -> Expr:
        return Expr("-", other, self)

    def __mul__(self, other: Any) -> Expr:
        return self if _is_literal(other, 1) else Expr("*", self, other)

    def __rmul__(self, other: Any) -> Expr:
        return self if _is_literal(other, 1) else Expr("*", other, self)

    def __truediv__(self, other: Any) -> Expr:
        return self if _is_literal(other, 1) else Expr("/", self, other)

    def __rtruediv__(self, other: Any) -> Expr:
        return Expr("/", other, self)

    def __pow__(self, other: Any) -> Expr:
        return Expr("^", self, other)

    def __rpow__(self, other: Any) -> Expr:
        return Expr("^", other, self)

    def __neg__(self) -> Expr:
        return Expr("neg", self)

    def __pos__(self) -> Expr:
        return self

    def __lt__(self, other: Any) -> Expr:
        return Expr("<", self, other)

    def __le__(self, other: Any) -> Expr:
        return Expr("<=", self, other)

    def __gt__(self, other: Any) -> Expr:
        return Expr(">", self, other)

    def __ge__(self, other: Any) -> Expr:
        return Expr(">=", self, other)

    def __eq__(self, other: Any) -> Expr:  # type: ignore[override]
        return Expr("=", self, other)

    def __ne__(self, other: Any) -> Expr:  # type: ignore[override]
        return Expr("<>", self, other)

    def __bool__(self) -> NoReturn:  # noqa: PLE0304
        refuse(
            f"this needs a yes or no now, but {self.name or 'the value'!r} is only known in the sheet",
            "write where(condition, yes, no) instead of if, and, or, max() or min()",
        )

    def __array_ufunc__(self, *_: Any, **__: Any) -> NoReturn:
        refuse("a numpy function met a traced value", "use the functions of xl_econ.core.ops")


def _is_literal(value: Any, number: int) -> bool:
    """A bare 0 or 1, which adds or multiplies to nothing; a named constant is never dropped."""
    return (type(value) is float or type(value) is int) and value == number


def _refused(what: str, remedy: str) -> Callable[..., NoReturn]:
    def method(*_: Any) -> NoReturn:
        refuse(what, remedy)

    return method


_NUMBER = ("math.* and float() need a number now", "use the functions of xl_econ.core.ops")
_SEQUENCE = ("a traced value is one cell, not a sequence", "pass the elements one by one")
_REFUSED = {
    "float int index complex ceil floor trunc round": _NUMBER,
    "mod rmod floordiv rfloordiv divmod rdivmod": (
        "// and % round differently in a sheet",
        "use ops.rounddown or ops.roundup",
    ),
    "and rand or ror xor rxor invert": ("& | ^ ~ have no spreadsheet twin", "nest where(condition, yes, no)"),
    "abs": ("abs() has no traced form", "use ops.maximum(x, -x)"),
    "matmul rmatmul iter len getitem contains": _SEQUENCE,
}
for _names, _why in _REFUSED.items():
    for _name in _names.split():
        setattr(Expr, f"__{_name}__", _refused(*_why))


def refuse(what: str, remedy: str) -> NoReturn:
    """Raise `TraceError` at the line of the metric body that did `what`."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith(_CORE):
        frame = frame.f_back
    path = Path(frame.f_code.co_filename)
    raise TraceError(f"{path.parent.name}/{path.name}:{frame.f_lineno} in {frame.f_code.co_name}(): {what}; {remedy}")


def var(name: str) -> Expr:
    """An input, known by its name."""
    return Expr("var", name, name=name)


def steps(root: Expr) -> list[Expr]:
    """The named intermediate expressions of a tree in the order of evaluation, each once; the root last."""
    order: list[Expr] = []
    seen: set[int] = set()

    def walk(e: Any) -> None:
        if not isinstance(e, Expr) or id(e) in seen:
            return
        seen.add(id(e))
        for a in e.args:
            walk(a)
        if e is root or (e.name and e.op != "var"):
            order.append(e)

    walk(root)
    return order


TABLE_OPS = ("lookup", "lookup_or", "segment", "at")  # operations whose first argument is a table


def nodes(root: Any) -> Iterator[Expr]:
    """Every operation of a tree, once."""
    seen: set[int] = set()
    stack = [root]
    while stack:
        e = stack.pop()
        if isinstance(e, Expr) and id(e) not in seen:
            seen.add(id(e))
            yield e
            stack.extend(e.args)


def leaves(root: Any) -> Iterator[Any]:
    """Every leaf of a tree once: inputs, constants, numbers and texts, in reading order."""
    seen: set[int] = set()
    stack = [root]
    while stack:
        e = stack.pop()
        if id(e) in seen:
            continue
        seen.add(id(e))
        if isinstance(e, Expr) and e.op != "var":
            stack.extend(reversed(e.args))
        else:
            yield e
