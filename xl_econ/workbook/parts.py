"""A workbook opened part by part: its sheets, names and cells, from the bytes that are in the package."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from xl_econ.core.errors import WorkbookError

from .cell import At, Value, address, cell_at, elements, inline_text
from .preflight import preflight
from .read import Address
from .sheet import Cell, SheetXml, encoding

WORKBOOK = "xl/workbook.xml"
_OFFICE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_STRICT = "{http://purl.oclc.org/ooxml/officeDocument/relationships}"
_REFERENCE = re.compile(r"=?\s*+(?:'((?:[^']|'')++)'|([^'!]++))!(\$?[A-Za-z]{1,3}\$?\d+)(?::(\$?[A-Za-z]{1,3}\$?\d+))?")


@dataclass(frozen=True)
class Stored:
    """A formula cell: the text of its formula ("" where it shares another's) and the value beside it."""

    formula: str
    value: Value


class Parts:
    """A workbook to look into; nothing is written.

    Args:
        path: The workbook, .xlsx or .xlsm.

    Raises:
        WorkbookError: It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        preflight(path)
        self.path = path
        self.stamp = stamp(path)
        self._sheets: dict[str, SheetXml] = {}
        self._places: dict[str, dict[At, Cell]] = {}
        root = self._parse(WORKBOOK)
        related = {r.get("Id"): r for r in self._parse("xl/_rels/workbook.xml.rels")}
        self.names: dict[str, str] = {}
        self.scoped: set[str] = set()  # names of one sheet only, as those that come with a copied sheet
        self.parts: dict[str, str] = {}  # part of each worksheet by the sheet's name
        self._held = {n.casefold(): n for n in self._names_of_parts()}
        texts = [r for r in related.values() if str(r.get("Type")).endswith("/sharedStrings")]
        self._texts = self._part(str(texts[0].get("Target"))) if texts else self._held.get("xl/sharedstrings.xml")
        for e in root.iter():
            tag = e.tag.rpartition("}")[2]
            if tag == "definedName" and e.get("localSheetId") is not None:
                self.scoped.add(str(e.get("name")).casefold())
            elif tag == "definedName":
                self.names[str(e.get("name"))] = (e.text or "").strip()
            elif tag == "sheet" and e.get("name") is not None:
                relation = related.get(e.get(f"{_OFFICE}id") or e.get(f"{_STRICT}id"))
                if relation is not None and str(relation.get("Type")).endswith("/worksheet"):
                    self.parts[str(e.get("name"))] = self._part(str(relation.get("Target")))

    def _names_of_parts(self) -> list[str]:
        with zipfile.ZipFile(self.path) as package:
            return package.namelist()

    def _part(self, target: str) -> str:
        """The name of a part from a relation of the workbook; packages are not strict about upper and lower case."""
        name = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
        for written in (name, unquote(name)):  # a target is a URI; packages escape the part's own name or do not
            if written.casefold() in self._held:
                return self._held[written.casefold()]
        raise WorkbookError(f"{self.path}: the package lacks {name}")

    def read(self, part: str) -> bytes:
        try:
            with zipfile.ZipFile(self.path) as package:
                return package.read(part)
        except KeyError:
            raise WorkbookError(f"{self.path}: the package lacks {part}") from None
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as e:
            raise WorkbookError(f"{self.path}: {part} cannot be read: {e}") from None
        except Exception as e:  # zlib.error
            raise WorkbookError(f"{self.path}: {part} is damaged: {e}") from None

    def _parse(self, part: str) -> Any:
        return parse(self.read(part), f"{self.path}: {part}")

    def sheet(self, name: str) -> SheetXml:
        """The cells of a worksheet.

        Raises:
            WorkbookError: No such worksheet, or one that cannot be patched safely.
        """
        if name not in self.parts:
            raise WorkbookError(f"{self.path}: has no worksheet {name!r}")
        if name not in self._sheets:
            self._sheets[name] = SheetXml(self.read(self.parts[name]), name)
        return self._sheets[name]

    @cached_property
    def shared(self) -> list[str]:
        """The texts that cells share."""
        if self._texts is None:
            return []
        data = self.read(self._texts)
        text = data.decode(encoding(data), "replace")
        root = re.search(r"<([\w.-]+:)?sst[\s>]", text)
        prefix = (root[1] or "") if root else ""
        return [inline_text(m[2] or "", prefix) for m in elements(prefix, "si", text)]

    def _cell(self, sheet: str, at: At) -> Cell | None:
        if sheet not in self._places:
            self._places[sheet] = {c.at: c for c in self.sheet(sheet).cells()}
        return self._places[sheet].get(at)

    def value(self, sheet: str, cell: str) -> Value:
        """What a cell holds, or what is stored beside its formula; None where it is empty."""
        found = self._cell(sheet, cell_at(cell))
        return None if found is None else self.sheet(sheet).stored(found, self.shared)

    def formula(self, sheet: str, cell: str) -> str | None:
        """The text of a cell's formula; None where it has none."""
        found = self._cell(sheet, cell_at(cell))
        held = None if found is None else self.sheet(sheet).formula(found)
        return None if held is None else held[1]

    def raw_formula(self, sheet: str, cell: str) -> str | None:
        """The attributes of a cell's formula; None where it has none."""
        found = self._cell(sheet, cell_at(cell))
        held = None if found is None else self.sheet(sheet).formula(found)
        return None if held is None else held[0]

    def style(self, sheet: str, cell: str) -> str:
        """The number of a cell's style; "" where it has none."""
        found = self._cell(sheet, cell_at(cell))
        return "" if found is None else self.sheet(sheet).style(found)

    def cell_of(self, name: str) -> Address | None:
        """The cell that a name leads to; None where there is no such name, or it leads nowhere.

        A name for several cells leads to the first if they are merged into one, and else nowhere.
        """
        found = _REFERENCE.fullmatch(self.refers_to(name) or "")
        if found is None:
            return None
        sheet = found[1].replace("''", "'") if found[1] else found[2].lstrip("$")
        cell, last = (text.replace("$", "").upper() for text in (found[3], found[4] or found[3]))
        if sheet not in self.parts or (cell != last and not self.sheet(sheet).is_merged(cell, last)):
            return None
        return sheet, cell

    def refers_to(self, name: str) -> str | None:
        """The text that a name stands for, whatever its case; None where there is no such name."""
        folded = name.casefold()
        return next((text for n, text in self.names.items() if n.casefold() == folded), None)

    def tables(self, sheet: str) -> Iterator[tuple[str, str, dict[int, str], range]]:
        """The Excel Tables of a worksheet: name, sheet, headings by column, rows of the body."""
        part = self.parts[sheet]
        folder, _, file = part.rpartition("/")
        links = f"{folder}/_rels/{file}.rels"
        if links.casefold() not in self._held:
            return
        for relation in self._parse(self._held[links.casefold()]):
            if not str(relation.get("Type")).endswith("/table"):
                continue
            target = str(relation.get("Target"))
            at = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"{folder}/{target}")
            root = self._parse(at)
            headings = [str(e.get("name")) for e in root.iter() if e.tag.endswith("}tableColumn")]
            first, _, last = str(root.get("ref")).partition(":")
            top, bottom = cell_at(first), cell_at(last)
            body = range(top.row + 1, bottom.row + 1 - int(root.get("totalsRowCount") or 0))
            yield str(root.get("displayName")), sheet, dict(enumerate(headings, top.column)), body

    def column(self, table: str, heading: str) -> list[Value]:
        """The values of a column of an Excel Table; none where there is no such table or column."""
        for sheet in self.parts:
            for name, _, columns, body in self.tables(sheet):
                for n, title in columns.items():
                    if (name, title) == (table, heading):
                        return [self.value(sheet, address(At(row, n))) for row in body]
        return []

    def formulas(self) -> Iterator[tuple[Address, Stored]]:
        """Every formula cell with what is stored beside it, and every other cell that an array formula fills."""
        for name in self.parts:
            sheet = self.sheet(name)
            if "f" not in sheet.text:
                continue
            for cell in sheet.cells():
                if cell.span.inside < cell.span.close and (held := sheet.formula(cell)) is not None:
                    yield (name, address(cell.at)), Stored(held[1], sheet.stored(cell, self.shared))
            for origin, first, last in sheet.arrays():
                for cell in sheet.cells():
                    inside = first.row <= cell.at.row <= last.row and first.column <= cell.at.column <= last.column
                    if inside and cell.at != origin and sheet.formula(cell) is None:
                        yield (name, address(cell.at)), Stored("", sheet.stored(cell, self.shared))


def stamp(path: Path) -> tuple[int, int, int]:
    """What tells a file from the one that stood there before.

    Raises:
        WorkbookError: There is none any more.
    """
    try:
        found = path.stat()
    except OSError as e:
        raise WorkbookError(f"{path}: {e.strerror or e}") from None
    return found.st_mtime_ns, found.st_size, found.st_ino


def parse(data: bytes, where: str) -> Any:
    """The root of a part's XML.

    Raises:
        WorkbookError: Malformed, or with a document type or entities of its own.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        return fromstring(data, forbid_dtd=True)
    except DefusedXmlException:
        raise WorkbookError(f"{where} has a document type of its own") from None
    except (ParseError, ValueError) as e:
        raise WorkbookError(f"{where} is malformed: {e}") from None
