"""The functions a metric body may call, each defined once for numbers, arrays and traced expressions."""

from __future__ import annotations

import functools
import math
import operator
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from .errors import DomainError, InputError, NotAvailable, XlEconError, nearest
from .expr import Expr, Unavailable, refuse


@dataclass(frozen=True)
class Op:
    """An operation: its name in the tree, how numbers do it, and how arrays do it."""

    name: str
    scalar: Callable[..., Any]
    array: Callable[..., Any]

    def __call__(self, *args: Any) -> Any:
        for a in args:
            if type(a) is float or type(a) is int:
                continue
            if type(a) is Expr:
                return Expr(self.name, *args)
            if not isinstance(a, float | int):
                return self.array(*args)
        return self.scalar(*args)


def _numpy(name: str) -> Callable[..., Any]:
    def call(*args: Any) -> Any:
        import numpy as np

        f = getattr(np, name)
        return f(*args) if len(args) < 3 else functools.reduce(f, args)

    return call


def _away(x: float) -> float:
    if math.isnan(x):
        return x  # what does not exist stays so
    return math.copysign(math.ceil(abs(round(x, 9))), x)


def _toward(x: float) -> float:
    if math.isnan(x):
        return x
    return math.copysign(math.floor(abs(round(x, 9))), x)


def _snap(name: str) -> Callable[..., Any]:
    def call(x: Any) -> Any:
        import numpy as np

        return np.copysign(getattr(np, name)(np.abs(np.round(x, 9))), x)

    return call


def _least(*args: float) -> float:
    for a in args:
        if a != a:  # noqa: PLR0124  (what does not exist stays so)
            return a
    return min(args)


def _greatest(*args: float) -> float:
    for a in args:
        if a != a:  # noqa: PLR0124
            return a
    return max(args)


minimum = Op("min", _least, _numpy("minimum"))
maximum = Op("max", _greatest, _numpy("maximum"))
sqrt = Op("sqrt", math.sqrt, _numpy("sqrt"))
exp = Op("exp", math.exp, _numpy("exp"))
log = Op("log", math.log, _numpy("log"))
log2 = Op("log2", math.log2, _numpy("log2"))
expm1 = Op("expm1", math.expm1, _numpy("expm1"))
log1p = Op("log1p", math.log1p, _numpy("log1p"))
# Excel's ROUNDUP and ROUNDDOWN to whole numbers: away from zero and toward it. Spreadsheets snap float noise before
# they round, so 16.000000000000004 GPUs are 16 in every host.
roundup = Op("roundup", _away, _snap("ceil"))
rounddown = Op("rounddown", _toward, _snap("floor"))


def _round_array(x: Any) -> Any:
    import numpy as np

    return np.round(x, 9)


# Without float noise, so that 5.4 / 4.5 - 1 is not above 20%.
snapped = Op("snapped", lambda x: round(x, 9), _round_array)


LONGEST_SUM = 60  # terms; a sheet writes them out


def _sum_scalar(ratio: float, count: float) -> float:
    return math.fsum(ratio**k for k in range(int(count)))


def _sum_array(ratio: Any, count: Any) -> Any:
    import numpy as np

    terms = np.arange(LONGEST_SUM)
    r, n = np.broadcast_arrays(np.asarray(ratio, dtype=float), np.asarray(count, dtype=float))
    with np.errstate(over="ignore"):  # of terms beyond the count
        powers = np.where(terms < n[..., None], r[..., None] ** np.minimum(terms, n[..., None]), 0.0)
    return powers.sum(axis=-1)


# 1 + q + q^2 + ... of a whole number of terms, each written out: the closed form loses its digits near q = 1.
geometric_sum = Op("geometric_sum", _sum_scalar, _sum_array)


def _listed(x: Any) -> tuple[float, ...]:
    return x if isinstance(x, tuple) else (x,)


def _total(values: Any) -> float:
    return math.fsum(_listed(values))


