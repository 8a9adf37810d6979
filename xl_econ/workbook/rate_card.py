"""The rate card: a workbook whose Excel Tables take the place of the shipped reference tables."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from xl_econ.core.errors import InputError, TableError, WorkbookError, XlEconError, nearest
from xl_econ.core.quantity import clean, is_blank
from xl_econ.tables.read import check_rows, index
from xl_econ.tables.store import RATE_CARD
from xl_econ.tables.table import Table, use_rows

VARIABLE = "XL_ECON_RATE_CARD"
FRESH_SECONDS = 1.0  # a look-up of many keys must not ask a network drive for each whether the file has changed

Tables = Mapping[str, dict[Any, Any]]  # rows by key, by table name


class _Card:
    """The rate card in use, read again when its file has changed."""

    def __init__(self) -> None:
        self.chosen: str | None = None
        self.path: str | None = None
        self.stamp: tuple[int, int] = (0, 0)
        self.checked = 0.0
        self.tables: Tables = {}
        self.error: XlEconError | None = None

    def rows(self) -> Tables:
        """The tables of the rate card in use; nothing when there is none."""
        path = self.chosen or os.environ.get(VARIABLE)
        if not path:
            return {}
        if path != self.path or time.monotonic() - self.checked >= FRESH_SECONDS:
            self._refresh(path)
        if self.error:
            raise self.error.with_traceback(None)
        return self.tables

    def _refresh(self, path: str) -> None:
        try:
            found = Path(path).stat()
        except OSError as e:
            raise WorkbookError(f"{path}: {e.strerror or e} (the rate card)") from None
        stamp = (found.st_mtime_ns, found.st_size)
        if path != self.path or stamp != self.stamp:
            self.tables, self.error = {}, None
            try:
                self.tables = read(Path(path))
            except XlEconError as e:
                self.error = e
            self.path, self.stamp = path, stamp
        self.checked = time.monotonic()


_card = _Card()
use_rows(_card.rows)


def use(path: str | os.PathLike[str] | None) -> None:
    """Make every host read the tables of a rate card; a table that it does not hold is the shipped one.

    Args:
        path: The workbook; None goes back to the one that XL_ECON_RATE_CARD names, or to the shipped tables.

    Raises:
        TableError: A cell that cannot be accepted; says which, and why. What was in use stays in use.
        WorkbookError: The file cannot be read.
    """
    before, _card.chosen = _card.chosen, None if path is None else str(Path(path).absolute())
    _card.checked = -FRESH_SECONDS
    try:
        if path is not None:
            _card.rows()
    except BaseException:
        _card.chosen = before
        raise


@contextlib.contextmanager
def using(path: Path | None) -> Iterator[None]:
    """A rate card for a while; with None whatever is in use.

    Raises:
        TableError, WorkbookError: As `use`.
    """
    before = _card.chosen
    if path is not None:
        use(path)
    try:
        yield
    finally:
        _card.chosen = before


def current() -> Path | None:
    """The rate card in use."""
    path = _card.chosen or os.environ.get(VARIABLE)
    return Path(path) if path else None


def held() -> list[Table]:
    """The tables that come from the rate card in use.

    Raises:
        TableError, WorkbookError: As `use`.
    """
    return [RATE_CARD[name] for name in _card.rows()]


def read(path: Path) -> Tables:
    """The tables of a workbook, found by the names of its Excel Tables wherever they stand.

    Raises:
        TableError: No table of ours, a missing column, another unit, or a cell that cannot be accepted: says which.
        WorkbookError: The file cannot be read.
    """
    from .read import load

    texts, values = load(path, values=False), load(path, values=True)
    by_sheet_name = {t.sheet.casefold(): t for t in RATE_CARD.values()}
    found, others = {}, []
    for sheet in values.worksheets:
        for area in sheet.tables.values():
            table = by_sheet_name.get(area.displayName.casefold())
            if table is None:
                others.append((sheet.title, area))
            else:
                found[table.name] = _Area(path.name, table, sheet, texts[sheet.title], area).rows()
    missing = [t.sheet for t in RATE_CARD.values() if t.name not in found]
    for title, area in others:
        # A name mistyped would quietly bring the shipped prices back.
        if hint := nearest(area.displayName.rstrip("_0123456789"), missing, 0.85):
            raise TableError(f"{path.name}, {place(title, area.ref)}: unknown table {area.displayName!r}{hint}")
    for sheet in values.worksheets:
        if sheet.title.casefold() in {name.casefold() for name in missing}:
            raise TableError(f"{path.name}, {sheet.title}: the sheet has lost its Excel Table {sheet.title}")
    if not found:
        raise TableError(f"{path.name}: holds none of the tables {', '.join(missing)}")
    return {name: found[name] for name in RATE_CARD if name in found}  # whatever the order of the sheets


def place(sheet: str, cells: str) -> str:
    """Cells of a sheet as a formula names them."""
    return f"{sheet}!{cells}" if sheet.isidentifier() else "'{}'!{}".format(sheet.replace("'", "''"), cells)


class _Area:
    """One Excel Table of a rate card, being read.

    Args:
        book: File name, for errors.
        table: The reference table that it stands for.
        values: Its sheet with the stored values.
        texts: Its sheet with the formulas.
        area: The table as openpyxl has it.
    """

    def __init__(self, book: str, table: Table, values: Any, texts: Any, area: Any) -> None:
        from openpyxl.utils import range_boundaries

        self.book, self.table, self.values, self.texts = book, table, values, texts
        try:
            corners: Any = range_boundaries(area.ref)
        except ValueError as e:
            raise WorkbookError(f"{book}: table {area.displayName}: {e}") from None
        left, self.top, right, bottom = corners
        self.body = range(self.top + 1, min(bottom - (area.totalsRowCount or 0), values.max_row) + 1)
        if area.headerRowCount == 0:
            raise TableError(f"{book}, {place(values.title, area.ref)}: the table {area.displayName} has no header row")
        self.columns = {n: str(values.cell(self.top, n).value or "").strip() for n in range(left, right + 1)}
        self._leave_out_worked()
        self.at_column = {name: n for n, name in self.columns.items()}
        self.lines: list[int] = []  # of the sheet, that hold a row
        below = self.values.cell(bottom + 1, left)
        if not is_blank(below.value) and not area.totalsRowCount:
            # A program that adds a row does not widen the table as Excel does, and the row would not count.
            raise TableError(
                f"{self._at(bottom + 1, left)}: stands below the table {area.displayName}; widen the table over the row"
            )

    def _leave_out_worked(self) -> None:
        """Columns under headings of their own that hold formulas are what the sheet works out from its figures.

        Raises:
            TableError: A value stands among the formulas.
        """
        for n, name in [(n, name) for n, name in self.columns.items() if name not in self.table.columns]:
            filled = [line for line in self.body if not is_blank(self.texts.cell(line, n).value)]
            typed = [line for line in filled if self.texts.cell(line, n).data_type != "f"]
            if 2 * len(typed) >= len(filled):
                continue  # no such column: the check of the header says so
            if typed:
                where = f"{self._at(typed[0], n)}, column {name}"
                raise TableError(f"{where}: a value where the sheet works one out; copy the formula of another row")
            del self.columns[n]

    def rows(self) -> dict[Any, Any]:
        """The rows of the table, every cell checked."""
        for name in self.columns.values():
            if name in self.table.columns:
                self._check_unit(name)
        header = f"{self._at(self.top, min(self.columns))}:{self._cell(self.top, max(self.columns))}"
        found = check_rows(self.table, header, self.columns.values(), self._raw(), self._place)
        numbers = dict(zip(found, self.lines, strict=True))
        index(found, lambda key: self._at(numbers[key], self.at_column[self.table.key]))
        return found

    def _raw(self) -> Iterator[dict[str, Any]]:
        for line in self.body:
            row = {name: self._value(line, n, name) for n, name in self.columns.items()}
            if any(v is not None for v in row.values()):
                self.lines.append(line)
                yield row

    def _value(self, line: int, n: int, name: str) -> Any:
        """The value of a cell as the row model takes it."""
        from xl_econ.tables.rows import quantity

        cell = self.values.cell(line, n)
        value = cell.value
        where = f"{self._at(line, n)}, column {name}"
        if value is None and self.texts.cell(line, n).data_type == "f" and cell.data_type != "str":
            raise TableError(f"{where}: the formula has no stored value; open the workbook, calculate and save it")
        if is_blank(value):
            return None
        if cell.data_type == "e":
            raise TableError(f"{where}: {value}: an error value")
        q = quantity(self.table.model, name)
        if q is None or q.is_text:
            return _text(value)
        try:
            return clean("", q, value)
        except InputError as e:
            raise TableError(f"{where}: {e}") from None

    def _check_unit(self, name: str) -> None:
        """Refuse a figure whose heading says another unit than the product's: nothing is converted."""
        n, unit = self.at_column[name], self.table.unit(name)
        if self.top == 1 or unit in ("text", "any"):
            return
        given = self.values.cell(self.top - 1, n).value
        if not is_blank(given) and str(given).strip() != unit:
            where = f"{self._at(self.top - 1, n)}, column {name}"
            raise TableError(f"{where}: {str(given)!r}: the unit above the heading must be {unit!r}, or nothing")

    def _place(self, number: int, column: str) -> str:
        """Where a row of the check and a column stand: the header is row 1."""
        line = self.top if number == 1 else self.lines[number - 2]
        return self._at(line, self.at_column.get(column, min(self.columns)))

    def _at(self, line: int, n: int) -> str:
        return f"{self.book}, {place(self.values.title, self._cell(line, n))}"

    @staticmethod
    def _cell(line: int, n: int) -> str:
        from openpyxl.utils import get_column_letter

        return f"{get_column_letter(n)}{line}"


def _text(value: Any) -> Any:
    """A text column's value; Excel makes a number or a date of 2026 and 2026-08-01 when they are typed."""
    if isinstance(value, datetime | date):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.15g}"
    return value
