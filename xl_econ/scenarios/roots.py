"""Where a function of one input, computed for many values at once, has a given value."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xl_econ.core.quantity import Quantity

Numbers = NDArray[np.float64]
Function = Callable[[Numbers], Numbers]
WHOLE = 10_000  # numbers that are tried one by one
DECADES = 9  # to each side of the usual value, where nothing bounds an input
_EQUAL = 1e-12  # relative: the same number, worked out in another order
_POINT = 1e-6  # relative: a stretch shorter than this is one value
_CLOSE = 1e-9
_POLE = 2.0  # a function that is so much farther off between two values than at both goes to infinity there


@dataclass(frozen=True)
class Answer:
    """Values of an input at which a function has a given value, or reaches it.

    Attributes:
        at: The value; of a stretch that has them all, the first.
        to: The last value of the stretch; `at` where it is one value.
        result: What the function is there.
        jumps: Whether the function passes the given value by a step, so that it never has it: `at` is the nearest value
            of the input at which it is reached or exceeded.
    """

    at: float
    to: float
    result: float
    jumps: bool = False


def points(q: Quantity, usual: float, count: int = 800) -> Numbers:
    """Values of an input from bound to bound: evenly, and by orders of magnitude toward zero and infinity."""
    if q.whole:
        low = q.low if math.isfinite(q.low) else 0.0
        return np.arange(low, min(q.high, low + WHOLE) + 1)
    usual = abs(usual) or 1.0
    far = usual * 10.0**DECADES
    low, high = max(q.low, -far), min(q.high, far)
    found = [np.linspace(low, high, count) if math.isfinite(q.high) else np.linspace(low, 4 * usual, count)]
    size = np.geomspace(usual * 10.0**-DECADES, max(abs(low), abs(high)), count)
    found += [size, -size]
    if math.isfinite(q.high):
        found.append(q.high - size)  # what diverges does so at an end
    if math.isfinite(q.low):
        found.append(q.low + size)
    every = np.unique(np.concatenate([*found, [low, high, usual]]))
    if q.auto:
        every = every[every != 0]  # it means something else than a small number
    return every[(every >= q.low if not q.positive else every > q.low) & (every <= q.high) & (abs(every) <= far)]


def answers(f: Function, xs: Numbers, goal: float, whole: bool = False) -> tuple[list[Answer], Numbers]:
    """Where the function has a value, as far as the values `xs` lie densely enough, and the function there.

    Args:
        f: The function; NaN where it has no value.
        xs: Values of its input in rising order; two answers between neighbours are not told apart.
        goal: The value.
        whole: Only the values themselves are allowed.
    """
    sign = _signs(f, goal)
    ys = f(xs)
    states = _states(ys, goal)
    found: list[Answer | None] = []
    n = 0
    while n < len(xs):
        last = n
        if states[n] == 0:  # a stretch, or a value that happens to be among those tried
            while last + 1 < len(xs) and states[last + 1] == 0:
                last += 1
            low, high = float(xs[n]), float(xs[last])
            if not whole and n and np.isfinite(ys[n - 1]):
                low = _edge(lambda v: np.abs(sign(v)) < 1, xs[n - 1], low)
            if not whole and last + 1 < len(xs) and np.isfinite(ys[last + 1]):
                high = _edge(lambda v: np.abs(sign(v)) < 1, xs[last + 1], high)
            single = high - low <= _POINT * max(abs(low), abs(high))
            at = float(xs[n]) if single else low
            found.append(Answer(at, at if single else high, float(ys[n])))
        elif n + 1 < len(xs) and states[n] * states[n + 1] == -1:
            found.append(_between(f, sign, float(xs[n]), float(xs[n + 1]), goal, whole))
        n = last + 1
    return [a for a in found if a is not None], ys


def _states(ys: Numbers, goal: float) -> Numbers:
    """Below -1, at 0, above 1; NaN where there is no value."""
    return np.where(np.abs(ys - goal) <= _EQUAL * abs(goal), 0.0, np.sign(ys - goal))


def _signs(f: Function, goal: float) -> Function:
    return lambda v: _states(f(v), goal)


def _between(f: Function, sign: Function, low: float, high: float, goal: float, whole: bool) -> Answer | None:
    """The answer between two values, at one of which the function is below and at the other above; none at a pole."""
    rises = sign(np.array([low]))[0] < 0
    if not whole:
        x = float(_found(lambda v: f(v) - goal, low, high).x)
        result = float(f(np.array([x]))[0])
        if abs(result - goal) <= _CLOSE * abs(goal) or goal == 0 == result:
            return _around(sign, x, low, high, result)
    at = high if rises else low
    if not whole:
        at = _edge(lambda v: sign(v) >= 0, low if rises else high, at)
    result = float(f(np.array([at]))[0])
    if result == goal:
        return _around(sign, at, low, high, result)
    if abs(result - goal) > _POLE * max(abs(f(np.array([low, high])) - goal)):
        return None
    return Answer(at, at, result, True)


def _around(sign: Function, x: float, low: float, high: float, result: float) -> Answer:
    """The stretch about an answer."""
    near = np.clip(x + np.array([-1, 1]) * _POINT * max(abs(x), 1e-300), low, high)
    if not (sign(near) == 0).any():
        return Answer(x, x, result)
    first, last = (_edge(lambda v: sign(v) == 0, end, x) for end in (low, high))
    single = last - first <= _POINT * max(abs(first), abs(last))
    return Answer(x if single else first, x if single else last, result)


def _edge(holds: Callable[[Numbers], Any], outside: float, inside: float) -> float:
    """The last value towards `outside` for which a condition holds."""
    found = _found(lambda v: np.where(holds(v), 1.0, -1.0), *sorted((float(outside), float(inside))))
    ends = np.array([float(v) for v in found.bracket])
    held = ends[np.asarray(holds(ends), dtype=bool)]
    edge = float(held[0]) if len(held) else float(inside)
    plain = float(f"{edge:.12g}")  # 4 and not 4.000000000000002, where that holds too
    return plain if abs(plain - edge) <= _EQUAL * abs(edge) and np.all(holds(np.array([plain]))) else edge


def _found(f: Function, low: float, high: float) -> Any:
    from scipy.optimize import elementwise

    return elementwise.find_root(lambda x: f(np.atleast_1d(x)).reshape(np.shape(x)), (low, high), maxiter=400)


def roots(f: Callable[[Numbers, Any], Numbers], low: Numbers, high: Numbers, rows: Any) -> Numbers:
    """The roots of many functions at once, one in each bracket.

    Args:
        f: Of the values, and of the rows that they belong to.
        low: Lower ends of the brackets.
        high: Upper ends; the functions have another sign there.
        rows: Which function each bracket is of.
    """
    from scipy.optimize import elementwise

    found = elementwise.find_root(f, (low, high), args=(rows,), maxiter=400)
    return np.asarray(found.x, dtype=float)
