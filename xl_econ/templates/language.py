"""The language of a layout's formulas: their text as traced expressions, and steps that several of them share."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any

from xl_econ.core import ops, units
from xl_econ.core.errors import LayoutError, NotAvailable, TraceError, nearest
from xl_econ.core.expr import Const, Expr, var
from xl_econ.core.registry import Metric, trace
from xl_econ.metrics import REGISTRY, commitment, fleet, payback, tco, variance
from xl_econ.tables import store
from xl_econ.tables.table import Table

_OPERATORS: dict[type, Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
}
_MODULES = (units, tco, payback, fleet, commitment, variance)
_CONSTANTS = {c.name: c for module in _MODULES for c in vars(module).values() if isinstance(c, Const)}
_FUNCTIONS = {"where": ops.where, "minimum": ops.minimum, "maximum": ops.maximum}
_FUNCTIONS |= {"roundup": ops.roundup, "rounddown": ops.rounddown, "snapped": ops.snapped}
_FUNCTIONS |= {"day_of": ops.day_of} | ops.OF_COLUMNS


@dataclass(frozen=True)
class Formula:
    """A formula of a layout: its tree, and what it calls if it is nothing but a call of a metric."""

    root: Expr
    metric: Metric | None
    args: list[Any]


def expression(text: str, known: set[str], where: str) -> Formula:
    """A formula of a layout as a traced expression.

    The language is a subset of Python's expressions: names of inputs and of earlier rows, numbers, texts, the named
    constants, arithmetic, comparisons, where/minimum/maximum/roundup/rounddown/snapped, every metric by its lower-case
    name, lists in brackets where a metric takes a list, a table's figure as `figure('table', key, 'column')` with
    perhaps a default for an empty cell, `day_of(date)`, and in a timeline `previous(row)`, the row so many months ago
    as `earlier(row, months)`, its sum over so many, this one the last, as `recent(row, months)`. Of whole columns,
    `column('table', 'column')`: highest_of, rows_above and rows_below a limit, and as COUNTIFS, with columns and the
    values that they must have, rows_where, mean_where, highest_where and lowest_where.

    Raises:
        LayoutError: An unknown name, or anything outside the language.
    """

    def value(node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=float() | int() | str()) if not isinstance(node.value, bool):
                return node.value
            case ast.Name(id=name) if name in _CONSTANTS:
                return _CONSTANTS[name]
            case ast.Name(id=name):
                if name not in known:
                    raise LayoutError(f"{where}: unknown name {name!r}{nearest(name, known)}")
                return var(name)
            case ast.List(elts=items):
                return tuple(map(value, items))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -value(operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](value(left), value(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](value(left), value(right))
            case ast.Call(func=ast.Name(id=("previous" | "earlier" | "recent") as back), args=args, keywords=[]):
                return _looking(back, [getattr(a, "id", "") for a in args], known, where)
            case ast.Call(func=ast.Name(id="figure" | "column" as name), args=args, keywords=[]):
                read = _figure if name == "figure" else partial(_column, known)
                return read(where, *map(value, args))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return _function(name, where)(*map(value, args))
        raise LayoutError(f"{where}: {ast.unparse(node)!r} is not part of the formula language")

    try:
        body = ast.parse(text.strip(), mode="eval").body
        if isinstance(body, ast.List):
            raise LayoutError(f"{where}: {text!r} is not part of the formula language: a list is an argument")
        root = trace(lambda: value(body), {})
    except (SyntaxError, TraceError) as e:
        raise LayoutError(f"{where}: {text!r}: {e}") from None
    if not isinstance(root, Expr):
        raise LayoutError(f"{where}: {text!r} does not depend on any input")
    called = ast.unparse(body.func) if isinstance(body, ast.Call) else ""
    if isinstance(body, ast.Call) and isinstance(found := REGISTRY.get(called.upper()), Metric):
        args = [value(a) for a in body.args]
        # Cells that stand apart are no range that a named function could take.
        return Formula(root, None if any(type(a) is tuple for a in args) else found, args)
    return Formula(root, None, [])


def is_constant(name: str) -> bool:
    """Whether a formula means a named constant by it."""
    return name in _CONSTANTS


def _looking(back: str, names: list[str], known: set[str], where: str) -> Expr:
    """A look back along a row of a timeline: at the month before, at one long ago, at the sum of the last ones."""
    takes = "(row)" if back == "previous" else "(row, months)"
    if len(names) != takes.count(",") + 1:
        raise LayoutError(f"{where}: it is {back}{takes}")
    if f"previous({names[0]})" not in known:
        raise LayoutError(f"{where}: no earlier month of {names[0]!r}: only a row of a timeline has one")
    for count in names[1:]:
        if count not in known or f"previous({count})" in known:
            raise LayoutError(f"{where}: {back}{takes}: {count!r} is no figure outside the timeline")
    return var(f"{back}({', '.join(names)})")


def _figure(where: str, name: Any = None, key: Any = None, column: Any = None, *default: Any) -> Expr:
    """A figure of a table's row, perhaps with what stands in for an empty cell."""
    try:
        t = store.get(name)
        if not isinstance(key, Expr):
            key = t.find(key)
        return Expr("lookup_or" if default else "lookup", t, key, t.column(column), *default)
    except (NotAvailable, AttributeError) as e:
        raise LayoutError(f"{where}: figure(table, key, column): {e}") from None


