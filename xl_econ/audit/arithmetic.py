"""A formula as a tree, and what it gives for other values of its cells.

Small on purpose: arithmetic, the plain functions and our own. What it does not know it does not guess: no value.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from xl_econ.core.errors import CELL_ERRORS, XlEconError
from xl_econ.core.registry import Metric
from xl_econ.hosts.python import of_cells
from xl_econ.metrics import REGISTRY
from xl_econ.workbook.book import Cell
from xl_econ.workbook.graph import Graph, Place, Reference, reference_at

Where = tuple[str, int, int]
_DEEPEST = 60  # formulas that read formulas
_LARGEST = 20_000  # cells of an area that is evaluated
# A function may be called through its add-in's file, and carry the file format's prefixes.
_CALL = re.compile(r"(?:'[^']*'!|\[\d+\]!|[\w.]+!)?(?:_xl(?:fn|ws|udf|l)\.)*([A-Za-z_][\w.]*)\s*\(")
_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_TEXT = re.compile(r'"((?:[^"]|"")*)"')
_WORD = re.compile(r"(TRUE|FALSE)\b(?!\()", re.I)
_OPERATOR = re.compile(r"<=|>=|<>|[-+*/^&=<>]")
_OURS = re.compile(r"\b(" + "|".join(REGISTRY) + r")\s*\(", re.I)
_BINDS = {"^": 5, "*": 4, "/": 4, "+": 3, "-": 3, "&": 2} | dict.fromkeys(("=", "<", ">", "<=", ">=", "<>"), 1)
_UNARY = 6  # in Excel a sign binds tighter than a power


class Unknown(Exception):
    """What a formula gives cannot be told here."""


@dataclass(frozen=True)
class Node:
    """An operation or a function on nodes; "ref" holds a reference, "value" a number, text or truth value."""

    op: str
    args: tuple[Any, ...]

    def walk(self) -> Iterator[Node]:
        yield self
        for a in self.args:
            if isinstance(a, Node):
                yield from a.walk()

    @property
    def calls(self) -> Iterator[Metric]:
        """Our own functions in it."""
        return (REGISTRY[n.op] for n in self.walk() if n.op in REGISTRY)


@lru_cache(1 << 14)
def tree(key: str) -> Node | None:
    """A formula in R1C1 terms as a tree; None where it says what is not known here."""
    try:
        parser = _Parser(key.removeprefix("="))
        found = parser.expression(0)
        return found if parser.ended else None
    except (Unknown, RecursionError):
        return None


@lru_cache(1 << 14)
def calls_ours(key: str) -> bool:
    """Whether a formula may call one of our functions, which is sooner said than taken apart."""
    return _OURS.search(key) is not None


class _Parser:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self._skip()

    @property
    def ended(self) -> bool:
        return self.at == len(self.text)

    def _skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        m = pattern.match(self.text, self.at)
        if m:
            self.at = m.end()
            self._skip()
        return m

    def _sign(self, sign: str) -> bool:
        if self.text.startswith(sign, self.at):
            self.at += len(sign)
            self._skip()
            return True
        return False

    def expression(self, least: int) -> Node:
        left = self._operand()
        while True:
            if self._sign("%"):
                left = Node("/", (left, Node("value", (100.0,))))
                continue
            m = _OPERATOR.match(self.text, self.at)
            if m is None or _BINDS[m[0]] <= least:
                return left
            self._take(_OPERATOR)
            left = Node(m[0], (left, self.expression(_BINDS[m[0]])))

    def _operand(self) -> Node:
        if self._sign("-"):
            return Node("neg", (self.expression(_UNARY),))
        if self._sign("+"):
            return self.expression(_UNARY)
        if self._sign("("):
            inner = self.expression(0)
            self._close()
            return inner
        if m := self._take(_TEXT):
            return Node("value", (m[1].replace('""', '"'),))
        if m := self._take(_WORD):
            return Node("value", (m[1].upper() == "TRUE",))
        if m := self._take(_CALL):
            return Node(m[1].upper(), tuple(self._arguments()))
        if found := reference_at(self.text, self.at):
            reference, self.at = found
            self._skip()
            return Node("ref", (reference,))
        if m := self._take(_NUMBER):
            return Node("value", (float(m[0]),))
        raise Unknown

    def _arguments(self) -> Iterator[Node]:
        if self._sign(")"):
            return
        while True:
            if self.text[self.at : self.at + 1] in (",", ")"):
                yield Node("value", (None,))
            else:
                yield self.expression(0)
            if not self._sign(","):
                break
        self._close()

    def _close(self) -> None:
        if not self._sign(")"):
            raise Unknown


def _numbers(args: tuple[Any, ...]) -> list[float]:
    found = []
    for a in args:
        cells = [c for row in a for c in row] if isinstance(a, list) else [a]
        for c in cells:
            if isinstance(c, str) and c.upper() in CELL_ERRORS:
                raise Unknown
            if isinstance(c, int | float) and not isinstance(c, bool):
                found.append(float(c))
    return found


def _rounded(away: Callable[[float], int]) -> Callable[..., float]:
    def call(x: float, digits: float = 0) -> float:
        scale = 10.0 ** int(digits)
        return math.copysign(away(round(abs(x) * scale, 9)) / scale, x)

    return call


_OF_RANGES: dict[str, Callable[[list[float]], float]] = {
    "SUM": math.fsum,
    "PRODUCT": math.prod,
    "MIN": lambda n: min(n, default=0.0),
    "MAX": lambda n: max(n, default=0.0),
    "AVERAGE": lambda n: math.fsum(n) / len(n),
}
_OF_NUMBERS: dict[str, Callable[..., float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
    "neg": operator.neg,
    "POWER": operator.pow,
    "ROUND": _rounded(lambda x: math.floor(x + 0.5)),
    "ROUNDUP": _rounded(math.ceil),
    "ROUNDDOWN": _rounded(math.floor),
    "INT": math.floor,
    "ABS": abs,
    "SQRT": math.sqrt,
    "EXP": math.exp,
    "LN": math.log,
    "LOG10": math.log10,
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


class Evaluator:
    """What formulas give.

    Args:
        graph: The workbook's cells.
        given: Values in place of what stands in some cells.
        deep: Whether the formulas that a formula reads are evaluated too; otherwise their stored values are taken.
    """

    def __init__(self, graph: Graph, given: Mapping[Where, Any] | None = None, deep: bool = False) -> None:
        self.graph, self.deep = graph, deep
        self.memo: dict[Where, Any] = dict(given or {})

    def of(self, cell: Cell, depth: int = 0) -> Any:
        """What a formula cell gives: a value, or rows of them.

        Raises:
            Unknown: It holds what is not known here.
        """
        found = tree(cell.key)
        if found is None or depth > _DEEPEST:
            raise Unknown
        try:
            return self._value(found, cell, depth)
        except (ArithmeticError, ValueError, TypeError, XlEconError):
            raise Unknown from None

    def node(self, node: Node, cell: Cell) -> Any:
        """What a part of a cell's formula gives.

        Raises:
            Unknown: It holds what is not known here.
        """
        return self._value(node, cell, 0)

    def _value(self, node: Node, cell: Cell, depth: int) -> Any:
        if node.op == "value":
            return node.args[0]
        if node.op == "ref":
            return self._referred(node.args[0], cell, depth)
        if node.op == "IF" and len(node.args) in (2, 3):
            condition = self._value(node.args[0], cell, depth)
            if not isinstance(condition, bool | int | float):
                raise Unknown
            taken = node.args[1:2] if condition else node.args[2:]
            return self._value(taken[0], cell, depth) if taken else False
        args = tuple(self._value(a, cell, depth) for a in node.args)
        if node.op in REGISTRY:
            return _listed(of_cells(REGISTRY[node.op], args, lambda e: e.cell))
        if node.op in _OF_RANGES:
            return _OF_RANGES[node.op](_numbers(args))
        if node.op not in _OF_NUMBERS or any(isinstance(a, list) for a in args):
            raise Unknown
        numbers = [0.0 if a is None else a for a in args]
        if any(not isinstance(n, int | float) for n in numbers):
            raise Unknown
        result = _OF_NUMBERS[node.op](*numbers)
        if isinstance(result, complex) or result != result:  # noqa: PLR0124
            raise Unknown
        return result

    def _referred(self, reference: Reference, cell: Cell, depth: int) -> Any:
        places = list(self.graph.places(reference, cell))
        if len(places) != 1:
            raise Unknown
        place = places[0]
        top, bottom, left, right = place.area
        if place.is_cell:
            return self._cell(place.sheet, top, left, depth)
        sheet = self.graph.book.sheets.get(place.sheet)
        bottom = min(bottom, max((r for r, _ in sheet.cells), default=top)) if sheet else bottom
        if (bottom - top + 1) * (right - left + 1) > _LARGEST:
            raise Unknown
        return [
            [self._cell(place.sheet, row, column, depth) for column in range(left, right + 1)]
            for row in range(top, bottom + 1)
        ]

    def _cell(self, sheet: str, row: int, column: int, depth: int) -> Any:
        where = (sheet, row, column)
        if where not in self.memo:
            cell = self.graph.book.cell(*where)
            value = None if cell is None else cell.shown
            # A program that does not compute stores no value beside a formula.
            if cell is not None and cell.formula and (self.deep or value is None):
                self.memo[where] = Unknown  # of a circle
                value = self.of(cell, depth + 1)
            self.memo[where] = float(value) if type(value) is int else value
        if self.memo[where] is Unknown:
            raise Unknown
        return self.memo[where]


def _listed(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value


def single(graph: Graph, node: Node, cell: Cell) -> Place | None:
    """The one cell that a node is a reference to."""
    places = list(graph.places(node.args[0], cell)) if node.op == "ref" else []
    return places[0] if len(places) == 1 and places[0].is_cell else None
