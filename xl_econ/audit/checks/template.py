"""Differences from the template: what only a workbook's own manifest can tell, and no look at its cells."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from xl_econ.audit.registry import ERROR, INFO, WARNING, Found, check
from xl_econ.audit.subject import Subject
from xl_econ.workbook.cell import At, address
from xl_econ.workbook.grid import place

if TYPE_CHECKING:
    from xl_econ.audit.manifest import Manifest
    from xl_econ.templates.merge import Kept

_TELLING = ("note", "what", "meaning", "where", "source", "as of", "grade")  # columns that explain and are not read
_EXPLAINING = ("Cover", "Sources", "Changelog", "Glossary")


@check(
    "manifest-damaged",
    WARNING,
    "The workbook's own description of what it was when it was built is damaged: edits can be told only as far as its "
    "template is known",
    "take the workbook from before the damage, or build it anew and fill it with its case",
)
def manifest_damaged(subject: Subject) -> Iterator[Found]:
    """The part that a template carries, truncated or edited by hand."""
    with zipfile.ZipFile(subject.path) as package:
        if not any(name.casefold().startswith("customxml/item") for name in package.namelist()):
            return
    from xl_econ.audit import manifest as manifests  # all that makes templates; what others made needs none of it

    reason = manifests.damage(subject.path)
    if reason:
        known = "" if subject.manifest else "; nothing is compared with the template"
        yield Found("", "", f"{reason[:200]}{known}")


@check(
    "differs-from-template",
    ERROR,
    "A formula or a fixed number is not what the template has there",
    "restore it; what is meant to differ belongs in an input, or in rows and sheets of its own",
)
def differs_from_template(subject: Subject) -> Iterator[Found]:
    """Formulas changed, cleared or typed over, limits and constants; copies that changed alike are said once."""
    alike: dict[Any, list[Kept]] = {}
    for k in _changed(subject.manifest):
        if k.cell.formula is not None or not k.cell.is_text:
            now = "" if k.held is None else k.held.token if k.held.formula is not None else ""
            # A formula is copied along a row, in a table down its column.
            line = _line(subject.manifest, k)
            alike.setdefault((k.sheet, line, k.cell.token if k.cell.formula is not None else k.at, now), []).append(k)
    for found in alike.values():
        yield _changed_cells(subject.manifest, found)


def _line(manifest: Manifest | None, k: Kept) -> tuple[str, int]:
    assert manifest is not None  # noqa: S101  (it found the cell)
    in_table = manifest.base.sheets[k.sheet].table_at(*k.at)
    return ("column", k.at.column) if in_table else ("row", k.at.row)


def _changed_cells(manifest: Manifest | None, found: list[Kept]) -> Found:
    assert manifest is not None  # noqa: S101  (it found them)
    k = found[0]
    was, now = k.cell.shown(), None if k.held is None else k.held.shown()
    if k.cell.formula is None:
        says = f"{now} where the template has {was}"
    elif k.held is None:
        says = f"empty where the template has {was}"
    elif k.held.formula is None:
        says = f"{now} typed over {was}"
    else:
        says = f"{now} where the template has {was}"
    more = f", and {len(found) - 1} more cells alike" if len(found) > 1 else ""
    return _at(manifest, k, f"{manifest.called(k.sheet, k.at)}: {says[:200]}{more}", was)


@check(
    "input-label-edited",
    WARNING,
    "A label of the template says something else: the number beside it may now be read as another quantity",
    "restore the label; a remark belongs in the notes",
)
def input_label_edited(subject: Subject) -> Iterator[Found]:
    """Texts of the template; those that only explain are said as information."""
    manifest = subject.manifest
    for k in _changed(manifest):
        if manifest and k.cell.is_text and not _is_unit(manifest, k):
            heading = manifest.base.sheets[k.sheet].heading(k.at).casefold()
            explains = k.sheet in _EXPLAINING or heading.startswith(_TELLING)
            yield _text(manifest, k, INFO if explains else "")


@check(
    "unit-edited",
    ERROR,
    "The unit of a figure says something else than in the template, and the figure is computed with as before",
    "restore the unit, and convert the figure if it was in the other one",
)
def unit_edited(subject: Subject) -> Iterator[Found]:
    """Units beside labels, units above tables, headings of tables, which say the unit too."""
    manifest = subject.manifest
    for k in _changed(manifest):
        if manifest and k.cell.is_text and _is_unit(manifest, k):
            yield _text(manifest, k)


@check(
    "name-moved",
    ERROR,
    "A defined name leads to another cell than in the template: filling and formulas take the wrong number",
    "let it lead to the cell that it is the name of",
)
def name_moved(subject: Subject) -> Iterator[Found]:
    """Names that lead elsewhere or are gone, and names that a sheet redefines for itself."""
    manifest = subject.manifest
    if manifest is None:
        return
    for name, was, now in manifest.moved_names():
        to = place(now or "")
        where = (to[0], address(to[1])) if to else ("", "")
        if now is None:
            yield Found("", "", f"the name {name} is gone; it led to {was}", None, was)
        elif len(was) > 100:
            yield Found(*where, f"the name {name} says something else than in the template", now[:200], was[:200])
        else:
            yield Found(*where, f"the name {name} leads to {now}; in the template it is {was}", now, was)
    for sheet, name, text in manifest.shadowed_names():
        yield Found(sheet, "", f"the sheet has a name {name} of its own, which leads to {text[:100]}", text)


@check(
    "row-deleted",
    ERROR,
    "A row or a sheet of the template is gone: what computed with it shows an error, or leaves it out",
    "put it back; an input that does not matter is set to nothing and stays",
)
def row_deleted(subject: Subject) -> Iterator[Found]:
    """Rows that held figures; rows and sheets that only explain are said as information."""
    manifest = subject.manifest
    if manifest is None:
        return
    for sheet, counts in manifest.lost_sheets().items():
        severity = "" if counts and sheet not in _EXPLAINING else INFO
        yield Found("", "", f"the sheet {sheet} of the template is gone", None, sheet, severity)
    for row in manifest.lost_rows():
        if not row.table:
            severity = "" if row.counts else INFO
            at = address(At(row.row, 1))
            yield Found(row.sheet, at, f"the row {row.label!r} of the template is gone", None, row.label, severity)


@check(
    "table-row-deleted",
    WARNING,
    "A row of a reference table is gone: what looks it up finds nothing, what interpolates gives another number",
    "put it back; a price that is out of date is kept, with its date",
)
def table_row_deleted(subject: Subject) -> Iterator[Found]:
    """Keys of the template's tables that are there no longer; in a rate card that is what it is for."""
    manifest = subject.manifest
    if manifest is None:
        return
    severity = INFO if manifest.is_rate_card else ""
    for row in manifest.lost_rows():
        if row.table:
            at = address(At(row.row, 1))
            yield Found(row.sheet, at, f"{row.table}: the row {row.label!r} is gone", None, row.label, severity)


