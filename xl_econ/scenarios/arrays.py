"""Traced expressions over many rows of inputs at once; a row without a result has none, and stops no other.

An `if` computes each branch for the rows that take it, so that what fails in the other one fails nothing: a row's value
is the one that `core.ops.evaluate` gives for its inputs alone.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from xl_econ.core.errors import XlEconError
from xl_econ.core.expr import Expr
from xl_econ.core.ops import array_function, choose, scalar_function

# The values of all rows, or one that is the same in all; and where there is none: a mask, or one bool for all rows.
Value = tuple[Any, Any]
Env = Mapping[str, Value]


def raising() -> AbstractContextManager[Any]:
    """While open, arrays raise where floats would."""
    return np.errstate(divide="raise", over="raise", invalid="raise", under="ignore")


def given(value: Any) -> Value:
    """An input as a value: numbers as numpy has them, so that no row ever leaves the floats."""
    return (np.float64(value) if isinstance(value, float | int) else value), False


def of(value: Value, rows: int | None) -> Any:
    """The numbers of a value, NaN where there is none: an array of so many rows, or a float."""
    numbers, missing = value
    if missing is False and _is_array(numbers) and numbers.dtype == float and np.isfinite(numbers).all():
        return numbers
    out = np.where(missing, np.nan, _floats(numbers)[0])
    out = np.where(np.isfinite(out), out, np.nan)
    return float(out) if rows is None else np.array(np.broadcast_to(out, (rows,)))


class Rows:
    """Values of expressions for the rows of an environment, each worked out once.

    Args:
        env: The values of the names that the expressions read.
        above: The rows that these are some of, in place of an environment of their own.
        at: Which of those.
    """

    def __init__(self, env: Env, above: Rows | None = None, at: Any = None) -> None:
        self._env, self._above, self._at = env, above, at
        self._memo: dict[int, Value] = {}
        self._kept: list[Expr] = []  # so that no id is given twice

    def value(self, e: Any) -> Value:
        """The value of an expression; to be called under `raising`."""
        if not isinstance(e, Expr):
            return e, False
        if id(e) not in self._memo:
            self._kept.append(e)
            self._memo[id(e)] = self._from_above(e) or self._worked_out(e)
        return self._memo[id(e)]

    def _from_above(self, e: Expr) -> Value | None:
        if self._above is None:
            return None
        if e.op == "var" or id(e) in self._above._memo:
            values, missing = self._above.value(e)
            return _taken(values, self._at), _taken(missing, self._at)
        return None

    def _worked_out(self, e: Expr) -> Value:
        if e.op == "var":
            return self._env[e.args[0]]
        if e.op in _PICKING:
            return _PICKING[e.op](self, e)
        values = [self.value(a) for a in e.args]
        missing = _any(m for _, m in values)
        args = [v for v, _ in values]
        if (function := array_function(e.op)) is not None:
            return _applied(function, args, missing)
        if (function := scalar_function(e.op)) is None:  # of a table
            function, args = getattr(args[0], e.op), args[1:]
        if e.op in _OF_NUMBERS:
            return _OF_NUMBERS[e.op](e.args[0], args, missing)
        return _one_by_one(function, args, missing)

    # -- what picks the rows that it computes -------------------------------------------------------------------
    def _if(self, e: Expr) -> Value:
        condition, missing = self.value(e.args[0])
        if not _is_array(condition):
            values, also = self.value(e.args[1] if condition else e.args[2])
            return values, _any((missing, also))
        return self._merged([(condition, e.args[1]), (~condition, e.args[2])], missing)

    def _choose(self, e: Expr) -> Value:
        key, missing = self.value(e.args[0])
        options = dict(zip(e.args[1], e.args[2:], strict=True))
        if not _is_array(key):
            try:
                values, also = self.value(choose(key, options))
            except XlEconError:
                return math.nan, True
            return values, _any((missing, also))
        parts: list[tuple[Any, Any]] = []
        for text, at in _distinct(key):
            try:
                parts.append((at, choose(text, options)))
            except XlEconError:
                parts.append((at, math.nan))
                missing = missing | at
        return self._merged(parts, missing)

    def _lookup_or(self, e: Expr) -> Value:
        table, key, column, default = e.args
        keys, missing = self.value(key)
        values, missing = _one_by_one(table.lookup_or, [keys, self.value(column)[0], math.nan], missing)
        empty = values != values  # noqa: PLR0124  (not a number: the row has none)
        if not _is_array(empty):
            return self.value(default) if empty and not missing else (values, missing)
        return self._merged([(~empty, (values, False)), (empty, default)], missing)

    def _merged(self, parts: list[tuple[Any, Any]], missing: Any) -> Value:
        """Values of which each part has those of its rows."""
        if whole := [what for mask, what in parts if mask.all()]:
            values, also = whole[0] if isinstance(whole[0], tuple) else self.value(whole[0])
            return values, _any((missing, also))
        rows = len(parts[0][0])
        found = []
        for mask, what in parts:
            at = np.flatnonzero(mask)
            if len(at):
                values, also = what if isinstance(what, tuple) else Rows(self._env, self, at).value(what)
                found.append((at, _taken(values, at) if isinstance(what, tuple) else values, also))
        texts = any(not np.issubdtype(np.asarray(values).dtype, np.number) for _, values, _ in found)
        out, gone = np.empty(rows, object if texts else float), np.zeros(rows, bool)
        for at, values, also in found:
            out[at], gone[at] = values, also
        return out, gone | missing


_PICKING: dict[str, Callable[[Rows, Expr], Value]] = {
    "if": Rows._if,
    "choose": Rows._choose,
    "lookup_or": Rows._lookup_or,
}


def _is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.ndim > 0


def _taken(x: Any, at: Any) -> Any:
    return x[at] if _is_array(x) and at is not None else x


def _any(masks: Any) -> Any:
    found: Any = False
    for mask in masks:
        found = mask if found is False else found if mask is False else found | mask
    return found


def _floats(x: Any) -> tuple[Any, Any]:
    """Numbers as floats, and where a text stands instead: it becomes NaN."""
    x = np.asarray(x)
    if x.dtype.kind in "fiub":
        return x.astype(float, copy=False), False
    texts = np.reshape([isinstance(v, str) for v in x.flat], x.shape)
    return np.where(texts, np.nan, x).astype(float), texts


def _applied(function: Callable[..., Any], args: list[Any], missing: Any) -> Value:
    try:
        return function(*args), missing
    except (ArithmeticError, ValueError, TypeError):
        pass
    with np.errstate(all="ignore"):
        numbers, texts = zip(*map(_floats, args), strict=True)
        out = np.asarray(function(*numbers))
        # Where numbers go in and none comes out, a float would have failed; NaN in is a figure that does not exist.
        failed = ~np.isfinite(out) & np.logical_and.reduce(np.broadcast_arrays(*map(np.isfinite, numbers)))
        failed = np.asarray(failed | functools.reduce(np.logical_or, texts))
        out = np.where(failed, np.nan, out)
    return (out if out.ndim else np.float64(out)), _any((missing, failed if failed.ndim else bool(failed)))


def _distinct(column: Any) -> Iterator[tuple[Any, Any]]:
    """Every different value of an array with the mask of its rows."""
    import pandas as pd

    which, values = pd.factorize(column)
    for n, value in enumerate(values):
        yield (value.item() if hasattr(value, "item") else value), which == n


def _one_by_one(function: Callable[..., Any], args: list[Any], missing: Any) -> Value:
    """What takes single values only, for each combination of them that occurs."""
    import pandas as pd

    columns = [n for n, a in enumerate(args) if _is_array(a)]
    if not columns:
        value = _tried(function, args)
        return (math.nan, True) if value is None else (value, missing)
    codes = [pd.factorize(args[n]) for n in columns]
    combined, which = np.unique(np.stack([c for c, _ in codes]), axis=1, return_inverse=True)
    found = []
    for combination in combined.T:
        single = list(args)
        for n, code, (_, values) in zip(columns, combination, codes, strict=True):
            single[n] = values[code].item() if hasattr(values[code], "item") else values[code]
        found.append(_tried(function, single))
    failed = np.array([v is None for v in found])
    numeric = all(v is None or isinstance(v, float) for v in found)
    values = np.array([math.nan if v is None else v for v in found], dtype=float if numeric else object)
    which = which.reshape(-1)
    return values[which], _any((missing, failed[which]))


def _tried(function: Callable[..., Any], args: list[Any]) -> Any:
    try:
        return function(*args)
    except (XlEconError, ArithmeticError, ValueError):
        return None


def _segment(table: Any, args: list[Any], missing: Any) -> Value:
    values, column = args
    below = np.less(values, table.values(column)[0]) | np.isnan(values)
    found = table.segment(np.where(below, table.values(column)[0], values), column)
    return found, _any((missing, below if _is_array(below) else bool(below)))


def _at(table: Any, args: list[Any], missing: Any) -> Value:
    row, column = args
    return table.at(np.asarray(row), column), missing


_OF_NUMBERS = {"segment": _segment, "at": _at}
