"""The formulas of a workbook with their stored values."""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from xl_econ.core.errors import WorkbookError

from .cell import cell_at
from .child import seconds, within_limits
from .events import in_words
from .preflight import preflight

_MERGED = re.compile(rb"""mergeCell\s[^<>]*?ref\s*=\s*["']([A-Za-z]{1,3}\d{1,7}):([A-Za-z]{1,3}\d{1,7})""")
_FILLED = re.compile(
    rb"""<(?:[\w.-]{1,20}:)?f\s(?=[^<>]*?array)[^<>]*?ref\s*=\s*["']([A-Za-z]{1,3}\d{1,7}):([A-Za-z]{1,3}\d{1,7})"""
)
# What areas do, a word without which there are none, and what finds them.
_AREAS = (("merges", b"mergeCell", _MERGED), ("fills by array formulas", b"array", _FILLED))
_MOST = 1_000_000
Address = tuple[str, str]  # sheet, cell


class FormulaCell(NamedTuple):
    """A formula as the file has it, and the value stored beside it (None: none is stored)."""

    formula: str
    stored: Any


def formulas(path: Path) -> dict[Address, FormulaCell]:
    """Every formula cell of a workbook.

    Raises:
        WorkbookError: The file cannot be read.
    """
    from .scan import scan

    return {(sheet.name, c.at): FormulaCell(c.formula, c.stored) for sheet, c in scan(path).formulas()}


def held(sheet: Any) -> list[Any]:
    """The cells of an openpyxl worksheet that the file has, in order; its iter_rows makes all those between as well."""
    return [sheet._cells[at] for at in sorted(sheet._cells)]


def worksheets(path: Path) -> Iterator[tuple[str, bytes]]:
    """The parts that are worksheets, by name.

    Merged cells and array formulas that a reader which lays out every cell of them would never be done with are
    refused.

    Raises:
        WorkbookError: There are some, or a worksheet cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as package:
            for name in package.namelist():
                if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                    text = package.read(name)
                    for what, word, found in _AREAS:
                        if word in text and _cells(found.findall(text)) > _MOST:
                            raise WorkbookError(f"{path}: {name} {what} more than {_MOST:,} cells")
                    yield name, text
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as e:
        raise WorkbookError(f"{path}: cannot be read: {e}") from None


def _cells(areas: list[tuple[bytes, bytes]]) -> int:
    """How many cells areas have, each by its first and its last."""
    corners = ((cell_at(first.decode()), cell_at(last.decode())) for first, last in areas)
    return sum((b.row - a.row + 1) * (b.column - a.column + 1) for a, b in corners)


def refuse_large_areas(path: Path) -> None:
    """Refuse a workbook with areas that are too large, as `worksheets` does.

    Raises:
        WorkbookError: There are some, or a worksheet cannot be read.
    """
    for _ in worksheets(path):
        pass


def load(path: Path, values: bool) -> Any:
    """A workbook as openpyxl reads it: its formulas, or with `values` what is stored beside them.

    Raises:
        WorkbookError: The file cannot be read.
    """
    import openpyxl

    preflight(path)
    refuse_large_areas(path)
    try:
        with warnings.catch_warnings(), within_limits(path, seconds(path)):
            warnings.simplefilter("ignore")  # of extensions that it does not keep; nothing is written back
            return openpyxl.load_workbook(path, data_only=values)
    except WorkbookError:
        raise
    except Exception as e:  # openpyxl raises KeyError, IndexError, TypeError, XML and zip errors alike
        raise WorkbookError(f"{path}: cannot be read: {in_words(e)}") from None
