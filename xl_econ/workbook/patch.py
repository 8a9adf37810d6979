"""Other values in a workbook that somebody else made: only the cells that change are written.

Every part of the package but the worksheets with changed cells keeps its bytes, and in those only the elements of the
changed cells differ.  So charts, pictures, comments, macros and whatever a newer Excel adds stay as they are.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.parsers import expat

from xl_econ.core.errors import WorkbookError

from .cell import At, Value, cell_at
from .package import rewrite
from .parts import WORKBOOK, Parts, stamp
from .read import Address
from .sheet import SheetXml, Written, encoding
from .write import check_target, replacing

Changes = Mapping[Address, Value]


def patch(
    book: Parts,
    target: Path,
    values: Changes,
    results: Changes | None = None,
    compute_on_load: bool = False,
    others: Mapping[str, bytes] | None = None,
    anew: Mapping[Address, Written] | None = None,
) -> None:
    """Write a workbook with other values.

    Args:
        book: The workbook as it is.
        target: Where to; the workbook's own path changes it in place.
        values: What cells hold from now on; None empties a cell.
        results: What is stored beside formulas, and in the cells that an array formula fills.
        compute_on_load: Have programs compute every formula when they open it, for results that are not known here.
        others: New contents of parts that are no worksheets.
        anew: Cells that are written anew, formulas and all.

    Raises:
        WorkbookError: A value that a cell cannot hold, a formula in a cell that should hold a value, a place that
            cannot be written, a workbook that changed meanwhile. The file that was there is untouched.
    """
    parts, cells = changed_parts(book, values, results or {}, anew)
    parts |= others or {}
    if compute_on_load:
        parts |= _computing_on_load(book)
    place = target.resolve()  # a link to a workbook stays a link
    check_target(target, force=True)
    if not parts and place == book.path.resolve():
        return
    with replacing(place, force=True) as beside:
        try:
            rewrite(book.path, beside, parts)
            verify(book, beside, parts, cells)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as e:
            raise WorkbookError(f"{book.path}: cannot be copied: {e}") from None
        # Since it was read: what was worked out from other contents must not be put into these.
        if stamp(book.path) != book.stamp:
            raise WorkbookError(f"{book.path}: was changed by another program meanwhile; nothing is written")


def changed_parts(
    book: Parts, values: Changes, results: Changes, anew: Mapping[Address, Written] | None = None
) -> tuple[dict[str, bytes], dict[str, dict[At, Any]]]:
    """The worksheet parts that change, and by part the cells that do."""
    by_sheet: dict[str, tuple[dict[At, Any], dict[At, Any], dict[At, Any]]] = {}
    for n, changes in enumerate((values, results, anew or {})):
        for (sheet, cell), value in changes.items():
            by_sheet.setdefault(sheet, ({}, {}, {}))[n][cell_at(cell)] = value
    parts = {book.parts[s]: book.sheet(s).patched(*changes) for s, changes in by_sheet.items() if book.sheet(s)}
    return parts, {book.parts[s]: a | b | c for s, (a, b, c) in by_sheet.items()}


def _computing_on_load(book: Parts) -> dict[str, bytes]:
    """The workbook part that asks for a full computation; nothing where it does already."""
    data = book.read(WORKBOOK)
    text = data.decode(encoding(data))
    if re.search(r"""<(?:[\w.-]+:)?calcPr\s[^>]*fullCalcOnLoad\s*=\s*["'](?:1|true)["']""", text):
        return {}
    text = re.sub(r"""(<(?:[\w.-]+:)?calcPr\b[^>]*?)\s+fullCalcOnLoad\s*=\s*(?:"[^"]*"|'[^']*')""", r"\1", text)
    text, count = re.subn(r"<((?:[\w.-]+:)?calcPr)\b", r'<\1 fullCalcOnLoad="1"', text, count=1)
    if not count:
        before = list(re.finditer(r"</((?:[\w.-]+:)?)(?:sheets|externalReferences|definedNames)>", text))
        if not before:
            raise WorkbookError(f"{book.path}: {WORKBOOK} has no sheets")
        at, prefix = before[-1].end(), before[-1][1]
        text = f'{text[:at]}<{prefix}calcPr fullCalcOnLoad="1"/>{text[at:]}'
    return {WORKBOOK: text.encode(encoding(data))}


def verify(book: Parts, new: Path, parts: Mapping[str, bytes], cells: Mapping[str, Mapping[At, Any]]) -> None:
    """Read a written package again and compare it: nothing but the changed cells may differ.

    Raises:
        WorkbookError: Something else does; it must not take the place of the workbook.
    """
    with zipfile.ZipFile(book.path) as old, zipfile.ZipFile(new) as written:
        before, after = old.infolist(), written.infolist()
        if [i.filename for i in before] != [i.filename for i in after]:
            raise WorkbookError(f"{book.path}: the copy does not hold the same parts; nothing is written")
        for a, b in zip(before, after, strict=True):
            # Reading checks the sum of the content, so an equal sum is equal content.
            if a.filename in parts:
                same = written.read(b) == parts[a.filename]
            else:
                same = (a.CRC, a.file_size) == (b.CRC, b.file_size) and _reads(written, b)
            if not same:
                raise WorkbookError(f"{book.path}: {a.filename} was not copied as it is; nothing is written")
    for sheet, part in book.parts.items():
        if part in cells:
            _parse(parts[part], sheet)
            if _without(book.sheet(sheet), cells[part]) != _without(SheetXml(parts[part], sheet), cells[part]):
                raise WorkbookError(f"{book.path}: more than the given cells of {sheet} would change")


def _reads(package: zipfile.ZipFile, info: zipfile.ZipInfo) -> bool:
    """Read a part for its sum to be checked, a piece at a time: pictures can be large."""
    with package.open(info) as part:
        while part.read(1 << 20):
            pass
    return True


def _parse(data: bytes, sheet: str) -> None:
    """Refuse what is no XML. A document type, which could make a parser work for ever, was refused before."""
    try:
        expat.ParserCreate().Parse(data, True)
    except expat.ExpatError as e:
        raise WorkbookError(f"{sheet}: malformed: {e}") from None


def _without(sheet: SheetXml, cells: Mapping[At, Any]) -> tuple[list[tuple[At, str]], str, str]:
    """What a worksheet holds besides some cells: its other cells, and what stands before and after them."""
    text = sheet.text
    others = [(c.at, text[c.span.start : c.span.end]) for c in sheet.cells() if c.at not in cells]
    return others, text[: sheet.data.start], text[sheet.data.end :]
