"""Names that lead to the row beside the one that they are the name of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from xl_econ.audit.labels import Labels
from xl_econ.audit.registry import WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.workbook.book import Cell, Sheet
from xl_econ.workbook.cell import cell_at

_NEAR = 3  # rows to either side
_SHORTEST = 3  # letters of a word that tells something
_WORD = re.compile(r"[a-z]+")
_CELL = re.compile(r"[A-Z]{1,3}[1-9][0-9]{0,6}")


@check(
    "name-beside",
    WARNING,
    "A name leads to a cell whose label has none of its words, and a label beside it has all of them",
    "let the name lead to the cell that it is the name of",
)
def name_beside(subject: Subject) -> Iterator[Found]:
    """Names of single cells in a list of labels, where the row that fits has no name of its own."""
    if subject.manifest is not None:
        return  # its names are compared with the template's
    labels = subject.labels
    taken = set(labels.names)
    for name, text in subject.book.names.items():
        place, _, where = text.replace("$", "").rpartition("!")
        sheet = place.strip("'").replace("''", "'")
        held = subject.book.sheets.get(sheet) if _CELL.fullmatch(where) else None
        cell = None if held is None else held.cells.get(cell_at(where))
        words = {w for w in _WORD.findall(name.casefold().replace("_", " ")) if len(w) >= _SHORTEST}
        if held is None or cell is None or not words or words & _said(labels, cell):
            continue
        fitting = [c for c in _beside(held, cell) if words <= _said(labels, c)]
        if len(fitting) == 1 and (sheet, fitting[0].at) not in taken:
            other = fitting[0]
            yield at(cell, f"{name} leads to {labels.about(cell).row!r}; {labels.about(other).row!r} is in {other.at}")


def _said(labels: Labels, cell: Cell) -> set[str]:
    """The words of a cell's row, with their singulars."""
    words = set(_WORD.findall(labels.about(cell).row.casefold()))
    return words | {w.removesuffix("s") for w in words}


def _beside(sheet: Sheet, cell: Cell) -> Iterator[Cell]:
    for distance in range(-_NEAR, _NEAR + 1):
        other = sheet.at(cell.row + distance, cell.column)
        if distance and other is not None and other.is_number:
            yield other
