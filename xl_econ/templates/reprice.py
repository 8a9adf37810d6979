"""New rows for the tables of a filled workbook, and what each of them does to the results.

One row at a time goes from old to new, all others old; what is left of the total is the rows' interaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from xl_econ.core.errors import WorkbookError
from xl_econ.tables.store import RATE_CARD
from xl_econ.tables.table import Table
from xl_econ.workbook.cell import At, Value, address
from xl_econ.workbook.grid import Grid, GridCell, TableArea
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.read import Address
from xl_econ.workbook.refresh import Refreshed, refreshed

from .layout import Layout


@dataclass(frozen=True)
class CellChange:
    """A figure of a table that changes."""

    at: Address
    column: str
    old: Any
    new: Any


@dataclass(frozen=True)
class RowChange:
    """A row of a table that changes."""

    table: str
    key: str
    cells: list[CellChange]

    @property
    def values(self) -> dict[Address, Value]:
        return {c.at: c.new for c in self.cells}


@dataclass
class TableChanges:
    """What other tables change in a workbook; rows that are in one of them only are listed, not written."""

    rows: list[RowChange] = field(default_factory=list)
    added: list[tuple[str, str]] = field(default_factory=list)
    removed: list[tuple[str, str]] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)


def changes(grid: Grid) -> TableChanges:
    """What the tables in use change in those of a workbook, in the order of its sheets and rows.

    Raises:
        WorkbookError: None of our tables is in the workbook, or a figure that changes is a formula there.
    """
    by_name = {t.sheet.casefold(): t for t in RATE_CARD.values()}
    found = TableChanges()
    for area in grid.tables.values():
        if table := by_name.get(area.name.casefold()):
            found.tables.append(table.name)
            _of_table(grid, area, table, found)
    if not found.tables:
        raise WorkbookError(f"{grid.path}: holds none of the tables of xl-econ")
    return found


def _of_table(grid: Grid, area: TableArea, table: Table, found: TableChanges) -> None:
    columns = {name: n for n, name in area.columns.items() if name in table.columns}
    if table.key not in columns:
        raise WorkbookError(f"{grid.path}: {area.sheet}: the table {area.name} has no column {table.key}")
    lines = grid.sheets[area.sheet].rows
    held: set[Any] = set()
    for row in area.body:
        cells = lines.get(row, {})
        if (named := cells.get(columns[table.key])) is None:
            continue
        key, new = named.value, table.rows.get(named.value)
        if key in held:
            raise WorkbookError(f"{grid.path}: {area.sheet}: {key!r} stands there twice")
        held.add(key)
        if new is None:
            found.removed.append((table.name, str(key)))
            continue
        now = {name: _value(cells.get(n), table.unit(name) == "text") for name, n in columns.items()}
        changed = [
            CellChange((area.sheet, address(At(row, n))), name, now[name], getattr(new, name))
            for name, n in columns.items()
            if now[name] != getattr(new, name) and (now[name], getattr(new, name)) != (None, "")
        ]
        for c in changed:
            n = columns[c.column]
            if n in cells and cells[n].formula is not None:
                raise WorkbookError(f"{c.at[0]}!{c.at[1]}: {c.column} is a formula there; type a value over it first")
        if changed:
            found.rows.append(RowChange(table.name, str(key), changed))
    found.added += [(table.name, str(key)) for key in table.rows if key not in held]


def _value(cell: GridCell | None, text: bool) -> Any:
    """What a cell of a table holds, as a row of the table has it."""
    value: Any = None if cell is None else cell.value
    if isinstance(value, float) and text:
        return f"{value:.15g}"  # 2026 was typed where a text is meant
    return value.strftime("%Y-%m-%d") if hasattr(value, "strftime") else value


@dataclass(frozen=True)
class Attributed:
    """A result before and after, and what each changed row does to it; the parts sum to the difference."""

    key: str
    label: str
    old: Value
    new: Value
    by_row: list[tuple[RowChange, float]]
    interaction: float


class Repriced:
    """A workbook with other tables, worked out and not written.

    Args:
        book: The workbook.
        layout: Its template.
        results: The cells of its results by key.
        changed: The rows that change.
    """

    def __init__(
        self, book: Parts, layout: Layout, results: Mapping[str, Address], changed: Sequence[RowChange]
    ) -> None:
        self.book, self.layout, self.cells, self.rows = book, layout, results, changed
        self._stored = {at: f.value for at, f in book.formulas()}

    @property
    def values(self) -> dict[Address, Value]:
        return {at: v for row in self.rows for at, v in row.values.items()}

    @cached_property
    def before(self) -> dict[Address, Value]:
        """Every formula's value as the workbook is: what is stored may be old."""
        return self._stored | refreshed(self.book).changes

    @cached_property
    def fresh(self) -> Refreshed:
        """What is to be written beside the formulas."""
        return refreshed(self.book, self.values)

    @cached_property
    def after(self) -> dict[Address, Value]:
        return self._stored | self.fresh.changes

    @cached_property
    def _tables(self) -> set[str]:
        return {c.at[0] for row in self.rows for c in row.cells}

    def attributed(self) -> list[Attributed]:
        """Every result that changes, and why."""
        alone = dict(self._alone(list(range(len(self.rows))), self.after)) if self.rows else {}
        labels = {r.key: r.label for r in self.layout.results}
        found = []
        for key, at in self.cells.items():
            old, new = self.before[at], self.after[at]
            if old == new:
                continue
            parts = [(self.rows[n], _difference(old, values.get(at))) for n, values in sorted(alone.items())]
            effects = [(row, effect) for row, effect in parts if effect]
            rest = _difference(old, new)
            for _, effect in effects:
                rest -= effect
            found.append(Attributed(key, labels.get(key, key), old, new, effects, rest))
        return found

    def _alone(self, which: list[int], together: dict[Address, Value]) -> list[tuple[int, dict[Address, Value]]]:
        """What each row does alone: rows that together do nothing outside the tables do nothing one by one."""
        if all(v == self.before.get(at) for at, v in together.items() if at[0] not in self._tables):
            return []
        if len(which) == 1:
            return [(which[0], together)]
        found = []
        half = len(which) // 2
        for part in (which[:half], which[half:]):
            values = {at: v for n in part for at, v in self.rows[n].values.items()}
            found += self._alone(part, self._stored | refreshed(self.book, values).changes)
        return found


def _numbers(*values: Any) -> bool:
    return all(isinstance(v, float | int) and not isinstance(v, bool) for v in values)


def _difference(old: Any, new: Any) -> float:
    return float(new - old) if _numbers(old, new) else 0.0
