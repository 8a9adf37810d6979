"""The one family of errors: what went wrong, its spreadsheet error value and its exit code."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

CELL_ERRORS = ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#SPILL!", "#CALC!", "#GETTING_DATA")


class XlEconError(Exception):
    """Base of every error that xl-econ raises on purpose; its text is one line for a person."""

    cell = "#VALUE!"
    exit_code = 3


class InputError(XlEconError, ValueError):
    """An input of the wrong type: text for a number, a blank where a value is required."""


class DomainError(InputError):
    """A number outside what the quantity can be, or a result that is not a finite number."""

    cell = "#NUM!"


class CellError(InputError):
    """An error value that came in as an input; it goes out as it came."""

    def __init__(self, message: str, cell: str) -> None:
        super().__init__(message)
        self.cell = cell


class NotAvailable(XlEconError, LookupError):
    """An unknown key, or a figure that does not exist."""

    cell = "#N/A"


class UsageError(XlEconError):
    """A command that cannot be understood."""

    exit_code = 2


class TraceError(XlEconError, TypeError):
    """A metric body did something that a spreadsheet cannot say."""


class UnitError(XlEconError, TypeError):
    """The units of a metric body do not add up."""


class TableError(XlEconError, ValueError):
    """A reference table has a row that cannot be accepted."""


class LayoutError(XlEconError, ValueError):
    """A template layout says something that cannot be built."""


class WorkbookError(XlEconError):
    """A workbook that cannot be read, recalculated or written."""

    exit_code = 4


def nearest(name: str, names: Iterable[str], cutoff: float = 0.5) -> str:
    """The tail of an error message: `"; did you mean 'H100 SXM'?"`, or nothing."""
    import difflib

    folded = {n.casefold(): n for n in names}
    close = difflib.get_close_matches(name.casefold(), folded, 1, cutoff)
    return f"; did you mean {folded[close[0]]!r}?" if close else ""
