"""Stored values against a recomputation by another engine."""

from __future__ import annotations

from collections.abc import Iterator

from xl_econ.audit.registry import ERROR, INFO, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.workbook.recalc import same

TOLERANCE = 1e-9


@check(
    "stored-value",
    ERROR,
    "The value stored beside a formula is not what the formula gives: whoever reads the file sees another number than "
    "Excel will compute",
    "open the workbook in Excel, compute it and save it; then look why it was stale",
)
def stored_value(subject: Subject) -> Iterator[Found]:
    """Every formula whose stored value an engine does not confirm; what the engine does not know is said elsewhere."""
    for cell in subject.formulas:
        value = subject.computed(cell)
        unknown = value is None or (isinstance(value, str) and value in ("#NAME?", "#N/IMPL!", "#ERROR!"))
        if not unknown and cell.stored is not None and not same(cell.stored, value, TOLERANCE):
            yield at(cell, f"{cell.formula[:80]} is stored as {cell.text}, and computes to {value}", value)


@check(
    "not-recomputed",
    INFO,
    "The engine could not compute the workbook or a formula, so its stored values are unconfirmed",
    "recompute with another engine (--engine libreoffice), or in Excel",
)
def not_recomputed(subject: Subject) -> Iterator[Found]:
    """Said once for the workbook, or once for every formula that the engine does not know."""
    if subject.uncomputed:
        yield Found("", "", f"{subject.engine} could not compute it: {subject.uncomputed}", severity="warning")
        return
    seen: set[str] = set()
    for cell in subject.formulas:
        value = subject.computed(cell)
        unknown = value is None or value in ("#NAME?", "#N/IMPL!", "#ERROR!")
        if unknown and cell.stored != value and cell.key not in seen:
            seen.add(cell.key)
            yield at(cell, f"{subject.engine} cannot compute {cell.formula[:80]}")
