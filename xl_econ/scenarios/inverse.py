"""A figure turned round: one input in terms of the result, through the lines of a target as its inputs decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xl_econ.core.expr import Expr, steps, var
from xl_econ.core.inverse import inverse as turned
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


class NotInvertible(Exception):
    """There is no closed form, or it has no value."""


def inverse(lines: Mapping[str, Expr], inputs: Mapping[str, Any], unknown: str, key: str, result: float) -> Inverse:
    """What `unknown` must be for the line `key` to have a result.

    Conditions that do not depend on the unknown are decided by the other inputs. Of several figures the least or the
    greatest is taken to be the one that depends on the unknown; whoever asks has to see whether the answer holds.

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
        found = turned(way.open(lines[key]), unknown, var(key))
        if found is None:
            raise NotInvertible("it occurs in a way that cannot be undone")
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
    """The way from an input to a figure, through the lines between them."""

    def __init__(self, lines: Mapping[str, Expr], inputs: Mapping[str, Any], unknown: str) -> None:
        self.lines, self.unknown = lines, unknown
        self.env = Env(inputs, lines)
        self._opened: dict[int, Any] = {}

    def holds(self, e: Any) -> bool:
        """Whether a value depends on the unknown, as the other inputs decide."""
        return self.open(e) is not e or (isinstance(e, Expr) and e.op == "var" and e.args[0] == self.unknown)

    def open(self, e: Any) -> Any:
        """A value with the lines and the branches that lead to the unknown in their places; others stay as they are."""
        if not isinstance(e, Expr):
            return e
        if id(e) not in self._opened:
            self._opened[id(e)] = self._open(e)
        return self._opened[id(e)]

    def _open(self, e: Expr) -> Any:
        if e.op == "var":
            line = self.lines.get(e.args[0])
            return self.open(line) if line is not None and self.holds(line) else e
        if e.op in ("if", "choose"):
            if self.holds(e.args[0]):
                raise NotInvertible("which branch is taken depends on it")
            taken = self._taken(e) if any(map(self.holds, e.args[1:])) else None
            return self.open(taken) if self.holds(taken) else e
        held = [a for a in e.args if self.holds(a)]
        if not held:
            return e
        if e.op == "^" and held[0] is e.args[0] and float(evaluate(e.args[1], self.env)) % 2 == 0:
            raise NotInvertible("an even power has two roots")
        if e.op in ("min", "max") and len(held) == 1:
            return self.open(held[0])
        return Expr(e.op, *map(self.open, e.args))

    def _taken(self, e: Expr) -> Any:
        decided = evaluate(e.args[0], self.env)
        if e.op == "if":
            return e.args[1 if decided else 2]
        return choose(decided, dict(zip(e.args[1], e.args[2:], strict=True)))
