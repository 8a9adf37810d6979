"""Reference tables as sheets: real Excel Tables, with a unit row above and the columns that the sheet works out."""

from __future__ import annotations

from typing import Any

from xl_econ.tables.rows import Row, quantity
from xl_econ.tables.store import Table

from .layout import TableSheet, table
from .model import Model
from .styles import Styles

HEADER_ROW = 5
_WIDTHS = {"source": 60, "note": 50, "aliases": 22, "gpu_hours_kind": 24, "mfu_kind": 24, "cost_note": 24, "setup": 16}


def write(ws: Any, style: Styles, model: Model, sheet: TableSheet) -> tuple[int, int]:
    """Write a table's sheet; answers with the numbers of its first and last row."""
    t = table(sheet)
    rows = list(t.rows.values())
    first, last = HEADER_ROW + 1, HEADER_ROW + len(rows)
    _page(ws, style, sheet)
    columns = [*t.columns, *(c.key for c in sheet.columns)]
    for n, name in enumerate(t.columns):
        q = quantity(t.model, name)
        ws.write_string(HEADER_ROW - 2, n, q.unit if q else "", style("unit"))
        cell = style("table_number", q.format) if q else style("table_text")
        for r, row in enumerate(rows, first - 1):
            _write_value(ws, r, n, getattr(row, name), cell)
        ws.set_column(n, n, _width(t, name, rows), style("plain"))
    formulas: list[tuple[tuple[int, int], str, Any, Any]] = []
    for n, column in enumerate(sheet.columns, len(t.columns)):
        ws.write_string(HEADER_ROW - 2, n, column.note, style("unit"))
        text = model.column_formula(sheet.name, column)
        form = style("calculation", column.format)
        values = model.column_values(sheet.name, column)
        formulas += [((r, n), text, value, form) for r, value in enumerate(values, first - 1)]
        ws.set_column(n, n, 16, style("plain"))
        if column.flag_above is not None:
            # A text compares above every number, so the rows that have no figure must be left out.
            at = f"${_letter(n)}{first}"
            rule = {
                "type": "formula",
                "criteria": f"=AND(ISNUMBER({at}),{at}>{column.flag_above:g})",
                "format": style("bad"),
            }
            ws.conditional_format(first - 1, n, last - 1, n, rule)
    calculated = {c.key: model.column_formula(sheet.name, c) for c in sheet.columns}
    ws.add_table(
        HEADER_ROW - 1,
        0,
        last - 1,
        len(columns) - 1,
        {
            "name": t.sheet,
            "style": "Table Style Light 1",
            "columns": [{"header": c} | ({"formula": calculated[c]} if c in calculated else {}) for c in columns],
        },
    )
    for cell, text, value, form in formulas:  # after add_table, which writes a column's formula with the value 0
        ws.write_formula(*cell, text, form, value)
    return first, last


def _page(ws: Any, style: Styles, sheet: TableSheet) -> None:
    ws.hide_gridlines(2)
    ws.set_landscape()
    ws.set_paper(8)
    ws.fit_to_pages(1, 0)
    ws.set_footer("&L&8&F&C&8&A&R&8Page &P of &N")
    ws.set_row(0, 26)
    ws.write_string("A1", sheet.sheet, style("title"))
    ws.write_string("A2", sheet.about, style("about"))
    ws.freeze_panes(HEADER_ROW, 1)
    ws.repeat_rows(HEADER_ROW - 1)


def _write_value(ws: Any, row: int, column: int, value: Any, cell: Any) -> None:
    if value is None:
        ws.write_blank(row, column, None, cell)
    elif isinstance(value, str):
        ws.write_string(row, column, value, cell)
    else:
        ws.write_number(row, column, value, cell)


def _width(t: Table, name: str, rows: list[Row]) -> float:
    longest = max(
        len(f"{getattr(r, name):,.6g}" if isinstance(getattr(r, name), float) else str(getattr(r, name) or ""))
        for r in rows
    )
    return _WIDTHS.get(name, min(max(longest + 2, len(name) + 3, 9), 30))


def _letter(column: int) -> str:
    from xlsxwriter.utility import xl_col_to_name

    found: str = xl_col_to_name(column)
    return found
