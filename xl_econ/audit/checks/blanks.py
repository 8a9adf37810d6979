"""Formulas that compute with a cell in which nothing, or a text, stands."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from xl_econ.audit.blocks import Block
from xl_econ.audit.registry import WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.audit.tokens import operands
from xl_econ.workbook.book import Cell
from xl_econ.workbook.cell import At, address
from xl_econ.workbook.graph import Place, Reference

_ASKS = re.compile(r'""|\b(?:ISBLANK|ISNUMBER|ISTEXT|COUNT|COUNTA|COUNTBLANK|COUNTIF|COUNTIFS|N|IFERROR|TYPE)\(', re.I)


@check(
    "reference-to-blank",
    WARNING,
    "A formula computes with a cell in which nothing stands, and takes it for 0",
    "point the formula at the cell that is meant, or fill the cell",
)
def reference_to_blank(subject: Subject) -> Iterator[Found]:
    """Single cells that a formula adds, multiplies or divides; once for a block of copies.

    A cell that some formula asks whether it is empty may be. So may the one before the first period, of which a
    balance carried forward opens with nothing.
    """
    allowed = _asked(subject)
    filled: set[Place] = set()  # cells that are known to hold something
    for block in subject.blocks:
        for reference in operands(block.key):
            if not _is_single(reference):
                continue
            places = [p for p in block.reach(subject.graph, reference) if p not in filled]
            empty = [
                (p.sheet, *c) for p in places for c in subject.empty(p) if not _before(block, reference, p.sheet, c)
            ]
            if not empty:
                filled.update(p for p in places if p.is_cell)
                continue
            missed = [e for e in empty if not any(_inside(e, p) for p in allowed.get(e[0], ()))]
            if missed:
                sheet, row, column = missed[0]
                cell = _reader(subject, block, reference, missed[0])
                where = address(At(row, column)) if sheet == cell.sheet else f"{sheet}!{address(At(row, column))}"
                more = f", and {len(missed) - 1} other empty cells in its copies" if len(missed) > 1 else ""
                yield at(cell, f"{cell.formula[:80]} reads {where}, which is empty{more}")
                break


@check(
    "reference-to-text",
    WARNING,
    "A formula computes with a cell that holds a text",
    "point the formula at the figure that is meant",
)
def reference_to_text(subject: Subject) -> Iterator[Found]:
    """Single cells that a formula adds, multiplies or divides, where it does not show an error anyway."""
    has_text = any(c.shown for sheet in subject.book.sheets.values() for c in sheet.census.texts)
    for block in subject.blocks if has_text else ():
        if block.first.is_error or _ASKS.search(block.key):
            continue
        for reference in operands(block.key):
            if not _is_single(reference):
                continue
            found = next((c for p in block.reach(subject.graph, reference) if (c := _first_text(subject, p))), None)
            if found is not None:
                cell = _reader(subject, block, reference, (found.sheet, found.row, found.column))
                yield at(cell, f"{cell.formula[:80]} reads {found.at}, the text {found.text[:40]!r}")
                break


def _first_text(subject: Subject, place: Place) -> Cell | None:
    """The first typed text of an area."""
    sheet = subject.book.sheets.get(place.sheet)
    if sheet is None:
        return None
    census, (top, bottom, left, right) = sheet.census, place.area
    found: list[tuple[int, int]] = []
    for columns, rows in ((census.text_columns, census.text_rows), (census.white_columns, census.white_rows)):
        if bottom - top < right - left:
            for row in range(top, bottom + 1):
                held = columns.get(row, ())
                found += [(row, c) for c in held[bisect_left(held, left) : bisect_right(held, right)]]
        else:
            for column in range(left, right + 1):
                held = rows.get(column, ())
                found += [(row, column) for row in held[bisect_left(held, top) : bisect_right(held, bottom)]]
    return next((cell for at_ in sorted(found) if not (cell := sheet.cells[at_]).formula), None)


def _is_single(reference: Reference) -> bool:
    corners = reference.corners
    if corners is None:
        return bool(reference.name)
    return corners[0] == corners[1] and corners[2] == corners[3]


def _asked(subject: Subject) -> dict[str, list[Place]]:
    """The areas, by sheet, of which some formula asks whether they are empty."""
    found: dict[str, dict[Place, None]] = {}
    for blocks in subject.copies.values():
        if not _ASKS.search(blocks[0].key):
            continue
        for block in blocks:
            for reference in subject.graph.references(block.first):
                for place in block.reach(subject.graph, reference):
                    found.setdefault(place.sheet, {})[place] = None
    return {sheet: list(places) for sheet, places in found.items()}


def _inside(cell: tuple[str, int, int], place: Place) -> bool:
    top, bottom, left, right = place.area
    return top <= cell[1] <= bottom and left <= cell[2] <= right


def _before(block: Block, reference: Reference, sheet: str, cell: tuple[int, int]) -> bool:
    """Whether an empty cell is the opening that a copied formula carries forward from."""
    if sheet != block.sheet.name or reference.corners is None or block.count == 1:
        return False
    row, _, column, _ = reference.corners
    top, bottom, left, right = block.area
    across = not column.fixed and column.number < 0 and cell[1] < left and left < right
    return across or (not row.fixed and row.number < 0 and cell[0] < top and top < bottom)


def _reader(subject: Subject, block: Block, reference: Reference, cell: tuple[str, int, int]) -> Cell:
    """The first copy of a block that reads a cell."""
    top, bottom, left, right = block.area
    for row in range(top, bottom + 1):
        for column in range(left, right + 1):
            copy = block.sheet.cells[row, column]
            if any(p.sheet == cell[0] and _inside(cell, p) for p in subject.graph.places(reference, copy)):
                return copy
    return block.first
