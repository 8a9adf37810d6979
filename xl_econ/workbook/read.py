"""The formulas of a workbook with their stored values."""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from xl_econ.core.errors import WorkbookError

from .cell import cell_at
from .preflight import preflight

_MERGED = re.compile(rb"""mergeCell\s[^>]*?ref\s*=\s*["']([A-Za-z]{1,3}\d+):([A-Za-z]{1,3}\d+)""")
_MOST_MERGED = 1_000_000
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
    texts, values = load(path, values=False), load(path, values=True)
    return {
        (sheet.title, cell.coordinate): FormulaCell(
            _text(cell.value), _stored(values[sheet.title][cell.coordinate].value)
        )
        for sheet in texts.worksheets
        for cell in held(sheet)
        if cell.data_type == "f"
    }


def held(sheet: Any) -> list[Any]:
    """The cells of an openpyxl worksheet that the file has, in order; its iter_rows makes all those between as well."""
    return [sheet._cells[at] for at in sorted(sheet._cells)]


def _text(value: Any) -> str:
    return str(getattr(value, "text", value))  # an array formula is an object with its text


def refuse_large_merges(path: Path) -> None:
    """Refuse merged cells that a reader which lays out every cell of them would never be done with.

    Raises:
        WorkbookError: There are some, or a worksheet cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as package:
            for name in package.namelist():
                if not name.startswith("xl/worksheets/") or not name.endswith(".xml"):
                    continue
                tail = package.read(name).rpartition(b"sheetData")[2]
                areas = [(cell_at(a.decode()), cell_at(b.decode())) for a, b in _MERGED.findall(tail)]
                if sum((b.row - a.row + 1) * (b.column - a.column + 1) for a, b in areas) > _MOST_MERGED:
                    raise WorkbookError(f"{path}: {name} merges more than {_MOST_MERGED:,} cells")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as e:
        raise WorkbookError(f"{path}: cannot be read: {e}") from None


def _stored(value: Any) -> Any:
    """What the file holds; openpyxl makes a date of a number that is shown as one."""
    if not isinstance(value, datetime | date | time | timedelta):
        return value
    from openpyxl.utils.datetime import to_excel

    return float(to_excel(value))  # type: ignore[no-untyped-call]


def load(path: Path, values: bool) -> Any:
    """A workbook as openpyxl reads it: its formulas, or with `values` what is stored beside them.

    Raises:
        WorkbookError: The file cannot be read.
    """
    import openpyxl

    preflight(path)
    refuse_large_merges(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of extensions that it does not keep; nothing is written back
            return openpyxl.load_workbook(path, data_only=values)
    except Exception as e:  # openpyxl raises KeyError, IndexError, TypeError, XML and zip errors alike
        raise WorkbookError(f"{path}: cannot be read ({type(e).__name__}: {e})") from None
