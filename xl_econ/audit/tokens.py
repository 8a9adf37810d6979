"""A formula in R1C1 terms as its tokens, and how two formulas that are nearly the same differ."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from xl_econ.workbook.graph import Reference, references
from xl_econ.workbook.relative import shape

_PART = r"(?:\d+|\[-?\d+\])?"
_CELL = rf"R{_PART}C{_PART}"
_WORDS = rf"""(?P<text>"(?:[^"]|"")*")
    |(?P<ref>(?:(?:'(?:[^']|''){{1,300}}+'|(?:\[\d+\])?[^\W\d][\w.]*(?::[^\W\d][\w.]*)?|\[\d+\])!)?
        (?<![\w.\\])(?:{_CELL}(?::{_CELL})?|C{_PART}:C{_PART}|R{_PART}:R{_PART})(?![\w.(!])\#?
      |(?:[^\W\d][\w.\\]*)?\[(?:[^\[\]]|\[[^\[\]]*\])*\])
    |(?P<error>\#[A-Z/0!?]+)
    |(?P<call>[^\W\d][\w.]*\()
    |(?P<name>(?:(?:'(?:[^']|''){{1,300}}+'|[^\W\d][\w.]*)!)?[^\W\d][\w.\\?]*)
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"""
_WORD = re.compile(_WORDS, re.X)
_TOKEN = re.compile(_WORDS + r"|(?P<compare><=|>=|<>|[=<>])|(?P<sign>[-+*/^&%(),;{}:@])", re.X)
_REFERRING = ("ref", "name")
_ARITHMETIC = frozenset("+-*/^%")
_NUMERIC = frozenset(
    f"{name}("
    for name in (
        "SUM", "AVERAGE", "MIN", "MAX", "PRODUCT", "SUMPRODUCT", "MEDIAN", "STDEV", "STDEV.S", "VAR", "NPV", "IRR",
        "SUMSQ", "COUNT", "LARGE", "SMALL", "SUBTOTAL", "PERCENTILE",
    )
)  # fmt: skip
_FEWEST = 3  # tokens of a formula of which one may differ
_MOST = 6  # tokens that may be added to a formula
_STRICT = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}


class Token(NamedTuple):
    """A piece of a formula: text, ref, error, call (a function with its bracket), name, number, compare or sign."""

    kind: str
    text: str

    @property
    def reference(self) -> Reference | None:
        """The reference that it is, by place, table or name."""
        return _reference(self.text) if self.kind in _REFERRING else None


@lru_cache(1 << 17)
def _reference(text: str) -> Reference | None:
    found = references(text)
    return found[0] if len(found) == 1 else None


@lru_cache(1 << 17)
def tokens(key: str) -> tuple[Token, ...]:
    """The tokens of a formula in R1C1 terms, without its equals sign."""
    return tuple(tokens_of(key))


def tokens_of(key: str) -> Iterator[Token]:
    """The same one after the other, kept for nobody."""
    return (Token(str(m.lastgroup), m[0]) for m in _TOKEN.finditer(key, 1))


@lru_cache(1 << 17)
def first_of(shape: str) -> Token | None:
    """The first token of a formula, by its shape."""
    return next(tokens_of(shape), None)


@lru_cache(1 << 17)
def only_adds(shape: str) -> bool:
    """Whether a formula is made of SUM, +, and areas, by its shape."""
    return all(t.kind in _REFERRING or t.text.upper() in ("SUM(", "+", ",", ")") for t in tokens_of(shape))


def operands(key: str) -> tuple[Reference, ...]:
    """The references that a formula adds, subtracts, multiplies, divides or raises, cell by cell."""
    return _operands(shape(key))


@lru_cache(1 << 17)
def _operands(key: str) -> tuple[Reference, ...]:
    found: dict[str, None] = {}
    done = 1
    for m in _WORD.finditer(key, 1):
        before, end = key[done : m.start()].rstrip()[-1:], m.end()
        done = end
        if m.lastgroup in _REFERRING:
            after = key[end : end + 1]
            if before in _ARITHMETIC or (key[end:].lstrip()[:1] if after.isspace() else after) in _ARITHMETIC:
                found[m[0].removesuffix("#")] = None  # which asks for what a formula spills
    return tuple(r for text in found if (r := _reference(text)) is not None)


@lru_cache(1 << 17)
def totalled(key: str) -> tuple[Reference, ...]:
    """The references that a formula hands to a function which takes numbers and passes over texts."""
    out, open_ = [], [""]
    for token in tokens(key):
        if token.kind == "call":
            open_.append(token.text.upper())
        elif token.text == "(":
            open_.append("")
        elif token.text == ")" and len(open_) > 1:
            open_.pop()
        elif open_[-1] in _NUMERIC and token.reference is not None:
            out.append(token.reference)
    return tuple(dict.fromkeys(out))


class Difference(NamedTuple):
    """How a formula differs from another that it is nearly a copy of.

    Attributes:
        kind: reference, sign, constant, strictness, added or missing.
        is_: The tokens that stand there.
        usual: Those that stand in the other.
    """

    kind: str
    is_: tuple[Token, ...]
    usual: tuple[Token, ...]


@lru_cache(1 << 12)
def difference(key: str, usual: str) -> Difference | None:
    """How a formula differs from the usual one; None where it is another formula altogether."""
    a, b = tokens(key), tokens(usual)
    if len(a) == len(b):
        apart = [(x, y) for x, y in zip(a, b, strict=True) if x != y]
        if apart and (len(apart) == 1 or all(x.kind == y.kind == "ref" for x, y in apart)) and len(a) >= _FEWEST:
            return Difference(_kind(*apart[0]), tuple(x for x, _ in apart), tuple(y for _, y in apart))
        return None
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    added = _added(longer, shorter)
    if not added or len(added) > _MOST or len(shorter) < _FEWEST:
        return None
    return Difference("added", added, ()) if longer is a else Difference("missing", (), added)


def _kind(x: Token, y: Token) -> str:
    if x.kind == y.kind == "ref":
        return "reference"
    if x.kind == "number" or (x.kind == "text" and y.kind != "text"):
        return "constant"
    return "strictness" if _STRICT.get(x.text) == y.text else "sign" if x.kind == y.kind == "sign" else "other"


def _added(longer: tuple[Token, ...], shorter: tuple[Token, ...]) -> tuple[Token, ...]:
    """The tokens that make the longer formula of the shorter: put in at one place, or wrapped around it."""
    head = 0
    while head < len(shorter) and longer[head] == shorter[head]:
        head += 1
    tail = 0
    while tail < len(shorter) - head and longer[-1 - tail] == shorter[-1 - tail]:
        tail += 1
    if head + tail == len(shorter):
        return longer[head : len(longer) - tail]
    for start in range(1, len(longer) - len(shorter)):
        if longer[start : start + len(shorter)] == shorter:
            return longer[:start] + longer[start + len(shorter) :]
    return ()
