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

from xl_econ.core.errors import WorkbookError

from .cell import At, Value, address, cell_at, element, inline_text
from .preflight import preflight
from .read import Address
from .sheet import Cell, SheetXml

WORKBOOK = "xl/workbook.xml"
_OFFICE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_STRICT = "{http://purl.oclc.org/ooxml/officeDocument/relationships}"
_REFERENCE = re.compile(r"=?\s*(?:'((?:[^']|'')+)'|([^'!]+))!(\$?[A-Za-z]{1,3}\$?\d+)(?::\$?[A-Za-z]{1,3}\$?\d+)?")


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
        self._sheets: dict[str, SheetXml] = {}
        self._places: dict[str, dict[At, Cell]] = {}
        root = self._parse(WORKBOOK)
        related = {r.get("Id"): r for r in self._parse("xl/_rels/workbook.xml.rels")}
        self.names: dict[str, str] = {}
        self.parts: dict[str, str] = {}  # part of each worksheet by the sheet's name
        self._held = {n.casefold(): n for n in self._names_of_parts()}
        for e in root.iter():
            tag = e.tag.rpartition("}")[2]
            if tag == "definedName" and e.get("localSheetId") is None:
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
        if name.casefold() not in self._held:
            raise WorkbookError(f"{self.path}: the package lacks {name}")
        return self._held[name.casefold()]

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
        part = self._held.get("xl/sharedstrings.xml")
        if part is None:
            return []
        text = self.read(part).decode("utf-8-sig", "replace")
        root = re.search(r"<([\w.-]+:)?sst[\s>]", text)
        prefix = (root[1] or "") if root else ""
        return [inline_text(m[2] or "", prefix) for m in element(prefix, "si").finditer(text)]

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

    def cell_of(self, name: str) -> Address | None:
        """The cell that a name leads to; None where there is no such name, or it leads nowhere.

        A name for several cells, as a merged one, leads to the first.
        """
        folded = {n.casefold(): text for n, text in self.names.items()}
        found = _REFERENCE.fullmatch(folded.get(name.casefold(), ""))
        if found is None:
            return None
        sheet = found[1].replace("''", "'") if found[1] else found[2].lstrip("$")
        cell = found[3].replace("$", "").upper()
        return (sheet, cell) if sheet in self.parts else None

    def column(self, table: str, heading: str) -> list[Value]:
        """The values of a column of an Excel Table; none where there is no such table or column."""
        for name, part in self.parts.items():
            folder, _, file = part.rpartition("/")
            links = f"{folder}/_rels/{file}.rels"
            if links.casefold() not in self._held:
                continue
            for relation in self._parse(self._held[links.casefold()]):
                if not str(relation.get("Type")).endswith("/table"):
                    continue
                target = str(relation.get("Target"))
                at = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"{folder}/{target}")
                root = self._parse(at)
                headings = [e.get("name") for e in root.iter() if e.tag.endswith("}tableColumn")]
                if root.get("displayName") == table and heading in headings:
                    first, _, last = str(root.get("ref")).partition(":")
                    column = cell_at(first).column + headings.index(heading)
                    rows = range(cell_at(first).row + 1, cell_at(last).row + 1)
                    return [self.value(name, address(At(row, column))) for row in rows]
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


def parse(data: bytes, where: str) -> Any:
    """The root of a part's XML.

    Raises:
        WorkbookError: Malformed, or with a document type or entities of its own.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        return fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as e:
        raise WorkbookError(f"{where}: malformed: {type(e).__name__}") from None
