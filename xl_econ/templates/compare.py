"""Two workbooks with their sheets, rows and columns paired by names and keys; whether two formulas are one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable
from functools import cached_property

from xl_econ.workbook import align
from xl_econ.workbook.align import SheetPair
from xl_econ.workbook.cell import At
from xl_econ.workbook.grid import Grid, place
from xl_econ.workbook.references import Reference, Resolve, equal, pieces

_WORDS = re.compile(r"([A-Za-z_]\w*) = .+", re.S)  # the Formula in words of a calculation row
_COLUMNS = re.compile(r"\[([^\[\]]+)\]")


class Compared:
    """Two workbooks, old and new.

    Args:
        a: The old one.
        b: The new one.
    """

    def __init__(self, a: Grid, b: Grid) -> None:
        self.a, self.b = a, b
        anchors = []
        for name in self.a.names.keys() & self.b.names.keys():
            x, y = self.a.cell_of(name), self.b.cell_of(name)
            if x and y:
                anchors.append((x[0], y[0]))
        # The most names say which sheet it is: one of them may have been moved elsewhere by hand.
        ranked = sorted(set(anchors), key=lambda e: (-anchors.count(e), e))
        self.sheets = align.sheets(self.a, self.b, ranked)
        self.pairs = {x: self._pair(x, y) for x, y in self.sheets.items()}

    def _pair(self, x: str, y: str) -> SheetPair:
        a, b = self.a.sheets[x], self.b.sheets[y]
        of_a, of_b = _keys(self.a, x), _keys(self.b, y)
        labels = {b.label(row) for row in b.rows}
        # A name that leads to a row of another label, while its own is still there, was moved and says nothing.
        moved = {
            key
            for key, row in of_a.items()
            if isinstance(key, tuple) and key[0] == "name" and key in of_b
            if a.label(row) != b.label(of_b[key]) and a.label(row) in labels
        }
        return align.sheet(a, b, *({k: r for k, r in of.items() if k not in moved} for of in (of_a, of_b)))

    @cached_property
    def is_ours(self) -> bool:
        """Whether both were built from a template."""
        return all("inputs.case" in g.names for g in (self.a, self.b))

    def leads(self, a: tuple[str, At], b: tuple[str, At]) -> bool:
        """Whether a cell of the old workbook is that of the new one."""
        (sheet, x), (other, y) = a, b
        if self.sheets.get(sheet) != other:
            return a == b and sheet not in self.a.sheets and other not in self.b.sheets
        pair = self.pairs[sheet]
        return pair.rows.leads(x.row, y.row) and pair.columns.leads(x.column, y.column)

    def same_formula(self, pair: SheetPair, x: At, y: At, old: str, new: str) -> bool:
        """Whether two formulas lead to the same cells and do the same with them."""

        def same(r: Reference, s: Reference) -> bool:
            here, there = r.sheet or pair.a.name, s.sheet or pair.b.name
            return self.leads((here, r.first), (there, s.first)) and self.leads((here, r.last), (there, s.last))

        if equal(pieces(old), pieces(new), same):
            return True
        # LibreOffice writes the area in place of a structured reference.
        if "[" not in old + new:
            return False
        here, there = _resolving(self.a, pair.a.name, x), _resolving(self.b, pair.b.name, y)
        return equal(pieces(old, here), pieces(new, there), same)

    def same_name(self, old: str, new: str) -> bool:
        """Whether a defined name says the same in both."""
        x, y = place(old), place(new)
        if x and y:
            return self.leads(x, y)

        def same(r: Reference, s: Reference) -> bool:
            pairs = ((r.first, s.first), (r.last, s.last))
            return all(self.leads((r.sheet, x), (s.sheet, y)) for x, y in pairs)

        return equal(pieces(old), pieces(new), same)


def _resolving(grid: Grid, sheet: str, at: At) -> Resolve:
    return lambda table, inside: _area(grid, sheet, at, table, inside)


def _keys(grid: Grid, sheet: str) -> dict[Hashable, int]:
    """The rows of a sheet that are known by a key, wherever they stand."""
    s = grid.sheets[sheet]
    found: dict[Hashable, int] = {}
    found.update(s.row_keys().items())
    for name in grid.names:
        named = grid.cell_of(name) if name.startswith(("inputs.", "results.", "xl_econ.")) else None
        if named and named[0] == sheet:
            found["name", name] = named[1].row
    if "inputs.case" in grid.names:
        bodies = {row for t in s.tables for row in t.body}
        # A note beside figures is what somebody wrote there, not what the row is called.
        called = {row: s.label(row) for row, cells in s.rows.items() if row not in bodies and cells[min(cells)].is_text}
        labels = Counter(called.values())
        labelled = {("label", label): row for row, label in called.items() if labels[label] == 1}
        found = {key: row for key, row in labelled.items() if key[1]} | found
        said: dict[str, list[int]] = {}
        for at, cell in s.cells.items():
            if cell.is_text and (words := _WORDS.fullmatch(cell.value)):
                said.setdefault(words[1], []).append(at.row)
        found |= {("words", key): rows[0] for key, rows in said.items() if len(rows) == 1}
    return found


def calculation_key(grid: Grid, sheet: str, row: int) -> str:
    """The key of a row of the calculation, else the row's label."""
    s = grid.sheets[sheet]
    for cell in s.rows.get(row, {}).values():
        if "inputs.case" in grid.names and cell.is_text and (words := _WORDS.fullmatch(cell.value)):
            return words[1]
    return s.label(row)


def _area(grid: Grid, sheet: str, at: At, table: str, inside: str) -> Reference | None:
    """The area of a structured reference; None where it is more than the usual ones."""
    tables = {name.casefold(): t for name, t in grid.tables.items()}
    t = tables.get(table.casefold()) if table else grid.sheets[sheet].table_at(at.row, at.column)
    if t is None:
        return None
    top, bottom = t.body.start, t.body.stop - 1
    names = _COLUMNS.findall(inside) if inside.startswith("[[") else [inside[1:-1]]
    if names and names[0].startswith("#"):
        special = names.pop(0).casefold()
        if special == "#headers":
            top = bottom = t.body.start - 1
        elif special == "#all":
            top -= 1
        elif special == "#this row":
            top = bottom = at.row
        elif special != "#data":
            return None
    elif names and names[0].startswith("@"):
        names[0], top, bottom = names[0][1:], at.row, at.row
    by_name = {name.casefold(): n for n, name in t.columns.items()}
    columns = [by_name.get(n.casefold()) for n in names] if names else [min(t.columns), max(t.columns)]
    known = [n for n in columns if n is not None]
    if len(known) < len(columns) or len(known) > 2:
        return None
    return Reference(t.sheet, At(top, known[0]), At(bottom, known[-1]))
