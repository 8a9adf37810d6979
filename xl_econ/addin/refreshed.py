"""The reference tables of the open workbook against those in use: what would change, and writing it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xl_econ.core.errors import UsageError, WorkbookError
from xl_econ.hosts.marshal import incoming
from xl_econ.tables import genai, refresh, store
from xl_econ.tables.store import RATE_CARD
from xl_econ.tables.table import replaced
from xl_econ.templates.reprice import RowChange, TableChanges, changes
from xl_econ.workbook.cell import At
from xl_econ.workbook.grid import Grid, GridCell, GridSheet, TableArea

from . import excel

PRICES = "api_prices"


class OpenGrid(Grid):
    """The reference tables of an open workbook, read from Excel.

    Args:
        book: The workbook.
    """

    def __init__(self, book: Any) -> None:
        ours = {t.sheet.casefold() for t in RATE_CARD.values()}
        self.path, self.names, self.sheets = Path(book.name), {}, {}
        for sheet, table in excel.tables(book):
            body = table.data_body_range
            if str(table.name).casefold() in ours and body is not None:
                held = self.sheets.setdefault(sheet.name, GridSheet(sheet.name, {}))
                held.tables.append(_area(table, sheet.name, body, held.cells))


def _area(table: Any, sheet: str, body: Any, cells: dict[At, GridCell]) -> TableArea:
    """A table, whose cells are added to those of its sheet."""
    row, column, (rows, columns) = body.row, body.column, body.shape
    headings = _rows(table.header_row_range.api.Value2)[0]
    values, formulas = _rows(body.api.Value2), _rows(body.api.Formula)
    for r in range(rows):
        for c in range(columns):
            text = formulas[r][c]
            formula = text.removeprefix("=") if isinstance(text, str) and text.startswith("=") else None
            # An apostrophe before =a makes it a text, whose formula is the text itself.
            formula = None if values[r][c] == text else formula
            if values[r][c] is not None or formula is not None:
                cells[At(row + r, column + c)] = GridCell(formula, incoming(values[r][c]), ())
    named = {column + n: str(h) for n, h in enumerate(headings)}
    return TableArea(str(table.name), sheet, named, range(row, row + rows))


def _rows(found: Any) -> tuple[tuple[Any, ...], ...]:
    """A range's cells as rows; one cell alone comes as it is."""
    return found if isinstance(found, tuple) else ((found,),)


@dataclass
class Plan:
    """What a refresh does to the tables of a workbook.

    Attributes:
        rows: The rows that change.
        newer: Rows of the workbook that are younger than those in use, and kept: table and key.
        found: Everything that differs.
        source: Where the new figures are from.
    """

    rows: list[RowChange] = field(default_factory=list)
    newer: list[tuple[str, str]] = field(default_factory=list)
    found: TableChanges = field(default_factory=TableChanges)
    source: str = ""

    def question(self, shown: int) -> str:
        """What would change, for a person who decides."""
        figures = [
            f"{r.key}, {c.column}: {_short(c.old)} -> {_short(c.new)}"
            for r in self.rows
            for c in r.cells
            if c.column not in ("source", "as_of", "grade", "note")
        ]
        more = [f"and {len(figures) - shown} more"] if len(figures) > shown else []
        cells = sum(len(r.cells) for r in self.rows)
        head = f"{len(self.rows)} rows would change, {len(figures)} figures in them ({self.source})."
        return "\n".join([head, *figures[:shown], *more, self.remarks(), f"Write {cells} cells? There is no undo."])

    def remarks(self) -> str:
        """What is kept as it is."""
        kept = (
            (len(self.newer), "rows are younger in the workbook and kept"),
            (len(self.found.removed), "rows are the workbook's own and kept"),
            (len(self.found.added), "rows in use are not in the workbook and not added"),
        )
        return "; ".join(f"{n} {text}" for n, text in kept if n)


def plan(book: Any) -> Plan:
    """What the tables in use, with the prices of an installed genai-prices, change in a workbook.

    Raises:
        WorkbookError: No table of ours in it, a figure that changes is a formula, or a sheet is protected.
        TableError: The rate card in use cannot be read.
    """
    grid = OpenGrid(book)
    found, source = _against(grid)
    made = Plan(found=found, source=source)
    for row in found.rows:
        dates = [c for c in row.cells if c.column == "as_of"]
        if dates and str(dates[0].old or "") > str(dates[0].new or ""):
            made.newer.append((row.table, row.key))
        else:
            made.rows.append(row)
    protected = {c.at[0] for r in made.rows for c in r.cells if excel.is_protected(book.sheets[c.at[0]])}
    if protected:
        listed = ", ".join(sorted(protected))
        raise WorkbookError(f"{book.name}: protected: {listed}; unprotect it (Review, Unprotect Sheet) first")
    return made


def _against(grid: Grid) -> tuple[TableChanges, str]:
    from xl_econ.workbook import rate_card

    card = rate_card.current()
    source = f"rate card {card.name}" if card else "the shipped tables"
    try:
        found = refresh.api_prices(store.get(PRICES), genai.read())
    except UsageError:  # the package is not installed
        return changes(grid), f"{source}; genai-prices is not installed"
    with replaced({PRICES: found.rows}):
        return changes(grid), f"{source}; {found.package} {found.version}"


def write(app: Any, book: Any, made: Plan) -> int:
    """Write the cells that change, all or none; answers with their number.

    Raises:
        WorkbookError: Excel refused a cell; those written before it hold what they held.
    """
    done: list[tuple[Any, Any]] = []
    with app.properties(screen_updating=False, calculation="manual"):
        for row in made.rows:
            for change in row.cells:
                cell = book.sheets[change.at[0]].range(change.at[1])
                old = cell.api.Value2
                try:
                    cell.raw_value = excel.typed(change.new, cell)
                except Exception as e:
                    _put_back(done)
                    place = excel.place_of(cell.sheet, change.at[1])
                    raise WorkbookError(
                        f"{place} cannot be written, so nothing was changed: {excel.refusal(e)}"
                    ) from None
                done.append((cell, old))
    return len(done)


def _put_back(done: list[tuple[Any, Any]]) -> None:
    for cell, old in reversed(done):
        with suppress(Exception):  # what can be put back is
            cell.raw_value = excel.typed(old, cell)


def _short(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str("(empty)" if value is None else value)
    return text if len(text) <= 40 else text[:37] + "..."
