"""Units folded over a formula: what is added must be alike, what is multiplied combines, the unknown stays unknown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from xl_econ.core.errors import XlEconError
from xl_econ.core.registry import get
from xl_econ.core.units import UNTYPED, parse
from xl_econ.workbook.book import Cell
from xl_econ.workbook.graph import Place, Reference, references

from .units import Evidence, Measure

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"]|"")*")
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.:!]))
    |(?P<call>[^\W\d][\w.]*)\(
    |(?P<ref>(?:(?:'(?:[^']|''){1,300}+'|(?:\[\d+\])?[^\W\d][\w.]*(?::[^\W\d][\w.]*)?)!)?
       (?:R(?:\d+|\[-?\d+\])?C(?:\d+|\[-?\d+\])?(?::R(?:\d+|\[-?\d+\])?C(?:\d+|\[-?\d+\])?)?(?![\w(])
         |[RC](?:\d+|\[-?\d+\])?:[RC](?:\d+|\[-?\d+\])?(?![\w(])
         |(?:[^\W\d][\w.\\]*)?\[(?:[^\[\]]|\[[^\[\]]*\])*\]
         |[^\W\d][\w.\\?]*)\#?)
    |(?P<error>\#[A-Z/0-9?!]+)
    |(?P<op><>|<=|>=|[-+*/^&=<>(),;{}%@]))""",
    re.X,
)
_PREFIX = re.compile(r"^(?:_xlfn\.|_xlws\.|_xludf\.)+", re.I)
_OF_LET = "_xlpm."  # how a file writes the names of a LET
_BINDS = {"=": 1, "<": 1, ">": 1, "<=": 1, ">=": 1, "<>": 1, "&": 2, "+": 3, "-": 3, "*": 4, "/": 4, "^": 6}
_TRUTH = ("=", "<", ">", "<=", ">=", "<>")
_MOST = 200  # readings of one formula, deeper than any formula that can be judged


class Node(NamedTuple):
    """A part of a formula: a number, a reference, a text, an operation or a call with its parts."""

    kind: str
    value: Any
    parts: tuple[Any, ...] = ()


class _NoFormulaError(Exception):
    """What cannot be read; it then says nothing of units."""


@lru_cache(1 << 14)
def tree(key: str) -> Node | None:
    """A formula in R1C1 terms as a tree; None if it is not understood."""
    try:
        tokens = list(_tokens(key.removeprefix("=")))
        node, at = _expression(tokens, 0, 0)
    except (_NoFormulaError, RecursionError, IndexError):
        return None
    return node if at == len(tokens) - 1 else None


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        m = _TOKEN.match(text, at)
        if m is None:
            if not text[at:].strip():
                break
            raise _NoFormulaError
        yield m.lastgroup or "", m[m.lastgroup or 0]
        at = m.end()
    yield "end", ""


def _expression(tokens: Sequence[tuple[str, str]], at: int, least: int) -> tuple[Node, int]:
    node, at = _operand(tokens, at)
    while True:
        kind, text = tokens[at]
        if kind == "op" and text == "%":
            node, at = Node("/", "/", (node, Node("number", 100.0))), at + 1
        elif kind == "op" and _BINDS.get(text, -1) > least:
            right, at = _expression(tokens, at + 1, _BINDS[text])
            node = Node(text, text, (node, right))
        else:
            return node, at


def _operand(tokens: Sequence[tuple[str, str]], at: int) -> tuple[Node, int]:
    kind, text = tokens[at]
    if kind == "number":
        return Node("number", float(text)), at + 1
    if kind in ("text", "error"):
        return Node("text", text), at + 1
    if kind == "ref" and text.startswith(_OF_LET):
        return Node("variable", text), at + 1
    if kind == "ref":
        return Node("ref", references(text)), at + 1
    if kind == "call":
        return _call(_PREFIX.sub("", text).upper(), tokens, at + 1)
    if text in ("-", "+", "@"):
        return _expression(tokens, at + 1, 5 if text != "@" else 6)
    if text == "(":
        node, at = _expression(tokens, at + 1, 0)
        if tokens[at] == ("op", ")"):
            return node, at + 1
    raise _NoFormulaError


