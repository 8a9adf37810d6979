"""Numbers that are texts, which sums pass over."""

from __future__ import annotations

import re
from collections.abc import Iterator

from xl_econ.audit.registry import ERROR, WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.audit.tokens import operands, totalled
from xl_econ.workbook.book import Cell, Sheet
from xl_econ.workbook.graph import Place

_SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f\u200b\ufeff \t\r\n"), None)
_NUMBER = re.compile(r"'?[-+(]?[$€£¥]?(?:\d{1,3}(?:,\d{3})+|\d+|(?=\.\d))(?:[.,]\d+)?(?:[eE][-+]?\d+)?[$€£¥]?%?\)?'?")


@check(
    "number-as-text",
    ERROR,
    "A number is stored as a text: sums and averages pass over it in silence",
    "turn it into a number: type it anew, without spaces, apostrophe or separators",
)
def number_as_text(subject: Subject) -> Iterator[Found]:
    """An error where a formula totals it; a warning where one computes with it, or it stands among numbers."""
    texts = [
        (sheet, cell) for sheet in subject.book.sheets.values() for cell in sheet.census.texts if is_number(cell.shown)
    ]
    if not texts:
        return
    summed = _areas(subject, total=True)
    computed = _areas(subject, total=False)
    for sheet, cell in texts:
        if _read(cell, summed):
            yield at(cell, f"the text {cell.shown!r} is passed over by a formula that totals it", expected=_value(cell))
        elif _read(cell, computed):
            yield at(cell, f"formulas compute with the text {cell.shown!r}", _value(cell), WARNING)
        elif not cell.formula and _among_numbers(sheet, cell):
            yield at(cell, f"the text {cell.shown!r} stands among numbers", _value(cell), WARNING)


def is_number(text: str) -> bool:
    """Whether a text is a number to whoever reads it."""
    return not text[:1].isalpha() and len(text) < 40 and _NUMBER.fullmatch(text.translate(_SPACES)) is not None


def _value(cell: Cell) -> float | None:
    plain = str(cell.shown).translate(_SPACES).strip("'")
    share = plain.endswith("%")
    try:
        value = float(plain.strip("$€£¥%()").replace(",", ""))
    except ValueError:
        return None
    return value / 100 if share else value


def _areas(subject: Subject, total: bool) -> dict[str, list[Place]]:
    """The areas that formulas total, or compute with, by sheet."""
    found: dict[str, dict[Place, None]] = {}
    for block in subject.blocks:
        for reference in totalled(block.key) if total else operands(block.key):
            for place in block.reach(subject.graph, reference):
                found.setdefault(place.sheet, {})[place] = None
    return {sheet: list(places) for sheet, places in found.items()}


def _read(cell: Cell, areas: dict[str, list[Place]]) -> bool:
    for place in areas.get(cell.sheet, ()):
        top, bottom, left, right = place.area
        if top <= cell.row <= bottom and left <= cell.column <= right:
            return True
    return False


def _among_numbers(sheet: Sheet, cell: Cell) -> bool:
    """Whether numbers stand on both sides of it, in its row or its column, and more than two."""
    for step in ((1, 0), (0, 1)):
        beside = [sheet.cells.get((cell.row + step[0] * n, cell.column + step[1] * n)) for n in (-2, -1, 1, 2)]
        numbers = [c is not None and c.is_number for c in beside]
        if numbers[1] and numbers[2] and sum(numbers) > 2:
            return True
    return False
