"""Hidden sheets, rows and columns that results depend on."""

from __future__ import annotations

from collections.abc import Iterator

from xl_econ.audit.registry import INFO, WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.workbook.book import Cell


@check(
    "hidden-precedent",
    WARNING,
    "What a reader sees is computed from cells that are hidden",
    "unhide them, or move what is read to a sheet that is shown",
)
def hidden_precedent(subject: Subject) -> Iterator[Found]:
    """Hidden figures that shown formulas read, said once for each sheet."""
    shut: dict[str, list[Cell]] = {}
    for cell in _read_by_shown(subject):
        shut.setdefault(cell.sheet, []).append(cell)
    for name, cells in shut.items():
        sheet = subject.book.sheets[name]
        how = "the hidden sheet" if sheet.state != "visible" else "hidden rows or columns"
        yield at(cells[0], f"{len(cells)} figures in {how} feed formulas that are shown, the first of them here")


@check("hidden-sheet", INFO, "A sheet is hidden", "unhide it, or delete it")
def hidden_sheet(subject: Subject) -> Iterator[Found]:
    """Hidden and very hidden sheets that hold something."""
    for sheet in subject.book.sheets.values():
        if sheet.state != "visible" and sheet.cells:
            words = "very hidden: only macros can show it" if sheet.state == "veryHidden" else "hidden"
            yield Found(
                sheet.name, "", f"the sheet is {words}", severity=WARNING if sheet.state == "veryHidden" else ""
            )


def _read_by_shown(subject: Subject) -> Iterator[Cell]:
    states = {s.name: s.state != "visible" for s in subject.book.sheets.values()}
    if not any(states.values()) and not any(s.hidden_rows or s.hidden_columns for s in subject.book.sheets.values()):
        return
    seen: set[tuple[str, int, int]] = set()
    places = set()
    for cell in subject.formulas:
        if cell.hidden or states[cell.sheet]:
            continue
        for place in subject.graph.precedents(cell):
            if place in places:
                continue
            places.add(place)
            for c in subject.graph.cells(place):
                here = (c.sheet, c.row, c.column)
                if (c.hidden or states[c.sheet]) and (c.is_number or c.formula) and here not in seen:
                    seen.add(here)
                    yield c
