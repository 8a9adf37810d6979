"""What an edit is made of: a clean workbook with its cells, runs of copied formulas, inputs and their labels."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from xl_econ.workbook.book import Book, Cell, Sheet
from xl_econ.workbook.cell import COLUMNS, ROWS, At, address, cell_at
from xl_econ.workbook.graph import Graph
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.scan import scan

from .draft import Draft, computed

REF = re.compile(
    r"""(?P<skip>"(?:[^"]|"")*"|\[(?:[^\[\]]|\[[^\[\]]*\])*\])
    |(?P<sheet>(?:'(?:[^']|'')+'|[A-Za-z_][\w.]*)!)?(?<![\w.$])(?P<ca>\$?)(?P<c>[A-Z]{1,3})(?P<ra>\$?)(?P<r>\d{1,7})(?![\w(.!])""",
    re.X,
)
# The label of a price or cost, and not of a share of one.
PRICE = r"^(?!.*(?:%|share|ratio|decline|overhead|margin|discount|contingency)).*(?:USD|\$|price|cost|tariff)"
_PAGES = ("Cover", "Sources", "Changelog", "Glossary", "Functions", "Read me", "Notes")  # of words, not of figures


@dataclass(frozen=True)
class Ref:
    """A reference to one cell in the text of a formula."""

    start: int
    end: int
    sheet: str
    column_fixed: bool
    row_fixed: bool
    at: At
    in_range: bool

    def written(self, at: At | None = None, column_fixed: bool | None = None, row_fixed: bool | None = None) -> str:
        to = at or self.at
        letters = address(At(1, to.column))[:-1]
        c = self.column_fixed if column_fixed is None else column_fixed
        r = self.row_fixed if row_fixed is None else row_fixed
        return f"{self.sheet}{'$' * c}{letters}{'$' * r}{to.row}"


def refs(formula: str) -> list[Ref]:
    """The references of a formula to cells; corners of areas say so."""
    found = []
    for m in REF.finditer(formula):
        if m["skip"]:
            continue
        around = formula[m.end() : m.end() + 1] == ":" or formula[m.start() - 1 : m.start()] == ":"
        at = cell_at(m["c"] + m["r"])
        found.append(Ref(m.start(), m.end(), m["sheet"] or "", bool(m["ca"]), bool(m["ra"]), at, around))
    return found


def replaced(formula: str, ref: Ref, new: str) -> str:
    return formula[: ref.start] + new + formula[ref.end :]


def moved(formula: str, rows: int, columns: int) -> str:
    """A formula as it is after being copied so far."""

    def shift(m: re.Match[str]) -> str:
        if m["skip"]:
            return m[0]
        at = cell_at(m["c"] + m["r"])
        to = At(at.row + (0 if m["ra"] else rows), at.column + (0 if m["ca"] else columns))
        if not (0 < to.row <= ROWS and 0 < to.column <= COLUMNS):
            return "#REF!"
        return f"{m['sheet'] or ''}{m['ca']}{address(At(1, to.column))[:-1]}{m['ra']}{to.row}"

    return REF.sub(shift, formula)


@dataclass
class Planted:
    """A fault in a draft.

    Attributes:
        cells: Where a finding is one of the fault; "" as cell is the sheet or the workbook itself.
        note: What was done.
    """

    draft: Draft
    cells: set[tuple[str, str]]
    note: str
    name: str = ""  # of a defined name that a finding may name instead


