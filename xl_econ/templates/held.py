"""The tables that a workbook holds, as a person left them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from xl_econ.tables.read import check_rows
from xl_econ.tables.store import RATE_CARD
from xl_econ.tables.table import Table
from xl_econ.workbook.cell import At, Value, address
from xl_econ.workbook.grid import Grid, TableArea
from xl_econ.workbook.read import Address

from . import stamp
from .layout import Layout, table


def tables(grid: Grid) -> dict[str, dict[Any, Any]]:
    """The rows of the workbook's own tables by table and key, checked.

    Raises:
        TableError: A row that cannot be accepted; says where it stands.
    """
    found = {}
    for area, t in _ours(grid):
        columns = {n: name for n, name in area.columns.items() if name in t.columns}
        lines = _lines(grid, area, t)
        letters = {name: n for n, name in columns.items()}

        def place(
            number: int,
            column: str,
            area: TableArea = area,
            numbers: tuple[int, ...] = tuple(n for n, _ in lines),
            letters: dict[str, int] = letters,
        ) -> str:
            row = area.body.start - 1 if number == 1 else numbers[number - 2]
            return f"{area.sheet}!{address(At(row, letters.get(column, area.key_column)))}"

        found[t.name] = check_rows(t, area.sheet, columns.values(), [raw for _, raw in lines], place)
    return found


def tables_hash(grid: Grid, layout: Layout, changes: Mapping[Address, Value]) -> str:
    """The hash of the tables of a template as they stand in a workbook, with other values in some cells."""
    areas = {t.name: area for area, t in _ours(grid)}
    held: dict[str, list[list[Any]]] = {t.name: [] for t in map(table, layout.tables)}
    for t in map(table, layout.tables):
        if area := areas.get(t.name):
            for row, raw in _lines(grid, area, t):
                now = {c: changes.get((area.sheet, address(At(row, n))), raw.get(c)) for n, c in area.columns.items()}
                held[t.name].append([now.get(c) for c in t.columns])
    return stamp.hash_of_tables(held)


def _ours(grid: Grid) -> Iterator[tuple[TableArea, Table]]:
    by_name = {t.sheet.casefold(): t for t in RATE_CARD.values()}
    for area in grid.tables.values():
        if t := by_name.get(area.name.casefold()):
            yield area, t


def _lines(grid: Grid, area: TableArea, t: Table) -> list[tuple[int, dict[str, Any]]]:
    """The rows that hold something, with their numbers."""
    columns = {n: name for n, name in area.columns.items() if name in t.columns}
    rows = grid.sheets[area.sheet].rows
    held = [(r, rows[r]) for r in area.body if any(n in rows.get(r, {}) for n in columns)]
    return [(r, {name: _value(cells.get(n), t.unit(name)) for n, name in columns.items()}) for r, cells in held]


def _value(cell: Any, unit: str) -> Any:
    value: Any = None if cell is None else cell.value
    if hasattr(value, "strftime"):
        return value.strftime("%Y-%m-%d")
    return f"{value:.15g}" if isinstance(value, float) and unit == "text" else value
