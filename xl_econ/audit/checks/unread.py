"""Inputs that no formula reads."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from xl_econ.audit.registry import INFO, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.workbook.book import Cell, Sheet

_MOST = 5  # unread figures of a sheet that are said one by one


@check(
    "unused-input",
    INFO,
    "A typed figure stands among inputs, and no formula reads it: changing it changes nothing",
    "let the formula read it that is meant to, or say that it is for information",
)
def unused_input(subject: Subject) -> Iterator[Found]:
    """Typed numbers with a label in a column, or row, of which others are read."""
    for sheet in subject.book.sheets.values():
        beside: list[Cell] = []
        for column, held in sheet.census.columns.items():
            read = subject.inputs_by_column.get((sheet.name, column), [])
            if 0 < len(read) < len(held.numbers):
                rows = {c.row for c in read}
                beside += [c for c in held.numbers if c.row not in rows]
        unread = (c for c in beside if not c.spilled and _has_label(sheet, c) and not _counts(sheet, c))
        found = sorted(unread, key=lambda c: (c.row, c.column))
        for cell in found[:_MOST]:
            yield at(cell, f"{cell.text} is read by no formula")
        if len(found) > _MOST:
            yield Found(sheet.name, "", f"{len(found) - _MOST} more figures are read by no formula")


def _has_label(sheet: Sheet, cell: Cell) -> bool:
    other = next((c for n in (1, 2) if (c := sheet.cells.get((cell.row, cell.column - n))) is not None), None)
    return other is not None and isinstance(other.shown, str)


def _counts(sheet: Sheet, cell: Cell) -> bool:
    """Whether a number is one of a row that counts on: the years or months of a heading."""
    row = [sheet.cells.get((cell.row, cell.column + n)) for n in (-1, 0, 1)]
    numbers = [c.shown for c in row if c is not None and c.is_number]
    return len(numbers) > 1 and all(b - a == 1 for a, b in pairwise(numbers))
