"""A template's sheets in the open workbook: built afresh, put in by Excel, checked, and taken out if it went wrong."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from xl_econ.core.errors import UsageError, WorkbookError
from xl_econ.workbook.parts import Parts

from . import excel

_EXCEL_LINKS = 1
_LISTED = 6


def insert(app: Any, name: str) -> str:
    """Put a template's sheets behind those of the open workbook.

    Args:
        app: Excel.
        name: The template.

    Returns:
        What was done.

    Raises:
        UsageError: No such template, or the workbook has sheets, names or tables that are called like the template's.
        WorkbookError: The structure is protected, or Excel did not take the sheets over as they are.
    """
    book = excel.open_book(app)
    if book is not None:
        excel.check_structure(book)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path, title = _built(name, Path(folder))
        parts = Parts(path)
        if book is None:
            app.api.Workbooks.Add(str(path))  # a new workbook, not saved yet, in the image of the file
            return f"{title}: opened as a new workbook, as none was open."
        _check_clashes(book, parts, title)
        _insert(book, path, parts)
    count = len(parts.parts)
    return (
        f"{title}: {count} sheets are in {book.name}, with their names. Begin on the sheet {next(iter(parts.parts))}."
    )


def _built(name: str, folder: Path) -> tuple[Path, str]:
    from xl_econ.templates import batch, fill, layout

    found = layout.load(name)
    path = folder / f"{name}.xlsx"
    batch.write(batch.prepare(found, [fill.Case(name)], path)[0])
    return path, found.title


def _check_clashes(book: Any, parts: Parts, title: str) -> None:
    """Refuse what Excel would rename silently."""
    tables = {str(t.name).casefold() for _, t in excel.tables(book)}
    areas = [found[0] for sheet in parts.parts for found in parts.tables(sheet)]
    clashes = [
        (kind, found)
        for kind, found in (
            ("sheets", excel.has_sheets(book, list(parts.parts))),
            ("names", excel.has_names(book, [*parts.names, *areas])),
            ("tables", [a for a in areas if a.casefold() in tables]),
        )
        if found
    ]
    if clashes:
        listed = "; ".join(f"{kind} {_some(found)}" for kind, found in clashes)
        raise UsageError(
            f"{title}: {book.name} has already {listed}. Nothing was inserted: open a new workbook (Ctrl+N) and press "
            "the button there"
        )


def _some(found: list[str]) -> str:
    return ", ".join(found[:_LISTED]) + (f" and {len(found) - _LISTED} more" if len(found) > _LISTED else "")


def _insert(book: Any, path: Path, parts: Parts) -> None:
    """Have Excel insert the sheets of the file in one go, so that their formulas go on reading one another."""
    sheets = book.api.Sheets
    before, links = {str(s.Name) for s in sheets}, _links(book)
    try:
        sheets.Add(After=sheets(sheets.Count), Type=str(path))
        wrong = _wrong(book, parts, before, links)
    except Exception:
        _take_out(book, before, parts)
        raise
    if wrong:
        _take_out(book, before, parts)
        raise WorkbookError(
            f"Excel did not take the sheets over as they are ({wrong}), so they were taken out again; "
            f"xl-econ new {path.stem} -o F makes a workbook of them"
        )


def _links(book: Any) -> set[str]:
    return {str(link) for link in book.api.LinkSources(_EXCEL_LINKS) or ()}


def _wrong(book: Any, parts: Parts, before: set[str], links: set[str]) -> str:
    """What differs from the file: sheets, links to it, tables; names that did not come along are added."""
    came = {str(s.Name) for s in book.api.Sheets} - before
    if came != set(parts.parts):
        return f"sheets {', '.join(sorted(came ^ set(parts.parts)))}"
    if _links(book) - links:
        return "formulas that lead back to the file"
    tables = {str(t.name).casefold() for _, t in excel.tables(book)}
    if lost := [f[0] for s in parts.parts for f in parts.tables(s) if f[0].casefold() not in tables]:
        return f"tables {', '.join(lost)}"
    held = {str(n.name).casefold(): str(n.refers_to) for n in book.names}
    for name, content in parts.names.items():
        if name.startswith("_xlnm."):
            continue
        if name.casefold() not in held:
            book.names.add(name, f"={content}")
        elif _plain(held[name.casefold()]) != _plain(content):
            return f"the name {name}"
    return ""


def _plain(reference: str) -> str:
    return reference.removeprefix("=").replace("'", "").casefold()


def _take_out(book: Any, before: Iterable[str], parts: Parts) -> None:
    """Delete the sheets that came, and the names of the template."""
    kept, ours = set(before), {n.casefold() for n in parts.names}
    app = book.app
    with app.properties(display_alerts=False):
        for sheet in [s for s in book.api.Sheets if str(s.Name) not in kept]:
            sheet.Delete()
    for name in [n for n in book.names if str(n.name).casefold() in ours]:
        with suppress(Exception):  # Excel may have dropped it with its sheet
            name.delete()
