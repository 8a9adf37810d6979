"""Functions that take two areas row by row, given areas that do not go together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from xl_econ.audit.arguments import calls
from xl_econ.audit.registry import ERROR, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.workbook.book import Cell
from xl_econ.workbook.graph import Place, references

# Of each function, the arguments whose areas go together, cell by cell.
_TOGETHER = {
    "SUMIF": (0, 2),
    "AVERAGEIF": (0, 2),
    "SUMIFS": (0, 1, 3, 5, 7),
    "AVERAGEIFS": (0, 1, 3, 5, 7),
    "COUNTIFS": (0, 2, 4, 6),
    "LOOKUP": (1, 2),
    "XLOOKUP": (1, 2),
}
_PAIRS = re.compile(r"(?:IFS?|LOOKUP|MATCH)\(")

_NEAR = 2  # rows that two areas of one size may be apart, and still be meant for one table


@check(
    "areas-misaligned",
    ERROR,
    "A function pairs the cells of two areas that are not of one size, or begin in different rows: it takes figures of "
    "other rows than the keys that it finds",
    "let both areas begin and end in the same rows",
)
def areas_misaligned(subject: Subject) -> Iterator[Found]:
    """SUMIF and its kind, XLOOKUP, and INDEX with MATCH, once for each formula that is copied."""
    for blocks in subject.copies.values():
        cell = blocks[0].first
        for name, arguments in calls(cell.key) if _PAIRS.search(cell.key.upper()) else ():
            if name in _TOGETHER:
                together = [_place(subject, cell, arguments[n]) for n in _TOGETHER[name] if n < len(arguments)]
            elif name == "INDEX" and len(arguments) > 1:
                matches = [c for c in calls("=" + arguments[1]) if c[0] in ("MATCH", "XMATCH")]
                if len(matches) != 1 or not arguments[1].strip().upper().startswith(("MATCH(", "XMATCH(")):
                    continue
                together = [_place(subject, cell, a) for a in (arguments[0], matches[0][1][1])]
            else:
                continue
            if (apart := _apart(together)) is not None:
                yield at(cell, f"{name} pairs {apart} in {cell.formula[:80]}")
                break


def _place(subject: Subject, cell: Cell, argument: str) -> Place | None:
    """The area of an argument that is nothing but an area."""
    found = references(argument)
    if len(found) != 1 or found[0].text != argument.strip():
        return None
    places = subject.graph.places(found[0], cell)
    return places[0] if len(places) == 1 else None


def _apart(places: list[Place | None]) -> str | None:
    """Two areas that do not go together, in words."""
    held = [p for p in places if p is not None]
    for one, two in pairwise(held):
        (top1, bottom1, left1, right1), (top2, bottom2, left2, right2) = one.area, two.area
        high1, high2, wide1, wide2 = bottom1 - top1, bottom2 - top2, right1 - left1, right2 - left2
        near = one.sheet == two.sheet
        if high1 and high2 and 0 in (wide1, wide2) and (high1 != high2 or (near and 0 < abs(top1 - top2) <= _NEAR)):
            return f"rows {top1} to {bottom1} with rows {top2} to {bottom2}"
        if wide1 and wide2 and 0 in (high1, high2) and (wide1 != wide2 or (near and 0 < abs(left1 - left2) <= _NEAR)):
            return f"columns {left1} to {right1} with columns {left2} to {right2}"
    return None