def _column(known: set[str], where: str, name: Any = None, column: Any = None, *_: Any) -> Expr:
    """A whole column of a table, the table's own or one that its sheet works out."""
    try:
        found = f"{store.get(name).sheet}[{column}]"
    except (NotAvailable, AttributeError) as e:
        raise LayoutError(f"{where}: column(table, column): {e}") from None
    if found not in known:
        raise LayoutError(f"{where}: no column {found!r} on a sheet{nearest(found, known)}")
    return var(found)


def _function(name: str, where: str) -> Any:
    found = _FUNCTIONS.get(name) or REGISTRY.get(name.upper())
    if found is None:
        raise LayoutError(f"{where}: no function {name!r}{nearest(name, [n.lower() for n in REGISTRY])}")
    return found


class Sharing:
    """Finds steps that an earlier row works out already, so that every step stands on the sheet once.

    Two expressions are the same when they are written the same in inputs, constants and tables; each such form has a
    number, and a form that a row holds is called by the row's key.
    """

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._keys: dict[int, str] = {}
        self._of: dict[int, int] = {}
        self._kept: list[Expr] = []  # so that no id is given twice

    def form(self, e: Any) -> int:
        """The number of an expression's form."""
        if not isinstance(e, Expr):
            if isinstance(e, Const):
                return self._number(("constant", e.name))
            if isinstance(e, Table):
                return self._number(("table", e.name))
            return self._number((type(e).__name__, repr(e)))
        if id(e) not in self._of:
            self._kept.append(e)
            self._of[id(e)] = self._number((e.op, *(a if e.op == "var" else self.form(a) for a in e.args)))
        return self._of[id(e)]

    def _number(self, form: Hashable) -> int:
        return self._numbers.setdefault(form, len(self._numbers))

    def add(self, key: str, e: Expr) -> None:
        """A row of that key holds the expression."""
        number = self.form(e)
        self._keys.setdefault(number, key)
        self._numbers[("var", key)] = number

    def rewrite(self, root: Expr) -> Expr:
        """The expression with earlier rows in the place of steps that they hold."""
        return mapped(root, lambda e: var(self._keys[n]) if e.name and (n := self.form(e)) in self._keys else None)


def mapped(root: Expr, instead: Callable[[Expr], Expr | None]) -> Expr:
    """A copy of a tree; where `instead` answers with an expression, it stands in the place of the one asked about."""
    done: dict[int, Any] = {}

    def copy(e: Any) -> Any:
        if not isinstance(e, Expr):
            return e
        if id(e) not in done:
            found = instead(e)
            if found is None:
                found = e if e.op == "var" else Expr(e.op, *map(copy, e.args), name=e.name)
            done[id(e)] = found
        return done[id(e)]

    found: Expr = copy(root)
    return found
