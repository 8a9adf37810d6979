"""A figure turned round: the expression of one input in terms of the result, where every step of the way inverts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xl_econ.core.expr import Expr, steps, var
from xl_econ.core.ops import choose, evaluate
from xl_econ.printers import markdown


@dataclass(frozen=True)
class Inverse:
    """What an input must be: an expression over the result (a variable of its name) and the other inputs and lines."""

    expression: Expr
    value: float


class Env(dict[str, Any]):
    """Inputs by name, and every line that is asked for, worked out then.

    Args:
        inputs: Values by name.
        lines: Expressions that may read inputs and each other.
    """

    def __init__(self, inputs: Mapping[str, Any], lines: Mapping[str, Expr]) -> None:
        super().__init__(inputs)
        self._lines = lines

    def __missing__(self, name: str) -> Any:
        self[name] = evaluate(self._lines[name], self)
        return self[name]


# How to undo an operation, by its name and the argument that is sought: of what it must give and the other argument.
_UNDO: dict[tuple[str, int], Callable[..., Expr]] = {
    ("+", 0): lambda t, b: t - b,
    ("+", 1): lambda t, a: t - a,
    ("-", 0): lambda t, b: t + b,
    ("-", 1): lambda t, a: a - t,
    ("*", 0): lambda t, b: t / b,
    ("*", 1): lambda t, a: t / a,
    ("/", 0): lambda t, b: t * b,
    ("/", 1): lambda t, a: a / t,
    ("^", 0): lambda t, b: t ** (1 / b),
    ("^", 1): lambda t, a: Expr("log", t) / Expr("log", a),
    ("neg", 0): lambda t: -t,
    ("sqrt", 0): lambda t: t**2.0,
    ("exp", 0): lambda t: Expr("log", t),
    ("log", 0): lambda t: Expr("exp", t),
    ("log2", 0): lambda t: 2.0**t,
    ("expm1", 0): lambda t: Expr("log1p", t),
    ("log1p", 0): lambda t: Expr("expm1", t),
}
# Of these two, one argument decides; it is undone where it is the one that is sought.
_DECIDED: dict[str, Callable[[float, float], bool]] = {"max": lambda t, other: t > other, "min": lambda t, o: t < o}


class NotInvertible(Exception):
    """The input occurs more than once, or a step of the way cannot be undone."""


def inverse(lines: Mapping[str, Expr], inputs: Mapping[str, Any], unknown: str, key: str, result: float) -> Inverse:
    """What `unknown` must be for the line `key` to have a result.

    Conditions that do not depend on the unknown are decided by the other inputs.

    Args:
        lines: The expression of every figure.
        inputs: All other inputs by name.
        unknown: The input that is sought.
        key: The figure.
        result: What it must be.

    Raises:
        NotInvertible: There is no closed form, or it has no value for these inputs.
    """
    way = _Way(lines, {k: v for k, v in inputs.items() if k != unknown}, unknown)
    try:
        found = way.back(lines[key], var(key), {key: result})
        value = evaluate(found, Env({**way.env, key: result}, lines))
    except (ArithmeticError, ValueError, LookupError, TypeError) as e:
        raise NotInvertible(str(e)) from None
    if isinstance(value, complex) or value != value:  # noqa: PLR0124  (not a number)
        raise NotInvertible("it has no real value")
    return Inverse(found, float(value))


def spelt(key: str, expression: Expr) -> list[str]:
    """A closed form as a person reads it, and each step that it reads."""
    named = [("  " + str(e.name), e) for e in steps(expression) if e is not expression]
    return [f"{name} = {markdown.text(e, top=e)}" for name, e in ((key, expression), *reversed(named))]


class _Way:
    def __init__(self, lines: Mapping[str, Expr], inputs: Mapping[str, Any], unknown: str) -> None:
        self.lines, self.unknown = lines, unknown
        self.env = Env(inputs, lines)
        self._counts: dict[int, int] = {}

    def count(self, e: Any) -> int:
        """How often the unknown is read on the way to a value; more than once is 2."""
        if not isinstance(e, Expr):
            return 0
        if id(e) not in self._counts:
            self._counts[id(e)] = min(2, sum(map(self.count, self._read(e))))
            if e.op == "var" and e.args[0] == self.unknown:
                self._counts[id(e)] = 1
        return self._counts[id(e)]

    def _read(self, e: Expr) -> Iterator[Any]:
        """What decides the value of a node."""
        if e.op == "var":
            if e.args[0] in self.lines:
                yield self.lines[e.args[0]]
            return
        if e.op not in ("if", "choose"):
            yield from e.args
            return
        if self.count(e.args[0]):
            yield from (e.args[0], e.args[0])  # which branch is taken depends on the unknown: nothing to undo
        else:
            yield self._taken(e)

    def _taken(self, e: Expr) -> Any:
        decided = evaluate(e.args[0], self.env)
        if e.op == "if":
            return e.args[1 if decided else 2]
        return choose(decided, dict(zip(e.args[1], e.args[2:], strict=True)))

    def back(self, e: Expr, must: Expr, known: Mapping[str, float]) -> Expr:
        """The unknown, from what a node must give."""
        if self.count(e) != 1:
            raise NotInvertible("it occurs more than once" if self.count(e) else "the result does not depend on it")
        while not (e.op == "var" and e.args[0] == self.unknown):
            if e.op == "var":
                e = self.lines[e.args[0]]
            elif e.op in ("if", "choose"):
                e = self._taken(e)
            else:
                e, must = self._step(e, must, known)
        return must

    def _step(self, e: Expr, must: Expr, known: Mapping[str, float]) -> tuple[Expr, Expr]:
        at = next(n for n, a in enumerate(e.args) if self.count(a))
        others = [a for n, a in enumerate(e.args) if n != at]
        if e.op in _DECIDED:
            wanted = evaluate(must, Env({**self.env, **known}, self.lines))
            if all(_DECIDED[e.op](wanted, evaluate(other, self.env)) for other in others):
                return e.args[at], must
        undo = _UNDO.get((e.op, at))
        if undo is None:
            raise NotInvertible(f"{e.op} cannot be undone")
        if (e.op, at) == ("^", 0) and float(evaluate(others[0], self.env)) % 2 == 0:
            raise NotInvertible("an even power has two roots")
        return e.args[at], undo(must, *others)
