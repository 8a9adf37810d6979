"""A formula as a tree: operations, calls, references and values. What it does not know it does not guess."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from xl_econ.core.registry import Metric
from xl_econ.metrics import REGISTRY
from xl_econ.workbook.book import Cell
from xl_econ.workbook.graph import Graph, Place, reference_at

# A function may be called through its add-in's file, and carry the file format's prefixes.
_CALL = re.compile(r"(?:'[^']*'!|\[\d+\]!|[\w.]+!)?(?:_xl(?:fn|ws|udf|l)\.)*([A-Za-z_][\w.]*)\s*\(")
_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_TEXT = re.compile(r'"((?:[^"]|"")*)"')
_WORD = re.compile(r"(TRUE|FALSE)\b(?!\()", re.I)
_OPERATOR = re.compile(r"<=|>=|<>|[-+*/^&=<>]")
_CALLED = re.compile(r"\b(\w+)\s*\(")
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
    return any(name.upper() in REGISTRY for name in _CALLED.findall(key))


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


def single(graph: Graph, node: Node, cell: Cell) -> Place | None:
    """The one cell that a node is a reference to."""
    places = graph.places(node.args[0], cell) if node.op == "ref" else ()
    return places[0] if len(places) == 1 and places[0].is_cell else None
