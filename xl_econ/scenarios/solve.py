"""Goal seek: what an input must be for a result to have a value, in closed form where there is one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xl_econ.core.errors import DomainError, InputError
from xl_econ.core.expr import Expr

from .inverse import NotInvertible, inverse, spelt
from .roots import Answer, answers, points
from .target import Input, Output, Steps, Target, target

_EXACT = 1e-9
_SAME = 1e-12


@dataclass(frozen=True)
class Solution:
    """What an input must be.

    Attributes:
        name: The function or the template.
        unknown: The input that was sought.
        output: The result that was asked for.
        goal: What it should be.
        inputs: The values of the other inputs.
        answers: Every value, or stretch of values, within the input's bounds at which the result is what it should be,
            in rising order; where the result goes by steps, the value from which it is reached.
        expression: The closed form, over the result and the other inputs; None where a root was sought.
        outside: The value beyond the input's bounds that would be needed.
        reachable: The least and the greatest result within the bounds; None where there was no need to look.
    """

    name: str
    unknown: Input
    output: Output
    goal: float
    inputs: Mapping[str, Any]
    answers: Sequence[Answer]
    expression: Expr | None = None
    outside: float | None = None
    reachable: tuple[float, float] | None = None

    @property
    def value(self) -> float:
        """The smallest answer.

        Raises:
            DomainError: There is none; says why.
        """
        if not self.answers:
            raise DomainError(self.why_not)
        return self.answers[0].at

    @property
    def formula(self) -> str:
        """The closed form as a person reads it; empty where there is none."""
        if self.expression is None:
            return ""
        return spelt(self.unknown.key, self.expression)[0]

    @property
    def steps(self) -> list[str]:
        """The steps that the closed form reads, as a person reads them."""
        return [] if self.expression is None else spelt(self.unknown.key, self.expression)[1:]

    @property
    def why_not(self) -> str:
        """Why there is no answer."""
        key = self.unknown.key
        if self.outside is not None:
            bounds = self.unknown.quantity.range
            return f"{key} would have to be {self.outside:.6g}: no solution, it must be {bounds}"
        if self.reachable is None:
            return f"{self.output.key} has no finite value for any {key}: no solution"
        low, high = self.reachable
        if high - low <= _SAME * abs(high):
            return f"no solution: {self.output.key} is {low:.6g} whatever {key} is"
        return f"no solution: {self.output.key} lies between {low:.6g} and {high:.6g} for every {key} that is allowed"


def solve(
    name: str, goal: Any, unknown: str, *, output: str | None = None, steps: Steps | None = None, **given: Any
) -> Solution:
    """What an input of a function or a template must be for a result to have a value.

    Args:
        name: A function, in any case, or a template.
        goal: What the result should be, in its unit.
        unknown: The input that is sought.
        output: Another result than the one that the function or template is about: a step, a line.
        steps: A chain of formulas in place of a function, or after it.
        given: The other inputs by name; what is left out has its default.

    Returns:
        The answers, and the closed form if there is one.

    Raises:
        InputError: An unknown or missing input, one that is no number, a goal that is none.
        UsageError: Neither a function nor a template.

    Example:
        >>> import xl_econ
        >>> found = xl_econ.solve("TRAIN_COST", 5e6, "mfu", params_b=37, tokens_t=14.8, peak_tflops=989.4,
        ...                       usd_per_gpu_hour=2)
        >>> round(found.value, 4)
        0.369
        >>> xl_econ.solve("TRAIN_COST", 1e6, "mfu", params_b=37, tokens_t=14.8, peak_tflops=989.4,
        ...               usd_per_gpu_hour=2).why_not
        'mfu would have to be 1.84489: no solution, it must be above 0 and at most 1'
    """
    t = target(name, steps)
    i, o = t.input(unknown), t.output(output)
    if not i.varies:
        raise InputError(f"{unknown} is {'a list' if i.quantity.many else 'a text'}: only a number can be solved for")
    if unknown in given:
        raise InputError(f"{unknown} is given and sought")
    sought = t.goal(goal, o)
    inputs = t.bound({**given, unknown: _somewhere(i)})
    del inputs[unknown]
    try:
        return _closed(t, i, o, sought, inputs)
    except NotInvertible:
        return _by_root(t, i, o, sought, inputs)


def _somewhere(i: Input) -> float:
    """A usual value of an input."""
    if isinstance(i.default, int | float) and i.default and i.quantity.fits(float(i.default)):
        return float(i.default)
    return float(i.quantity.example)


def _closed(t: Target, i: Input, o: Output, goal: float, inputs: Mapping[str, Any]) -> Solution:
    if o.key not in t.lines:
        raise NotInvertible("a total of the timeline")
    found = inverse(t.lines, inputs, i.key, o.key, goal)
    if not i.quantity.fits(found.value):
        if i.quantity.whole and i.quantity.low <= found.value <= i.quantity.high:
            raise NotInvertible("only a whole number will do")
        outside = found.value
        return Solution(t.name, i, o, goal, inputs, (), found.expression, outside)
    result = t.compute({**inputs, i.key: found.value}, [o.key])[o.key]
    if not math.isclose(result, goal, rel_tol=_EXACT):
        raise NotInvertible("the closed form does not hold here")
    return Solution(t.name, i, o, goal, inputs, (Answer(found.value, found.value, result),), found.expression)


def _by_root(t: Target, i: Input, o: Output, goal: float, inputs: Mapping[str, Any]) -> Solution:
    def f(xs: Any) -> Any:
        return t.compute({**inputs, i.key: np.asarray(xs, dtype=float)}, [o.key])[o.key]

    found, ys = answers(f, points(i.quantity, _somewhere(i)), goal, i.quantity.whole)
    finite = ys[np.isfinite(ys)]
    reachable = (float(finite.min()), float(finite.max())) if len(finite) else None
    if reachable and reachable[1] - reachable[0] <= _SAME * abs(reachable[1]):
        found = []  # whatever the input is
    return Solution(t.name, i, o, goal, inputs, found, None, None, reachable)
