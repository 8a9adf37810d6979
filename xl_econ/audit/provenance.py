"""Where the figures of a workbook come from, as the columns beside them say, and the prices of its own tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from xl_econ import __version__
from xl_econ.core.errors import XlEconError
from xl_econ.core.provenance import is_unsourced
from xl_econ.lint import areas
from xl_econ.tables import dates, queries
from xl_econ.tables.store import RATE_CARD
from xl_econ.tables.table import Table as ReferenceTable
from xl_econ.workbook.book import Cell, Sheet, Table
from xl_econ.workbook.cell import At

if TYPE_CHECKING:
    from .subject import Subject

SOURCES = ("source", "sources", "reference", "quelle")
DATES = ("as of", "as-of", "date", "price date", "retrieved", "dated", "updated", "quoted")
_HEADINGS = {*SOURCES, *DATES}
_MONEY = re.compile(r"usd|eur|[$€£]", re.I)
_DATED = re.compile(r"\b(19|20)\d\d\b")
_DAY = re.compile(r"\d{4}(-\d{2}){0,2}")
_OWN_DATE = re.compile(r"^(figures|prices|valuation|model|data|pricing)?\s*(as[ -]of|date)( date)?:?$", re.I)
_NOTHING = {"", "-", "?", "n/a", "na", "none", "tbd", "tbc", "todo", "unknown", "xxx"}
_TO_FIND = {"tbd", "tbc", "todo", "unknown", "xxx", "?", "??", "???"}


@dataclass(frozen=True)
class Entry:
    """A row of typed figures beside which a source or a date can stand.

    Attributes:
        cells: The figures that formulas read.
        label: What the row is called.
        unit: Its unit, as far as it says one.
        source: What stands in the column of sources; None where there is no such column.
        as_of: The same of dates, as ISO where it is a date.
        in_table: Whether the row is one of an Excel Table, which is looked up.
    """

    cells: tuple[Cell, ...]
    label: str
    unit: str
    source: str | None
    as_of: str | None
    in_table: bool

    @property
    def is_price(self) -> bool:
        return bool(_MONEY.search(self.unit)) or any(_MONEY.search(c.format) for c in self.cells)

    @property
    def is_sourced(self) -> bool:
        said = "" if self.source is None else self.source.casefold().strip(" .")
        return self.source is None or not (said in _NOTHING or is_unsourced(said))

    @property
    def is_dated(self) -> bool:
        return self.as_of is None or bool(_DATED.search(self.as_of)) or bool(_DATED.search(self.source or ""))


def entries(subject: Subject) -> Iterator[Entry]:
    """The rows of inputs that have a column of sources or dates beside them."""
    sheets = [s for s in subject.book.sheets.values() if _has_columns(s)]
    inputs: dict[tuple[str, int], list[Cell]] = {}
    for cell in subject.inputs if sheets else ():
        inputs.setdefault((cell.sheet, cell.row), []).append(cell)
    for sheet in sheets:
        for area in areas.of(sheet):
            yield from _of_area(subject, sheet, area, inputs)


def placeholders(subject: Subject) -> Iterator[Cell]:
    """What stands in a column of sources for one that is still to be found, where other rows have theirs."""
    for sheet in subject.book.sheets.values():
        below: dict[int, list[Cell]] = {}  # the texts of a column under its first heading
        for c in sheet.census.texts:
            if c.column in below and not c.formula:
                below[c.column].append(c)
            elif areas.folded(c.shown) in SOURCES:
                below.setdefault(c.column, [])
        for texts in below.values():
            open_ = [c for c in texts if str(c.shown).casefold().strip(" .") in _TO_FIND]
            if len(open_) < len(texts):
                yield from open_


def _has_columns(sheet: Sheet) -> bool:
    """Whether a sheet can have a column of sources or dates; telling its areas apart takes longer."""
    return any(areas.folded(c.shown) in _HEADINGS for c in sheet.census.texts)


def _of_area(
    subject: Subject, sheet: Sheet, area: areas.Area, inputs: dict[tuple[str, int], list[Cell]]
) -> Iterator[Entry]:
    source, as_of = area.column(*SOURCES), area.column(*DATES)
    if source is None and as_of is None:
        return
    table = next((t for t in sheet.tables if t.area[0] == area.heading and t.area[2] in area.columns.values()), None)
    rows = table.body if table else range(area.heading + 1, area.last + 1)
    named = {n for n, c in area.columns.items()}
    about = {area.columns[n] for n in named if n in areas.ABOUT or n in SOURCES or n in DATES}
    last = table.area[3] if table else 1 << 14
    is_ours, key = "inputs.case" in subject.book.names, area.column("key")
    for row in rows if table else sorted({r for (s, r) in inputs if s == sheet.name and r in rows}):
        found = [c for c in inputs.get((sheet.name, row), ()) if c.column not in about and c.column <= last]
        found = [c for c in found if not c.look.is_date and not subject.as_built(c)]
        label = next((t for c in range(1, min((c.column for c in found), default=1)) if (t := sheet.text(row, c))), "")
        # The constants of our definitions stand below the inputs, and have no key.
        if not found or (is_ours and key is not None and not sheet.text(row, key)):
            continue
        unit = (
            sheet.text(row, area.unit)
            if area.unit
            else " ".join(n for n, c in area.columns.items() if c == found[0].column)
        )
        yield Entry(
            tuple(sorted(found, key=lambda c: c.column)),
            label,
            unit,
            None if source is None else sheet.text(row, source),
            None if as_of is None else _date(subject, sheet, row, as_of),
            table is not None,
        )


def _date(subject: Subject, sheet: Sheet, row: int, column: int) -> str:
    cell = sheet.at(row, column)
    day = None if cell is None else subject.book.date(cell)
    return day.isoformat() if day else sheet.text(row, column)


def dates_of(subject: Subject) -> Iterator[list[tuple[Cell, date]]]:
    """The dates of every column of dates, each with its cell."""
    for sheet in subject.book.sheets.values():
        heads = [c for c in sheet.census.texts if areas.folded(c.shown) in DATES]
        columns: dict[int, list[int]] = {}
        for head in heads:
            columns.setdefault(head.column, []).append(head.row)
        found: dict[int, list[tuple[Cell, date]]] = {column: [] for column in columns}
        for (row, column), cell in sheet.cells.items() if columns else ():
            if column in columns and row > columns[column][0] and not cell.formula:
                day = subject.book.date(cell) or day_of(cell.text.strip())
                if day:
                    found[column].append((cell, day))
        yield from found.values()


def day_of(text: str) -> date | None:
    """The last day that a date in ISO form can mean; None where it is none."""
    try:
        return queries.latest_day(text, date.max) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def own_date(subject: Subject) -> date | None:
    """The date that a workbook says it is of: a cell beside "Figures as of", "Prices as of", "Date".

    One that says none is at least of the date that its figures are of; not the last of them, which may be mistyped.
    """
    for sheet in subject.book.sheets.values():
        for cell in sheet.census.texts:
            if _OWN_DATE.match(cell.shown.strip()):
                beside = sheet.at(cell.row, cell.column + 1)
                found = None if beside is None else subject.book.date(beside) or day_of(beside.text)
                if found:
                    return found
    days = sorted({day for entry in subject.entries if (day := day_of(entry.as_of or ""))})
    return days[-2] if len(days) > 1 else None


# -- the workbook's own rate card -------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Price:
    """A row of one of our tables in a workbook, with the row of that key in the rate card, if it has one."""

    sheet: Sheet
    table: Table
    reference: ReferenceTable
    row: int
    values: dict[str, Any]
    shipped: tuple[Any, ...]

    def place(self, column: str) -> At:
        return At(self.row, self.table.area[2] + self.table.columns.index(column))

    def cell(self, column: str) -> Cell | None:
        return self.sheet.at(*self.place(column))


def prices(subject: Subject) -> Iterator[Price]:
    """The rows of our tables as they stand in a workbook."""
    by_name = {t.sheet.casefold(): t for t in RATE_CARD.values()}
    for table in subject.book.tables.values():
        reference = by_name.get(table.name.casefold())
        if reference is None or reference.key not in table.columns:
            continue
        sheet = subject.book.sheets[table.sheet]
        for row in table.body:
            cells = {name: sheet.at(row, table.area[2] + n) for n, name in enumerate(table.columns)}
            values = {n: None if c is None or c.shown == "" else c.shown for n, c in cells.items()}
            key = values.get(reference.key)
            key = float(key) if type(key) is int else key
            known = [rows[key] for rows in (reference.rows, reference.shipped) if key in rows]
            yield Price(sheet, table, reference, row, values, tuple(known))


def is_other_version(subject: Subject) -> bool:
    """Whether the tables are as another version of xl-econ built them, which knew other figures."""
    if subject.manifest is None:
        return False
    from xl_econ.templates import held
    from xl_econ.templates.edited import Edited

    try:
        edited = Edited(subject.path)
        return edited.stamp.program != __version__ and edited.stamp.tables == held.tables_hash(
            subject.manifest.books.b, edited.layout, {}
        )
    except XlEconError:
        return False


def changed(price: Price) -> Iterator[tuple[str, float, float]]:
    """The figures of a row that differ although its source and date are those of the rate card: column, was, is."""
    if not price.shipped or any(_same(price, row) for row in price.shipped):
        return
    for row in price.shipped:
        if _text(price.values.get("source")) == row.source and _iso(price.values.get("as_of")) == row.as_of:
            for column in price.table.columns:
                was, now = getattr(row, column, None), price.values.get(column)
                if isinstance(was, float) and isinstance(now, int | float) and not _equal(was, float(now)):
                    yield column, was, float(now)
            return


def emptied(price: Price) -> Iterator[tuple[str, float]]:
    """The figures that a row lacks although its source and date are those of the rate card: column, was."""
    row = next((r for r in price.shipped[::-1] if _text(price.values.get("source")) == r.source), None)
    if row is not None and _iso(price.values.get("as_of")) == row.as_of:
        for column in price.table.columns:
            was = getattr(row, column, None)
            if isinstance(was, float) and price.values.get(column) is None:
                yield column, was


def _same(price: Price, row: Any) -> bool:
    figures = ((getattr(row, c, None), price.values.get(c)) for c in price.table.columns)
    return all(_equal(a, b) for a, b in figures if isinstance(a, float) and isinstance(b, int | float))


def _equal(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-9 * max(abs(a), abs(b))


def conflicts(price: Price) -> Iterator[tuple[str, float, Any]]:
    """The prices of the rate card for the same offer that lie too far from a row's own: column, price, its row."""
    offer, wanted = price.reference.offer, price.values
    if not offer or any(_same(price, row) for row in price.shipped):
        return
    for column in price.reference.prices:
        mine = wanted.get(column)
        if not isinstance(mine, int | float) or mine <= 0:
            continue
        rows = [
            r
            for r in price.reference.rows.values()
            if all(str(getattr(r, c)).casefold() == _text(wanted.get(c)).casefold() for c in offer)
            and getattr(r, column)
            and not str(getattr(r, "case", "")).startswith("seed")
        ]
        near = min(rows, key=lambda r: abs(getattr(r, column) - mine), default=None)
        if near is not None:
            theirs = getattr(near, column)
            if max(mine, theirs) / min(mine, theirs) - 1 > queries.SPREAD:
                yield column, theirs, near


def _text(value: Any) -> str:
    return "" if value is None else f"{value:.15g}" if isinstance(value, float) else str(value).strip()


def _iso(value: Any) -> str:
    try:
        return str(dates.iso(value))
    except ValueError:
        return ""
