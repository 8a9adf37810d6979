"""The registry of rules: an id, how grave a breach is, what it means and how to mend it; one function each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from xl_econ.workbook.book import Book, Cell

ERROR, WARNING = "error", "warning"
# What a rule finds: a sheet and a cell ("" where it is about more than a cell), what is wrong.
Found = tuple[str, str, str]
Check = Callable[[Book], Iterator[Found]]


@dataclass(frozen=True)
class Rule:
    """A convention: `meaning` says what is wrong where it is broken, `remedy` what to do."""

    id: str
    severity: str
    meaning: str
    remedy: str
    check: Check


@dataclass(frozen=True)
class Finding:
    """A breach of a rule in a workbook, and how to mend it."""

    sheet: str
    cell: str
    rule: str
    severity: str
    message: str
    remedy: str


RULES: dict[str, Rule] = {}


def rule(name: str, severity: str, meaning: str, remedy: str) -> Callable[[Check], Check]:
    """Register a rule."""

    def add(check: Check) -> Check:
        RULES[name] = Rule(name, severity, meaning, remedy, check)
        return check

    return add


def here(cell: Cell, message: str) -> Found:
    """A finding about a cell."""
    return cell.sheet, cell.at, message


def short(text: str, longest: int = 60) -> str:
    """A text as it fits into a message, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 3] + "..."
