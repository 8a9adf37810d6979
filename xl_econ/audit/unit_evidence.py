"""The unit of a cell with the evidence for it: a unit column, a label, a heading, the number format."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from xl_econ.core.units import Unit
from xl_econ.workbook.book import Cell, Sheet

from .units import Evidence, Measure, in_format, in_label, read

_LONGEST_UNIT = 20  # characters of a unit beside a figure
_SHORTEST_WORD = 5  # of ratio, share, factor
# Headings of columns that hold another figure than the one a row's unit is of.
_OTHER = re.compile(
    r"\b(result|less|change|delta|difference|variance|growth|by|share|weight|index|ratio|price|cost|usd|total|revenue|year|"
    r"priority|rank|score)\b|[%$€Δ]",
    re.I,
)
_PRICE = re.compile(r"\b(rate|price)\b", re.I)
_UNIT = re.compile(r"\s*units?\s*", re.I)
_SAYS_MORE = re.compile(r"[(\[,_]")  # a label that may say a unit
_COUNTED = ("qty", "quantity", "amount", "usage")  # in a bill of quantities the unit is that of the quantity
_SHARE = Evidence(Measure(), "share", "percentage format")


class Units:
    """The units of a sheet's cells. Only texts are looked through; a cell is asked about when a formula reads it."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self._left, self._above = sheet.census.text_columns, sheet.census.text_rows
        # By row and column: the headings "Unit".
        self._unit_columns = [(c.row, c.column) for c in sheet.census.texts if _UNIT.fullmatch(c.shown)]
        self._said: dict[tuple[int, int], Evidence | None] = {}  # by the texts that say it
        self._evidences: dict[tuple[int, int, bool], Evidence | None] = {}  # by the texts that are a unit
        self._applied: dict[tuple[int, int], bool] = {}  # by the headings of columns beside units
        self._speaking: dict[int, bool] = {}  # by row
        self._of_row: dict[int, tuple[int, int, bool, Evidence | None] | None] = {}
        self._headed: dict[tuple[int, int, str], Evidence | None] = {}  # by column, last text above, number format
        # By the rows of the headings "Unit": the heading of what is counted in units.
        self._counts = {row: self._counted(row) for row, _ in self._unit_columns}
        self._is_bill = any(self._counts.values())

    def of(self, cell: Cell) -> Evidence | None:
        """The unit of a cell and where it is said; None where it is not, or where two places disagree."""
        shown_as = in_format(cell.look.format)
        if shown_as is not None and not shown_as[0]:
            return _SHARE
        speaks = self.speaks(cell.row)
        column = self.beside(cell) if speaks else None
        if column is not None:
            return None if _is_unsaid_share(cell, column) else column
        if self._is_bill and self._is_price_of_counted(cell):
            return None
        if speaks:
            label = self.label(cell)
            if label is not None and (self._in(label) is not None or read(str(label.shown)) is not None):
                return self._told(cell, shown_as)
        # Its row says nothing of a unit: what its column does is the same down to the next text.
        headed = (cell.column, bisect_left(self._above.get(cell.column, ()), cell.row), cell.look.format)
        if headed not in self._headed:
            self._headed[headed] = self._told(cell, shown_as)
        return self._headed[headed]

    def speaks(self, row: int) -> bool:
        """Whether a text of a row can say a unit."""
        found = self._speaking.get(row)
        if found is None:
            texts = (str(self.sheet.cells[row, c].shown) for c in self._left.get(row, ()))
            found = self._speaking[row] = any(_SAYS_MORE.search(t) or read(t) is not None for t in texts)
        return found

    def _counted(self, row: int) -> str:
        """The heading of what is counted, where a row of headings is that of a bill of quantities."""
        named = {self.sheet.text(row, c).casefold() for c in self._left.get(row, ())}
        return next((w for w in _COUNTED if w in named), "")

    def _is_price_of_counted(self, cell: Cell) -> bool:
        """Whether a cell of a bill of quantities is a price: of one of the row's unit, which its heading leaves out."""
        of_row = self._unit_column(cell.row)
        if of_row is None or not self._counts[of_row[0]]:
            return False
        return bool(_PRICE.search(self.sheet.text(of_row[0], cell.column)))

    def _told(self, cell: Cell, shown_as: tuple[Unit, str] | None) -> Evidence | None:
        """The unit that label, heading and format say."""
        said = [e for e in (self._label(cell), self._heading(cell)) if e is not None]
        if len(said) == 2 and said[0].measure != said[1].measure:
            return None
        if len(said) == 1 and self._differs(cell, said[0]):
            return None
        if said:
            return said[0]
        return Evidence(Measure.of(shown_as[0]), shown_as[1], "its number format") if shown_as else self._whole(cell)

    def _differs(self, cell: Cell, said: Evidence) -> bool:
        """Whether a label that is nothing but a unit, such as `Months`, is of another one than the heading."""
        label = self.label(cell)
        unit = read(str(label.shown)) if label is not None else None
        return bool(unit and Measure.of(unit).dims and Measure.of(unit) != said.measure)

    def label(self, cell: Cell) -> Cell | None:
        """The text that a row begins with, to the left of a cell; the nearest that is no unit."""
        columns = self._left.get(cell.row, [])
        for column in reversed(columns[: bisect_left(columns, cell.column)]):
            text = self.sheet.cells[cell.row, column]
            if read(str(text.shown)) is None or columns[0] == column:
                return text
        return None

    def headings(self, cell: Cell) -> Iterator[Cell]:
        """The text above a cell, and the one right above that."""
        rows = self._above.get(cell.column, [])
        n = bisect_left(rows, cell.row)
        if n:
            yield self.sheet.cells[rows[n - 1], cell.column]
            if n > 1 and rows[n - 2] == rows[n - 1] - 1:
                yield self.sheet.cells[rows[n - 2], cell.column]

    def beside(self, cell: Cell) -> Evidence | None:
        """The unit that a column of units says, or the cell next to it."""
        of_row, of_others = self._unit_column(cell.row), 0
        if of_row is not None:
            heading, column, is_said, said = of_row
            if is_said and column != cell.column and self._applies(heading, cell.column):
                return said
            of_others = column if self._counts[heading] else 0
        for column in (cell.column + 1, cell.column - 1):
            beside = self.sheet.cells.get((cell.row, column)) if column != of_others else None
            if beside is not None and isinstance(beside.shown, str) and beside.shown.strip() and not beside.formula:
                unit = read(beside.shown)
                if beside.column < cell.column and beside.column == self._left[cell.row][0]:
                    continue  # what the row is called: `Year`
                measured = unit == {} or (unit and (Measure.of(unit).dims or "percent" in unit))
                if unit == {} and len(beside.shown.strip()) < _SHORTEST_WORD:
                    continue  # "x" may be a mark
                if measured and len(beside.shown.strip()) < _LONGEST_UNIT:
                    return self._evidence(beside, unit)
        return None

    def _unit_column(self, row: int) -> tuple[int, int, bool, Evidence | None] | None:
        """Of a row's column of units: the row of its heading, its number, whether a text stands there, and its unit."""
        if not self._unit_columns:
            return None
        if row not in self._of_row:
            n = bisect_left(self._unit_columns, (row, 0))
            self._of_row[row] = self._said_in(row, *self._unit_columns[n - 1]) if n else None
        return self._of_row[row]

    def _said_in(self, row: int, heading: int, column: int) -> tuple[int, int, bool, Evidence | None]:
        text = self.sheet.at(row, column)
        if text is None or not isinstance(text.shown, str):
            return heading, column, False, None
        return heading, column, True, self._evidence(text, read(text.shown))

    def _applies(self, row: int, column: int) -> bool:
        """Whether the unit of a row is that of the figures below a heading."""
        if (row, column) not in self._applied:
            heading, counted = self.sheet.text(row, column).casefold(), self._counts[row]
            self._applied[row, column] = heading == counted if counted else not _OTHER.search(heading)
        return self._applied[row, column]

    def _label(self, cell: Cell) -> Evidence | None:
        label = self.label(cell)
        return None if label is None else self._in(label)

    def _heading(self, cell: Cell) -> Evidence | None:
        for n, heading in enumerate(self.headings(cell)):
            found = self._in(heading)
            if found is None and n:
                found = self._evidence(heading, read(str(heading.shown)))
            if found is not None:
                return found
        return None

    def _whole(self, cell: Cell) -> Evidence | None:
        """A label or heading that is a unit itself, such as `GPU-hours`: it may hide a scale, and is no proof."""
        texts = (self.label(cell), next(self.headings(cell), None))
        units = [read(str(t.shown)) if t is not None else None for t in texts]
        if all(units) and Measure.of(units[0] or {}) != Measure.of(units[1] or {}):
            return None
        for said, unit in zip(texts, units, strict=True):
            if said is not None and unit and {"h", "W", "FLOP"} & {k for k, _ in Measure.of(unit).dims}:
                return self._evidence(said, unit, strong=False)
        return None

    def _in(self, text: Cell) -> Evidence | None:
        where = (text.row, text.column)
        if where not in self._said:
            found = in_label(str(text.shown))
            self._said[where] = found and Evidence(Measure.of(found[0]), found[1], _place(text), unit=found[0])
        return self._said[where]

    def _evidence(self, cell: Cell, unit: Unit | None, strong: bool = True) -> Evidence | None:
        where = (cell.row, cell.column, strong)
        if where not in self._evidences:
            said = None
            if unit is not None:
                said = Evidence(Measure.of(unit), str(cell.shown).strip(), _place(cell), strong, unit)
            self._evidences[where] = said
        return self._evidences[where]


def _is_unsaid_share(cell: Cell, said: Evidence) -> bool:
    """Whether a figure of one at most is marked as a percentage, but not shown as one: 5% or 0.05%."""
    return said.unit == {"percent": 1} and cell.is_number and abs(float(cell.value or 0)) <= 1


def _place(cell: Cell) -> str:
    return f"{cell.sheet}!{cell.at}"
