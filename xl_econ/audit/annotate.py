"""The annotated copy of a workbook: a comment at every cell with a finding, and a sheet that lists all of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xl_econ.workbook.annotate import add_notes

from .baseline import Compared
from .lineage import quoted
from .registry import SEVERITIES, Accepted, Finding, every

AUTHOR = "xl-econ audit"
SHEET = "Findings"
COMMENTS = 2000  # of a sheet; a program that opens more of them takes minutes
_HEADINGS = ("Severity", "Cell", "What it is called", "Finding", "Check", "State", "What to do")


def annotate(path: Path, target: Path, compared: Compared, accepted: Sequence[Accepted]) -> None:
    """Write the annotated copy.

    Args:
        path: The workbook; it is only read.
        target: The copy.
        compared: Its findings. Those of a baseline are listed, and get no comment.
        accepted: Its accepted findings: listed with reason and name, without a comment.

    Raises:
        WorkbookError: The workbook cannot be read or takes no comments, or the copy cannot be written.
    """
    order = sorted(compared.new, key=lambda f: -SEVERITIES.index(f.severity))
    by_cell: dict[str, dict[str, list[Finding]]] = {}
    for f in order:
        of_sheet = by_cell.setdefault(f.sheet, {})
        cell = f.cell.partition(":")[0]
        if cell and (cell in of_sheet or len(of_sheet) < COMMENTS):
            of_sheet.setdefault(cell, []).append(f)
    notes = {s: {c: "\n\n".join(map(_note, found)) for c, found in cells.items()} for s, cells in by_cell.items()}
    rows: list[Sequence[object]] = [_HEADINGS, *(_row(f, "open") for f in order)]
    rows += [_row(a.finding, f"accepted by {a.name}, {a.date or 'undated'}: {a.reason}") for a in accepted]
    rows += [_row(f, "in the baseline") for f in compared.known]
    if len(rows) == 1:
        rows.append(("", "", "", "No findings", "", "", ""))
    add_notes(path, target, notes, AUTHOR, SHEET, rows)


def _note(f: Finding) -> str:
    return f"{f.severity}: {f.message}\n{every()[f.check].meaning}.\nWhat to do: {every()[f.check].remedy}. [{f.check}]"


def _row(f: Finding, state: str) -> Sequence[object]:
    place = f"{quoted(f.sheet)}!{f.cell}" if f.cell else f.sheet or "workbook"
    return f.severity, place, f.label, f.message, f.check, state, every()[f.check].remedy
