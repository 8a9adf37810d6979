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
from xl_econ.workbook.book import Validation
from xl_econ.workbook.cell import At, address, cell_at
from xl_econ.workbook.grid import Grid, GridCell, GridSheet, TableArea
from xl_econ.workbook.package import rewrite
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.scan import scan

from .layout import Origin
from .model import Model
from .parts import Columns

PART = "customXml/item1.xml"
_SPACE = "urn:xl-econ:pristine"
_LINKS = "xl/_rels/workbook.xml.rels"
_TYPES = "[Content_Types].xml"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
_ID = "{C7E0B1D4-2F53-4A8E-9B6C-1D5A7E3F9048}"
_TEXT = re.compile(rf'<pristine xmlns="{_SPACE}">(.*)</pristine>', re.S)
_ITEMS = re.compile(r"customXml/item\d+\.xml", re.I)
_ABSENT = ("inputs.purpose", "inputs.owner", "xl_econ.given")  # cells that a case fills and no template has


def embed(built: Path, target: Path, model: Model) -> None:
    """Copy a workbook that was just built, with its own description inside.

    Args:
        built: The workbook.
        target: Where the copy goes.
        model: What it was built from.
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
        PART: part(described(built, model)),
        "customXml/itemProps1.xml": _xml(about),
        "customXml/_rels/item1.xml.rels": _xml(to_about),
    }
    rewrite(built, target, {_LINKS: links.encode(), _TYPES: types.encode()}, added=added)


def part(description: dict[str, Any]) -> bytes:
    """The part of a description."""
    return _xml(f'<pristine xmlns="{_SPACE}">{text(description)}</pristine>')


def text(description: dict[str, Any]) -> str:
    """A description, or a piece of one, as it stands in the part."""
    return escape(json.dumps(description, ensure_ascii=True, separators=(",", ":")), quote=False)


def cells(content: str, sheet: str) -> dict[str, Any]:
    """The cells of a sheet in the part of a workbook that was just built."""
    found = _TEXT.search(content)
    held: dict[str, Any] = json.loads(unescape(found[1]))["sheets"][sheet] if found else {}
    return held


def _xml(content: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n{content}'.encode()


def _in(path: Path, name: str) -> str:
    with zipfile.ZipFile(path) as package:
        return package.read(name).decode()


def described(built: Path, model: Model) -> dict[str, Any]:
    """The cells, names and tables of a workbook that was just built, with the template's own inputs."""
    book = Parts(built)
    own, skipped = _own(book, model)
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
    rules = [
        [name, [list(a) for a in v.areas], v.kind, v.operator, v.first, v.second, v.allow_blank]
        for name, scanned in scan(built).sheets.items()
        for v in scanned.validations
    ]
    areas = [[n, s, {str(c): h for c, h in columns.items()}, body.start, body.stop] for n, s, columns, body in tables]
    return {"sheets": sheets, "names": dict(sorted(book.names.items())), "tables": areas, "rules": rules}


def _own(book: Parts, model: Model) -> tuple[dict[tuple[str, At], Any], set[tuple[str, At]]]:
    """The cells of inputs with what the template says there, and those that it leaves empty."""
    places = {n: (s, cell_at(c)) for n in book.names if (found := book.cell_of(n)) for s, c in [found]}
    own: dict[tuple[str, At], Any] = {places["inputs.case"]: model.cases[0]}
    headed = {case: cell_at(f"{column}1").column for case, column in Columns(model.cases).of.items()}
    headed |= {what: places[f"inputs.{what}"][1].column for what in Origin.model_fields}
    for key, i in model.layout.by_key.items():
        sheet, live = places[f"inputs.{key}"]
        values = {case: i.value(case) for case in model.cases} | {
            what: getattr(i, what) for what in Origin.model_fields
        }
        for what, value in values.items():
            at = At(live.row, headed[what])
            own[sheet, at] = float(value) if isinstance(value, int) else value
    return own, {places[n] for n in _ABSENT if n in places}


class Pristine(Grid):
    """The workbook as it was built, read from the description that it carries.

    `rules` are its data validations by sheet; older workbooks do not say them.

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
        self.rules: dict[str, list[Validation]] = {}
        for sheet, areas, *rule in found.get("rules", ()):
            held_here = self.rules.setdefault(sheet, [])
            held_here.append(Validation(tuple((a, b, c, d) for a, b, c, d in areas), *rule))


def _cell(value: Any) -> GridCell:
    if isinstance(value, list):
        return GridCell(str(value[0]), None, ())
    return GridCell(None, float(value) if type(value) is int else value, ())


def read(path: Path) -> Pristine | None:
    """The workbook as it was built; None where it does not say so: an old one, or saved by a program that drops it.

    Raises:
        WorkbookError: What it says is damaged, or the workbook cannot be read.
    """
    name, said = _found(path)
    if not name:
        return None
    try:
        return Pristine(path, json.loads(unescape(said)))
    except (ValueError, KeyError, TypeError, LookupError, AttributeError, WorkbookError) as e:
        raise WorkbookError(
            f"{path}: {name}, which says what the workbook was when it was built, is damaged: {e}"
        ) from None


def of_built(path: Path, model: Model) -> Pristine:
    """The same of a workbook that was just built."""
    return Pristine(path, described(path, model))


def place_of(path: Path) -> str:
    """The name of the part that holds the description; "" where there is none."""
    return _found(path)[0]


def _found(path: Path) -> tuple[str, str]:
    with zipfile.ZipFile(path) as package:
        for name in filter(_ITEMS.fullmatch, package.namelist()):
            content = package.read(name).decode("utf-8", "replace")
            if _SPACE in content:
                found = _TEXT.search(content)
                return name, found[1] if found else ""  # cut off
    return "", ""
