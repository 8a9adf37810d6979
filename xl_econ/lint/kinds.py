"""Rules about kinds: the colour of a cell tells whether it is typed, worked out or fetched."""

from __future__ import annotations

from collections.abc import Iterator

from xl_econ.workbook.book import Book, Cell, Sheet

from . import formula
from .colours import CALCULATION, EXTERNAL, INPUT, LINK, kind
from .rules import ERROR, Found, here, rule, short


@rule(
    "input-holds-formula",
    ERROR,
    "A cell in the blue of inputs holds a formula",
    "type a value, or give it the black style of a calculation",
)
def input_holds_formula(book: Book) -> Iterator[Found]:
    """Blue is for what is typed."""
    for _, cell in book.formulas():
        if kind(cell.font) == INPUT:
            yield here(cell, f"formula in an input cell: {short(cell.formula)}")


@rule(
    "constant-for-calculation",
    ERROR,
    "A cell in the black of calculations holds a typed value",
    "restore the formula, or make it an input: blue, with a unit and a source",
)
def constant_for_calculation(book: Book) -> Iterator[Found]:
    """Black is for what is worked out. A black text is a label, except where a formula stood among formulas."""
    for sheet in book.sheets.values():
        worked = {n for n, column in sheet.columns().items() if any(c.formula for c in column)}
        for cell in sheet.cells.values():
            if cell.formula or kind(cell.font) != CALCULATION or isinstance(cell.value, bool):
                continue
            if isinstance(cell.value, str):
                typed_over = cell.value != "" and cell.font != "black" and _among_formulas(sheet, cell)
            else:
                # A column of a Table without a formula is data, which may be of any colour.
                typed_over = cell.is_number and (cell.column in worked or sheet.table_of(cell) is None)
            if typed_over:
                yield here(cell, f"typed value in a calculation cell: {short(cell.text)}")


def _among_formulas(sheet: Sheet, cell: Cell) -> bool:
    """Whether a neighbour is a formula in the same font."""
    around = (sheet.at(cell.row + r, cell.column + c) for r, c in ((-1, 0), (1, 0), (0, -1), (0, 1)))
    return any(n is not None and n.formula and n.font == cell.font for n in around)


@rule(
    "link-colour",
    ERROR,
    "Green is for a pure link to another sheet, red for one to another workbook, and for nothing else",
    "give the cell the style of what it holds: green for a link, black for a calculation, blue for an input",
)
def link_colour(book: Book) -> Iterator[Found]:
    """Both ways: a green cell is a link, and a link is green."""
    for sheet, cell in book.cells():
        claims, link = kind(cell.font), formula.is_link(cell.formula)
        external = cell.formula != "" and any(map(formula.is_external, formula.parts(cell.formula).ranges))
        figure = bool(cell.formula) or cell.is_number
        if claims == LINK and figure and not (link and not external):
            yield here(cell, f"green cell that is no link to another sheet: {short(cell.formula or cell.text)}")
        elif claims == EXTERNAL and figure and not external:
            yield here(cell, f"red cell that is no link to another workbook: {short(cell.formula or cell.text)}")
        elif claims == CALCULATION and link and not external and not _conditional(sheet, cell):
            yield here(cell, f"link to another sheet that is not green: {short(cell.formula)}")


def _conditional(sheet: Sheet, cell: Cell) -> bool:
    """Whether a condition decides the cell's colour."""
    return any(t <= cell.row <= b and le <= cell.column <= r for t, b, le, r in sheet.conditional)
