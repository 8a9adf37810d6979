"""Rules about what cells hold and show: errors, missing values, numbers as texts, merged and hidden cells."""

from __future__ import annotations

import re
from collections.abc import Iterator

from xl_econ.core.errors import CELL_ERRORS
from xl_econ.workbook.book import Book, Cell

from .colours import INPUT, kind
from .rules import ERROR, WARNING, Found, here, rule, short

_NUMBER = re.compile(r"[-+(]?\s*+(?:[$€£]\s*+)?\d[\d,.' ]*+(e[-+]?\d+)?\s*+%?\)?", re.IGNORECASE)
_TEXT_FORMATS = ("General", "@")
_FEW = 3


@rule("error-value", ERROR, "A cell shows an error", "correct the formula or the input that it comes from")
def error_value(book: Book) -> Iterator[Found]:
    """#N/A, #REF! and their kind."""
    for _, cell in book.cells():
        if cell.shown in CELL_ERRORS:
            yield here(cell, f"shows {cell.shown}")


@rule(
    "no-stored-value",
    ERROR,
    "A formula has no value stored beside it: a viewer that does not calculate shows nothing",
    "open the workbook in Excel and save it",
)
def no_stored_value(book: Book) -> Iterator[Found]:
    """A formula that never was calculated."""
    calculated = any(cell.stored is not None for _, cell in book.formulas())
    for _, cell in book.formulas():
        # An empty text is stored as nothing by some writers, so where others have values it is one.
        if cell.stored is None and not (calculated and '""' in cell.formula):
            yield here(cell, f"no stored value: {short(cell.formula)}")


@rule("text-number", WARNING, "A text looks like a number, and no sum counts it", "type it as a number")
def text_number(book: Book) -> Iterator[Found]:
    """In an input, under a format of numbers, or in a column of numbers; a cell of text format is meant."""
    for sheet in book.sheets.values():
        numeric = {n for n, column in sheet.columns().items() if _numeric(column)}
        for cell in sheet.cells.values():
            if cell.formula or not isinstance(cell.value, str) or not _NUMBER.fullmatch(cell.value.strip()):
                continue
            expected = kind(cell.font) == INPUT or cell.format not in _TEXT_FORMATS or cell.column in numeric
            if expected and cell.format != "@":
                yield here(cell, f"a text that looks like a number: {short(cell.value)!r}")


def _numeric(column: list[Cell]) -> bool:
    """Whether most cells of a column are numbers."""
    numbers = sum(1 for c in column if c.is_number)
    return numbers >= _FEW and 2 * numbers > len(column)


@rule(
    "merged-figure",
    WARNING,
    "A figure stands in merged cells, which break sorting, filling and references",
    "unmerge the cells; to centre a text, centre it across the selection",
)
def merged_figure(book: Book) -> Iterator[Found]:
    """Merged cells with a number in them; of texts they are a matter of layout."""
    for sheet in book.sheets.values():
        for ref, (top, bottom, left, right) in sheet.merged:
            cell = sheet.at(top, left)
            if cell is not None and cell.is_number and (bottom, right) != (top, left):
                yield here(cell, f"a figure in the merged cells {ref}")


@rule("hidden-sheet", ERROR, "A sheet is hidden", "unhide it, or delete it")
def hidden_sheet(book: Book) -> Iterator[Found]:
    """Hidden and very hidden sheets."""
    for sheet in book.sheets.values():
        if sheet.state != "visible":
            words = {"hidden": "hidden", "veryHidden": "very hidden: only macros can show it"}
            yield sheet.name, "", f"the sheet is {words.get(sheet.state, sheet.state)}"


@rule(
    "hidden-cells", ERROR, "Hidden rows or columns hold something", "unhide them; an outline that is open does as well"
)
def hidden_cells(book: Book) -> Iterator[Found]:
    """Rows and columns that are hidden, or of no height or width."""
    for sheet in book.sheets.values():
        found = [c for c in sheet.cells.values() if c.hidden and c.shown not in (None, "")]
        if found:
            yield here(found[0], f"{len(found)} cells in hidden rows or columns, the first of them here")