@check(
    "validation-removed",
    WARNING,
    "A cell of the template takes more than it did: a slip of magnitude is no longer refused as it is typed",
    "restore the validation",
)
def validation_removed(subject: Subject) -> Iterator[Found]:
    """Data validations that are gone, of another kind or with wider bounds."""
    for sheet, at, was, now in subject.manifest.loosened() if subject.manifest else ():
        if now is None:
            says = f"no validation any more; the template has {was.kind} {was.first} to {was.second}"
        else:
            says = f"takes {now.kind} {now.first} to {now.second}; the template {was.kind} {was.first} to {was.second}"
        yield Found(sheet, address(at), says, now and f"{now.first}:{now.second}", f"{was.first}:{was.second}")


def _changed(manifest: Manifest | None) -> Iterator[Kept]:
    return manifest.changed() if manifest else iter(())


def _is_unit(manifest: Manifest, k: Kept) -> bool:
    sheet = manifest.base.sheets[k.sheet]
    if any(k.at.column in t.columns and k.at.row in (t.body.start - 1, t.body.start - 2) for t in sheet.tables):
        return True
    return sheet.heading(k.at).casefold() == "unit"


def _text(manifest: Manifest, k: Kept, severity: str = "") -> Found:
    now = None if k.held is None else k.held.shown()
    says = f"{_short(now)} where the template has {_short(k.cell.value)}"
    return _at(manifest, k, f"{manifest.base.sheets[k.sheet].heading(k.at)}: {says}", k.cell.value, severity)


def _at(manifest: Manifest, k: Kept, message: str, expected: Any, severity: str = "") -> Found:
    there = address(k.there) if k.there else ""
    value = None if k.held is None else k.held.value if k.held.formula is None else f"={k.held.formula}"
    return Found(manifest.books.sheets[k.sheet], there, message, value, expected, severity)


def _short(value: Any) -> str:
    return "nothing" if value is None else repr(value if len(str(value)) <= 60 else f"{str(value)[:57]}...")
