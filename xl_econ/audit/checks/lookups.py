"""Look-ups that can find the wrong row: approximate ones in unsorted keys, keys that stand there twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from xl_econ.audit.arguments import calls
from xl_econ.audit.registry import ERROR, WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.workbook.book import Cell
from xl_econ.workbook.graph import Place, Reference, references

# Of each function: where the keys are, where the mode is, the mode where none is given, and the modes that are exact.
_FUNCTIONS = {
    "VLOOKUP": (1, 3, "TRUE", ("FALSE", "0")),
    "HLOOKUP": (1, 3, "TRUE", ("FALSE", "0")),
    "MATCH": (1, 2, "1", ("0", "FALSE")),
    "LOOKUP": (1, 9, "TRUE", ()),
    "XLOOKUP": (1, 4, "0", ("0",)),
    "XMATCH": (1, 2, "0", ("0",)),
}
_SEARCHES = re.compile(r"(?:LOOKUP|MATCH)\(")


@check(
    "lookup-unsorted",
    ERROR,
    "An approximate look-up searches keys that are not sorted, and finds a row by chance",
    "make the look-up exact (FALSE, or 0), or sort the keys",
)
def lookup_unsorted(subject: Subject) -> Iterator[Found]:
    """VLOOKUP, HLOOKUP, MATCH and LOOKUP without an exact mode."""
    for cell, name, keys, exact in _lookups(subject):
        values = [k.shown for k in keys if k.shown is not None]
        if not exact and name not in ("XLOOKUP", "XMATCH") and not _sorted(values):
            yield at(cell, f"{name} takes the nearest key, and {keys[0].at} to {keys[-1].at} are not sorted")


@check(
    "lookup-approximate",
    WARNING,
    "An approximate look-up searches texts: a text that is not among them finds the row of another",
    "make the look-up exact (FALSE, or 0)",
)
def lookup_approximate(subject: Subject) -> Iterator[Found]:
    """The same over keys that are sorted; over numbers, as bands of a price or a tax, it is how it is meant."""
    for cell, name, keys, exact in _lookups(subject):
        texts = [k for k in keys if isinstance(k.shown, str) and k.shown]
        nearest = not exact and name not in ("XLOOKUP", "XMATCH")
        if nearest and len(texts) == len(keys) and _sorted([k.shown for k in keys]):
            yield at(cell, f"{name} takes the nearest text of {keys[0].at} to {keys[-1].at}: {cell.formula[:80]}")


@check(
    "duplicate-key",
    WARNING,
    "A look-up searches keys of which one stands there twice: only the first row is ever found",
    "make the keys different, or remove the row that is not meant",
)
def duplicate_key(subject: Subject) -> Iterator[Found]:
    """Keys of exact look-ups, once for each second appearance."""
    said: set[tuple[str, int, int]] = set()
    for _, name, keys, exact in _lookups(subject):
        first: dict[Any, Cell] = {}
        for key in keys if exact else ():
            if key.shown in (None, ""):
                continue
            folded = key.shown.strip().casefold() if isinstance(key.shown, str) else key.shown
            before = first.setdefault(folded, key)
            if before is not key and (key.sheet, key.row, key.column) not in said:
                said.add((key.sheet, key.row, key.column))
                yield at(key, f"{key.text!r} stands in {before.at} as well, and {name} finds only that")


def _lookups(subject: Subject) -> Iterator[tuple[Cell, str, list[Cell], bool]]:
    """Every look-up, once for the area that it searches: its cell, its name, the cells of its keys, if it is exact."""
    asked = {key: found for _, key in subject.copies if _SEARCHES.search(key.upper()) and (found := _asked(key))}
    # Copies that fix what they search all search the same.
    moving = {key for key, found in asked.items() if not all(_is_fixed(r) for *_, r in found)}
    cells = [c for c in subject.firsts() if c.key in asked and c.key not in moving]
    cells += [c for c in subject.formulas if c.key in moving] if moving else []
    seen: set[tuple[Place, str, bool]] = set()
    for cell in subject.in_order(cells):
        for name, exact, reference in asked[cell.key]:
            for place in subject.graph.places(reference, cell):
                if (place, name, exact) in seen:
                    continue
                seen.add((place, name, exact))
                keys = _keys(subject, place, name)
                if len(keys) > 1:
                    yield cell, name, keys, exact


def _asked(key: str) -> list[tuple[str, bool, Reference]]:
    """What the look-ups of a formula search: name, if it is exact, the area."""
    found = []
    for name, arguments in calls(key):
        where, mode, default, modes = _FUNCTIONS.get(name, (len(arguments), 0, "", ()))
        if len(arguments) <= where:
            continue
        given = arguments[mode].strip().upper() if len(arguments) > mode and arguments[mode].strip() else default
        if given in modes or re.fullmatch(r"-?\d+|TRUE|FALSE", given):  # else it is worked out: it cannot be told
            found += [(name, given in modes, r) for r in references(arguments[where])]
    return found


def _is_fixed(reference: Reference) -> bool:
    return reference.corners is not None and all(axis.fixed for axis in reference.corners)


def _keys(subject: Subject, place: Place, name: str) -> list[Cell]:
    top, bottom, left, right = place.area
    if name == "VLOOKUP":
        place = Place(place.sheet, (top, bottom, left, left))
    elif name == "HLOOKUP":
        place = Place(place.sheet, (top, top, left, right))
    return list(subject.graph.cells(place))


def _sorted(values: list[Any]) -> bool:
    """Whether numbers and texts each go upwards; a text above numbers is their heading."""
    numbers = [float(v) for v in values if isinstance(v, int | float)]
    texts = [v.casefold() for v in values if isinstance(v, str)]
    texts = texts[1:] if numbers else texts
    return all(a <= b for a, b in pairwise(numbers)) and all(a <= b for a, b in pairwise(texts))