def _call(name: str, tokens: Sequence[tuple[str, str]], at: int) -> tuple[Node, int]:
    found: list[Node] = []
    while tokens[at] != ("op", ")"):
        if tokens[at] == ("op", ","):
            found.append(Node("text", ""))
            at += 1
            continue
        node, at = _expression(tokens, at, 0)
        found.append(node)
        if tokens[at] == ("op", ","):
            at += 1
        elif tokens[at] != ("op", ")"):
            raise _NoFormulaError
    return Node("call", name, tuple(found)), at + 1


# What a number in a formula may stand for besides itself: a conversion, or so many of a period.
_ONE = Measure()
_HOURS, _DAYS, _MONTHS, _YEARS = (Measure.of(parse(u)) for u in ("h", "day", "month", "yr"))
_FLOPS = Measure.of(parse("FLOP/token"))
_PERIODS = (_HOURS, _DAYS, _MONTHS, _YEARS)
_CONVERSIONS = (
    60, 3600, 86400, 24, 7, 365, 365.25, 30, 30.4, 30.42, 30.4375, 31, 52, 12, 720, 730, 730.5, 8760, 8766, 8784,
    8.76, 100, 1e3, 1e6, 1e9, 1e12, 1e15, 1e18, 3.6e6, 3.6e15, 1e21, 1e-3, 1e-6, 1e-9, 1e-12, 1024, 1024**2, 1024**3,
    1.073741824, 8, 1e8, 1e4, 1e5, 1e7,
)  # fmt: skip
_MOST_PERIODS = 120


def meanings(number: float) -> tuple[Measure, ...] | None:
    """What a number in a formula may mean; None: a figure of its own, of which nothing is known."""
    found = [_ONE]
    if number in _CONVERSIONS:
        found.append(Measure(scale=1 / number))
    if number in (2.0, 6.0):  # FLOP for each parameter and token, forward or with the backward pass
        found.append(_FLOPS)
    if number == int(number) and (number in _CONVERSIONS or 1 < number <= _MOST_PERIODS):
        found += _PERIODS
    elif number not in _CONVERSIONS and number != 1 and not 0.4 <= number <= 2:
        return None
    return tuple(found)


@dataclass
class Clash:
    """Two parts that cannot be added or compared, with the evidence for each."""

    how: str
    one: list[Evidence]
    other: list[Evidence]
    factor: float | None  # None: not even of one kind
    strong: bool


@dataclass
class Value:
    """What a part of a formula measures: every reading that its numbers allow.

    Attributes:
        readings: What it may measure; None: unknown.
        seen: Units of cells that went in.
        literal: Whether it is a number of the formula, which fits anything.
        sure: Whether all that went in is known beyond doubt.
    """

    readings: tuple[Measure, ...] | None = None
    seen: list[Evidence] = field(default_factory=list)
    literal: bool = False
    sure: bool = True


_KEEP = {"ROUND", "ROUNDUP", "ROUNDDOWN", "ABS", "INT", "TRUNC", "CEILING", "FLOOR", "CEILING.MATH", "FLOOR.MATH", "N",
         "MROUND", "LARGE", "SMALL", "PERCENTILE", "QUARTILE", "SINGLE", "IFNA", "MODE", "STDEV", "EVEN"}  # fmt: skip
_SAME = {"SUM", "MIN", "MAX", "AVERAGE", "MEDIAN", "IFERROR"}
_BARE = {"COUNT", "COUNTA", "COUNTIF", "COUNTIFS", "ROWS", "COLUMNS", "ROW", "COLUMN", "EXP", "LN", "LOG", "LOG10",
         "MATCH", "SIGN"}  # fmt: skip
_BRANCHES = {"IF": 1, "CHOOSE": 1}  # from which argument on
# Which argument holds the figures that come back.
_RETURNS = {"VLOOKUP": 1, "HLOOKUP": 1, "INDEX": 0, "XLOOKUP": 2, "LOOKUP": 2, "SUMIF": 2, "SUMIFS": 0, "AVERAGEIF": 2,
            "AVERAGEIFS": 0, "MAXIFS": 0, "MINIFS": 0}  # fmt: skip
