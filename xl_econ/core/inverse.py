"""A traced expression solved for one of its variables, in closed form where there is one.

An operation that holds the variable in one argument is undone: `a * x = r` gives `x = r / a`. Where several arguments
hold it, the expression may still be a quotient of two straight lines, `(a x + b) / (c x + d) = r`, which gives
`x = (b - r d) / (r c - a)`: costs of which one part grows with a price and another one too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .expr import Expr
from .ops import exp, expm1, log, log1p

# By operation and place of the argument that holds the variable: the argument, from the result and the other one.
_UNDONE: dict[tuple[str, int], Callable[..., Any]] = {
    ("neg", 0): lambda r: -r,
    ("+", 0): lambda r, b: r - b,
    ("+", 1): lambda r, a: r - a,
    ("-", 0): lambda r, b: r + b,
    ("-", 1): lambda r, a: a - r,
    ("*", 0): lambda r, b: r / b,
    ("*", 1): lambda r, a: r / a,
    ("/", 0): lambda r, b: r * b,
    ("/", 1): lambda r, a: a / r,
    ("^", 0): lambda r, b: r ** (1 / b),  # the positive root: quantities are
    ("^", 1): lambda r, a: log(r) / log(a),
    ("sqrt", 0): lambda r: r**2,
    ("exp", 0): log,
    ("log", 0): exp,
    ("log2", 0): lambda r: 2**r,
    ("expm1", 0): log1p,
    ("log1p", 0): expm1,
}
__all__ = ["inverse"]


def inverse(root: Expr, name: str, result: Any) -> Any:
    """The variable `name` such that a tree has a result, as a tree of the other variables and the result.

    Args:
        root: The tree.
        name: One of its variables.
        result: An expression or a number.

    Returns:
        An expression, or None where there is no closed form: the variable passes through a look-up, a condition or
        rounding, or occurs in a way that is no quotient of straight lines.

    Example:
        >>> from xl_econ.core.expr import var
        >>> from xl_econ.core.ops import evaluate
        >>> evaluate(inverse(2 * var("x") + 1, "x", 7.0), {})
        3.0
    """
    holds = _Holding(name)

    def solved(e: Any, r: Any) -> Any:
        if e.op == "var":
            return r
        places = [n for n, a in enumerate(e.args) if holds(a)]
        if len(places) > 1:
            line = _quotient(e, holds)
            return None if line is None else line.inverse(r)
        undo = _UNDONE.get((e.op, places[0]))
        if undo is None:
            return None
        others = [a for n, a in enumerate(e.args) if n != places[0]]
        return solved(e.args[places[0]], undo(r, *others))

    return solved(root, result) if holds(root) else None


class _Holding:
    """Whether an expression holds a variable."""

    def __init__(self, name: str) -> None:
        self._name, self._known = name, dict[int, bool]()

    def __call__(self, e: Any) -> bool:
        if not isinstance(e, Expr):
            return isinstance(e, tuple) and any(map(self, e))
        if id(e) not in self._known:
            self._known[id(e)] = e.args[0] == self._name if e.op == "var" else any(map(self, e.args))
        return self._known[id(e)]


class _Quotient(NamedTuple):
    """(a x + b) / (c x + d) of a variable x; each coefficient is an expression or a number."""

    a: Any
    b: Any
    c: Any
    d: Any

    def inverse(self, r: Any) -> Any:
        a, b, c, d = self
        return _over(_minus(b, _times(r, d)), _minus(_times(r, c), a))


def _quotient(e: Any, holds: _Holding) -> _Quotient | None:
    """An expression as a quotient of straight lines, if it is one."""
    if not holds(e):
        return _Quotient(0, e, 0, 1)
    if e.op == "var":
        return _Quotient(1, 0, 0, 1)
    if e.op == "neg":
        p = _quotient(e.args[0], holds)
        return p and _Quotient(_minus(0, p.a), _minus(0, p.b), p.c, p.d)
    combine = _COMBINED.get(e.op)
    if combine is None:
        return None
    p, q = (_quotient(a, holds) for a in e.args)
    return None if p is None or q is None else combine(p, q)


def _sum(p: _Quotient, q: _Quotient, sign: Callable[[Any, Any], Any]) -> _Quotient | None:
    if _straight(p) and _straight(q):
        both = _plain(p), _plain(q)
        return _Quotient(sign(both[0].a, both[1].a), sign(both[0].b, both[1].b), 0, 1)
    if _fixed(q):
        q = _plain(q)
        return _Quotient(sign(p.a, _times(q.b, p.c)), sign(p.b, _times(q.b, p.d)), p.c, p.d)
    if _fixed(p):
        p = _plain(p)
        return _Quotient(sign(_times(p.b, q.c), q.a), sign(_times(p.b, q.d), q.b), q.c, q.d)
    return None


def _product(p: _Quotient, q: _Quotient) -> _Quotient | None:
    for one, other in ((p, q), (q, p)):
        if _fixed(other):
            k = _plain(other).b
            return _Quotient(_times(k, one.a), _times(k, one.b), one.c, one.d)
    return None


def _ratio(p: _Quotient, q: _Quotient) -> _Quotient | None:
    if _straight(p) and _straight(q):
        p, q = _plain(p), _plain(q)
        return _Quotient(p.a, p.b, q.a, q.b)
    return _product(p, _Quotient(q.c, q.d, q.a, q.b))


_COMBINED: dict[str, Callable[[_Quotient, _Quotient], _Quotient | None]] = {
    "+": lambda p, q: _sum(p, q, _plus),
    "-": lambda p, q: _sum(p, q, _minus),
    "*": _product,
    "/": _ratio,
}


def _is(x: Any, number: int) -> bool:
    return (type(x) is int or type(x) is float) and x == number


def _straight(p: _Quotient) -> bool:
    return _is(p.c, 0)


def _fixed(p: _Quotient) -> bool:
    return _is(p.a, 0) and _is(p.c, 0)


def _plain(p: _Quotient) -> _Quotient:
    """A straight line over 1."""
    return _Quotient(_over(p.a, p.d), _over(p.b, p.d), 0, 1)


def _plus(x: Any, y: Any) -> Any:
    return y if _is(x, 0) else x if _is(y, 0) else x + y


def _minus(x: Any, y: Any) -> Any:
    return x if _is(y, 0) else -y if _is(x, 0) else x - y


def _times(x: Any, y: Any) -> Any:
    return 0 if _is(x, 0) or _is(y, 0) else y if _is(x, 1) else x if _is(y, 1) else x * y


def _over(x: Any, y: Any) -> Any:
    return 0 if _is(x, 0) else x if _is(y, 1) else x / y
