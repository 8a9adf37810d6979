"""Stored values against a recomputation by another engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xl_econ.audit.registry import ERROR, INFO, WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.lint.formulas import VOLATILE
from xl_econ.workbook.book import Cell
from xl_econ.workbook.recalc import same

TOLERANCE = 1e-9
UNKNOWN = ("#NAME?", "#N/IMPL!", "#ERROR!", "#CIRC!")  # what an engine says of a formula that it cannot compute
_MANY = 3  # zeros and nothing else, which a program that computes nothing stores beside formulas


@check(
    "stored-value",
    ERROR,
    "The value stored beside a formula is not what the formula gives: whoever reads the file sees another number than "
    "Excel will compute",
    "open the workbook in Excel, compute it and save it; then look why it was stale",
)
def stored_value(subject: Subject) -> Iterator[Found]:
    """Where values begin to differ: a formula whose precedents differ already only hands that on.

    What an engine does not know, and what hangs on the time, on chance or on another workbook, is no finding.
    """
    if _never_computed(subject):
        return
    differ = {
        (c.sheet, c.row, c.column): c
        for c, value in subject.unconfirmed
        if (c.shown != value or type(c.shown) is not type(value)) and _differs(c, value)
    }
    begins = subject.in_order(c for c in differ.values() if not _hangs_on(subject, c, differ))
    rest = len(differ) - len(begins)
    for n, cell in enumerate(begins):
        value = subject.computed(cell)
        more = f"; {rest} other cells hang on such" if rest and not n else ""
        severity = WARNING if isinstance(value, str) and isinstance(cell.stored, str) and not cell.is_error else ""
        yield at(cell, f"{cell.formula[:80]} is stored as {cell.text}, and computes to {value}{more}", value, severity)


@check(
    "never-computed",
    WARNING,
    "The program that wrote it computed nothing: whoever reads it without computing sees no results, or zeros",
    "open it in Excel or LibreOffice and save it",
)
def never_computed(subject: Subject) -> Iterator[Found]:
    """No value is stored beside any formula, or 0 beside all of them."""
    if not subject.formulas:
        return
    without = subject.in_order(c for c, value in subject.unconfirmed if c.shown is None and value != "")
    if len(without) == len(subject.formulas):
        yield Found("", "", f"no value is stored beside its {len(without)} formulas", severity=INFO)
    elif without:
        said = f"no value is stored beside {len(without)} of {len(subject.formulas)} formulas"
        yield at(without[0], said, severity=INFO)
    elif _never_computed(subject):
        yield Found("", "", f"0 is stored beside all of its {len(subject.formulas)} formulas")


@check(
    "not-recomputed",
    INFO,
    "The engine could not compute the workbook or a formula, so its stored values are unconfirmed",
    "recompute with another engine (--recalculate libreoffice), or in Excel",
)
def not_recomputed(subject: Subject) -> Iterator[Found]:
    """Said once for the workbook, or once for every formula that the engine does not know."""
    if subject.uncomputed:
        yield Found("", "", f"{subject.engine} could not compute it: {subject.uncomputed}", severity=WARNING)
        return
    others = ((c, v) for c, v in subject.unconfirmed if type(v) is not float)
    unknown = (c for c, v in others if (v is None or v in UNKNOWN) and v not in ("#CIRC!", c.stored))
    firsts = {cell.key: cell for cell in reversed(subject.in_order(unknown))}
    for cell in subject.in_order(firsts.values()):
        yield at(cell, f"{subject.engine} cannot compute {cell.formula[:80]}")


def _never_computed(subject: Subject) -> bool:
    """Whether 0 is stored beside every formula though most of them give something else."""
    formulas = subject.formulas
    if len(formulas) < _MANY or any(c.stored != 0 or isinstance(c.stored, bool) for c in formulas):
        return False
    return sum(1 for c, value in subject.unconfirmed if _differs(c, value)) > len(formulas) // 2


def _differs(cell: Cell, value: Any) -> bool:
    if value is None or cell.stored is None or (isinstance(value, str) and value in UNKNOWN):
        return False
    return not same(cell.stored, value, TOLERANCE)


def _hangs_on(subject: Subject, cell: Cell, differ: dict[tuple[str, int, int], Cell]) -> bool:
    """Whether a value differs because one that it is computed from does, or may differ every time."""
    references = subject.graph.references(cell)
    if any(r.external for r in references) or any(f"{name}(" in cell.key.upper() for name in VOLATILE):
        return True
    for place in subject.graph.precedents(cell):
        top, bottom, left, right = place.area
        if place.is_cell:
            if (place.sheet, top, left) in differ:
                return True
        elif (bottom - top + 1) * (right - left + 1) <= len(differ):
            if any((c.sheet, c.row, c.column) in differ for c in subject.graph.cells(place)):
                return True
        elif any(
            sheet == place.sheet and top <= row <= bottom and left <= column <= right for sheet, row, column in differ
        ):
            return True
    return False
