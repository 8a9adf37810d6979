"""Findings of one cause: a figure that is wrong because one that it is computed from is, is said there.

What follows stays in the report as information that names its cause; the cause weighs as much as the gravest of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from xl_econ.workbook.book import Cell
from xl_econ.workbook.cell import cell_at

from .arithmetic import reads
from .looked_up import LOOKUPS
from .registry import INFO, SEVERITIES, Finding
from .tokens import tokens

if TYPE_CHECKING:
    from .subject import Subject

Where = tuple[str, int, int]

# What judges a figure by its size or beside others: it may be wrong only because of what it is computed from.
OF_FIGURES = frozenset(
    [
        "error-value",
        "idle-overhead",
        "magnitude-apart",
        "margin-clash",
        "out-of-bounds",
        "power-bill",
        "price-not-in-table",
        "run-days",
        "run-hours",
        "run-price",
        "share-of-total",
        "sparse-peak",
        "total-of-years",
    ]
)
# What says of a cell that its own formula, or what is typed there, is wrong.
OF_CELLS = frozenset(
    [
        "areas-misaligned",
        "counted-twice",
        "differs-from-template",
        "duplicate-key",
        "formula-break",
        "formula-overwritten",
        "heading-in-range",
        "lookup-unsorted",
        "percent-as-number",
        "percent-of-hundreds",
        "range-short",
        "reference-value",
        "number-as-text",
        "total-in-range",
        "unit-clash",
        "unit-factor",
        "validation-violated",
    ]
)
# A figure is compared with the reference for the inputs that it goes back to, through all the steps between.
_MAY_FOLLOW = OF_FIGURES | {"reference-value"}
# A finding about a formula is about its copies as well.
_OF_COPIES = frozenset(["reference-value", "unit-clash", "unit-factor", "range-short", "out-of-bounds"])
# What may be said of a cell because of another: a choice that the list of choices lacks since it was edited.
_OF_OTHERS = frozenset(["validation-violated"])
_LOOKUPS = frozenset(f"{name}(" for name in LOOKUPS)
_PREFIX = re.compile(r"^(?:_XLFN\.|_XLWS\.)+")
_FARTHEST = 4000  # cells that are looked through for the causes of one finding
_NAMED = 3


def settle(subject: Subject, found: Sequence[Finding]) -> list[Finding]:
    """The findings, of which those that follow from another are information."""
    causes: dict[Where, list[int]] = {}
    for n, f in enumerate(found):
        if f.check in OF_CELLS or f.check in OF_FIGURES:
            for where in _about(subject, f):
                causes.setdefault(where, []).append(n)
    follows = {n: cause for n, f in enumerate(found) if (cause := _cause(subject, found, n, f, causes)) is not None}
    settled = list(found)
    led: dict[int, list[int]] = {}
    for n in follows:
        led.setdefault(_root(n, follows), []).append(n)
    for cause, many in led.items():
        gravest = max((found[n].severity for n in (cause, *many)), key=SEVERITIES.index)
        cells = list(dict.fromkeys(_place(found[n], found[cause]) for n in many if found[n].cell != found[cause].cell))
        more = f" and {len(cells) - _NAMED} more" if len(cells) > _NAMED else ""
        said = f"; wrong for it: {', '.join(cells[:_NAMED])}{more}" if cells else ""
        settled[cause] = replace(found[cause], severity=gravest, message=found[cause].message + said)
        for n in many:
            told = f"{found[n].message}; follows from {_place(found[cause], found[n])} [{found[cause].check}]"
            settled[n] = replace(found[n], severity=INFO, message=told)
    return settled


def _root(n: int, follows: dict[int, int]) -> int:
    seen = {n}
    while n in follows and follows[n] not in seen:
        n = follows[n]
        seen.add(n)
    return n


def _place(f: Finding, beside: Finding) -> str:
    return f.cell if f.sheet == beside.sheet else f.place


def _first(f: Finding) -> Where | None:
    if not f.sheet or not f.cell:
        return None
    at = cell_at(f.cell.partition(":")[0])
    return f.sheet, at.row, at.column


def _about(subject: Subject, f: Finding) -> Iterator[Where]:
    """The cells that a finding is about: with its copies where it is about a formula."""
    where = _first(f)
    if where is None:
        return
    yield where
    cell = subject.book.cell(*where)
    if f.check in _OF_COPIES and cell is not None and cell.formula:
        for block in subject.copies.get((f.sheet, cell.key), ()):
            top, bottom, left, right = block.area
            yield from ((f.sheet, r, c) for r in range(top, bottom + 1) for c in range(left, right + 1))


def _cause(
    subject: Subject, found: Sequence[Finding], n: int, f: Finding, causes: dict[Where, list[int]]
) -> int | None:
    """The finding that one follows from: of the same cell one about its formula, else of what it is computed from."""
    where = _first(f) if f.check in _MAY_FOLLOW and f.severity != INFO else None
    cell = None if where is None else subject.book.cell(*where)
    if where is None or cell is None:
        return None
    own = [c for c in causes.get(where, ()) if c != n and found[c].check in OF_CELLS and found[c].severity != INFO]
    if own and f.check in OF_FIGURES:
        return own[0]
    if not cell.formula:
        return None
    likely = None
    for read in upstream(subject, cell):
        for c in causes.get((read.sheet, read.row, read.column), ()):
            if c != n and found[c].severity != INFO and (found[c].cell, found[c].sheet) != (f.cell, f.sheet):
                if found[c].check not in _OF_OTHERS:
                    return c
                likely = c if likely is None else likely
    return likely


def upstream(subject: Subject, cell: Cell) -> Iterator[Cell]:
    """The cells that a formula is computed from, the nearest first, as far as they can be looked through."""
    seen: set[Where] = {(cell.sheet, cell.row, cell.column)}
    wave = [cell]
    while wave and len(seen) < _FARTHEST:
        ahead: list[Cell] = []
        for each in wave:
            for read in _read(subject, each, _FARTHEST - len(seen)):
                where = (read.sheet, read.row, read.column)
                if where not in seen:
                    seen.add(where)
                    if read.formula:
                        ahead.append(read)
                    yield read
        wave = ahead


def _read(subject: Subject, cell: Cell, most: int) -> Iterator[Cell]:
    """The cells that a formula reads; of a look-up the keys that it is given, and the figure that it finds."""
    finds = any(t.kind == "call" and _PREFIX.sub("", t.text.upper()) in _LOOKUPS for t in tokens(cell.key))
    found = [] if not finds or cell.is_error else reads(subject.graph, cell)
    known = bool(found) and None not in found
    yield from (c for c in found if c is not None)
    for place in subject.graph.precedents(cell):
        top, bottom, left, right = place.area
        if place.is_cell or (not known and (bottom - top + 1) * (right - left + 1) <= most):
            yield from subject.graph.cells(place)
