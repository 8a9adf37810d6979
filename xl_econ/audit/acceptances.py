"""Findings that somebody accepts in the workbook itself, with a reason and a name.

They stand on a sheet "Accepted findings" below the headings check, sheet, cell, reason, name and date. The cell may be
an address, a defined name or what the sheet calls the cell; the last two stay true when rows are inserted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xl_econ.core.errors import nearest
from xl_econ.workbook.book import Book, Cell

from .labels import Labels
from .registry import CHECKS, WARNING, Accepted, Finding, Found, at, check
from .subject import Subject

SHEET = "Accepted findings"
_COLUMNS = ("check", "sheet", "cell", "reason", "name", "date")
_OWN = ("acceptance-incomplete", "acceptance-stale")


@dataclass(frozen=True)
class Acceptance:
    """A row of the list; `at` is its first cell."""

    at: Cell
    check: str
    sheet: str
    cell: str
    reason: str
    name: str
    date: str

    @property
    def lacks(self) -> str:
        """What it would need to hold; "" where it holds."""
        if self.check in _OWN or self.check not in CHECKS:
            return f"no check {self.check!r} that can be accepted{nearest(self.check, CHECKS)}"
        missing = [n for n, text in (("a reason", self.reason), ("a name", self.name)) if not text]
        return f"accepted without {' and '.join(missing)}" if missing else ""


def acceptances(book: Book) -> list[Acceptance]:
    """The accepted findings that a workbook lists."""
    sheet = next((s for n, s in book.sheets.items() if n.casefold().replace("_", " ") == SHEET.casefold()), None)
    if sheet is None:
        return []
    columns: dict[str, int] = {}
    found = []
    for cells in sheet.rows().values():
        texts = {c.text.strip().casefold(): c.column for c in reversed(cells)}
        if not columns:
            columns = {n: texts[n] for n in _COLUMNS if n in texts} if {"check", "reason"} <= set(texts) else {}
            continue
        by_column = {c.column: c for c in cells if c.text.strip()}
        if by_column:
            given = {n: _text(book, by_column.get(columns.get(n, 0))) for n in _COLUMNS}
            found.append(Acceptance(cells[0], **given))
    return found


def _text(book: Book, cell: Cell | None) -> str:
    if cell is None:
        return ""
    day = book.date(cell)
    return day.isoformat() if day else cell.text.strip()


@check(
    _OWN[0],
    WARNING,
    "A finding is accepted without a reason, without a name, or for a check that does not exist; it still counts",
    "complete the row of the sheet Accepted findings",
)
def incomplete(subject: Subject) -> Iterator[Found]:
    """Every row that cannot hold."""
    for a in acceptances(subject.book):
        if a.lacks:
            yield at(a.at, a.lacks)


@check(
    _OWN[1],
    WARNING,
    "An acceptance matches no finding any more",
    "delete the row of the sheet Accepted findings, or correct its cell",
)
def stale(_: Subject) -> Iterator[Found]:
    """Nothing by itself: which rows are stale is known when every other check has run, and said by `settle`."""
    yield from ()


def settle(
    book: Book, found: list[Finding], ran: set[str], labels: Labels, file: str
) -> tuple[list[Finding], list[Accepted]]:
    """Part findings into those that stand and those that are accepted, and tell acceptances that match nothing."""
    held = [a for a in acceptances(book) if not a.lacks]
    used: set[int] = set()
    standing, accepted = [], []
    for f in found:
        match = next((n for n, a in enumerate(held) if _matches(a, f, labels)), None)
        if match is None:
            standing.append(f)
        else:
            used.add(match)
            accepted.append(Accepted(f, held[match].reason, held[match].name, held[match].date))
    if _OWN[1] in ran:
        for n, a in enumerate(held):
            if n not in used and a.check in ran:
                place = "!".join(filter(None, (a.sheet, a.cell))) or "the workbook"
                message = f"no finding {a.check} at {place} any more"
                standing.append(Finding(file, a.at.sheet, a.at.at, _OWN[1], CHECKS[_OWN[1]].severity, message))
    return standing, accepted


def _matches(a: Acceptance, f: Finding, labels: Labels) -> bool:
    if a.check != f.check:
        return False
    if not f.cell or not a.cell:
        return a.sheet.casefold() == f.sheet.casefold() and a.cell == f.cell
    named = labels.book.names.get(a.cell, "").replace("$", "")
    if named and labels.names.get((f.sheet, f.cell)) == a.cell:
        return True
    sheet, mark, cell = a.cell.replace("$", "").rpartition("!")
    sheet = sheet.strip("'").replace("''", "'") if mark else a.sheet
    if sheet.casefold() != f.sheet.casefold():
        return False
    return cell.upper() == f.cell or (bool(f.label) and a.cell.casefold() == f.label.casefold())
