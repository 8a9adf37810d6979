"""What a formula gives, also for other values of its cells.

Small on purpose: arithmetic, the plain functions and our own. What it does not know it does not guess: no value.
"""

from __future__ import annotations

import contextlib
import math
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from xl_econ.core.errors import CELL_ERRORS, XlEconError
from xl_econ.hosts.python import of_cells
from xl_econ.metrics import REGISTRY
from xl_econ.workbook.book import Cell
from xl_econ.workbook.graph import Graph, Reference

from .looked_up import LOOKUPS, looked_up, may_look_up
from .parsed import Node, Unknown, single, tree

Where = tuple[str, int, int]
_DEEPEST = 60  # formulas that read formulas
_LARGEST = 20_000  # cells of an area that is evaluated


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
        if node.op in LOOKUPS:
            at = looked_up(self.graph, node, cell, lambda part: self._value(part, cell, depth))
            return self._cell(*at, depth)
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
        places = self.graph.places(reference, cell)
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


@lru_cache(1 << 14)
def _of_one_sheet(key: str) -> tuple[tuple[bool, int, bool, int], ...] | None:
    """The rows and columns of the cells that a formula reads, each after whether it is fixed.

    None where the formula looks up, or reads anything but cells of its own sheet.
    """
    found = tree(key)
    places: list[tuple[bool, int, bool, int]] = []
    for node in found.walk() if found is not None else ():
        corners = node.args[0].corners if node.op == "ref" and not node.args[0].sheet else None
        if node.op in LOOKUPS or (node.op == "ref" and (corners is None or corners[::2] != corners[1::2])):
            return None
        if corners is not None:
            places.append((*corners[0], *corners[2]))
    return None if found is None else tuple(places)


def finds(graph: Graph, cell: Cell) -> list[Where]:
    """The cells that the look-ups of a formula find; nothing for one that finds none, or is not exact."""
    found = tree(cell.key) if may_look_up(cell.key) else None
    evaluator, out = Evaluator(graph), list[Where]()
    for node in found.walk() if found is not None else ():
        if node.op in LOOKUPS:
            with contextlib.suppress(Unknown, ArithmeticError, TypeError):
                out.append(looked_up(graph, node, cell, lambda part: evaluator.node(part, cell)))
    return list(dict.fromkeys(out))


def reads(graph: Graph, cell: Cell) -> list[Cell | None]:
    """The cells that a formula computes with, of a look-up the one that it finds; None for what is no single cell."""
    plain = _of_one_sheet(cell.key)
    if plain is not None:
        held, row, column = graph.book.sheets[cell.sheet].cells, cell.row, cell.column
        return [
            held.get((r if fixed_row else row + r, c if fixed_column else column + c))
            for fixed_row, r, fixed_column, c in plain
        ]
    found, evaluator = tree(cell.key), Evaluator(graph)
    out: list[Cell | None] = []

    def walk(node: Node) -> None:
        if node.op in LOOKUPS:
            try:
                out.append(graph.book.cell(*looked_up(graph, node, cell, lambda part: evaluator.node(part, cell))))
            except (Unknown, ArithmeticError, TypeError):
                out.append(None)
        elif node.op == "ref":
            place = single(graph, node, cell)
            out.append(graph.book.cell(place.sheet, place.area[0], place.area[2]) if place else None)
        else:
            for part in node.args:
                if isinstance(part, Node):
                    walk(part)

    if found is None:
        return [None]
    walk(found)
    return out
