"""Hours of a year in a row of months, and hours of a month in a row of years."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from xl_econ.audit.blocks import Block
from xl_econ.audit.registry import WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.workbook.book import Cell

# The hours of a period, the words with which a row is of such periods all the same, and the other period's hours.
_OTHER = {"month": ("8760|8766|8784", r"\b(year|yr|annum|annual)"), "year": ("720|730|730.5|744", r"\bmonth")}
_HOURS = {
    period: (re.compile(rf"(?<![\w.\[])({hours.replace('.', '[.]')})(?![\w.\]])"), re.compile(words, re.I))
    for period, (hours, words) in _OTHER.items()
}
_CONVERTS = re.compile(r"(?<![\w.\[])(12|365|365\.25|30)(?![\w.\]])")
_DAYS = {"month": range(28, 32), "year": range(365, 367)}
_YEARS = range(1990, 2101)
_FEWEST = 3
_FARTHEST = 60  # rows or columns that are looked through for the dates


@check(
    "hours-of-period",
    WARNING,
    "A formula takes the hours of a year where it stands among months, or those of a month where it stands among years",
    "take the hours of the period that each column is of: 730 a month on average, 8,760 a year",
)
def hours_of_period(subject: Subject) -> Iterator[Found]:
    """Copies beside dates a month or a year apart; a formula that converts, or a label of that period, is right."""
    for block in subject.blocks:
        if block.count < _FEWEST or not any(hours.search(block.first.formula) for hours, _ in _HOURS.values()):
            continue
        period = _period(subject, block)
        if not period or _CONVERTS.search(block.first.formula):
            continue
        hours, words = _HOURS[period]
        number = hours.search(block.first.formula)
        if number and not words.search(_labels(block)):
            others = {"month": "year", "year": "month"}[period]
            copies = f", in {block.count} copies" if block.count > 1 else ""
            text = f"{number[1]} in {block.first.formula[:80]} are the hours of a {others}; it stands among {period}s"
            yield at(block.first, text + copies)


def _labels(block: Block) -> str:
    """The texts of its row, and those above it."""
    row, column, sheet = block.first.row, block.first.column, block.sheet
    left = (sheet.text(row, c) for c in range(max(1, column - _FARTHEST), column))
    above = (sheet.text(r, column) for r in range(max(1, row - _FARTHEST), row))
    return " ".join([*left, *above])


def _period(subject: Subject, block: Block) -> str:
    """How far apart the dates are that head the block's columns, or stand before its rows: month, year or ""."""
    top, bottom, left, right = block.area
    if right - left + 1 >= _FEWEST:
        lines = [[(r, c) for c in range(left, left + _FEWEST)] for r in range(top - 1, max(0, top - _FARTHEST), -1)]
    elif bottom - top + 1 >= _FEWEST:
        lines = [[(r, c) for r in range(top, top + _FEWEST)] for c in range(left - 1, max(0, left - _FARTHEST), -1)]
    else:
        return ""
    for line in lines:
        cells = [block.sheet.cells.get(place) for place in line]
        found = [_day(subject, c) for c in cells if c is not None]
        days = [d for d in found if d is not None]
        if len(days) == _FEWEST:
            apart = [b - a for a, b in pairwise(days)]
            return next((p for p, of in _DAYS.items() if all(n in of for n in apart)), "")
    return ""


def _day(subject: Subject, cell: Cell) -> int | None:
    """A date, or the end of a typed year, as a number of days."""
    day = subject.book.date(cell)
    if day is not None:
        return day.toordinal()
    if cell.is_number and not cell.formula and float(cell.shown).is_integer() and int(cell.shown) in _YEARS:
        return int(cell.shown) * 365
    return None
