"""Error values, and errors that are swallowed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from xl_econ.audit.arguments import calls
from xl_econ.audit.registry import ERROR, INFO, WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.workbook.book import Cell
from xl_econ.workbook.cell import STORABLE_ERRORS

_NOTHING = ("0", '""', "")
_ASKS = re.compile(r"^\s*(?:ISERROR|ISERR|ISNA)\(", re.I)
_TAKES_ERRORS = re.compile(r"(?:IFERROR|IFNA|ISERROR|ISERR|ISNA)\(")
_QUOTIENT = re.compile(r"[^,;()/]*+/[^,;()]*+|[^,;]*/\s*(?:SUM|COUNT|COUNTIF|SUMIF)?\([^()]*\)", re.I)


@check("error-value", ERROR, "A cell shows an error", "correct the formula, or the input that it comes from")
def error_value(subject: Subject) -> Iterator[Found]:
    """#N/A, #REF! and their kind, once where each begins: a cell that only hands on an error is not said again.

    #N/A that the formula asks for, by NA(), is how charts leave gaps: information.
    """
    begins: dict[tuple[str, str, str], list[tuple[Cell, str]]] = {}  # by formula
    for cell in (c for sheet in subject.book.sheets.values() for c in sheet.census.errors):
        shown = cell.shown if cell.is_error else _computed(subject, cell)
        if not shown:
            continue
        handed_on = cell.formula and any(
            c.is_error or _computed(subject, c)
            for place in subject.graph.precedents(cell)
            for c in subject.graph.cells(place)
        )
        if not handed_on:
            begins.setdefault((cell.sheet, cell.key or cell.at, shown), []).append((cell, shown))
    for copies in begins.values():
        cell, shown = copies[0]
        meant = shown == "#N/A" and "NA()" in cell.formula.upper()
        what = f"shows {shown}" + (f": {cell.formula[:80]}" if cell.formula else "")
        more = f", and so do {len(copies) - 1} copies" if len(copies) > 1 else ""
        yield at(cell, what + more, severity=INFO if meant else "")


@check(
    "reference-lost",
    ERROR,
    "A formula names a cell that was deleted",
    "write the reference that is meant",
)
def reference_lost(subject: Subject) -> Iterator[Found]:
    """#REF! within a formula that does not show it, once for each that is copied."""
    for blocks in subject.copies.values():
        cell = blocks[0].first
        if "#REF!" in re.sub(r'"[^"]*"', "", cell.formula) and cell.shown != "#REF!":
            yield at(cell, f"{cell.formula[:80]} names a cell that is gone, and hides the error")


@check(
    "error-masked",
    WARNING,
    "An error is replaced by 0 or by nothing: a broken look-up or formula then looks like a small number",
    "let the error show, or write what the cell means without the figure",
)
def error_masked(subject: Subject) -> Iterator[Found]:
    """IFERROR(..., 0) and its kind, once for each formula that is copied.

    Of a plain quotient, whose divisor may be 0 in the course of things, it is information.
    """
    for blocks in subject.copies.values():
        cell = blocks[0].first
        asks = _TAKES_ERRORS.search(cell.formula.upper())
        masked = next(filter(None, map(_masked, calls(cell.formula))), None) if asks else None
        if masked:
            severity = INFO if _QUOTIENT.fullmatch(masked.strip()) else ""
            yield at(cell, f"errors of {masked.strip()[:60]} become nothing in {cell.formula[:80]}", severity=severity)


def _masked(call: tuple[str, list[str]]) -> str:
    """What a call takes the errors from; "" where it takes none."""
    name, arguments = call
    if name in ("IFERROR", "IFNA") and len(arguments) > 1 and arguments[1].strip() in _NOTHING:
        return arguments[0]
    if name == "IF" and len(arguments) > 2 and _ASKS.match(arguments[0]) and arguments[1].strip() in _NOTHING:
        return arguments[2]
    return ""


def _computed(subject: Subject, cell: Cell) -> str:
    """The error that a formula without a stored value gives; "" where it gives none."""
    if not cell.formula or cell.shown is not None:
        return ""
    value = subject.computed(cell)
    return value if isinstance(value, str) and value in STORABLE_ERRORS and value != "#NAME?" else ""
