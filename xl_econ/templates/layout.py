"""The layout of a template: what its TOML file may say, and the formulas in it as traced expressions."""

from __future__ import annotations

import ast
import math
import operator
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xl_econ.core import ops, quantities, units
from xl_econ.core.errors import LayoutError, TraceError, UsageError, nearest
from xl_econ.core.expr import Const, Expr, var
from xl_econ.core.quantity import Quantity
from xl_econ.core.registry import Metric, trace
from xl_econ.metrics import REGISTRY
from xl_econ.tables import store
from xl_econ.tables.store import Table

CASES = ("Base", "Low", "High")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Input(_Part):
    """A row of the Inputs sheet: a value for each case, with its source."""

    key: str
    label: str
    quantity: str = Field(description="An alias of xl_econ.core.quantities")
    base: float | str
    low: float | str | None = None
    high: float | str | None = None
    table: str | None = Field(None, description="The value is a key of this table")
    source: str
    as_of: str
    grade: Literal["A", "B", "C", "D"]
    note: str = ""

    @property
    def kind(self) -> Quantity:
        alias = getattr(quantities, self.quantity, None)
        if alias is None:
            raise LayoutError(
                f"input {self.key}: no quantity {self.quantity!r}{nearest(self.quantity, dir(quantities))}"
            )
        found: Quantity = alias.__metadata__[0]
        return found

    def value(self, case: str) -> float | str:
        """The template's own value for a case; a case that says nothing has the base value."""
        own = {"Base": self.base, "Low": self.low, "High": self.high}[case]
        return self.base if own is None else own


class Origin(_Part):
    """Where an input's values come from, as of when, and how far to trust them."""

    source: str
    as_of: str = ""
    grade: Literal["A", "B", "C", "D"] = "D"


class InputGroup(_Part):
    """Inputs under one title."""

    title: str
    inputs: list[Input]


class CalculationRow(_Part):
    """A quantity worked out from inputs and rows above it; its steps become rows of their own."""

    key: str
    label: str
    formula: str
    unit: str | None = Field(None, description="Only where the formula cannot tell: a look-up by a chosen column")
    format: str | None = None
    note: str = ""


class Block(_Part):
    """Rows of the calculation under one title."""

    title: str
    rows: list[CalculationRow]


class ResultRow(_Part):
    """A figure to take away."""

    key: str
    label: str
    note: str = ""


class Chart(_Part):
    """A native chart of results by case."""

    title: str
    type: Literal["column", "bar"]
    stacked: bool = False
    series: list[str]
    axis: str
    format: str = "General"


class Check(_Part):
    """A figure that should lie between two bounds."""

    label: str
    formula: str
    low: float = -math.inf
    high: float = math.inf
    format: str = "General"
    severity: Literal["check", "info"] = "check"
    note: str = ""


class TableColumn(_Part):
    """A column that the sheet works out for every row of a table, where the row has what it needs."""

    key: str
    formula: str
    needs: list[str]
    flag_above: float | None = None
    format: str = "General"
    note: str = ""


class TableSheet(_Part):
    """A sheet that holds a reference table."""

    name: str
    sheet: str
    about: str
    columns: list[TableColumn] = []


class Term(_Part):
    """A word of the glossary."""

    term: str
    meaning: str


class Change(_Part):
    """A line of the changelog."""

    version: str
    date: str
    what: str


class Layout(_Part):
    """A template as its TOML file states it."""

    name: str
    title: str
    about: str
    version: str
    as_of: str
    inputs: list[InputGroup]
    calculation: list[Block]
    step_labels: dict[str, str] = {}
    results: list[ResultRow]
    headline: list[str]
    charts: list[Chart]
    checks: list[Check]
    tables: list[TableSheet]
    glossary: list[Term]
    sources: list[str] = []
    changes: list[Change]

    @cached_property
    def by_key(self) -> dict[str, Input]:
        return {i.key: i for group in self.inputs for i in group.inputs}


def folder() -> Path:
    """Where the templates lie: inside the installed package, or beside it in a source tree."""
    shipped = Path(__file__).parent / "shipped"
    return shipped if shipped.is_dir() else Path(__file__).parents[2] / "templates"


def names() -> list[str]:
    """Names of the shipped templates."""
    return sorted(p.stem for p in folder().glob("*.toml"))


def load(name: str) -> Layout:
    """The layout of a shipped template.

    Raises:
        UsageError: No such template; names the nearest.
        LayoutError: The file says something that cannot be built.
    """
    if name not in names():
        raise UsageError(f"no template {name!r}{nearest(name, names())}")
    return parse((folder() / f"{name}.toml").read_text(encoding="utf-8"), f"{name}.toml")


def parse(text: str, where: str) -> Layout:
    """A layout from the text of its TOML file.

    Raises:
        LayoutError: Says where and what.
    """
    try:
        return Layout.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as e:
        raise LayoutError(f"{where}: {e}") from None
    except ValidationError as e:
        first = e.errors()[0]
        raise LayoutError(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg'].lower()}") from None


_OPERATORS: dict[type, Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
}
_CONSTANTS = {c.name: c for c in vars(units).values() if isinstance(c, Const)}
_FUNCTIONS = {"where": ops.where, "minimum": ops.minimum, "maximum": ops.maximum}


@dataclass(frozen=True)
class Formula:
    """A formula of a layout: its tree, and what it calls if it is nothing but a call of a metric."""

    root: Expr
    metric: Metric | None
    args: list[Any]


def expression(text: str, known: set[str], where: str) -> Formula:
    """A formula of a layout as a traced expression.

    The language is a subset of Python's expressions: names of inputs and of earlier rows, numbers, texts, the named
    constants, arithmetic, comparisons, where/minimum/maximum, and every metric by its lower-case name.

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
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -value(operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](value(left), value(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](value(left), value(right))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return _function(name, where)(*map(value, args))
        raise LayoutError(f"{where}: {ast.unparse(node)!r} is not part of the formula language")

    try:
        body = ast.parse(text.strip(), mode="eval").body
        root = trace(lambda: value(body), {})
    except (SyntaxError, TraceError) as e:
        raise LayoutError(f"{where}: {text!r}: {e}") from None
    if not isinstance(root, Expr):
        raise LayoutError(f"{where}: {text!r} does not depend on any input")
    if isinstance(body, ast.Call) and isinstance(found := _function(ast.unparse(body.func), where), Metric):
        return Formula(root, found, [value(a) for a in body.args])
    return Formula(root, None, [])


def _function(name: str, where: str) -> Any:
    found = _FUNCTIONS.get(name) or REGISTRY.get(name.upper())
    if found is None:
        raise LayoutError(f"{where}: no function {name!r}{nearest(name, [n.lower() for n in REGISTRY])}")
    return found


def table(sheet: TableSheet) -> Table:
    """The reference table of a table sheet.

    Raises:
        NotAvailable: No such table.
    """
    return store.get(sheet.name)
