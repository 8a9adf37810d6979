"""What a workbook was before anybody edited it, kept inside it: it tells an edit from a change of the template.

It is a custom XML part, which LibreOffice keeps and Excel is documented to keep. It holds the cells of the template
itself: labels, formulas, notes, and the inputs as the template has them. Figures of tables are not in it, nor what a
case gives: those are the user's.
"""

from __future__ import annotations

import json
import re
import zipfile
from html import escape, unescape
from pathlib import Path
from typing import Any

from xl_econ.core.errors import WorkbookError
from xl_econ.workbook.cell import At, address, cell_at
from xl_econ.workbook.grid import Grid, GridCell, GridSheet, TableArea
from xl_econ.workbook.package import rewrite
from xl_econ.workbook.parts import Parts

from .layout import CASES, Layout, Origin

PART = "customXml/item1.xml"
_SPACE = "urn:xl-econ:pristine"
_LINKS = "xl/_rels/workbook.xml.rels"
_TYPES = "[Content_Types].xml"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
_ID = "{C7E0B1D4-2F53-4A8E-9B6C-1D5A7E3F9048}"
_TEXT = re.compile(rf'<pristine xmlns="{_SPACE}">(.*)</pristine>', re.S)
_ITEMS = re.compile(r"customXml/item\d+\.xml", re.I)
_ABSENT = ("inputs.purpose", "inputs.owner", "xl_econ.given")  # cells that a case fills and no template has


def embed(built: Path, target: Path, layout: Layout) -> None:
    """Copy a workbook that was just built, with its own description inside.

    Args:
        built: The workbook.
        target: Where the copy goes.
        layout: Its template.
    """
    links = _in(built, _LINKS).replace(
        "</Relationships>",
        f'<Relationship Id="rIdPristine" Type="{_OFFICE}/relationships/customXml" Target="../{PART}"/></Relationships>',
    )
    kind = "application/vnd.openxmlformats-officedocument.customXmlProperties+xml"
    types = _in(built, _TYPES).replace(
        "</Types>", f'<Override PartName="/customXml/itemProps1.xml" ContentType="{kind}"/></Types>'
    )
    about = f'<ds:datastoreItem ds:itemID="{_ID}" xmlns:ds="{_OFFICE}/customXml"><ds:schemaRefs/></ds:datastoreItem>'
    to_about = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        f'Type="{_OFFICE}/relationships/customXmlProps" Target="itemProps1.xml"/></Relationships>'
    )
    added = {
        PART: part(described(built, layout)),
        "customXml/itemProps1.xml": _xml(about),
        "customXml/_rels/item1.xml.rels": _xml(to_about),
    }
    rewrite(built, target, {_LINKS: links.encode(), _TYPES: types.encode()}, added=added)


def part(description: dict[str, Any]) -> bytes:
    """The part of a description."""
    text = json.dumps(description, ensure_ascii=True, separators=(",", ":"))
    return _xml(f'<pristine xmlns="{_SPACE}">{escape(text, quote=False)}</pristine>')


def _xml(content: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n{content}'.encode()


def _in(path: Path, name: str) -> str:
    with zipfile.ZipFile(path) as package:
        return package.read(name).decode()


def described(built: Path, layout: Layout) -> dict[str, Any]:
    """The cells, names and tables of a workbook that was just built, with the template's own inputs."""
    book = Parts(built)
    own, skipped = _own(book, layout)
    last = book.cell_of("xl_econ.template")
    tables = [found for name in book.parts for found in book.tables(name)]
    sheets: dict[str, dict[str, Any]] = {}
    for name in book.parts:
        sheet, here = book.sheet(name), sheets.setdefault(name, {})
        # Below this row the Cover says what filled it and when, which is no part of the template.
        end = cell_at(last[1]).row if last and last[0] == name else None
        for cell in sheet.cells():
            at, formula = cell.at, sheet.formula(cell)
            if (name, at) in skipped or (end and at.row >= end):
                continue
            value: Any = own.get((name, at), sheet.stored(cell, book.shared) if formula is None else f"={formula[1]}")
            figure = any(s == name and at.row in body and at.column > min(columns) for _, s, columns, body in tables)
            if value in ("", None) or (figure and formula is None):
                continue
            here[address(at)] = [value[1:]] if formula is not None else value
    areas = [[n, s, {str(c): h for c, h in columns.items()}, body.start, body.stop] for n, s, columns, body in tables]
    return {"sheets": sheets, "names": dict(sorted(book.names.items())), "tables": areas}


def _own(book: Parts, layout: Layout) -> tuple[dict[tuple[str, At], Any], set[tuple[str, At]]]:
    """The cells of inputs with what the template says there, and those that it leaves empty."""
    places = {n: (s, cell_at(c)) for n in book.names if (found := book.cell_of(n)) for s, c in [found]}
    own: dict[tuple[str, At], Any] = {places["inputs.case"]: CASES[0]}
    for key, i in layout.by_key.items():
        sheet, live = places[f"inputs.{key}"]
        values = {case: i.value(case) for case in CASES} | {what: getattr(i, what) for what in Origin.model_fields}
        for what, value in values.items():
            at = At(live.row, places[f"inputs.{what}"][1].column)
            own[sheet, at] = float(value) if isinstance(value, int) else value
    return own, {places[n] for n in _ABSENT if n in places}


class Pristine(Grid):
    """The workbook as it was built, read from the description that it carries.

    Args:
        path: The workbook.
        found: Its description.
    """

    def __init__(self, path: Path, found: dict[str, Any]) -> None:
        self.path = path
        self.names = {str(k): str(v).removeprefix("=") for k, v in found["names"].items()}
        self.sheets = {}
        for name, cells in found["sheets"].items():
            held = {cell_at(c): _cell(v) for c, v in cells.items()}
            self.sheets[name] = GridSheet(name, dict(sorted(held.items())))
        for name, sheet, columns, first, last in found["tables"]:
            area = TableArea(name, sheet, {int(n): h for n, h in columns.items()}, range(first, last))
            self.sheets[sheet].tables.append(area)


def _cell(value: Any) -> GridCell:
    if isinstance(value, list):
        return GridCell(str(value[0]), None, ())
    return GridCell(None, float(value) if type(value) is int else value, ())


def read(path: Path) -> Pristine | None:
    """The workbook as it was built; None where it does not say so: an old one, or saved by a program that drops it.

    Raises:
        WorkbookError: What it says is damaged, or the workbook cannot be read.
    """
    name, text = _found(path)
    if not name:
        return None
    try:
        return Pristine(path, json.loads(unescape(text)))
    except (ValueError, KeyError, TypeError, LookupError, AttributeError, WorkbookError) as e:
        raise WorkbookError(
            f"{path}: {name}, which says what the workbook was when it was built, is damaged: {e}"
        ) from None


def of_built(path: Path, layout: Layout) -> Pristine:
    """The same of a workbook that was just built."""
    return Pristine(path, described(path, layout))


def place_of(path: Path) -> str:
    """The name of the part that holds the description; "" where there is none."""
    return _found(path)[0]


def _found(path: Path) -> tuple[str, str]:
    with zipfile.ZipFile(path) as package:
        for name in filter(_ITEMS.fullmatch, package.namelist()):
            if found := _TEXT.search(package.read(name).decode("utf-8", "replace")):
                return name, found[1]
    return "", ""
