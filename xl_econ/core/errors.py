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
    """The tail of an error message: `"; did you mean 'H100 SXM'?"`, or nothing.

    Case, blanks, hyphens and underscores do not count. Of the names that resemble the typed text, one that begins with
    it comes first: who types the beginning of a name means that name.

    Args:
        name: The text that was typed.
        names: The names that there are; of those that differ in nothing that counts, the first is shown.
        cutoff: How alike a name must be, from 0 to 1.
    """
    import difflib

    typed = _plain(name)
    plain = {_plain(n): n for n in reversed(list(names))}
    close = difflib.get_close_matches(typed, plain, max(len(plain), 1), cutoff)
    best = next((n for n in close if n.startswith(typed)), close[0] if close else None)
    return "" if best is None else f"; did you mean {plain[best]!r}?"


def _plain(name: str) -> str:
    """A name without what people spell in many ways."""
    return "".join(c for c in name.casefold() if c not in "-_" and not c.isspace())
