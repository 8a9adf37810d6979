"""Reads a workbook into the one model of its cells: from part to part, each once."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from xl_econ.core.errors import WorkbookError

from .book import Book, Look, Settings, Sheet, Table
from .cell import cell_at, unescaped
from .events import in_words, is_true, walk
from .looks import looks
from .parts import parse
from .preflight import preflight
from .sheet_reader import SheetReader, area

_WORKBOOK = "xl/workbook.xml"
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")


Looks = Callable[[Any], list[Look]]


def scan(path: Path, of_styles: Looks = looks) -> Book:
    """The model of a workbook.

    Args:
        path: The workbook.
        of_styles: What makes the looks of cells of the styles' part.

    Raises:
        WorkbookError: The file cannot be read, or holds more cells than a model of people does.
    """
    preflight(path)
    try:
        with zipfile.ZipFile(path) as package:
            return _Package(path, package).book(of_styles)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as e:
        raise WorkbookError(f"{path}: cannot be read: {e}") from None
    except (ValueError, LookupError, TypeError, AttributeError) as e:
        raise WorkbookError(f"{path}: is not written as the format demands: {in_words(e)}") from None


class _Package:
    """The parts of a package, by their names in whatever case."""

    def __init__(self, path: Path, package: zipfile.ZipFile) -> None:
        self.path, self.package = path, package
        self.held = {n.casefold(): n for n in package.namelist()}

    def has(self, part: str) -> bool:
        return part.casefold() in self.held

    def open(self, part: str) -> Any:
        if not self.has(part):
            raise WorkbookError(f"{self.path}: the package lacks {part}")
        return self.package.open(self.held[part.casefold()])

    def read(self, part: str) -> bytes:
        with self.open(part) as f:
            try:
                return bytes(f.read())
            except Exception as e:  # zlib.error, BadZipFile
                raise WorkbookError(f"{self.path}: {part} is damaged: {e}") from None

    def root(self, part: str) -> Any:
        return parse(self.read(part), f"{self.path}: {part}")

    def relations(self, part: str) -> list[tuple[str, str, str, bool]]:
        """The relations of a part: id, kind, the part or address that it leads to, whether that lies outside."""
        folder, _, file = part.rpartition("/")
        links = f"{folder}/_rels/{file}.rels"
        found = []
        for r in self.root(links) if self.has(links) else ():
            kind = str(r.get("Type")).rpartition("/")[2]
            target, outside = str(r.get("Target")), r.get("TargetMode") == "External"
            if not outside:
                target = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"{folder}/{target}")
            found.append((str(r.get("Id")), kind, target, outside))
        return found

    def book(self, of_styles: Looks) -> Book:
        root = self.root(_WORKBOOK)
        relations = self.relations(_WORKBOOK)
        by_id = {i: (kind, target) for i, kind, target, _ in relations}
        by_kind = {kind: target for _, kind, target, _ in relations}
        styles = by_kind.get("styles", "")
        found = of_styles(self.root(styles)) if self.has(styles) else [Look()]
        shared = _shared(self, by_kind.get("sharedStrings", ""))
        book = Book(settings=self.settings(root, relations))
        order: list[str] = []
        owners: dict[str, str] = {}  # the sheet that a part is
        count = 0
        for e in root.iter():
            tag = _local(e.tag)
            if tag == "sheet":
                name = str(e.get("name"))
                order.append(name)
                link = next((v for k, v in e.attrib.items() if _local(k) == "id" and k != "sheetId"), "")
                kind, part = by_id.get(link, ("", ""))
                if kind == "worksheet":
                    if part.casefold() in owners:
                        both = f"{owners[part.casefold()]} and {name}"
                        raise WorkbookError(f"{self.path}: the sheets {both} are one part, {part}")
                    owners[part.casefold()] = name
                    sheet = Sheet(name, e.get("state") or "visible")
                    reader = SheetReader(self.path, part, self.read(part), sheet, found, shared, count)
                    count = reader.read()
                    book.sheets[name] = sheet
                    self.beside(part, sheet)
            elif tag == "definedName":
                self.name(book, order, e)
        if not order:
            raise WorkbookError(f"{self.path}: has no sheets")
        return book

    def name(self, book: Book, order: list[str], e: Any) -> None:
        name, text, scope = str(e.get("name")), (e.text or "").strip(), e.get("localSheetId")
        if scope is None:
            book.names[name] = text
        elif scope.isdigit() and int(scope) < len(order) and order[int(scope)] in book.sheets:
            book.sheets[order[int(scope)]].names[name] = text

    def beside(self, part: str, sheet: Sheet) -> None:
        """Tables and comments, which are parts of their own."""
        for _, kind, target, outside in self.relations(part):
            if outside or not self.has(target):
                continue
            if kind == "table":
                sheet.tables.append(_table(self.root(target), sheet.name))
            elif kind == "comments":
                for e in self.root(target).iter():
                    if _local(e.tag) == "comment" and _REFERENCE.fullmatch(str(e.get("ref"))):
                        text = "".join(t.text or "" for t in e.iter() if _local(t.tag) == "t")
                        row, column = cell_at(str(e.get("ref")))
                        sheet.comments[row, column] = unescaped(text)

    def settings(self, root: Any, relations: list[tuple[str, str, str, bool]]) -> Settings:
        found = Settings()
        for e in root.iter():
            tag = _local(e.tag)
            if tag == "calcPr":
                found.mode = e.get("calcMode") or "auto"
                found.iterates = is_true(e.get("iterate"))
                found.as_displayed = e.get("fullPrecision") in ("0", "false")
            elif tag == "workbookPr":
                found.from_1904 = is_true(e.get("date1904"))
        if self.has("docProps/app.xml"):
            found.application = next(
                (e.text or "" for e in self.root("docProps/app.xml").iter() if _local(e.tag) == "Application"), ""
            )
        found.macros = any(kind == "vbaProject" for _, kind, _, _ in relations)
        for _, kind, target, _ in relations:
            if kind == "externalLink" and self.has(target):
                found.links += self.link(target)
            found.connections += kind == "connections"
        folders = ("xl/embeddings/", "xl/activex/", "xl/ctrlprops/")
        found.embedded = sum(1 for n in self.held if n.startswith(folders) and not n.endswith("/"))
        return found

    def link(self, part: str) -> list[str]:
        """What an external link leads to: a file, or the server and topic of a DDE link."""
        outside = [target for _, _, target, away in self.relations(part) if away]
        dde = [
            f"DDE {e.get('ddeService')}|{e.get('ddeTopic')}"
            for e in self.root(part).iter()
            if _local(e.tag) == "ddeLink"
        ]
        return dde or outside or [part]


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _table(root: Any, sheet: str) -> Table:
    columns = tuple(unescaped(str(e.get("name"))) for e in root.iter() if _local(e.tag) == "tableColumn")
    headings = int(root.get("headerRowCount") or 1)
    totals = int(root.get("totalsRowCount") or 0)
    return Table(str(root.get("displayName")), columns, area(str(root.get("ref"))), sheet, headings, totals)


def _shared(package: _Package, part: str) -> list[str]:
    """The texts that cells share."""
    if not package.has(part):
        return []
    found: list[str] = []
    pieces: list[str] = []
    inside = {"si": False, "t": False, "rPh": False}

    def start(tag: str, _: Mapping[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name == "si":
            pieces.clear()
        if name in inside:
            inside[name] = True

    def end(tag: str) -> None:
        name = tag.rpartition(":")[2]
        if name == "si":
            found.append(unescaped("".join(pieces)))
        if name in inside:
            inside[name] = False

    def text(data: str) -> None:
        if inside["t"] and not inside["rPh"]:
            pieces.append(data)

    walk(package.read(part), f"{package.path}: {part}", start, end, text)
    return found
