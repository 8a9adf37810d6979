"""A formula taken apart: its numbers, functions, references and names, each with the place that it stands in."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from .tokenizer import Token, Tokenizer, TokenizerError

_PREFIX = re.compile(r"_xl(?:fn|ws|udf)\.", re.IGNORECASE)
PARAMETER = re.compile(r"_xl(?:pm|op)\.", re.IGNORECASE)
WHOLE = re.compile(r"\$?[A-Za-z]{1,3}:\$?[A-Za-z]{1,3}|\$?\d+:\$?\d+")
AREA = re.compile(r"\$?[A-Za-z]{1,3}\$?\d{1,7}(:\$?[A-Za-z]{1,3}\$?\d{1,7})?#?")
_LINK = re.compile(r"=\+?('(?:[^']|'')+'|[^'!(),:+*/&=<>\- ]+)!\$?[A-Za-z]{1,3}\$?\d{1,7}(&\x22\x22)?")
_COMPARE = ("=", "<", ">", "<=", ">=", "<>")
_COUNTS = ("COUNT", "COUNTA", "ROWS", "COLUMNS")
TOLERANCE = 1e-9
_EXP_LIMIT = 700.0  # EXP of more is no number
# Arguments that say how, not how much: digits, a position, an option, a base.
_OPTIONS = {
    "ROUND": (1,),
    "ROUNDUP": (1,),
    "ROUNDDOWN": (1,),
    "TRUNC": (1,),
    "FIXED": (1,),
    "LOG": (1,),
    "MATCH": (2,),
    "XMATCH": (2, 3),
    "XLOOKUP": (4, 5),
    "VLOOKUP": (2, 3),
    "HLOOKUP": (2, 3),
    "INDEX": (1, 2, 3),
    "CHOOSE": (0,),
    "SMALL": (1,),
    "LARGE": (1,),
    "SUBTOTAL": (0,),
    "AGGREGATE": (0, 1),
    "LEFT": (1,),
    "RIGHT": (1,),
    "MID": (1, 2),
    "TAKE": (1, 2),
    "DROP": (1, 2),
    "SEQUENCE": (0, 1, 2, 3),
}
_PLAIN = (0.0, 1.0, 2.0)


# What stands for an operand that is left out: no workbook can hold the character, and it reads as a number or a range.
_A_NUMBER, _A_RANGE = "\v0", "\v"
_ODD = re.compile(r"[{\n\v]")  # of an array constant it matters which numbers stand beside each other
# Texts, quoted sheets and brackets, which are passed over; an operand, between what the tokenizer ends operands at.
_OPERAND = re.compile(
    r"""\x22(?:[^\x22]|\x22\x22)*\x22|'(?:[^']|'')*'|\#(?:N/A|DIV/0!)|\[(?:[^\[\]]|\[[^\[\]]*\])*\]
    |(?<![^-+*/^&=><%(,;\ ])
     (?<!\d[Ee][+-])([1-9](?:\.[0-9]+)?[Ee][+-][\w.$:!]*|(?![1-9](?:\.[0-9]+)?[Ee][+-])[\w.$:!]+)
     (?![^-+*/^&=><%),;\ ])""",
    re.X,
)


@dataclass
class Parts:
    """What a formula is made of; `numbers` are those that stand for a figure, as they are written."""

    numbers: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    broken: bool = False


@dataclass
class _Call:
    name: str
    argument: int = 0


class _Number(NamedTuple):
    """Where a number stands in a formula, and which numbers there say how to compute rather than what with.

    Attributes:
        says_how: Whether any does.
        divisor: What it is divided by to be the value that counts: 100 before a percent sign.
        counts: Whether whole ones do.
        most: Those do that are at most so large.
        repeats: Whether one does that is the operand before it once more.
    """

    says_how: bool
    divisor: int
    counts: bool
    most: float
    repeats: bool

    def is_figure(self, text: str, before: str) -> bool:
        """Whether a number stands for a figure, with the operand before it."""
        value = float(text) / self.divisor
        return not (
            self.says_how
            or value in _PLAIN
            or value <= self.most
            or (self.counts and value.is_integer())
            or (self.repeats and text == before)
        )


class _Shape(NamedTuple):
    """A formula whose operands may be left out; of those that are numbers it says where they stand."""

    operands: tuple[tuple[str, _Number | None], ...] = ()
    functions: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    broken: bool = False


def parts(text: str) -> Parts:
    """Take a formula apart; one that cannot be read is `broken`."""
    left_out: list[str] = []
    stand_ins: list[str] = []

    def leave_out(m: re.Match[str]) -> str:
        stand_in = m[1] and _stand_in(m[1])
        if not stand_in:
            return m[0]
        left_out.append(m[1])
        stand_ins.append(stand_in)
        return stand_in

    shape = _shape(text if _ODD.search(text) else _OPERAND.sub(leave_out, text))
    if stand_ins != [written for written, _ in shape.operands if written in (_A_NUMBER, _A_RANGE)]:
        shape, left_out = _shape(text), []  # no formula, or one whose brackets lie deeper than was looked
    numbers, ranges, rest, before = [], [], iter(left_out), ""
    for written, number in shape.operands:
        operand = next(rest, written) if written in (_A_NUMBER, _A_RANGE) else written
        if number is None:
            ranges.append(operand)
        elif number.is_figure(operand, before):
            numbers.append(operand)
        before = operand
    return Parts(numbers, [*shape.functions], ranges, [*shape.errors], shape.broken)


@lru_cache(1 << 16)
def _stand_in(operand: str) -> str:
    """What an operand is left out for; "" for one that says more than a number or a range."""
    token = Token.make_operand(operand)  # type: ignore[no-untyped-call]
    return {Token.NUMBER: _A_NUMBER, Token.RANGE: _A_RANGE}.get(token.subtype, "")


@lru_cache(1 << 12)
def _shape(text: str) -> _Shape:
    """Take a formula apart whose numbers and ranges are left out: those of a workbook have few shapes."""
    try:
        tokens = [t for t in Tokenizer(text).items if t.type != Token.WSPACE]
    except (TokenizerError, IndexError, ValueError):
        return _Shape(broken=True)
    operands: list[tuple[str, _Number | None]] = []
    functions, errors, calls = [], [], [_Call("")]
    closed = {}  # index of a closing bracket -> the function that it closes
    for n, token in enumerate(tokens):
        if token.subtype == Token.OPEN:
            name = _PREFIX.sub("", token.value.rstrip("(")).upper()
            calls.append(_Call("{" if token.type == Token.ARRAY else name))
            if token.type == Token.FUNC:
                functions.append(token.value.rstrip("("))
        elif token.subtype == Token.CLOSE and token.type != "ARRAYROW":
            closed[n] = calls.pop().name if len(calls) > 1 else ""
        elif token.type == Token.SEP:
            calls[-1].argument += 1
        elif token.type == Token.OPERAND and token.subtype == Token.NUMBER:
            operands.append((token.value, _number(n, tokens, calls, closed)))
        elif token.type == Token.OPERAND and token.subtype == Token.RANGE:
            operands.append((token.value, None))
        elif token.type == Token.OPERAND and token.subtype == Token.ERROR:
            errors.append(token.value)
    return _Shape(tuple(operands), tuple(functions), tuple(errors))


def _number(n: int, tokens: list[Token], calls: list[_Call], closed: dict[int, str]) -> _Number:
    """Where the number stands that is a token."""
    divisor = 100 if n + 1 < len(tokens) and tokens[n + 1].value == "%" else 1
    first = n
    while first and tokens[first - 1].type == Token.OP_PRE:
        first -= 1
    before = tokens[first - 1].value if first else ""
    inner = [c.name for c in calls if c.name not in ("", "{")]
    name = inner[-1] if inner else ""
    in_array = calls[-1].name == "{"
    bounds = name in ("MAX", "MIN")
    most = TOLERANCE if bounds or before in _COMPARE else -math.inf
    if bounds and inner[-2:-1] == ["EXP"]:
        most = _EXP_LIMIT
    return _Number(
        before == "^"
        or (in_array and (name in ("MATCH", "CHOOSE", "INDEX") or _counts(n, tokens)))
        or (not in_array and calls[-1].name == name and calls[-1].argument in _OPTIONS.get(name, ())),
        divisor,
        before in _COMPARE and closed.get(first - 2) in _COUNTS,
        most,
        n == first > 2 and before == "/" and tokens[n - 3].value == "^" and tokens[n - 2].subtype == Token.NUMBER,
    )


def _counts(n: int, tokens: list[Token]) -> bool:
    """Whether an array constant counts: 0, 1, 2, 3 are the terms of a series, the periods of a plan."""
    first = last = n
    while tokens[first].type != Token.ARRAY:
        first -= 1
    while last < len(tokens) and tokens[last].type != Token.ARRAY:
        last += 1
    numbers = [float(t.value) for t in tokens[first:last] if t.subtype == Token.NUMBER]
    return len(numbers) > 1 and all(b - a == 1 for a, b in pairwise(numbers))


def is_link(text: str) -> bool:
    """Whether a formula only fetches one cell of another sheet; with &"" an empty one stays empty."""
    return _LINK.fullmatch(text) is not None


def split(ref: str) -> tuple[str, str]:
    """A reference as its sheet ("" for its own) and the rest."""
    sheet, mark, rest = ref.rpartition("!")
    if not mark:
        return "", ref
    return (sheet[1:-1].replace("''", "'") if sheet.startswith("'") else sheet), rest


def is_external(ref: str) -> bool:
    """Whether a reference leads to another workbook."""
    sheet, mark, _ = ref.rpartition("!")
    return bool(mark) and "[" in sheet


def bare(function: str) -> str:
    """A function's name without the file format's prefixes."""
    return _PREFIX.sub("", function).upper()