@dataclass
class Ground:
    """A clean workbook.

    Args:
        path: The workbook.
        own: Whether it is a template of ours.
    """

    path: Path
    own: bool
    values: dict[tuple[str, str], Any] = field(default_factory=dict)

    @cached_property
    def book(self) -> Book:
        return scan(self.path)

    @cached_property
    def graph(self) -> Graph:
        return Graph(self.book)

    @cached_property
    def computed(self) -> dict[tuple[str, str], Any]:
        return computed(self.path)

    @cached_property
    def parts(self) -> Parts:
        return Parts(self.path)

    def draft(self) -> Draft:
        return Draft(self.path)

    def style(self, cell: Cell) -> str:
        return self.parts.style(cell.sheet, cell.at)

    @cached_property
    def _arrays(self) -> set[tuple[str, str]]:
        return {
            (name, address(c.at))
            for name in self.parts.parts
            for sheet in [self.parts.sheet(name)]
            for at, first, last in sheet.arrays()
            for c in sheet.cells()
            if first.row <= c.at.row <= last.row and first.column <= c.at.column <= last.column
        }

    @cached_property
    def formulas(self) -> list[Cell]:
        """The formulas that compute a number from cells."""
        return [
            c
            for s, c in self.book.formulas()
            if s.name not in _PAGES and c.is_number and refs(c.formula) and (c.sheet, c.at) not in self._arrays
        ]

    @cached_property
    def calculations(self) -> list[Cell]:
        """Those that do more than point at another cell, or choose a case."""
        plain = re.compile(r"=\+?[^-+*/^(),:]*$")
        return [c for c in self.formulas if not plain.match(c.formula) and not c.formula.startswith("=CHOOSE($D$")]

    @cached_property
    def runs(self) -> list[list[Cell]]:
        """Copies of one formula side by side in a row or one below the other, three at least."""
        found = []
        for name, sheet in self.book.sheets.items():
            if name in _PAGES:
                continue
            for across in (True, False):
                found += [r for r in _runs(sheet, across) if len(r) >= 3 and r[0].is_number and refs(r[0].formula)]
        return [r for r in found if (r[0].sheet, r[0].at) not in self._arrays]

    @cached_property
    def inputs(self) -> list[Cell]:
        """Typed numbers that formulas read, constants of definitions and bounds apart."""
        found: dict[tuple[str, int, int], Cell] = {}
        seen = set()
        for cell in self.formulas:
            for place in self.graph.precedents(cell):
                if place in seen:
                    continue
                seen.add(place)
                for c in self.graph.cells(place):
                    if not c.formula and c.is_number and c.sheet not in _PAGES:
                        found[c.sheet, c.row, c.column] = c
        return [c for c in found.values() if not self._bound(c)]

    def _bound(self, cell: Cell) -> bool:
        if not self.own:
            return False
        if cell.sheet == "Inputs":
            return cell.column not in (5, 6, 7) or self.text("Inputs", cell.row, 15) == ""
        return cell.sheet in ("Checks", "Sensitivity", "Timeline", "Calculation", "Results")

    @cached_property
    def typed(self) -> list[Cell]:
        """Inputs with a row of their own, beside a label; figures of lists apart."""
        return [c for c in self.inputs if not self.listed(c)]

    def listed(self, cell: Cell) -> bool:
        """Whether a cell is a figure of a list: of an Excel Table."""
        sheet = self.book.sheets[cell.sheet]
        return sheet.table_of(cell) is not None

    def text(self, sheet: str, row: int, column: int) -> str:
        return self.book.sheets[sheet].text(row, column)

    def row_label(self, cell: Cell) -> str:
        sheet = self.book.sheets[cell.sheet]
        texts = (sheet.at(cell.row, c) for c in range(1, cell.column))
        return next((t.text for t in texts if t and isinstance(t.shown, str) and t.text.strip()), "")

    def heading(self, cell: Cell) -> str:
        """The text above a cell, over other figures."""
        return self.heading_of(self.book.sheets[cell.sheet], cell.row, cell.column)

    def heading_of(self, sheet: Sheet, row: int, column: int) -> str:
        """The text that heads a column: the Table's, or the nearest row above that is of texts only."""
        table = next((t for t in sheet.tables if t.holds(row, column)), None)
        if table is not None:
            return sheet.text(table.area[0], column)
        if self.own and sheet.name == "Inputs":
            return sheet.text(8, column)
        return next((t for r, t in reversed(self._headings(sheet.name).get(column, [])) if r < row), "")

    def _headings(self, name: str) -> dict[int, list[tuple[int, str]]]:
        """By column, the texts of rows that hold three texts or more and no typed number."""
        if name not in self._headed:
            found: dict[int, list[tuple[int, str]]] = {}
            for row, cells in self.book.sheets[name].rows().items():
                texts = [c for c in cells if isinstance(c.shown, str) and c.shown.strip()]
                if len(texts) >= 3 and not any(c.is_number and not c.look.is_date for c in cells):
                    for c in texts:
                        found.setdefault(c.column, []).append((row, c.text))
            self._headed[name] = found
        return self._headed[name]

    @cached_property
    def _headed(self) -> dict[str, dict[int, list[tuple[int, str]]]]:
        return {}

    def label(self, cell: Cell) -> str:
        """All that says what a cell is."""
        sheet = self.book.sheets[cell.sheet]
        unit = " ".join(sheet.text(cell.row, c) for c in range(1, min(cell.column, 5)))
        above = self.heading(cell) + " " + self.unit_above(cell) if sheet.table_of(cell) else self.heading(cell)
        return f"{self.row_label(cell)} | {unit} | {above}"

    def unit_above(self, cell: Cell) -> str:
        sheet = self.book.sheets[cell.sheet]
        table = sheet.table_of(cell)
        return (
            sheet.text(table.area[0] - 1, cell.column) + " " + sheet.text(table.area[0], cell.column) if table else ""
        )

    def inputs_like(self, pattern: str, low: float = -1e300, high: float = 1e300) -> list[Cell]:
        """Inputs whose label matches, with a value in a range."""
        wanted = re.compile(pattern, re.I)
        found = [c for c in self.inputs if low <= c.shown <= high and wanted.search(self.label(c))]
        # A figure of a list is seldom the one that today's results hang on.
        return [c for c in found if not self.listed(c)] * 4 + found

    @cached_property
    def weighted(self) -> list[Cell]:
        """Inputs, those of a row of their own four times as often as the figures of lists."""
        return self.typed * (1 + len(self.inputs) // max(1, len(self.typed))) + self.inputs

    @cached_property
    def factors(self) -> dict[str, str]:
        """The name of every constant of definitions by its reference, as formulas write it."""
        found = {}
        sheet = self.book.sheets.get("Inputs")
        if self.own and sheet is not None:
            for (row, column), c in sheet.cells.items():
                if column == 4 and c.is_number and not c.formula and re.fullmatch(r"[A-Z_\d]+", sheet.text(row, 2)):
                    found[f"$D${row}"] = sheet.text(row, 2)
        return found

    def copies(self, cell: Cell) -> list[Cell]:
        """The cells in its row and column that hold the same formula: its run, or itself."""
        found = {(c.row, c.column): c for r in self.runs if cell in r for c in r}
        return list(found.values()) or [cell]


def _runs(sheet: Sheet, across: bool) -> Iterator[list[Cell]]:
    order: Callable[[Cell], tuple[int, int]] = (
        (lambda c: (c.row, c.column)) if across else (lambda c: (c.column, c.row))
    )
    run: list[Cell] = []
    for cell in sorted((c for c in sheet.cells.values() if c.formula), key=order):
        if run:
            last = run[-1]
            line, place = order(last)
            if order(cell) == (line, place + 1) and cell.key == last.key:
                run.append(cell)
                continue
            yield run
        run = [cell]
    if run:
        yield run


def pick(rng: random.Random, items: list[Any]) -> Any:
    """One of some items; no items, no fault."""
    if not items:
        raise LookupError("nothing to pick")
    return items[rng.randrange(len(items))]
