"""What the macros ask of Excel, through xlwings' object model: the open workbook, free cells, texts as they are.

Nothing here knows the economics. Values go in and out as Excel holds them (`Value2`), so that no currency is rounded
and no text is taken for a date or a formula.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from xl_econ.core.errors import UsageError, WorkbookError, XlEconError
from xl_econ.workbook.cell import COLUMNS, ROWS

LONGEST_SHEET_NAME = 31
LONGEST_EVALUATED = 255  # characters of an expression, in Excel
LONGEST_MESSAGE = 1000  # characters that a message box shows
_TEXT = "@"
_BUSY = -2147418111  # RPC_E_CALL_REJECTED: a cell is being edited, or a dialog is open


def application() -> Any:
    """The Excel that is in front.

    Raises:
        UsageError: There is none.
    """
    import xlwings as xw

    if not len(xw.engines) or (app := xw.apps.active) is None:
        raise UsageError("Excel is not running, or does not answer; press the button again when it is ready")
    return app


def open_book(app: Any) -> Any | None:
    """The workbook in front; None where none is open. A hidden one, as that of personal macros, is none."""
    try:
        book = app.books.active
        return book if book.name else None
    except Exception:  # Excel answers with nothing, which has no name
        return None


def needed_book(app: Any) -> Any:
    """The workbook in front.

    Raises:
        UsageError: None is open.
    """
    book = open_book(app)
    if book is None:
        raise UsageError("no workbook is open; open the one that is meant, then press the button again")
    return book


def told(macro: Callable[..., str]) -> Callable[..., str]:
    """A macro that never raises: what went wrong is its answer, for a message box."""

    @wraps(macro)
    def answer(*args: Any) -> str:
        try:
            found = macro(*args)
        except XlEconError as e:
            found = str(e)
        except Exception as e:  # a traceback helps nobody
            found = refusal(e)
        return found if len(found) <= LONGEST_MESSAGE else found[: LONGEST_MESSAGE - 4] + " ..."

    return answer


def refusal(error: Exception) -> str:
    """What Excel said when it refused something: a COM error carries it in the third of its arguments."""
    if getattr(error, "hresult", error.args[0] if error.args else None) == _BUSY:
        return "Excel is busy; finish typing in the cell, then press the button again"
    said = error.args[2] if len(error.args) > 2 else None
    if isinstance(said, tuple) and len(said) > 2 and said[2]:
        return f"Excel refused: {said[2]}"
    return f"internal error, please report it: {type(error).__name__}: {error}"


def is_protected(sheet: Any) -> bool:
    """Whether the cells of a sheet are locked."""
    return bool(sheet.api.ProtectContents)


def check_structure(book: Any) -> None:
    """Refuse a workbook to which no sheet can be added.

    Raises:
        WorkbookError: Its structure is protected, or it is shared as read-only.
    """
    if book.api.ProtectStructure:
        raise WorkbookError(
            f"{book.name}: no sheet can be added, the structure is protected; unprotect it (Review, Protect Workbook)"
        )


def place_of(sheet: Any, address: str) -> str:
    """A cell as a message names it."""
    name = sheet.name if sheet.name.isidentifier() else "'{}'".format(sheet.name.replace("'", "''"))
    return f"{name}!{address.replace('$', '')}"


def evaluated(sheet: Any, expression: str) -> Any:
    """What an expression of a formula is on a sheet, as `Value2` gives it.

    Raises:
        UsageError: Excel does not evaluate a text so long.
    """
    if len(expression) > LONGEST_EVALUATED:
        start = expression[:40]
        raise UsageError(
            f"the argument {start}... has {len(expression)} characters and Excel evaluates {LONGEST_EVALUATED}; put it "
            "into a cell of its own and refer to that"
        )
    found = sheet.api.Evaluate(expression)
    return found if isinstance(found, int | float | str | tuple | None) else found.Value2


def is_free(sheet: Any, row: int, column: int, rows: int, columns: int, but: tuple[int, int]) -> bool:
    """Whether cells, and one around them on every side, are there and hold nothing.

    Args:
        sheet: The worksheet.
        row: First row of the block.
        column: Its first column.
        rows: How many rows.
        columns: How many columns.
        but: A cell that may hold something.
    """
    top, left = max(row - 1, 1), max(column - 1, 1)
    bottom, right = row + rows, column + columns
    if bottom > ROWS or right > COLUMNS:
        return False
    around = sheet.range((top, left), (bottom, right))
    if around.merge_cells is not False:  # None where some are
        return False
    formulas, values = around.api.Formula, around.api.Value2
    return all(
        (top + r, left + c) == but or (formula == "" and values[r][c] is None)
        for r, line in enumerate(formulas)
        for c, formula in enumerate(line)
    )


def new_sheet(book: Any, wanted: str) -> Any:
    """A sheet behind the others under that name, or that name with a number.

    Raises:
        WorkbookError: The workbook's structure is protected.
    """
    check_structure(book)
    taken = _sheet_names(book)
    name, n = wanted[:LONGEST_SHEET_NAME], 1
    while name.casefold() in taken:
        n += 1
        name = f"{wanted[: LONGEST_SHEET_NAME - 4]} {n}"
    return book.sheets.add(name, after=book.sheets[len(book.sheets) - 1])


def write(sheet: Any, row: int, column: int, lines: Sequence[Sequence[Any]]) -> Any:
    """Write rows of equal length, the first of them bold; texts stay texts, whatever they look like.

    Returns:
        The range.
    """
    last = column + len(lines[0]) - 1
    area = sheet.range((row, column), (row + len(lines) - 1, last))
    area.raw_value = [[typed(v) for v in line] for line in lines]
    sheet.range((row, column), (row, last)).font.bold = True
    return area


def typed(value: Any, cell: Any = None) -> Any:
    """A value as it is given to a cell: Excel would take =a, -a, 1/2 and 2026-08 for what they are not.

    Args:
        value: The value.
        cell: The cell, if it may be one of text format, which takes texts as they are.
    """
    if not isinstance(value, str) or not value or (cell is not None and cell.number_format == _TEXT):
        return value
    return f"'{value}"


def has_sheets(book: Any, names: Sequence[str]) -> list[str]:
    """Those of the names that the workbook's sheets have already."""
    taken = _sheet_names(book)
    return [n for n in names if n.casefold() in taken]


def _sheet_names(book: Any) -> set[str]:
    return {str(sheet.Name).casefold() for sheet in book.api.Sheets}  # xlwings' own list lacks chart sheets


def has_names(book: Any, names: Sequence[str]) -> list[str]:
    """Those of the names that are defined already, for the workbook or for one of its sheets."""
    taken = {str(n.name).rpartition("!")[2].casefold() for n in book.names}
    return [n for n in names if n.casefold() in taken]


def tables(book: Any) -> list[tuple[Any, Any]]:
    """Every Excel Table with its sheet."""
    return [(sheet, table) for sheet in book.sheets for table in sheet.tables]