SAMPLE = 12  # cells of an area that speak for it


class Folder:
    """Folds formulas of one workbook.

    Args:
        unit_of: The unit of a cell.
        places: The areas that a reference leads to.
        cells: The first cells of an area.
    """

    def __init__(
        self,
        unit_of: Callable[[Cell], Evidence | None],
        places: Callable[[Reference, Cell], Sequence[Place]],
        cells: Callable[[Place, int], list[Cell]],
    ) -> None:
        self._unit_of, self._places, self._cells = unit_of, places, cells
        self.clashes: list[Clash] = []
        self._cell: Cell | None = None
        self._bound: dict[str, Value] = {}  # what the names of a LET stand for

    def fold(self, cell: Cell) -> tuple[Value, list[Clash]]:
        """What a formula gives, and what in it does not fit together."""
        node = tree(cell.key)
        self._cell, self.clashes, self._bound = cell, [], {}
        return (Value() if node is None else self._value(node)), self.clashes

    def _value(self, node: Node) -> Value:
        match node.kind:
            case "number":
                return Value(meanings(node.value), literal=True)
            case "ref":
                return self._referred(node.value)
            case "variable":
                return self._bound.get(node.value, Value(sure=False))
            case "text" | "&":
                return Value(sure=False)
            case "*" | "/":
                return _product([self._value(p) for p in node.parts], node.kind == "/")
            case "^":
                return self._power(node)
            case "call":
                return self._called(node.value, node.parts)
            case "+" | "-":
                return self._alike(
                    f"{'adds' if node.kind == '+' else 'subtracts'}", [self._value(p) for p in node.parts]
                )
        values = [self._value(p) for p in node.parts]
        self._alike("compares", values)
        return Value((_ONE,), [], sure=False)

    def _power(self, node: Node) -> Value:
        base, exponent = self._value(node.parts[0]), node.parts[1]
        if base.readings is None:
            return Value(sure=False)
        if exponent.kind == "number" and exponent.value == int(exponent.value) and not base.literal:
            return Value(tuple(m**exponent.value for m in base.readings), base.seen, sure=base.sure)
        if base.literal and exponent.kind == "number":
            base_number = node.parts[0].value
            return Value(meanings(float(base_number) ** exponent.value), literal=True)
        return Value((_ONE,), sure=False) if all(not m.dims for m in base.readings) else Value(sure=False)

    def _referred(self, found: tuple[Reference, ...]) -> Value:
        assert self._cell is not None  # noqa: S101  (set where folding begins)
        if len(found) != 1:
            return Value(sure=False)
        return self._of_places(self._places(found[0], self._cell))

    def _of_places(self, places: Sequence[Place]) -> Value:
        """What the cells of one area measure, if all do alike."""
        if len(places) != 1:
            return Value(sure=False)
        cells = [c for c in self._cells(places[0], SAMPLE) if c.is_number or c.formula]
        said = [self._unit_of(c) for c in cells]
        known = [e for e in said if e is not None]
        if not known or len(known) < len(said) or any(not e.measure.alike(known[0].measure) for e in known):
            return Value(sure=False)
        return Value((known[0].measure,), [known[0]], sure=all(e.strong for e in known))

    def _called(self, name: str, parts: tuple[Node, ...]) -> Value:
        if name in _RETURNS:
            return self._returned(name, parts)
        if name == "LET":
            return self._let(parts)
        if name in _BRANCHES:
            self._value(parts[0])
            return self._alike(
                f"{name} chooses between", [self._value(p) for p in parts[_BRANCHES[name] :]], chosen=True
            )
        values = [self._value(p) for p in parts]
        if name in _SAME:
            return self._alike(f"{name} of", values, chosen=name == "IFERROR")
        if name in _KEEP and values:
            return values[0]
        if name in _BARE:
            return Value((_ONE,))
        if name == "SUMPRODUCT":
            return _product(values)
        if name == "PRODUCT":
            return _product(values)
        return _metric(name)

    def _let(self, parts: tuple[Node, ...]) -> Value:
        """What a LET gives: its last part, in which names stand for the parts after them."""
        outer = self._bound
        self._bound = dict(outer)
        for name, part in zip(parts[:-1:2], parts[1:-1:2], strict=False):
            if name.kind == "variable":
                self._bound[name.value] = self._value(part)
        found = self._value(parts[-1]) if parts else Value(sure=False)
        self._bound = outer
        return found

    def _returned(self, name: str, parts: tuple[Node, ...]) -> Value:
        """What a look-up or a conditional sum gives: a figure of the column that it returns or sums."""
        where = _RETURNS[name] if len(parts) > _RETURNS[name] else 0 if name in ("SUMIF", "AVERAGEIF") else None
        area = None if where is None else parts[where]
        if area is None or area.kind != "ref" or len(area.value) != 1 or self._cell is None:
            return Value(sure=False)
        number = parts[2] if len(parts) > 2 else None
        if name in ("VLOOKUP", "HLOOKUP") or (name == "INDEX" and number is not None and number.kind == "number"):
            places = self._places(area.value[0], self._cell)
            if number is None or number.kind != "number" or len(places) != 1:
                return Value(sure=False)
            sheet, (top, bottom, left, right) = places[0]
            n = int(number.value) - 1
            line = (top, bottom, left + n, left + n) if name != "HLOOKUP" else (top + n, top + n, left, right)
            return self._of_places([Place(sheet, line)])
        return self._of_places(self._places(area.value[0], self._cell))

    def _alike(self, how: str, values: list[Value], chosen: bool = False) -> Value:
        """Parts that must be alike; a bare number or something unknown fits anything."""
        known = [v for v in values if v.readings is not None and not v.literal and v.seen]
        for one, other in pairwise(known):
            assert one.readings is not None  # noqa: S101
            assert other.readings is not None  # noqa: S101
            if not any(a.alike(b) for a in one.readings for b in other.readings):
                factor = nearest_factor(one.readings, other.readings)
                bare = any(not m.dims for v in (one, other) for m in v.readings or ())
                # A share beside an amount is often "1 + markup" written out; only two amounts are a clash for sure.
                if not (chosen and factor is None) and not (bare and factor is None):
                    self.clashes.append(Clash(how, one.seen, other.seen, factor, one.sure and other.sure))
                return Value(sure=False)
        if any(v.readings is None and not v.literal for v in values):
            return Value(sure=False)
        sure = all(v.sure for v in values)
        seen = [e for v in known for e in v.seen]
        if not known:
            return Value(
                values[0].readings if values and all(v.literal for v in values) else None, literal=True, sure=sure
            )
        shared = tuple(
            m for m in known[0].readings or () if all(any(m.alike(b) for b in v.readings or ()) for v in known)
        )
        return Value(shared, seen, sure=sure)


