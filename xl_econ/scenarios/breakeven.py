"""Where a result has a value, or equals another, over two inputs: a curve, and the result on a grid around it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xl_econ.core.errors import InputError
from xl_econ.core.units import UNTYPED

from .inverse import NotInvertible, inverse, spelt
from .roots import roots
from .target import Input, Output, Steps, Target, target

CURVE, GRID = 21, 9
MOST = 10_000  # values of x on the curve
_SCAN = 201  # values of y that are tried for each x
_SAME = 1e-9

Axis = tuple[str, float, float]


@dataclass(frozen=True)
class Map:
    """Where a result breaks even over two inputs.

    Attributes:
        name: The function or the template.
        output: The result.
        goal: The value that it should have; None where it should equal `equals`.
        equals: The other result.
        x: The input along the curve.
        y: The input that is solved for.
        curve: Values of x, and every y within its range at which the result breaks even.
        across: Values of x of the grid.
        down: Values of y of the grid.
        results: The result, or how far it is above the other one, for every y and x of the grid; NaN where there is
            none.
        formula: The closed form of y; empty where there is none.
        steps: The steps that it reads.
    """

    name: str
    output: Output
    goal: float | None
    equals: Output | None
    x: Input
    y: Input
    curve: Sequence[tuple[float, Sequence[float]]]
    across: Sequence[float]
    down: Sequence[float]
    results: Sequence[Sequence[float]]
    formula: str = ""
    steps: Sequence[str] = ()

    @property
    def why_not(self) -> str:
        """Why the curve has no point; empty where it has one."""
        if any(ys for _, ys in self.curve):
            return ""
        finite = [v for row in self.results for v in row if math.isfinite(v)]
        what = self.output.key if self.equals is None else f"{self.output.key} - {self.equals.key}"
        if not finite:
            return f"no solution: {what} has no finite value in these ranges"
        return f"no solution: {what} lies between {min(finite):.6g} and {max(finite):.6g} on the grid of these ranges"

    @property
    def level(self) -> float:
        """What the results of the grid are to be held against."""
        return 0.0 if self.goal is None else self.goal


def breakeven_map(
    name: str,
    x: Axis,
    y: Axis,
    goal: Any = None,
    *,
    equals: str | None = None,
    output: str | None = None,
    steps: Steps | None = None,
    curve: int = CURVE,
    grid: int = GRID,
    **given: Any,
) -> Map:
    """Where a result has a value, or equals another one, over two inputs.

    Args:
        name: A function, in any case, or a template.
        x: The input along the curve: its name, lowest and highest value.
        y: The input that is solved for, in the same way.
        goal: What the result should be, in its unit.
        equals: Another result in its place, which the result should equal.
        output: Another result than the one that the function or template is about.
        steps: A chain of formulas in place of a function, or after it.
        curve: Values of x on the curve.
        grid: Values of each input on the grid.
        given: The other inputs by name; what is left out has its default.

    Returns:
        The curve and the grid.

    Raises:
        InputError: An unknown input, ends that it cannot take or in the wrong order, neither a goal nor another result.

    Example:
        >>> import xl_econ
        >>> found = xl_econ.breakeven_map("EFFECTIVE_RATE", ("utilization", 0.2, 1), ("usd_per_gpu_hour", 0.5, 5), 4,
        ...                               curve=5)
        >>> [(round(x, 2), round(ys[0], 2)) for x, ys in found.curve]
        [(0.2, 0.8), (0.4, 1.6), (0.6, 2.4), (0.8, 3.2), (1.0, 4.0)]
    """
    t = target(name, steps)
    o = t.output(output)
    other = t.output(equals) if equals else None
    sought = _goal(t, goal, o, other)
    (ix, *xs), (iy, *ys) = _axis(t, x), _axis(t, y)
    if ix.key == iy.key:
        raise InputError(f"{ix.key} is x and y: two inputs are needed")
    for i in (ix, iy):
        if i.key in given:
            raise InputError(f"{i.key} is given and varied")
    if min(curve, grid) < 2:
        raise InputError("a curve and a grid need two values at least")
    if curve > MOST or grid > MOST // 10:
        raise InputError(f"a curve has at most {MOST:,} values, and each side of a grid {MOST // 10:,}")
    inputs = t.bound({**given, ix.key: xs[0], iy.key: ys[0]})
    height = _Height(t, o, other, inputs, ix, iy)
    found, formula = _curve(t, o, height, ix, iy, _values(ix, xs, curve), ys, sought)
    across, down = _values(ix, xs, grid), _values(iy, ys, grid)
    columns = np.meshgrid(across, down)
    results = height(*(c.ravel() for c in columns)).reshape(columns[0].shape)
    text, *more = formula or [""]
    return Map(t.name, o, sought, other, ix, iy, found, across.tolist(), down.tolist(), results.tolist(), text, more)


def _goal(t: Target, goal: Any, o: Output, other: Output | None) -> float | None:
    if (goal is None) == (other is None):
        raise InputError(f"{o.key} needs a value to reach (--target) or a result to equal (--equals), one of them")
    if other is not None:
        if len({other.unit, o.unit} - {*UNTYPED}) > 1:
            raise InputError(f"{o.key} is in {o.unit} and {other.key} in {other.unit}: they are never equal")
        return None
    return t.goal(goal, o)


def _axis(t: Target, axis: Axis) -> tuple[Input, float, float]:
    key, low, high = axis
    i = t.input(key)
    if not i.varies:
        raise InputError(f"{key} is {'a list' if i.quantity.many else 'a text'}: a map goes over numbers")
    ends = i.clean(low), i.clean(high)
    if not ends[0] < ends[1]:
        raise InputError(f"{key}: the lowest value {ends[0]:g} must be below the highest {ends[1]:g}")
    return i, *ends


def _values(i: Input, ends: Sequence[float], count: int) -> Any:
    found = np.linspace(ends[0], ends[1], count)
    return np.unique(np.round(found)) if i.quantity.whole else found


class _Height:
    """The result over x and y: as it is, or above the other one."""

    def __init__(self, t: Target, o: Output, other: Output | None, inputs: Mapping[str, Any], x: Input, y: Input):
        self.t, self.o, self.other, self.inputs, self.x, self.y = t, o, other, inputs, x, y

    def __call__(self, xs: Any, ys: Any) -> Any:
        keys = [self.o.key, *([self.other.key] if self.other else [])]
        found = self.t.compute({**self.inputs, self.x.key: xs, self.y.key: ys}, keys)
        return found[keys[0]] - found[keys[1]] if self.other else found[keys[0]]


def _curve(
    t: Target, o: Output, height: _Height, x: Input, y: Input, xs: Any, ends: Sequence[float], goal: float | None
) -> tuple[list[tuple[float, list[float]]], list[str]]:
    """Every y for each x, and the closed form where each of them has it."""
    closed: dict[float, list[float]] = {}
    formula: list[str] = []
    try:
        for at in xs.tolist() if goal is not None and o.key in t.lines and not y.quantity.whole else []:
            found = inverse(t.lines, {**height.inputs, x.key: at}, y.key, o.key, float(goal or 0))
            inside = ends[0] <= found.value <= ends[1]
            if inside and not math.isclose(
                height(np.array([at]), np.array([found.value]))[0], goal or 0, rel_tol=_SAME
            ):
                raise NotInvertible("the closed form does not hold here")
            closed[at] = [found.value] if inside else []
            formula = spelt(y.key, found.expression)
    except NotInvertible:
        closed = {}
    if closed:
        return list(closed.items()), formula
    return _by_roots(height, xs, _values(y, ends, _SCAN), goal or 0.0), []


def _by_roots(height: _Height, xs: Any, ys: Any, level: float) -> list[tuple[float, list[float]]]:
    """The roots of all x at once."""
    columns = np.meshgrid(xs, ys, indexing="ij")
    above = height(*(c.ravel() for c in columns)).reshape(columns[0].shape) - level
    known = np.isfinite(above)
    changes = (above[:, 1:] * above[:, :-1] < 0) & known[:, 1:] & known[:, :-1]
    rows, starts = np.nonzero(changes)
    found: list[list[float]] = [sorted({*ys[above[n] == 0].tolist()}) for n in range(len(xs))]
    if len(rows):
        refined = roots(lambda y, x: height(x, y) - level, ys[starts], ys[starts + 1], xs[rows])
        for n, value in zip(rows, refined.tolist(), strict=True):
            found[n] = sorted([*found[n], value])
    return list(zip(xs.tolist(), found, strict=True))