def _weighted_sum(values: Any, weights: Any, factors: Any) -> float:
    v, w, f = map(_listed, (values, weights, factors))
    if len(v) != len(w) or len(f) not in (1, len(v)):
        raise InputError(f"lists of {len(v)}, {len(w)} and {len(f)} values do not go together")
    return math.fsum(map(math.prod, zip(v, w, f * (len(v) // len(f)), strict=True)))


_TOTAL = Op("total", _total, _total)
_WEIGHTED_SUM = Op("weighted_sum", _weighted_sum, _weighted_sum)


def _spelt_out(*lists: Any) -> bool:
    """Whether a list holds traced values: cells that stand apart, which a sheet cannot take as one range."""
    return any(type(v) is Expr for x in lists if type(x) is tuple for v in x)


def total(values: Any) -> Any:
    """The sum of a list of numbers."""
    return functools.reduce(operator.add, values) if _spelt_out(values) else _TOTAL(values)


def weighted_sum(values: Any, weights: Any, factors: Any) -> Any:
    """The sum of the products of three lists of numbers; a single factor goes with every pair."""
    if not _spelt_out(values, weights, factors):
        return _WEIGHTED_SUM(values, weights, factors)
    v, w, f = map(_listed, (values, weights, factors))
    if len(v) != len(w) or len(f) not in (1, len(v)):
        raise InputError(f"lists of {len(v)}, {len(w)} and {len(f)} values do not go together")
    terms = (a * b * c for a, b, c in zip(v, w, f * (len(v) // len(f)), strict=True))
    return functools.reduce(operator.add, terms)


def where(condition: Any, yes: Any, no: Any) -> Any:
    """`IF(condition, yes, no)`, element by element for arrays; an `Unavailable` branch is an error where it is taken.

    Numbers and arrays compute both branches, so neither may fail.
    """
    if condition is True or condition is False:
        return yes if condition else no
    if type(condition) is Expr:
        return Expr("if", condition, yes, no)
    import numpy as np

    return np.where(condition, yes, no)


def choose(key: Any, options: Mapping[str, Any]) -> Any:
    """The option that the text `key` names, whatever its case; another text is #N/A."""
    if type(key) is Expr:
        return Expr("choose", key, tuple(options), *options.values())
    if isinstance(key, str):
        for name, value in options.items():
            if name.casefold() == key.casefold():
                return value
        raise NotAvailable(f"{key!r} is none of {', '.join(options)}{nearest(key, options)}")
    import numpy as np

    texts = np.asarray(key, dtype=object)
    picked, inverse = np.unique(texts.astype(str), return_inverse=True)
    columns = [np.broadcast_to(choose(str(k), options), texts.shape) for k in picked]
    return np.choose(inverse.reshape(texts.shape), columns)


def _join_scalar(*texts: str) -> str:
    return "|".join(texts)


def _concat_scalar(*texts: str) -> str:
    return "".join(texts)


def _text_array(one: Callable[..., str], *texts: Any) -> Any:
    import numpy as np

    columns = np.broadcast_arrays(*(np.asarray(t, dtype=object) for t in texts))
    joined = [one(*map(str, row)) for row in zip(*(c.ravel() for c in columns), strict=True)]
    return np.array(joined, dtype=object).reshape(columns[0].shape)


def _texts(op: str, one: Callable[..., str], *texts: Any) -> Any:
    if any(type(t) is Expr for t in texts):
        return Expr(op, *texts)
    return one(*texts) if all(isinstance(t, str) for t in texts) else _text_array(one, *texts)


def join(*texts: Any) -> Any:
    """The texts with a bar between them: the key of a table whose rows are told apart by several columns."""
    return _texts("join", _join_scalar, *texts)


def concat(*texts: Any) -> Any:
    """The texts one after the other."""
    return _texts("concat", _concat_scalar, *texts)


def _serial(text: str) -> float:
    """The last day that a date can mean, a day, a month or a year, as a spreadsheet counts days."""
    try:
        year, *rest = map(int, text.split("-"))
        month = rest[0] if rest else 12
        day = date(year, month, rest[1] if len(rest) > 1 else monthrange(year, month)[1])
    except ValueError:
        raise InputError(f"{text!r}: expected a date: 2026, 2026-11 or 2026-11-23") from None
    return float((day - _DAY_0).days)


_DAY_0 = date(1899, 12, 30)


def day_of(text: Any) -> Any:
    """The day number of a date that is written as a text, its last day where it is a month or a year."""
    return Expr("day_of", text) if type(text) is Expr else _serial(text)


# Rows of a table's columns that meet conditions: pairs of a column and the value that it must have, as in COUNTIFS.
def _matches(pairs: tuple[Any, ...]) -> list[bool]:
    columns = [[_is(cell, wanted) for cell in column] for column, wanted in zip(pairs[::2], pairs[1::2], strict=True)]
    return [all(row) for row in zip(*columns, strict=True)]


def _is(cell: Any, wanted: Any) -> bool:
    if isinstance(cell, str) and isinstance(wanted, str):
        start, star, _ = wanted.casefold().partition("*")
        return cell.casefold().startswith(start) if star else cell.casefold() == start
    return bool(cell == wanted)


def _picked(values: Any, pairs: tuple[Any, ...]) -> list[float]:
    return [v for v, fits in zip(values, _matches(pairs), strict=True) if fits and isinstance(v, float)]


def _rows_where(*pairs: Any) -> float:
    return float(sum(_matches(pairs)))


def _mean_where(values: Any, *pairs: Any) -> Any:
    found = _picked(values, pairs)
    return math.fsum(found) / len(found) if found else ""


def _highest_where(values: Any, *pairs: Any) -> float:
    return max(_picked(values, pairs))


def _lowest_where(values: Any, *pairs: Any) -> float:
    return min(_picked(values, pairs))


def _highest_of(*columns: Any) -> float:
    return max(v for column in columns for v in column if isinstance(v, float))


def _rows_above(values: Any, limit: float) -> float:
    return float(sum(isinstance(v, float) and v > limit for v in values))


def _rows_below(values: Any, limit: float) -> float:
    return float(sum(isinstance(v, float) and v < limit for v in values))


def _of_columns(op: str) -> Callable[..., Expr]:
    return lambda *args: Expr(op, *args)


_COLUMN_OPS: dict[str, Callable[..., Any]] = {
    "rows_where": _rows_where,
    "mean_where": _mean_where,
    "highest_where": _highest_where,
    "lowest_where": _lowest_where,
    "highest_of": _highest_of,
    "rows_above": _rows_above,
    "rows_below": _rows_below,
}
# What a layout may ask of the columns of its tables; a metric computes with figures, so these are only ever traced.
OF_COLUMNS = {name: _of_columns(name) for name in _COLUMN_OPS}


_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "<>": operator.ne,
    "neg": operator.neg,
}
_ELEMENTWISE = (minimum, maximum, sqrt, exp, log, log2, expm1, log1p, roundup, rounddown, snapped, geometric_sum)
_ARRAY: dict[str, Callable[..., Any]] = _ARITHMETIC | {op.name: op.array for op in _ELEMENTWISE}
_SCALAR: dict[str, Callable[..., Any]] = (
    _ARITHMETIC
    | {op.name: op.scalar for op in (*_ELEMENTWISE, _TOTAL, _WEIGHTED_SUM)}
    | {"join": _join_scalar, "concat": _concat_scalar, "day_of": _serial}
    | _COLUMN_OPS
)


def scalar_function(op: str) -> Callable[..., Any] | None:
    """How numbers do an operation; None for those that are more than a function of their arguments."""
    return _SCALAR.get(op)


def array_function(op: str) -> Callable[..., Any] | None:
    """How arrays do an operation, element by element; None for those that do not."""
    return _ARRAY.get(op)


def evaluate(e: Any, env: Mapping[str, Any], memo: dict[int, Any] | None = None) -> Any:
    """The value of a tree for the inputs `env`; `memo` collects the value of every node by its id.

    Used to explain and to check.  A metric computes by running its body, which is many times faster.
    """
    memo = {} if memo is None else memo

    def value(x: Any) -> Any:
        if not isinstance(x, Expr):
            return x
        if id(x) not in memo:
            memo[id(x)] = _apply(x, value, env)
        return memo[id(x)]

    return value(e)


def why_unavailable(e: Any, env: Mapping[str, Any]) -> XlEconError | None:
    """The error that says why a tree has no value for the inputs `env`; None when it has one."""
    memo: dict[int, Any] = {}
    evaluate(e, env, memo)
    missing = next((v for v in memo.values() if isinstance(v, Unavailable)), None)
    if missing is None:
        return None
    return _ERRORS[missing.cell](missing.reason)


_ERRORS: dict[str, type[XlEconError]] = {error.cell: error for error in (NotAvailable, DomainError)}


def _apply(x: Expr, value: Callable[[Any], Any], env: Mapping[str, Any]) -> Any:
    if x.op == "var":
        return env[x.args[0]]
    if x.op == "if":
        return value(x.args[1] if value(x.args[0]) else x.args[2])
    if x.op == "choose":
        return value(choose(value(x.args[0]), dict(zip(x.args[1], x.args[2:], strict=True))))
    if x.op in _SCALAR:
        return _SCALAR[x.op](*map(value, x.args))
    if x.op == "lookup_or":
        table, *rest = x.args
        return value(table.lookup_or(*map(value, rest[:-1]), rest[-1]))
    table, *rest = x.args  # what is left are the operations of a table: lookup, segment, at
    try:
        method = getattr(table, x.op)
    except AttributeError:
        refuse(f"operation {x.op!r} cannot be evaluated", "define it in xl_econ.core.ops")
    return method(*map(value, rest))
