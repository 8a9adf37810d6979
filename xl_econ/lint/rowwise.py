"""Rules about rows: one formula across the cases and months, a unit, a source and its date."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from xl_econ.core.provenance import is_unsourced
from xl_econ.workbook.book import Book, Cell, Sheet

from . import areas
from .areas import Area
from .colours import FILL, INPUT, kind
from .rules import ERROR, WARNING, Found, here, rule, short

_RUN = 4  # formulas side by side that make a row of one kind
_LITERAL = re.compile(r'"[^"]*"|\\.|_.')
_DATE = re.compile(r"(19|20)\d\d")


@rule(
    "formula-differs-in-row",
    ERROR,
    "A row has one formula across its cases and months, and this cell has another",
    "copy the formula of its neighbours over it, or give the exception a row of its own",
)
def formula_differs_in_row(book: Book) -> Iterator[Found]:
    """Compared as R1C1; outside headed areas only where the cells on both sides agree."""
    for sheet in book.sheets.values():
        seen: set[tuple[int, int]] = set()
        for area in areas.of(sheet):
            for _, cells in area.rows():
                # A formula in the blue of an input is a finding of its own.
                series = [c for c in cells if c.column in area.series and c.formula and kind(c.font) != INPUT]
                seen |= {(c.row, c.column) for c in series}
                yield from _minority(series)
        for cells in sheet.rows().values():
            yield from _odd_ones([c for c in cells if c.formula and (c.row, c.column) not in seen])


def _minority(cells: list[Cell]) -> Iterator[Found]:
    forms = [c.key for c in cells]
    usual = Counter(forms).most_common(1)[0][0] if forms else ""
    for cell, form in zip(cells, forms, strict=True):
        if form != usual:
            yield here(cell, f"unlike the rest of its row: {short(cell.formula)}")


def _odd_ones(cells: list[Cell]) -> Iterator[Found]:
    if len(cells) < _RUN:
        return
    forms = [c.key for c in cells]
    for n in range(1, len(cells) - 1):
        left, right = cells[n - 1], cells[n + 1]
        beside = left.column + 1 == cells[n].column == right.column - 1
        if beside and forms[n - 1] == forms[n + 1] != forms[n] and forms.count(forms[n - 1]) >= _RUN - 1:
            yield here(cells[n], f"unlike the cells on both sides: {short(cells[n].formula)}")


@rule(
    "unit-missing",
    ERROR,
    "A row of figures has no unit in the Unit column, and its format shows no share or flag",
    "write the unit; of a bare ratio write ratio",
)
def unit_missing(book: Book) -> Iterator[Found]:
    """Every row with figures below a heading "Unit"."""
    for sheet in book.sheets.values():
        for area in areas.of(sheet):
            if area.unit is None or not area.figures:
                continue
            for row, cells in area.rows():
                figures = [c for c in cells if c.column in area.figures and c.is_number]
                bare = [c for c in figures if not _says_itself(c.format)]
                if bare and not sheet.text(row, area.unit):
                    yield here(bare[0], f"no unit for {_label(sheet, row, area)}")


def _says_itself(number_format: str) -> bool:
    """Whether a format shows a share, a flag, a date or a unit of its own."""
    first = number_format.split(";", maxsplit=1)[0]
    code = _LITERAL.sub("", first)
    return "%" in code or not set(code) & set("0#?Gg") or re.search(r'"[^"]*[A-Za-z][^"]*"', first) is not None


def _label(sheet: Sheet, row: int, area: Area) -> str:
    texts = (sheet.text(row, c) for c in range(1, area.unit or area.column("source") or 2))
    return repr(short(next(filter(None, texts), "the row")))


@rule(
    "input-without-source",
    ERROR,
    "An input has no source beside it",
    "write where the figure comes from into the Source column",
)
def input_without_source(book: Book) -> Iterator[Found]:
    """Rows with inputs below a heading "Source"."""
    for area, cell, column in _inputs(book, "source"):
        if not area.sheet.text(cell.row, column):
            yield here(cell, f"no source for {_label(area.sheet, cell.row, area)}")


@rule(
    "source-not-given",
    WARNING,
    "An input was given without a source",
    "say where the figure comes from, in the case file or in the Source column",
)
def source_not_given(book: Book) -> Iterator[Found]:
    """What `fill` writes where a case file says nothing."""
    for area, cell, column in _inputs(book, "source"):
        if is_unsourced(area.sheet.text(cell.row, column)):
            yield here(cell, f"given without a source: {_label(area.sheet, cell.row, area)}")


@rule(
    "input-without-date",
    ERROR,
    "An input has no date beside it",
    "write the date of the figure into the As of column: 2026-11, or 2026-11-23",
)
def input_without_date(book: Book) -> Iterator[Found]:
    """Rows with inputs below a heading "As of"."""
    for area, cell, column in _inputs(book, "as of"):
        at = area.sheet.at(cell.row, column)
        dated = at is not None and (book.date(at) is not None or _DATE.search(at.text) is not None)
        source = area.column("source")
        unsourced = source is not None and is_unsourced(area.sheet.text(cell.row, source))
        if not dated and not unsourced:
            yield here(cell, f"no date for {_label(area.sheet, cell.row, area)}")


def _inputs(book: Book, heading: str) -> Iterator[tuple[Area, Cell, int]]:
    """The first input of every row of the areas that have such a column."""
    for sheet in book.sheets.values():
        for area in areas.of(sheet):
            column = area.column(heading)
            if column is None:
                continue
            table = any(t.area[0] == area.heading for t in sheet.tables)
            for _, cells in area.rows():
                typed = (c for c in cells if kind(c.font) == INPUT and c.value not in (None, ""))
                first = next((c for c in typed if table or c.fill == FILL), None)
                if first is not None:
                    yield area, first, column
