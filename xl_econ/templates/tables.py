"""Reference tables as sheets: real Excel Tables, with a unit row above and the columns that the sheet works out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xl_econ.tables.rows import Row, choices, quantity
from xl_econ.tables.table import Table

from . import columns
from .canvas import Canvas
from .checks import limit_of
from .layout import TableSheet, table
from .model import Model
from .parts import LIVE
from .styles import Styles

HEADER_ROW = 5
PAGE_WIDTH = 240  # characters on a page of A3 that can still be read
_WORKED_WIDTH = 16
_WIDTHS = {"source": 60, "note": 50, "aliases": 22, "gpu_hours_kind": 24, "mfu_kind": 24, "cost_note": 24, "setup": 16}


@dataclass(frozen=True)
class Worked:
    """A column that the sheet works out, with its values."""

    key: str
    note: str
    format: str
    formula: str
    values: list[Any]
    flag_above: str | None
    flag_style: str
    message: str


def worked(model: Model, sheet: TableSheet) -> list[Worked]:
    """The columns that a template's table sheet works out."""
    refs = model.refs(LIVE, sheet.sheet, fixed=True)
    found = []
    for c in sheet.columns:
        name = columns.whole(sheet, c.key)
        text = columns.formula(sheet, c, model.column_trees[name], refs)
        limit = limit_of(model, c)[1] if c.flag_above is not None else None
        look, message = "noted" if c.severity == "info" else "bad", c.note if c.unit else ""
        values = list(model.columns[name])
        found.append(Worked(c.key, c.unit or c.note, c.format, text, values, limit, look, message))
    return found


def of(ws: Any, style: Styles, sheet: TableSheet, model: Model) -> tuple[int, int]:
    """Write a table sheet of a template; answers with the numbers of its first and last row."""
    return write(ws, style, table(sheet), sheet.sheet, sheet.about, worked(model, sheet))


def write(ws: Any, style: Styles, t: Table, title: str, about: str, extra: Sequence[Worked] = ()) -> tuple[int, int]:
    """Write a table's sheet; answers with the numbers of its first and last row.

    Args:
        ws: The worksheet.
        style: The styles of its workbook.
        t: The table.
        title: Title of the sheet.
        about: What the sheet says below it.
        extra: Columns that the sheet works out, to the right.
    """
    rows = list(t.rows.values())
    first, last = HEADER_ROW + 1, HEADER_ROW + len(rows)
    c = Canvas(ws, style)
    c.title(title, about)
    ws.freeze_panes(HEADER_ROW, 1)
    ws.repeat_rows(HEADER_ROW - 1)
    ws.repeat_columns(0)
    # One page's width would print a wide table too small to read.
    width = sum(_width(t, name, rows) for name in t.columns) + sum(map(_worked_width, extra))
    ws.fit_to_pages(math.ceil(width / PAGE_WIDTH), 0)
    headers = [*t.columns, *(x.key for x in extra)]
    texts = [area for n, name in enumerate(t.columns) if (area := _column(c, t, name, n, rows))]
    ws.ignore_errors({"number_stored_as_text": " ".join(texts)})
    formulas: list[tuple[tuple[int, int], str, Any, Any]] = []
    for n, column in enumerate(extra, len(t.columns)):
        ws.write_string(HEADER_ROW - 2, n, column.note, style("limit" if column.message else "unit"))
        form = style("calculation", column.format)
        formulas += [((r, n), column.formula, value, form) for r, value in enumerate(column.values, first - 1)]
        ws.set_column(n, n, _worked_width(column), style("plain"))
        if column.message:  # shown where the heading is selected
            said = {"validate": "any", "input_title": column.key[:32], "input_message": column.message[:255]}
            ws.data_validation(HEADER_ROW - 1, n, HEADER_ROW - 1, n, said)
        if column.flag_above is not None:
            # A text compares above every number, so the rows that have no figure must be left out.
            at = f"${_letter(n)}{first}"
            rule = {
                "type": "formula",
                "criteria": f"=AND(ISNUMBER({at}),{at}>{column.flag_above})",
                "format": style(column.flag_style),
            }
            ws.conditional_format(first - 1, n, last - 1, n, rule)
    calculated = {x.key: x.formula for x in extra}
    numbers = {*calculated, *(name for name in t.columns if _is_number(t, name))}
    ws.add_table(
        HEADER_ROW - 1,
        0,
        last - 1,
        len(headers) - 1,
        {
            "name": t.sheet,
            "style": "Table Style Light 1",
            "columns": [
                {"header": x, "header_format": style("heading_number" if x in numbers else "heading")}
                | ({"formula": calculated[x]} if x in calculated else {})
                for x in headers
            ],
        },
    )
    for cell, text, value, form in formulas:  # after add_table, which writes a column's formula with the value 0
        ws.write_formula(*cell, text, form, value)
    return first, last


def _column(c: Canvas, t: Table, name: str, n: int, rows: list[Row]) -> str:
    """A column of the table: its unit, its values, what Excel lets a person type; answers with the cells of texts."""
    q, number = quantity(t.model, name), _is_number(t, name)
    c.ws.write_string(HEADER_ROW - 2, n, q.unit if q and number else "", c.style("limit"))
    # In a cell of text format 2026-08 stays what was typed, and does not become a date.
    cell = c.style("table_number", q.format) if q and number else c.style("table_text", "@")
    for r, row in enumerate(rows, HEADER_ROW):
        _write_value(c.ws, r, n, getattr(row, name), cell)
    c.ws.set_column(n, n, _width(t, name, rows), c.style("plain"))
    area = f"{_letter(n)}{HEADER_ROW + 1}:{_letter(n)}{HEADER_ROW + len(rows)}"
    if allowed := choices(t.model, name):
        c.choose(area, allowed, name, t.model.model_fields[name].description or "")
    elif q and number:
        c.bounds(area, q, name, f"Column {name}", blank=t.is_optional(name))
    if name == t.key:
        c.ws.conditional_format(area, {"type": "duplicate", "format": c.style("bad")})
    return "" if number else area


def _is_number(t: Table, name: str) -> bool:
    q = quantity(t.model, name)
    return q is not None and not q.is_text


def _write_value(ws: Any, row: int, column: int, value: Any, cell: Any) -> None:
    if value is None:
        ws.write_blank(row, column, None, cell)
    elif isinstance(value, str):
        ws.write_string(row, column, value, cell)
    else:
        ws.write_number(row, column, value, cell)


def _worked_width(column: Worked) -> int:
    return max(_WORKED_WIDTH, len(column.key) + 4)


def _width(t: Table, name: str, rows: list[Row]) -> float:
    longest = max(
        len(f"{getattr(r, name):,.6g}" if isinstance(getattr(r, name), float) else str(getattr(r, name) or ""))
        for r in rows
    )
    unit = "" if t.unit(name) == "text" else t.unit(name)
    return _WIDTHS.get(name, min(max(longest + 2, len(name) + 3, len(unit) + 2, 9), 50 if name == t.key else 30))


def _letter(column: int) -> str:
    from xlsxwriter.utility import xl_col_to_name

    found: str = xl_col_to_name(column)
    return found
