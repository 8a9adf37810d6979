"""References in formulas, compared by what they lead to and not by the address that it happens to have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from .cell import At, address, column_number

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"]|"")*")
    |(?P<table>(?<!\w)[A-Za-z_]\w*+)?(?P<bracket>\[(?:[^\[\]]|\[[^\[\]]*\])*\])
    |(?:(?:'(?P<quoted>(?:[^']|''){1,300}+)'|(?<![\w.])\$?(?P<sheet>[^\W\d][\w.]*+))!)?
     (?<![\w.])\$?(?P<c1>[A-Za-z]{1,3})\$?(?P<r1>\d{1,7})(?::\$?(?P<c2>[A-Za-z]{1,3})\$?(?P<r2>\d{1,7}))?(?![\w.(!])""",
    re.X,
)
_SPACE = re.compile(r"\s+")
_CALLED = re.compile(r"\b(TRUE|FALSE)\(\)", re.I)
_NUMBER = re.compile(r"(?<![\w.])(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])")
_WORD, _LEADING = re.compile(r"[\w.\\]+"), ("INDIRECT", "OFFSET")
_PREFIX = re.compile(r"_xl(?:fn|ws|pm)\.", re.I)


class Reference(NamedTuple):
    """An area of cells; a single cell is its own last."""

    sheet: str  # "" for the sheet of the formula
    first: At
    last: At


Resolve = Callable[[str, str], "Reference | None"]
Piece = str | Reference


def pieces(formula: str, resolve: Resolve | None = None) -> list[Piece]:
    """A formula as its references and what stands between them, in one spelling.

    Args:
        formula: The formula without its equals sign.
        resolve: The area of a structured reference, from the table and what is in its brackets.
    """
    found: list[Piece] = []
    between, done = "", 0
    for m in _TOKEN.finditer(formula):
        between += _plain(formula[done : m.start()])
        done = m.end()
        reference = None
        if m["bracket"]:
            reference = resolve(m["table"] or "", m["bracket"]) if resolve else None
        elif m["r1"]:
            reference = _reference(m)
        if reference is None:
            between += m[0] if m["text"] else _SPACE.sub("", m[0]) if m["bracket"] else m[0]
        else:
            found += [between, reference]
            between = ""
    return [*found, between + _plain(formula[done:])]


def _plain(text: str) -> str:
    """A text between references: names and numbers are spelled in more than one way."""
    plain = _CALLED.sub(r"\1", _PREFIX.sub("", _SPACE.sub("", text))).upper()
    return _NUMBER.sub(lambda m: repr(float(m[0])), plain)


def _reference(m: re.Match[str]) -> Reference:
    first = At(int(m["r1"]), column_number(m["c1"]))
    last = At(int(m["r2"]), column_number(m["c2"])) if m["r2"] else first
    sheet = m["quoted"].replace("''", "'") if m["quoted"] else m["sheet"] or ""
    return Reference(sheet, first, last)


def may_read(formula: str, at: At, sheet: str, names: Iterable[str] = ()) -> bool:
    """Whether a formula reads a cell, or holds what could lead there: a name, a table's column, OFFSET.

    Args:
        formula: The formula without its equals sign.
        at: The cell.
        sheet: Its sheet, which is the formula's own.
        names: The names of the workbook.
    """
    found = pieces(formula)
    words = {word.upper() for p in found if isinstance(p, str) for word in _WORD.findall(p)}
    if "[" in formula or words & {*_LEADING, *(n.upper() for n in names)}:
        return True
    areas = (p for p in found if isinstance(p, Reference) and p.sheet in ("", sheet))
    return any(a.first.row <= at.row <= a.last.row and a.first.column <= at.column <= a.last.column for a in areas)


def shape(formula: str) -> str:
    """A formula without its places."""
    return "=" + "".join(p if isinstance(p, str) else "@" for p in pieces(formula))


def equal(a: list[Piece], b: list[Piece], same: Callable[[Reference, Reference], bool]) -> bool:
    """Whether two formulas say the same."""
    return len(a) == len(b) and all(
        x == y if isinstance(x, str) or isinstance(y, str) else same(x, y) for x, y in zip(a, b, strict=True)
    )


def moved(formula: str, move: Callable[[Reference], list[Reference] | None]) -> str | None:
    """A formula whose references lead elsewhere; everything else stays as it is spelled.

    Args:
        formula: The formula.
        move: The areas that an area has become; None where it is gone. Several only stand for one in a sum or the like.

    Returns:
        The formula, or None where a reference has no place any more.
    """
    out, done = "", 0
    for m in _TOKEN.finditer(formula):
        if not m["r1"]:
            continue
        found = move(_reference(m))
        called = re.search(r"\b(SUM|MIN|MAX|COUNT|AND|OR)\($", formula[: m.start()].upper())
        if not found or (len(found) > 1 and not (called and formula[m.end() :].startswith(")"))):
            return None
        fixed = re.findall(r"(\$?)[A-Za-z]{1,3}(\$?)\d", m[0].rpartition("!")[2])
        out += formula[done : m.start()] + ",".join(_spelled(r, fixed, m["r2"] is not None) for r in found)
        done = m.end()
    return out + formula[done:]


def _spelled(r: Reference, fixed: list[tuple[str, str]], is_area: bool) -> str:
    plain = re.fullmatch(r"[^\W\d]\w*", r.sheet) and not re.fullmatch(r"(?i)[a-z]{1,3}\d+|r\d*c\d*", r.sheet)
    sheet = "" if not r.sheet else f"{r.sheet}!" if plain else "'{}'!".format(r.sheet.replace("'", "''"))
    ends = [r.first, r.last] if is_area else [r.first]
    cells = [re.fullmatch(r"([A-Z]+)(\d+)", address(at)) for at in ends]
    return sheet + ":".join(f"{c}{m[1]}{w}{m[2]}" for m, (c, w) in zip(cells, fixed, strict=True) if m)
