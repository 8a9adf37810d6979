"""The formulas of a workbook with their stored values."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from xl_econ.core.errors import WorkbookError

from .preflight import preflight

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
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    }


def _text(value: Any) -> str:
    return str(getattr(value, "text", value))  # an array formula is an object with its text


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
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of extensions that it does not keep; nothing is written back
            return openpyxl.load_workbook(path, data_only=values)
    except Exception as e:  # openpyxl raises KeyError, IndexError, TypeError, XML and zip errors alike
        raise WorkbookError(f"{path}: cannot be read ({type(e).__name__}: {e})") from None