def _metric(name: str) -> Value:
    """What a function of xl-econ gives."""
    try:
        unit = get(name).unit
    except XlEconError:
        return Value(sure=False)
    return Value(sure=False) if unit in UNTYPED else Value((Measure.of(parse(unit)),), sure=False)


def _product(values: list[Value], divided: bool = False) -> Value:
    found: set[Measure] = {_ONE}
    sure = all(v.sure for v in values)
    seen = [e for v in values for e in v.seen]
    for n, value in enumerate(values):
        if value.readings is None:
            return Value(None, seen, sure=False)
        found = {a / b if divided and n else a * b for a in found for b in value.readings}
        if len(found) > _MOST:
            return Value(None, seen, sure=False)
    return Value(tuple(found), seen, literal=all(v.literal for v in values), sure=sure)


def nearest_factor(ones: Sequence[Measure], others: Sequence[Measure]) -> float | None:
    """How many times too large the one is read as the other, the least of the readings; None: not of one kind."""
    factors = [a.scale / b.scale for a in ones for b in others if a.strict == b.strict]
    return min(factors, key=lambda f: max(f, 1 / f), default=None)


def same_but_time(ones: Sequence[Measure], others: Sequence[Measure]) -> bool:
    """Whether the two differ only in something that labels leave out: a period, what is counted."""

    def core(m: Measure) -> frozenset[tuple[str, float]]:
        return frozenset((k, v) for k, v in m.strict if k not in ("h", "token"))

    return any(core(a) == core(b) for a in ones for b in others)
