"""What differs between two workbooks, by key and name: inputs, formulas, results, tables, texts, look, structure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xl_econ.workbook.align import SheetPair
from xl_econ.workbook.cell import At, address
from xl_econ.workbook.child import seconds, within_limits
from xl_econ.workbook.grid import LEAST, MEGABYTE, Grid, GridCell, GridSheet
from xl_econ.workbook.recalc import same

from .compare import Compared, calculation_key
from .layout import CASES

TOLERANCE = 1e-12  # of results, which two programs compute with other last digits
GROUPS = {
    "case": "live case",
    "inputs": "inputs",
    "results": "results",
    "formulas": "formulas",
    "tables": "tables",
    "texts": "texts",
    "values": "other numbers",
    "computed": "other computed values",
    "rows": "rows",
    "columns": "columns",
    "sheets": "sheets",
    "names": "names",
    "formatting": "formatting only (cells by sheet)",
}
_LONGEST = 200  # characters of a cell, where a whole row is told
_ORIGIN = ("source", "as_of", "grade")


@dataclass(frozen=True)
class Finding:
    """One difference.

    Attributes:
        group: One of GROUPS.
        name: What differs, by its key: `Low.mfu`, `mfu.source`, a row of a table and its column.
        sheet: The sheet in the new workbook, or in the old one where it is in that alone.
        cell: Where it stands there.
        old: What the old workbook says; None where it has nothing.
        new: What the new one says.
    """

    group: str
    name: str
    sheet: str
    cell: str
    old: Any
    new: Any

    @property
    def change(self) -> float | None:
        """The change as a share of the old number."""
        numbers = all(isinstance(v, float) for v in (self.old, self.new))
        return self.new / self.old - 1 if numbers and self.old else None


def diff(a: Path, b: Path) -> list[Finding]:
    """What differs between an old workbook and a new one, group by group.

    Raises:
        WorkbookError: One cannot be read.
    """
    books = Grid(a), Grid(b)
    with within_limits(b, max(seconds(p, LEAST, MEGABYTE) for p in (a, b)), doing="compared"):
        found = list(_Differences(Compared(*books)).all())
    order = list(GROUPS)
    return sorted(found, key=lambda f: order.index(f.group))


class _Differences:
    """The differences of two workbooks that were paired."""

    def __init__(self, books: Compared) -> None:
        self.books = books
        # What a name leads to in the old workbook, and where its inputs' columns are.
        self.inputs: dict[tuple[str, int], str] = {}
        self.results: dict[tuple[str, int], str] = {}
        self.columns: dict[tuple[str, int], str] = {}
        self.named: dict[tuple[str, At], str] = {}
        self.hashes: set[tuple[str, At]] = set()  # they follow from what is compared
        for name in books.a.names:
            at, (of, _, key) = books.a.cell_of(name), name.partition(".")
            if at is None or not books.is_ours:
                continue
            if of == "xl_econ" and key.endswith("_hash"):
                self.hashes.add(at)
            elif of == "results":
                self.results[at[0], at[1].row] = key
            elif of == "inputs" and key in (*CASES, *_ORIGIN):
                self.columns[at[0], at[1].column] = key
            elif of == "inputs" and key in ("first_case", "last_case"):
                self._own_cases(*at)
            elif of == "inputs" and key in ("case", "purpose", "owner"):
                self.named[at] = key
            elif of == "inputs" and key != "key":
                self.inputs[at[0], at[1].row] = key

    def _own_cases(self, sheet: str, heading: At) -> None:
        """The columns of cases that a workbook names itself, from the first one on."""
        found = self.books.a.cell_of("inputs.last_case")
        cells = self.books.a.sheets[sheet].rows.get(heading.row, {})
        for column in range(heading.column, found[1].column + 1) if found else ():
            if column in cells:
                self.columns[sheet, column] = str(cells[column].value)

    def all(self) -> Iterator[Finding]:
        yield from self._sheets()
        for pair in self.books.pairs.values():
            yield from self._lines(pair, "rows")
            yield from self._lines(pair, "columns")
            yield from self._cells(pair)
        yield from self._names()

    def _sheets(self) -> Iterator[Finding]:
        known, books = self.books.sheets, self.books
        for x, y in known.items():
            if x != y:
                yield Finding("sheets", "renamed", y, "", x, y)
        for x in [x for x in books.a.sheets if x not in known]:
            yield Finding("sheets", "removed", x, "", x, None)
        for y in [y for y in books.b.sheets if y not in known.values()]:
            yield Finding("sheets", "added", y, "", None, y)

    def _names(self) -> Iterator[Finding]:
        a, b = self.books.a.names, self.books.b.names
        for name in sorted(a.keys() | b.keys()):
            old, new = a.get(name), b.get(name)
            if old is None or new is None or not self.books.same_name(old, new):
                yield Finding("names", name, "", "", old, new)

    def _lines(self, pair: SheetPair, kind: str) -> Iterator[Finding]:
        """Rows or columns that stand in one workbook only."""
        of_rows = kind == "rows"
        pairs = (pair.rows if of_rows else pair.columns).pairs
        for sheet, gone, paired in ((pair.a, True, set(pairs)), (pair.b, False, set(pairs.values()))):
            for n in sorted(set(sheet.rows if of_rows else sheet.columns) - paired):
                group, name, says = _row(sheet, n) if of_rows else _column(sheet, n)
                cell = f"A{n}" if of_rows else address(At(1, n))
                yield Finding(group, name, sheet.name, cell, *((says, None) if gone else (None, says)))

    def _cells(self, pair: SheetPair) -> Iterator[Finding]:
        looks = 0
        formulas: list[tuple[At, At, GridCell, GridCell]] = []
        for x, y in pair.rows.pairs.items():
            for i, j in pair.columns.pairs.items():
                old, new = pair.a.rows.get(x, {}).get(i), pair.b.rows.get(y, {}).get(j)
                if old is None and new is None:
                    continue
                a, b = At(x, i), At(y, j)
                if (old and old.formula is not None) or (new and new.formula is not None):
                    if not self._same_formula(pair, a, b, old, new):
                        empty = GridCell(None, None, ())
                        formulas.append((a, b, old or empty, new or empty))
                        continue
                    if old and new and None not in (old.value, new.value) and not same(old.value, new.value, TOLERANCE):
                        yield self._result(pair, a, b, old, new)
                elif old is None or new is None or type(old.value) is not type(new.value) or old.value != new.value:
                    if (pair.a.name, a) not in self.hashes:
                        yield self._constant(pair, a, b, old, new)
                    continue
                looks += bool(old and new and old.look != new.look)
        yield from self._formulas(pair, formulas)
        if looks:
            yield Finding("formatting", pair.b.name, pair.b.name, "", None, float(looks))

    def _same_formula(self, pair: SheetPair, a: At, b: At, old: GridCell | None, new: GridCell | None) -> bool:
        if old is None or new is None or old.formula is None or new.formula is None:
            return False
        return self.books.same_formula(pair, a, b, old.formula, new.formula)

    def _formulas(self, pair: SheetPair, found: list[tuple[At, At, GridCell, GridCell]]) -> Iterator[Finding]:
        """The changed formulas; those that changed alike, in a row or in a column of a table, are one finding."""
        alike: dict[Any, list[tuple[At, At, GridCell, GridCell]]] = {}
        for e in found:
            table = pair.a.table_at(*e[0])
            place = (table.name, e[0].column) if table else e[0].row
            alike.setdefault((place, e[2].token, e[3].token), []).append(e)
        for same_change in alike.values():
            a, _, old, new = same_change[0]
            if table := pair.a.table_at(*a):
                name = f"{table.name}.{table.columns[a.column]} ({len(same_change)} rows)"
            else:
                key = self._key(pair, a) or calculation_key(self.books.a, pair.a.name, a.row)
                name = f"{key} ({', '.join(self._column(pair, e[0]) for e in same_change)})"
            cells = ",".join(address(e[1]) for e in same_change)
            yield Finding("formulas", name, pair.b.name, cells, old.shown(), new.shown())

    def _key(self, pair: SheetPair, a: At) -> str:
        row = pair.a.name, a.row
        return self.inputs.get(row) or self.results.get(row) or self.named.get((pair.a.name, a), "")

    def _column(self, pair: SheetPair, a: At) -> str:
        return self.columns.get((pair.a.name, a.column)) or pair.a.heading(a)

    def _result(self, pair: SheetPair, a: At, b: At, old: GridCell, new: GridCell) -> Finding:
        key = self.results.get((pair.a.name, a.row))
        name = f"{key or calculation_key(self.books.a, pair.a.name, a.row)} ({pair.a.heading(a)})"
        group = "results" if key or not self.books.is_ours else "computed"
        return Finding(group, name, pair.b.name, address(b), old.value, new.value)

    def _constant(self, pair: SheetPair, a: At, b: At, old: GridCell | None, new: GridCell | None) -> Finding:
        values = (old.value if old else None, new.value if new else None)
        where = (pair.b.name, address(b), *values)
        if named := self.named.get((pair.a.name, a)):
            return Finding("case" if named == "case" else "texts", named, *where)
        key, column = self.inputs.get((pair.a.name, a.row)), self.columns.get((pair.a.name, a.column))
        if key and column:
            return Finding("inputs", f"{key}.{column}" if column in _ORIGIN else f"{column}.{key}", *where)
        table = pair.a.table_at(*a)
        if table:
            row = pair.a.rows[a.row].get(table.key_column)
            name = f"{table.name}[{row.value if row else a.row}].{table.columns[a.column]}"
            return Finding("tables", name, *where)
        label = calculation_key(self.books.a, pair.a.name, a.row)
        texts = all(v is None or isinstance(v, str) for v in values)
        name = label if texts and label in values else f"{label} ({self._column(pair, a)})"
        return Finding("texts" if texts else "values", name, *where)


def _row(sheet: GridSheet, row: int) -> tuple[str, str, str]:
    """The group, name and content of a row that stands in one workbook only."""
    cells = sheet.rows[row]
    says = " | ".join(_short(c.shown()) for c in cells.values())
    for t in sheet.tables:
        if row in t.body and (key := cells.get(t.key_column)):
            return "tables", f"{t.name}[{key.value}]", says
    return "rows", f"{sheet.name} row {row}", says


def _short(shown: Any) -> str:
    text = str(shown)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _column(sheet: GridSheet, column: int) -> tuple[str, str, str]:
    cells = [cells[column] for cells in sheet.rows.values() if column in cells]
    counts = Counter("formulas" if c.formula is not None else "values" for c in cells)
    heading = next((str(c.value) for c in cells if c.is_text), "")
    letter = address(At(1, column)).rstrip("1")
    return "columns", f"{sheet.name} column {letter}", f"{heading} ({', '.join(f'{n} {k}' for k, n in counts.items())})"
