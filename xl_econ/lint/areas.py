"""The headed areas of a sheet: which columns hold units, cases, months and sources, as their headings say."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter

from xl_econ.workbook.book import Cell, Sheet

LIVE = "live"
# Headings of columns that describe a row, and hold no figure of it.
ABOUT = {
    "unit", "units", "lowest", "highest", "bounds", "source", "as of", "grade", "note", "notes", "key", "at least",
    "at most", "flag", "formula in words", "comment",
}  # fmt: skip
_UNITS = ("unit", "units")
_FEWEST = 3
Rows = list[tuple[int, list[Cell]]]  # in order
_LONGEST = 255  # characters of a heading; a sheet may hold a text of a hundred times that, in every cell


@dataclass(frozen=True)
class Area:
    """The rows below a heading row, down to the next one, with the columns by their headings."""

    sheet: Sheet
    heading: int
    last: int
    columns: dict[str, int]  # of a heading as it is written, in small letters
    figures: tuple[int, ...]  # to the right of the units, what a row is about
    series: tuple[int, ...]  # the cases or the months, where a row has one formula
    held: Rows = field(repr=False, compare=False)  # the rows of the sheet

    def column(self, *names: str) -> int | None:
        return next((self.columns[n] for n in names if n in self.columns), None)

    @property
    def unit(self) -> int | None:
        return self.column(*_UNITS)

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """The rows with something in them."""
        first, end = (bisect_right(self.held, number, key=itemgetter(0)) for number in (self.heading, self.last))
        yield from self.held[first:end]


def of(sheet: Sheet) -> list[Area]:
    """The areas of a sheet, the Tables last."""
    found = []
    other: list[int] = []  # heading rows of blocks that say nothing of units
    held = [*sheet.rows().items()]
    texts = Counter(c.row for c in sheet.census.texts if c.shown)
    for row in (r for r, count in texts.items() if count >= _FEWEST):
        cells = sheet.rows()[row]
        if sheet.tables and any(sheet.table_of(c) for c in cells):
            continue
        names = {_name(c): c.column for c in reversed(cells)}
        if any(u in names for u in _UNITS) or {"source", "as of"} <= set(names):
            found.append((row, cells, names))
        elif found and _looks_like(found[-1][1], cells):
            other.append(row)
    starts = sorted([row for row, _, _ in found] + other)
    ends = [*(s - 1 for s in starts), 1 << 20]
    areas = [_area(sheet, *each, ends[bisect_right(starts, each[0])], held) for each in found]
    for table in sheet.tables:
        top, bottom, left, _ = table.area
        names = {folded(c): left + n for n, c in enumerate(table.columns)}
        areas.append(Area(sheet, top, bottom, names, (), (), held))
    return areas


def _area(sheet: Sheet, row: int, cells: list[Cell], names: dict[str, int], last: int, held: Rows) -> Area:
    unit = next((names[u] for u in _UNITS if u in names), 0)
    heads = [c for c in cells if unit and c.column > unit and c.shown not in (None, "")]
    figures = tuple(c.column for c in heads if _name(c) not in ABOUT)
    if LIVE in names:
        after = [c.column for c in heads if _name(c) in ABOUT and c.column > names[LIVE]]
        cases = range(names[LIVE], min(after, default=1 << 14))
        series = tuple(c for c in figures if c in cases)
    else:
        dated = tuple(c.column for c in heads if c.is_number and _is_step(c))
        series = dated if len(dated) >= _FEWEST else ()
    return Area(sheet, row, last, names, figures, series, held)


def _looks_like(heading: list[Cell], cells: list[Cell]) -> bool:
    """Whether a row has the look of a heading, a filled one, and is one of another block."""
    looks = {(c.font, c.fill) for c in heading if c.fill}
    texts = [c for c in cells if isinstance(c.value, str) and c.value and (c.font, c.fill) in looks]
    return len(texts) >= _FEWEST


def _is_step(cell: Cell) -> bool:
    """Whether a number in the heading is a period; the opening stands at 0."""
    return bool(cell.shown != 0)


def _name(cell: Cell) -> str:
    return folded(cell.text) if cell.shown is not None else ""


@lru_cache(1 << 16)
def folded(text: str) -> str:
    """A heading as headings are compared."""
    return text[:_LONGEST].strip().casefold().replace("_", " ")
