"""Worksheets with an Excel Table put into a workbook that somebody else made; its own parts keep their bytes."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from xl_econ.core.errors import WorkbookError

from .cell import At, Value, address, storable, written
from .package import rewrite
from .parts import Parts
from .write import check_target, replacing

TYPES = "[Content_Types].xml"
LINKS = "xl/_rels/workbook.xml.rels"
LONGEST_SHEET_NAME = 31
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml."
_HEADING = 3  # row of the headings: the units stand above them, a line about the table above those


@dataclass(frozen=True)
class TableSheet:
    """A sheet that holds one Excel Table.

    Attributes:
        name: Name of the table, and of its sheet unless the workbook has such a sheet.
        about: The line above it.
        units: What stands above each heading.
        headings: The columns.
        rows: The cells below them.
    """

    name: str
    about: str
    units: Sequence[str]
    headings: Sequence[str]
    rows: Sequence[Sequence[Value]]


@dataclass(frozen=True)
class Extension:
    """What changes in a package: parts with other contents, parts that are new."""

    changed: Mapping[str, bytes]
    added: Mapping[str, bytes]


def with_tables(book: Parts, part: str, sheets: Sequence[TableSheet]) -> tuple[str, Extension]:
    """Add sheets behind the others.

    Args:
        book: The workbook.
        part: Its `xl/workbook.xml`, which may have changed already.
        sheets: What to add; no table of these names may be there.

    Returns:
        The workbook part with the sheets in it, and all that changes besides.

    Raises:
        WorkbookError: A workbook whose structure is protected, or of the strict kind.
    """
    if not sheets:
        return part, Extension({}, {})
    if re.search(r"""<(?:[\w.-]+:)?workbookProtection\b[^>]*lockStructure\s*=\s*["'](?:1|true)["']""", part):
        raise WorkbookError(f"{book.path}: its structure is protected; unprotect the workbook to add sheets to it")
    if _MAIN not in part:
        raise WorkbookError(f"{book.path}: is a Strict Open XML workbook; save it as an ordinary .xlsx to add sheets")
    with zipfile.ZipFile(book.path) as package:
        held = {n.casefold() for n in package.namelist()}
    links, types = book.read(LINKS).decode("utf-8"), book.read(TYPES).decode("utf-8")
    taken = {s.casefold() for s in re.findall(r"""<(?:[\w.-]+:)?sheet\s[^>]*?\bname\s*=\s*["']([^"']*)["']""", part)}
    sheet_ids = [int(n) for n in re.findall(r"""\bsheetId\s*=\s*["'](\d+)["']""", part)]
    table_id = max([0, *_table_ids(book)])
    number, added, entries, relations, overrides = 0, {}, "", "", ""
    for n, sheet in enumerate(sheets, 1):
        number += 1
        while {f"xl/worksheets/xl_econ{number}.xml", f"xl/tables/xl_econ{number}.xml"} & held:
            number += 1
        title = _free(sheet.name, taken)
        taken.add(title.casefold())
        file = f"xl_econ{number}.xml"
        relation = _relation_id(links + relations)
        entries += (
            f'<{{p}}sheet name="{escape(title)}" sheetId="{max([0, *sheet_ids]) + n}" '
            f'xmlns:r="{_OFFICE}" r:id="{relation}"/>'
        )
        relations += f'<{{p}}Relationship Id="{relation}" Type="{_OFFICE}/worksheet" Target="/xl/worksheets/{file}"/>'
        overrides += f'<{{p}}Override PartName="/xl/worksheets/{file}" ContentType="{_KIND}worksheet+xml"/>'
        overrides += f'<{{p}}Override PartName="/xl/tables/{file}" ContentType="{_KIND}table+xml"/>'
        added[f"xl/worksheets/{file}"] = _sheet(sheet).encode()
        added[f"xl/worksheets/_rels/{file}.rels"] = (
            f'{_XML}<Relationships xmlns="{_PACKAGE}"><Relationship Id="rId1" Type="{_OFFICE}/table" '
            f'Target="../tables/{file}"/></Relationships>'
        ).encode()
        added[f"xl/tables/{file}"] = _table(sheet, table_id + n).encode()
    changed = {
        LINKS: _appended(links, "Relationships", relations, book.path).encode(),
        TYPES: _appended(types, "Types", overrides, book.path).encode(),
    }
    return _appended(part, "sheets", entries, book.path), Extension(changed, added)


def write(book: Parts, target: Path, changed: Mapping[str, bytes], added: Mapping[str, bytes]) -> None:
    """Write a workbook in which whole parts are other ones or new; all others are copied and compared.

    Raises:
        WorkbookError: It cannot be written, or is not what it should be; what was there is untouched.
    """
    check_target(target, force=True)
    place = target.resolve()  # a link to a workbook stays a link
    before = book.path.stat()
    with replacing(place, force=True) as beside:
        try:
            rewrite(book.path, beside, changed, added=added)
        except (zipfile.BadZipFile, ValueError) as e:
            raise WorkbookError(f"{book.path}: cannot be copied: {e}") from None
        _verify(book.path, beside, {**changed, **added}, len(added))
        Parts(beside)
        now = book.path.stat()
        if (now.st_mtime_ns, now.st_size) != (before.st_mtime_ns, before.st_size):
            raise WorkbookError(f"{book.path}: was changed by another program meanwhile; nothing is written")


def _verify(old: Path, new: Path, contents: Mapping[str, bytes], added: int) -> None:
    with zipfile.ZipFile(old) as before, zipfile.ZipFile(new) as after:
        parts = {i.filename: i.CRC for i in before.infolist()}
        if len(after.infolist()) != len(parts) + added:
            raise WorkbookError(f"{old}: the copy does not hold the same parts; nothing is written")
        for info in after.infolist():
            content = after.read(info)  # which checks its sum
            if content != contents[info.filename] if info.filename in contents else parts[info.filename] != info.CRC:
                raise WorkbookError(f"{old}: {info.filename} was not copied as it is; nothing is written")


def _table_ids(book: Parts) -> list[int]:
    """The numbers of the tables that are there; no two may share one."""
    with zipfile.ZipFile(book.path) as package:
        names = [n for n in package.namelist() if re.match(r"(?i)xl/tables/[^/]+\.xml$", n)]
        texts = [package.read(n).decode("utf-8", "replace") for n in names]
    return [int(m[1]) for t in texts if (m := re.search(r"""<(?:[\w.-]+:)?table\s[^>]*?\bid\s*=\s*["'](\d+)["']""", t))]


def _free(name: str, taken: set[str]) -> str:
    title, n = name[:LONGEST_SHEET_NAME], 1
    while title.casefold() in taken:
        n += 1
        title = f"{name[: LONGEST_SHEET_NAME - 4]} {n}"
    return title


def _relation_id(links: str) -> str:
    n = 1
    while re.search(rf"""\bId\s*=\s*["']rIdXlEcon{n}["']""", links):
        n += 1
    return f"rIdXlEcon{n}"


def _appended(text: str, container: str, elements: str, path: Path) -> str:
    """Elements at the end of a container; `{p}` in them is its prefix."""
    places = list(re.finditer(rf"</((?:[\w.-]+:)?){container}\s*>", text))
    if len(places) != 1:
        raise WorkbookError(f"{path}: cannot be extended: it has {len(places) or 'no'} lists of {container}")
    at = places[0].start()
    return text[:at] + elements.replace("{p}", places[0][1]) + text[at:]


def _sheet(sheet: TableSheet) -> str:
    lines: list[Sequence[Any]] = [[sheet.about], sheet.units, sheet.headings, *sheet.rows]
    rows = "".join(f'<row r="{r}">{_cells(line, r, sheet.name)}</row>' for r, line in enumerate(lines, 1))
    pane = (
        f'<pane xSplit="1" ySplit="{_HEADING}" topLeftCell="B{_HEADING + 1}" activePane="bottomRight" state="frozen"/>'
    )
    widths = [max(len(str(v)) for v in (h, *(row[n] for row in sheet.rows))) for n, h in enumerate(sheet.headings)]
    columns = "".join(
        f'<col min="{n}" max="{n}" width="{min(max(w + 4, 10), 50)}" customWidth="1"/>' for n, w in enumerate(widths, 1)
    )
    return (
        f'{_XML}<worksheet xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheetViews><sheetView workbookViewId="0">{pane}'
        f'<selection pane="bottomRight"/></sheetView></sheetViews><cols>{columns}</cols><sheetData>{rows}</sheetData>'
        '<tableParts count="1"><tablePart r:id="rId1"/></tableParts></worksheet>'
    )


def _cells(line: Sequence[Value], r: int, name: str) -> str:
    cells = ""
    for c, value in enumerate(line, 1):
        if value is not None and value != "":
            at = address(At(r, c))
            kind, content = written("", value, False, f"{name}!{at}")
            cells += f'<c r="{at}"{kind}>{content}</c>'
    return cells


def _table(sheet: TableSheet, number: int) -> str:
    last = address(At(_HEADING + max(len(sheet.rows), 1), len(sheet.headings)))
    area = f"A{_HEADING}:{last}"
    columns = "".join(
        f'<tableColumn id="{n}" name="{escape(storable(h, h))}"/>' for n, h in enumerate(sheet.headings, 1)
    )
    return (
        f'{_XML}<table xmlns="{_MAIN}" id="{number}" name="{sheet.name}" displayName="{sheet.name}" ref="{area}" '
        f'totalsRowShown="0"><autoFilter ref="{area}"/><tableColumns count="{len(sheet.headings)}">{columns}'
        '</tableColumns><tableStyleInfo name="TableStyleLight1" showFirstColumn="0" showLastColumn="0" '
        'showRowStripes="1" showColumnStripes="0"/></table>'
    )
