"""The cell that an exact look-up finds: INDEX with MATCH or a number, VLOOKUP, HLOOKUP, XLOOKUP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xl_econ.workbook.book import Cell
from xl_econ.workbook.graph import Graph, Place

from .parsed import Node, Unknown

LOOKUPS = frozenset(["INDEX", "VLOOKUP", "HLOOKUP", "XLOOKUP"])
# Where a call has the areas that it looks through, of which it gives but one cell.
AREAS = {"INDEX": (0,), "VLOOKUP": (1,), "HLOOKUP": (1,), "XLOOKUP": (1, 2), "MATCH": (1,), "XMATCH": (1,)}
_LARGEST = 20_000  # keys that are looked through
_EXACT = ((False,), (0.0,))
_WILD = frozenset("*?~")  # a key that holds one may stand for others


def may_look_up(key: str) -> bool:
    """Whether a formula may hold a look-up, which is sooner said than taken apart."""
    upper = key.upper()
    return any(f"{name}(" in upper for name in LOOKUPS)


def looked_up(graph: Graph, node: Node, cell: Cell, value: Callable[[Node], Any]) -> tuple[str, int, int]:
    """The cell that a look-up in a formula finds.

    Args:
        graph: The workbook's cells.
        node: The look-up, one of `LOOKUPS`.
        cell: The cell of the formula.
        value: What a part of the formula gives.

    Raises:
        Unknown: It finds none, or is not exact.
    """
    sheet, row, column, (top, bottom, left, right) = _FINDS[node.op](_Search(graph, cell, value), node.args)
    if not (top <= row <= bottom and left <= column <= right):
        raise Unknown
    return sheet, row, column


class _Search:
    def __init__(self, graph: Graph, cell: Cell, value: Callable[[Node], Any]) -> None:
        self.graph, self.cell, self.value = graph, cell, value

    def index(self, args: tuple[Any, ...]) -> tuple[str, int, int, tuple[int, int, int, int]]:
        if len(args) not in (2, 3):
            raise Unknown
        sheet, area = self._area(args[0])
        places = [self._nth(a) for a in args[1:]]
        if len(places) == 1:
            places = [places[0], 0] if area[2] == area[3] else [0, places[0]]
        return sheet, area[0] + places[0], area[2] + places[1], area

    def vlookup(self, args: tuple[Any, ...]) -> tuple[str, int, int, tuple[int, int, int, int]]:
        sheet, area, at, n = self._in_table(args, down=True)
        return sheet, area[0] + at, area[2] + n, area

    def hlookup(self, args: tuple[Any, ...]) -> tuple[str, int, int, tuple[int, int, int, int]]:
        sheet, area, at, n = self._in_table(args, down=False)
        return sheet, area[0] + n, area[2] + at, area

    def xlookup(self, args: tuple[Any, ...]) -> tuple[str, int, int, tuple[int, int, int, int]]:
        # A fourth argument is what it gives where it finds none, the fifth how it matches.
        if len(args) not in (3, 4, 5) or (len(args) == 5 and args[4].args[:1] not in ((0.0,), (None,))):
            raise Unknown
        at = self._match(args[0], self._area(args[1]))
        sheet, area = self._area(args[2])
        down = area[2] == area[3]
        return sheet, area[0] + at * down, area[2] + at * (not down), area

    def _in_table(self, args: tuple[Any, ...], down: bool) -> tuple[str, tuple[int, int, int, int], int, int]:
        if len(args) != 4 or args[3].args[:1] not in _EXACT:
            raise Unknown
        sheet, (top, bottom, left, right) = self._area(args[1])
        keys = Place(sheet, (top, bottom, left, left) if down else (top, top, left, right))
        return sheet, (top, bottom, left, right), self._match(args[0], keys), self._nth(args[2])

    def _area(self, node: Node) -> Place:
        places = self.graph.places(node.args[0], self.cell) if node.op == "ref" else ()
        if len(places) != 1:
            raise Unknown
        return places[0]

    def _nth(self, node: Node) -> int:
        """A place in an area, from 0 on: what a MATCH finds, or a number."""
        if node.op in ("MATCH", "XMATCH"):
            exact = (node.op == "XMATCH" and len(node.args) == 2) or (
                len(node.args) == 3 and node.args[2].args[:1] in _EXACT
            )
            if not exact:
                raise Unknown
            return self._match(node.args[0], self._area(node.args[1]))
        number = self.value(node)
        if isinstance(number, bool) or not isinstance(number, int | float) or number < 1:
            raise Unknown
        return int(number) - 1

    def _match(self, wanted: Node, keys: Place) -> int:
        key = _folded(self.value(wanted))
        top, bottom, left, right = keys.area
        down = left == right
        if (not down and top != bottom) or key in (None, ""):
            raise Unknown
        if isinstance(key, str) and _WILD & set(key):
            raise Unknown
        if keys not in self.graph.positions:
            found = self.graph.positions[keys] = {}
            for n in range(min(bottom - top if down else right - left, _LARGEST) + 1):
                held = self.graph.book.cell(keys.sheet, top + n * down, left + n * (not down))
                if held is not None:
                    found.setdefault(_folded(held.shown), n)
        if key not in self.graph.positions[keys]:
            raise Unknown
        return self.graph.positions[keys][key]


_FINDS = {"INDEX": _Search.index, "VLOOKUP": _Search.vlookup, "HLOOKUP": _Search.hlookup, "XLOOKUP": _Search.xlookup}


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value
