"""Units as strict labels, and the unit check of a traced metric.

`"USD/GPU-h"` is a product of labels.  Nothing converts by itself: hours never turn into seconds and billions never
turn into ones unless the body multiplies by a named constant, so a forgotten 3600 is an error and not a wrong cost.
Scale prefixes are labels too (`kWh` is k*W*h), which is how a forgotten 1000 is found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .errors import UnitError
from .expr import Const, Expr, Unavailable

Unit = dict[str, float]

# Exact synonyms. B, T, M, k, G are scales (billion, trillion, ...); a byte is spelt out.
SYNONYMS = {
    "share": "1",
    "ratio": "1",
    "factor": "1",
    "GPU-h": "GPU*h",
    "Bparam": "B*param",
    "Ttoken": "T*token",
    "Mtok": "M*token",
    "TFLOP": "T*FLOP",
    "PFLOP": "P*FLOP",
    "kWh": "k*W*h",
    "kW": "k*W",
    "GB": "G*byte",
    "TB": "T*byte",
}
# How a product of labels is written for people, where the plain spelling would read worse.
PRETTY = (
    "GPU-h",
    "USD/GPU-h",
    "Bparam",
    "Ttoken",
    "TFLOP/s/GPU",
    "USD/Mtok",
    "kW",
    "kWh",
    "USD/kWh",
    "FLOP/USD",
    "FLOP/param/token",
    "FLOP/GPU-h",
    "FLOP/token",
    "token/s/GPU",
    "GB",
    "1/GPU-h",
    "GB/GPU",
    "TB/s/GPU",
    "GB/s/GPU",
    "token/s",
    "USD/request",
    "USD/GPU/s",
    "token/request",
    "GPU-h/month",
    "USD/month",
    "Mtok/month",
    "token/s/W",
)

UNTYPED = ("", "text", "any", "table")  # quantities that carry no unit of their own; "" is that of a row that has none

ONE_GPU = Const("ONE_GPU", 1, "GPU")
SECONDS_PER_HOUR = Const("SECONDS_PER_HOUR", 3600, "s/h")
MINUTES_PER_HOUR = Const("MINUTES_PER_HOUR", 60, "min/h")
HOURS_PER_YEAR = Const("HOURS_PER_YEAR", 8760, "h/yr")
HOURS_PER_DAY = Const("HOURS_PER_DAY", 24, "h/day")
HOURS_PER_MONTH = Const("HOURS_PER_MONTH", 730, "h/month")
MONTHS_PER_YEAR = Const("MONTHS_PER_YEAR", 12, "month/yr")
KILO = Const("KILO", 1e3, "1/k")
MILLION = Const("MILLION", 1e6, "1/M")
MICRO = Const("MICRO", 1e6, "us/s")
MILLI = Const("MILLI", 1e3, "ms/s")
GIGA = Const("GIGA", 1e9, "1/G")
BILLION = Const("BILLION", 1e9, "1/B")
TERA = Const("TERA", 1e12, "1/T")
TRILLION = Const("TRILLION", 1e12, "1/T")


def parse(text: str) -> Unit:
    """The labels of a unit and their powers: `"USD/GPU-h"` gives USD 1, GPU -1, h -1."""
    out: Unit = {}
    for i, part in enumerate(text.split("/")):
        for word in part.split("*"):
            for label, power in _word(word.strip(), text).items():
                out[label] = out.get(label, 0) + (-power if i else power)
    return {k: v for k, v in out.items() if v}


def _word(word: str, text: str) -> Unit:
    if word in SYNONYMS:
        return parse(SYNONYMS[word])
    if word == "1":
        return {}
    m = re.fullmatch(r"([^\W\d]+)(\d*)", word)
    if not m:
        raise UnitError(f"unit {text!r}: cannot read {word!r}")
    return {m[1]: float(m[2] or 1)}


def show(unit: Unit) -> str:
    """A unit as people write it."""
    return _PRETTY.get(frozenset(unit.items())) or (_spell(unit) if unit else "ratio")


def _spell(unit: Unit) -> str:
    def power(n: float) -> str:
        return "" if n == 1 else f"{n:g}"

    up = "*".join(k + power(v) for k, v in unit.items() if v > 0) or "1"
    return up + "".join(f"/{k}{power(-v)}" for k, v in unit.items() if v < 0)


_PRETTY = {frozenset(parse(text).items()): text for text in PRETTY}


def times(a: Unit, b: Unit, sign: int = 1) -> Unit:
    """The unit of a product, or with sign -1 of a quotient."""
    return {k: v for k in (*a, *b) if (v := a.get(k, 0) + sign * b.get(k, 0))}


# What an operation does to units: keeps that of its one argument, needs equal ones, needs a bare number.
_KEEPS = {
    "neg": 0,
    "roundup": 0,
    "rounddown": 0,
    "snapped": 0,
    "geometric_sum": 1,
    "total": 0,
}  # the number of the argument
_EQUAL = {"+", "-", "min", "max", "<", "<=", ">", ">=", "=", "<>"}
_BARE = {"exp", "log", "expm1", "log1p", "log2"}
_TRUTH = {"<", "<=", ">", ">=", "=", "<>"}


def unit_of(e: Any, env: Mapping[str, str], memo: dict[int, Unit | None] | None = None) -> Unit | None:
    """The unit of a tree whose inputs have the units `env`; None fits any unit (a literal zero, a text)."""
    memo = {} if memo is None else memo
    if id(e) not in memo:
        memo[id(e)] = _fold(e, env, memo)
    return memo[id(e)]


def _fold(e: Any, env: Mapping[str, str], memo: dict[int, Unit | None]) -> Unit | None:
    if isinstance(e, Const):
        return parse(e.unit)
    if not isinstance(e, Expr):
        return None if e == 0 or isinstance(e, str | Unavailable) else {}
    if e.op == "var":
        return None if env[e.args[0]] in UNTYPED else parse(env[e.args[0]])
    if e.op in _TABLE:
        return _TABLE[e.op](e, lambda x: unit_of(x, env, memo))
    return _arithmetic(e, [unit_of(x, env, memo) for x in e.args if not isinstance(x, tuple)])


def _arithmetic(e: Expr, a: list[Unit | None]) -> Unit | None:
    if e.op in ("*", "/"):
        return times(a[0] or {}, a[1] or {}, 1 if e.op == "*" else -1)
    if e.op == "weighted_sum":
        return times(times(a[0] or {}, a[1] or {}), a[2] or {})
    if e.op in _KEEPS:
        return a[_KEEPS[e.op]]
    if e.op == "sqrt":
        return {k: v / 2 for k, v in (a[0] or {}).items()}
    if e.op == "^":
        return _power(e, a)
    if e.op in _BARE:
        if a[0]:
            raise UnitError(f"step {e.name or e.op!r}: {e.op} of {show(a[0])}, which is not a bare number")
        return {}
    same = [u for u in (a[1:] if e.op in ("if", "choose") else a) if u is not None]
    if any(u != same[0] for u in same):
        raise UnitError(f"step {e.name or e.op!r}: {e.op} of " + " and ".join(map(show, same)))
    return {} if e.op in _TRUTH else (same[0] if same else None)


def _column_unit(e: Expr) -> Unit | None:
    table, column = e.args[0], e.args[-1]
    unit: str = "any" if isinstance(column, Expr) else table.unit(column)
    return None if unit in UNTYPED else parse(unit)


_TABLE: dict[str, Callable[[Expr, Callable[[Any], Unit | None]], Unit | None]] = {
    "lookup": lambda e, _: _column_unit(e),
    "at": lambda e, _: _column_unit(e),
    "lookup_or": lambda e, unit: _column_unit(Expr("lookup", *e.args[:-1])) or unit(e.args[-1]),
    "segment": lambda *_: None,  # the number of a row
    "day_of": lambda *_: parse("day"),
} | dict.fromkeys(
    ("rows_where", "mean_where", "highest_where", "lowest_where", "highest_of", "rows_above", "rows_below"),
    lambda *_: None,  # of columns, whose rows may be counted in anything
)


def _power(e: Expr, a: list[Unit | None]) -> Unit:
    base, exponent = a[0] or {}, e.args[1]
    if not base:
        if a[1]:
            raise UnitError(f"step {e.name or e.op!r}: a power of {show(a[1])}")
        return {}
    if isinstance(exponent, Expr):
        raise UnitError(f"step {e.name or e.op!r}: {show(base)} to a power that is only known in the sheet")
    return {k: v * float(exponent) for k, v in base.items()}


def check(name: str, declared: str, root: Any, env: Mapping[str, str]) -> None:
    """Raise `UnitError` unless the traced unit of `root` is the declared one."""
    got = unit_of(root, env)
    if declared in UNTYPED or got is None:
        return
    if got != parse(declared):
        raise UnitError(f"{name} is declared in {declared} but its body yields {show(got)}")
