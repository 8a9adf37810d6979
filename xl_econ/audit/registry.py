"""The registry of checks: an id, how grave a finding is, what it means and what to do; one function each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xl_econ.workbook.book import Cell

if TYPE_CHECKING:
    from .subject import Subject

INFO, WARNING, ERROR = SEVERITIES = ("info", "warning", "error")  # in the order of their weight


@dataclass(frozen=True)
class Found:
    """What a check finds.

    Attributes:
        sheet: The sheet, "" for the workbook.
        cell: The cell, "" where it is about more than a cell.
        message: What is wrong, in one line.
        value: What stands there.
        expected: What should, where that can be said.
        severity: Another severity than the check's own.
    """

    sheet: str
    cell: str
    message: str
    value: Any = None
    expected: Any = None
    severity: str = ""


@dataclass(frozen=True)
class Finding:
    """A finding as every report gives it.

    `label` is what the sheet calls the cell: a finding is known again by it when rows were inserted above.
    """

    file: str
    sheet: str
    cell: str
    check: str
    severity: str
    message: str
    value: Any = None
    expected: Any = None
    label: str = ""

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return "!".join(filter(None, (self.sheet, self.cell))) or "workbook"


@dataclass(frozen=True)
class Accepted:
    """A finding that is accepted, and by whom."""

    finding: Finding
    reason: str
    name: str
    date: str


Function = Callable[["Subject"], Iterator[Found]]


@dataclass(frozen=True)
class Check:
    """A check: `meaning` says what a finding of it means, `remedy` what to do."""

    id: str
    severity: str
    meaning: str
    remedy: str
    run: Function


CHECKS: dict[str, Check] = {}


def every() -> dict[str, Check]:
    """All checks by id; their modules are loaded, which whoever only waits for a report can do without."""
    from . import acceptances, checks  # noqa: F401  (they register themselves)

    return CHECKS


def check(name: str, severity: str, meaning: str, remedy: str) -> Callable[[Function], Function]:
    """Register a check.

    Args:
        name: Its id: kebab-case, never changed once released, because baselines and acceptances name it.
        severity: "error": the number is wrong or cannot be trusted; "warning": somebody should look; "info".
        meaning: What a finding means, for the documentation.
        remedy: What to do about it.
    """

    def add(function: Function) -> Function:
        if name in CHECKS or severity not in SEVERITIES:
            raise ValueError(f"check {name!r}: there already, or of no severity {severity!r}")
        CHECKS[name] = Check(name, severity, meaning, remedy, function)
        return function

    return add


def at(cell: Cell, message: str, expected: Any = None, severity: str = "") -> Found:
    """A finding about a cell."""
    return Found(cell.sheet, cell.at, message, cell.shown, expected, severity)
