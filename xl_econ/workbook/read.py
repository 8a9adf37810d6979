"""The formulas of a workbook with their stored values."""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xl_econ.core.errors import WorkbookError

from .cell import cell_at
from .child import seconds, within_limits
from .events import in_words
from .preflight import preflight

_MERGED = re.compile(rb"""mergeCell\s[^<>]*?ref\s*=\s*["']([A-Za-z]{1,3}\d{1,7}):([A-Za-z]{1,3}\d{1,7})""")
_FILLED = re.compile(
    rb"""<(?:[\w.-]{1,20}:)?f\s(?=[^<>]*?array)[^<>]*?ref\s*=\s*["']([A-Za-z]{1,3}\d{1,7}):([A-Za-z]{1,3}\d{1,7})"""
)
_MOST = 1_000_000
Address = tuple[str, str]  # sheet, cell


@dataclass(frozen=True)
class FormulaCell:
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


def refuse_large_areas(path: Path) -> None:
    """Refuse merged cells and array formulas that a reader which lays out every cell of them would never be done with.

    Raises:
        WorkbookError: There are some, or a worksheet cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as package:
            for name in package.namelist():
                if not name.startswith("xl/worksheets/") or not name.endswith(".xml"):
                    continue
                text = package.read(name)
                for what, found in (("merges", _MERGED), ("fills by array formulas", _FILLED)):
                    areas = [(cell_at(a.decode()), cell_at(b.decode())) for a, b in found.findall(text)]
                    if sum((b.row - a.row + 1) * (b.column - a.column + 1) for a, b in areas) > _MOST:
                        raise WorkbookError(f"{path}: {name} {what} more than {_MOST:,} cells")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as e:
        raise WorkbookError(f"{path}: cannot be read: {e}") from None


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
