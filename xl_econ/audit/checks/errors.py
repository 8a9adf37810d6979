"""Error values, and errors that are swallowed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from xl_econ.audit.registry import ERROR, WARNING, Found, at, check
from xl_econ.audit.subject import Subject

_SWALLOWED = re.compile(r"\b(IFERROR|IFNA)\(.*,\s*(0|\"\"|)\s*\)", re.I)


@check("error-value", ERROR, "A cell shows an error", "correct the formula, or the input that it comes from")
def error_value(subject: Subject) -> Iterator[Found]:
    """#N/A, #REF! and their kind, once where each begins: a cell that only hands on an error is not said again."""
    for _, cell in subject.book.cells():
        if not cell.is_error:
            continue
        handed_on = cell.formula and any(
            c.is_error for place in subject.graph.precedents(cell) for c in subject.graph.cells(place)
        )
        if not handed_on:
            yield at(cell, f"shows {cell.shown}" + (f": {cell.formula[:80]}" if cell.formula else ""))


@check(
    "error-masked",
    WARNING,
    "An error is replaced by 0 or by nothing: a broken look-up or division then looks like a small number",
    "let the error show, or write what the cell means without the figure",
)
def error_masked(subject: Subject) -> Iterator[Found]:
    """IFERROR(..., 0) and its kind, once for each formula that is copied."""
    seen: set[tuple[str, str]] = set()
    for cell in subject.formulas:
        if _SWALLOWED.search(cell.formula) and (cell.sheet, cell.key) not in seen:
            seen.add((cell.sheet, cell.key))
            yield at(cell, f"errors become nothing in {cell.formula[:80]}")
