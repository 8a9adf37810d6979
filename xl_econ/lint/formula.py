"""A formula taken apart: its numbers, functions, references and names, each with the place that it stands in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

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


@lru_cache(1 << 17)
def parts(text: str) -> Parts:
    """Take a formula apart; one that cannot be read is `broken`."""
    try:
        tokens = [t for t in Tokenizer(text).items if t.type != Token.WSPACE]
    except (TokenizerError, IndexError, ValueError):
        return Parts(broken=True)
    found, calls = Parts(), [_Call("")]
    closed = {}  # index of a closing bracket -> the function that it closes
    for n, token in enumerate(tokens):
        if token.subtype == Token.OPEN:
            name = _PREFIX.sub("", token.value.rstrip("(")).upper()
            calls.append(_Call("{" if token.type == Token.ARRAY else name))
            if token.type == Token.FUNC:
                found.functions.append(token.value.rstrip("("))
        elif token.subtype == Token.CLOSE and token.type != "ARRAYROW":
            closed[n] = calls.pop().name if len(calls) > 1 else ""
        elif token.type == Token.SEP:
            calls[-1].argument += 1
        elif token.type == Token.OPERAND and token.subtype == Token.NUMBER:
            if not _allowed(n, tokens, calls, closed):
                found.numbers.append(token.value)
        elif token.type == Token.OPERAND and token.subtype == Token.RANGE:
            found.ranges.append(token.value)
        elif token.type == Token.OPERAND and token.subtype == Token.ERROR:
            found.errors.append(token.value)
    return found


def _allowed(n: int, tokens: list[Token], calls: list[_Call], closed: dict[int, str]) -> bool:
    """Whether a number says how to compute rather than what with."""
    value = float(tokens[n].value)
    if n + 1 < len(tokens) and tokens[n + 1].value == "%":
        value /= 100
    while n and tokens[n - 1].type == Token.OP_PRE:
        n -= 1
    before = tokens[n - 1].value if n else ""
    inner = [c for c in calls if c.name not in ("", "{")]
    call = inner[-1] if inner else _Call("")
    in_array = calls[-1].name == "{"
    return (
        value in _PLAIN
        or before == "^"
        or (in_array and (call.name in ("MATCH", "CHOOSE", "INDEX") or _counts(n, tokens)))
        or (not in_array and calls[-1] is call and call.argument in _OPTIONS.get(call.name, ()))
        or (before in _COMPARE and closed.get(n - 2) in _COUNTS and value.is_integer())
        or (value <= TOLERANCE and (before in _COMPARE or call.name in ("MAX", "MIN")))
        or (value <= _EXP_LIMIT and call.name in ("MAX", "MIN") and len(inner) > 1 and inner[-2].name == "EXP")
        or (before == "/" and n > 2 and tokens[n - 3].value == "^" and tokens[n - 2].value == tokens[n].value)
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
