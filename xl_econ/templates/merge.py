"""Three states of a template's workbook brought together: as it was built, as its user left it, as it is built now.

Where only the template changed, the user's workbook takes the change; where only the user did, or both, it stays as the
user has it. Nothing is moved: what is new goes below what is there, and what is gone from the template stays.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from xl_econ.workbook.align import SheetPair
from xl_econ.workbook.cell import At, address
from xl_econ.workbook.grid import Grid, GridCell, GridSheet, place
from xl_econ.workbook.parts import Parts
from xl_econ.workbook.read import Address
from xl_econ.workbook.references import Reference, moved, pieces
from xl_econ.workbook.sheet import Written

from .compare import Compared, calculation_key
from .layout import CASES, Origin

_CASE_CELLS = ("inputs.case", "inputs.purpose", "inputs.owner", "xl_econ.given")
_GAP = 2  # rows between what a sheet holds and what is added to it


@dataclass(frozen=True)
class Conflict:
    """What the user and the template both changed, or what cannot be brought into the user's workbook."""

    sheet: str
    cell: str
    what: str
    why: str
    base: Any = None
    mine: Any = None
    new: Any = None


@dataclass(frozen=True)
class Taken:
    """A cell that takes what the template says now."""

    sheet: str
    cell: str
    what: str
    old: Any
    new: Any


@dataclass
class Merged:
    """What becomes of the user's workbook.

    Attributes:
        cells: Cells that are written.
        names: Defined names that are added or say something else.
        taken: What they take from the template, in words.
        conflicts: What stays as the user has it although the template changed.
        unmerged: What the template has now and a workbook cannot take.
        gone: Rows that the template has no longer; they stay.
        edits: How many cells of the template the user changed.
    """

    cells: dict[Address, Written] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    unmerged: list[Conflict] = field(default_factory=list)
    gone: list[Taken] = field(default_factory=list)
    edits: int = 0


def edits(base: Grid, mine: Grid) -> int:
    """How many cells of the template a user changed: labels, formulas, notes."""
    books = Compared(base, mine)
    return sum(_state(books, s, at, cell)[0] != "same" for s, at, cell in _own_cells(base))


def case_cells(grid: Grid) -> set[tuple[str, At]]:
    """The cells that a case fills."""
    found = {at for n in _CASE_CELLS if (at := grid.cell_of(n))}
    columns = [at for n in (*CASES, *Origin.model_fields) if (at := grid.cell_of(f"inputs.{n}"))]
    for name in grid.names:
        if name.startswith("inputs.") and (at := grid.cell_of(name)):
            found |= {(s, At(at[1].row, c.column)) for s, c in columns if s == at[0] and c.row != at[1].row}
    return found


def _own_cells(grid: Grid) -> Iterator[tuple[str, At, GridCell]]:
    """The cells that are the template's own: no inputs, no figures of tables, no stamp."""
    case, stamped = case_cells(grid), grid.cell_of("xl_econ.template")
    for sheet in grid.sheets.values():
        end = stamped[1].row if stamped and stamped[0] == sheet.name else None
        for at, cell in sheet.cells.items():
            figure = cell.formula is None and sheet.table_at(*at)
            if (sheet.name, at) not in case and not figure and (end is None or at.row < end):
                yield sheet.name, at, cell


def _image(pair: SheetPair, at: At) -> At | None:
    """The cell of the second workbook that a cell of the first one is."""
    row, column = pair.rows.pairs.get(at.row), pair.columns.pairs.get(at.column)
    return At(row, column) if row and column else None


def _state(books: Compared, sheet: str, at: At, cell: GridCell) -> tuple[str, At | None, GridCell | None]:
    """What became of a cell: "same", "changed" or "gone"; where it is, and what it holds."""
    pair = books.pairs.get(sheet)
    there = _image(pair, at) if pair else None
    if pair is None or there is None:
        return "gone", None, None
    held = pair.b.cells.get(there)
    if held is None:
        return "changed", there, None
    if cell.formula is None or held.formula is None:
        same = cell.formula is held.formula and cell.value == held.value
    else:
        same = books.same_formula(pair, at, there, cell.formula, held.formula)
    return ("same" if same else "changed"), there, held


class Merge:
    """The three states, cell by cell.

    Args:
        base: The workbook as it was built.
        mine: As its user left it.
        book: The same, part by part.
        new: As it is built now, with the user's case and tables.
        built: The same, part by part.
        defaults: Inputs that are still as the template had them.
    """

    def __init__(self, base: Grid, mine: Grid, book: Parts, new: Grid, built: Parts, defaults: set[str]) -> None:
        self.base, self.mine, self.new, self.book, self.built = base, mine, new, book, built
        self.to_mine, self.to_new = Compared(base, mine), Compared(base, new)
        self.defaults = defaults
        self.found = Merged()
        self.sheets = {y: self.to_mine.sheets.get(x, "") for x, y in self.to_new.sheets.items()}
        self.rows: dict[str, dict[int, int]] = {}
        self.columns: dict[str, dict[int, int]] = {}
        self.lost: set[tuple[str, int]] = set()  # rows of the template that the user deleted
        self.added: dict[str, dict[int, int]] = defaultdict(dict)
        for x, y in self.to_new.sheets.items():
            self._pair(x, y)
        self._styles = self._by_example()

    def _pair(self, x: str, y: str) -> None:
        """Which row and column of the user's sheet is which of the new one."""
        there, here = self.to_new.pairs[x], self.to_mine.pairs.get(x)
        of_rows, of_columns = (here.rows.pairs, here.columns.pairs) if here else ({}, {})
        rows = {n: of_rows[b] for b, n in there.rows.pairs.items() if b in of_rows}
        self.lost |= {(y, n) for b, n in there.rows.pairs.items() if b not in of_rows}
        if here:
            keys = here.b.row_keys()  # rows of tables that are in neither template
            rows |= {n: keys[key] for key, n in there.b.row_keys().items() if key in keys}
        self.rows[y] = rows
        self.columns[y] = {n: of_columns[b] for b, n in there.columns.pairs.items() if b in of_columns}

    def run(self) -> Merged:
        """Everything that becomes of the user's workbook."""
        new_rows = self._new_rows()
        for sheet, at, cell in _own_cells(self.base):
            self._known(sheet, at, cell)
        for sheet, at, cell in new_rows:
            self._new(sheet, at, cell)
        self._defaults()
        self._names()
        for sheet in [s for s in self.new.sheets if s not in self.sheets]:
            self.found.unmerged.append(Conflict(sheet, "", sheet, "the sheet is new"))
        for sheet in [s for s in self.base.sheets if s not in self.to_new.sheets]:
            self.found.gone.append(Taken(self.to_mine.sheets.get(sheet, sheet), "", sheet, "a sheet", None))
        return self.found

    # -- cells that the old template has ------------------------------------------------------------------------
    def _known(self, sheet: str, at: At, cell: GridCell) -> None:
        state, there, mine = _state(self.to_mine, sheet, at, cell)
        change, place_now, new = _state(self.to_new, sheet, at, cell)
        self.found.edits += state != "same"
        if change == "gone":
            if there and at.column == min(self.base.sheets[sheet].rows[at.row]) and sheet in self.to_new.sheets:
                self.found.gone.append(
                    Taken(self._mine(sheet), address(there), self._called(sheet, at), cell.shown(), None)
                )
            return
        if change == "same" and not (new and self._reads_added(new, self.to_new.sheets[sheet])):
            return
        where = self._mine(sheet)
        fresh = self._fresh(self.to_new.sheets[sheet], place_now, new) if new and place_now else Written(None)
        said = {"base": cell.shown(), "mine": mine.shown() if mine else None, "new": _shown(fresh)}
        if state == "same" and there and fresh:
            self._take(where, there, fresh, self._called(sheet, at), cell, said["mine"])
        elif fresh is None or not self._is(mine, fresh):
            why = {
                "gone": "deleted here, changed in the template",
                "changed": "changed here and in the template",
                "same": "its new formula reads what is not in this workbook",
            }[state]
            self.found.conflicts.append(
                Conflict(where, address(there) if there else "", self._called(sheet, at), why, **said)
            )

    def _reads_added(self, cell: GridCell, home: str) -> bool:
        """Whether an area in a formula holds rows that are added below: it ends where it did, but not here."""
        areas = [p for p in pieces(cell.formula or "") if isinstance(p, Reference)]
        return any(r.first.row < n < r.last.row for r in areas for n in self.added.get(r.sheet or home, ()))

    def _take(self, sheet: str, at: At, fresh: Written, what: str, old: GridCell | None, shown: Any) -> None:
        why = ""
        if old is not None and (found := self.book.raw_formula(sheet, address(at))) is not None:
            if 't="shared"' in found and "ref=" in found:
                why = "other cells share its formula"
            elif fresh.formula is None:
                why = "a formula here, none in the template"
        if why:
            self.found.conflicts.append(Conflict(sheet, address(at), what, why, shown, shown, _shown(fresh)))
            return
        self.found.cells[sheet, address(at)] = fresh
        self.found.taken.append(Taken(sheet, address(at), what, shown, _shown(fresh)))

    def _is(self, mine: GridCell | None, fresh: Written) -> bool:
        """Whether the user's cell says already what the template says now."""
        if mine is None or fresh.formula is None or mine.formula is None:
            return bool((mine.shown() if mine else None) == _shown(fresh))
        return pieces(mine.formula) == pieces(fresh.formula)

    # -- cells that only the new one has ------------------------------------------------------------------------
    def _new_rows(self) -> list[tuple[str, At, GridCell]]:
        """The cells of the new template that the old one has not, with a place for those on rows of their own."""
        known = {
            (y, image)
            for x, y in self.to_new.sheets.items()
            for at in self.base.sheets[x].cells
            if (image := _image(self.to_new.pairs[x], at))
        }
        case = case_cells(self.new)
        stamped = self.new.cell_of("xl_econ.template")
        found = []
        for y, name in self.sheets.items():
            below = max((at.row for at in self.mine.sheets[name].cells), default=0) if name else 0
            sheet = self.new.sheets[y]
            before: int | None = None
            for at, cell in sheet.cells.items():
                end = stamped and stamped[0] == y and at.row >= stamped[1].row
                figure = sheet.table_at(*at) and cell.formula is None
                if (y, at) in known or end or figure or (y, at.row) in self.lost:
                    continue
                if at.row in self.rows[y] and (y, at) in case:
                    continue
                if at.row not in self.rows[y] and at.row not in self.added[y]:
                    below += 1 if before is not None and at.row == before + 1 else _GAP
                    before = at.row
                    self.added[y][at.row] = below
                found.append((y, at, cell))
        return found

    def _new(self, sheet: str, at: At, cell: GridCell) -> None:
        name, what = self.sheets[sheet], calculation_key(self.new, sheet, at.row) or address(at)
        column = self.columns[sheet].get(at.column)
        row = self.rows[sheet].get(at.row) or self.added[sheet].get(at.row)
        if not name or column is None or row is None:
            why = "its sheet was deleted here" if not name else "its column is new"
            self.found.unmerged.append(Conflict(name or sheet, "", what, why, new=cell.shown()))
            return
        there = At(row, column)
        fresh, mine = self._fresh(sheet, at, cell), self.mine.sheets[name].cells.get(there)
        if fresh is None:
            why = "its formula reads what is not in this workbook"
            self.found.unmerged.append(Conflict(name, address(there), what, why, new=cell.shown()))
        elif mine is None:
            self._take(name, there, fresh, what, None, None)
        elif not self._is(mine, fresh):
            why = "added here and in the template"
            self.found.conflicts.append(Conflict(name, address(there), what, why, None, mine.shown(), _shown(fresh)))

    # -- inputs, names ------------------------------------------------------------------------------------------
    def _defaults(self) -> None:
        """Inputs that are still as the template had them are what it has now."""
        for key in sorted(self.defaults):
            old, now, here = (g.cell_of(f"inputs.{key}") for g in (self.base, self.new, self.mine))
            if not (old and now and here):
                continue
            for what in (*CASES, *Origin.model_fields):
                a, b, c = (g.cell_of(f"inputs.{what}") for g in (self.base, self.new, self.mine))
                if not (a and b and c):
                    continue
                was = self.base.sheets[old[0]].cells.get(At(old[1].row, a[1].column))
                new = self.new.sheets[now[0]].cells.get(At(now[1].row, b[1].column))
                before, after = was.value if was else None, new.value if new else None
                if before != after:
                    at = At(here[1].row, c[1].column)
                    self._take(
                        here[0], at, Written(after), f"{what}.{key}" if what in CASES else f"{key}.{what}", None, before
                    )

    def _names(self) -> None:
        """Names that the template has now, and functions that say something else."""
        mine = {n.casefold(): n for n in self.mine.names}
        for name, text in self.new.names.items():
            base, held = self.base.names.get(name), self.mine.names.get(mine.get(name.casefold(), ""))
            if name.startswith("xl_econ.") and name.endswith("_hash") and held is None:
                continue
            is_cell = place(text) is not None
            if held is not None and (is_cell or base is None or pieces(base) == pieces(text)):
                continue
            fresh = moved(text, lambda r: self._areas(r, "")) if is_cell else text
            if fresh is None:
                self.found.unmerged.append(Conflict("", "", name, "the name leads to what is not in this workbook"))
            elif held is None or (base is not None and pieces(base) == pieces(held)):
                self.found.names[mine.get(name.casefold(), name)] = fresh
            elif pieces(held) != pieces(text):
                why = "changed here and in the template"
                self.found.conflicts.append(Conflict("", "", name, why, base, held, text))

    # -- from the new workbook to the user's --------------------------------------------------------------------
    def _fresh(self, sheet: str, at: At, cell: GridCell) -> Written | None:
        """A cell of the new workbook as the user's has to say it; None where it cannot."""
        style = self._styles.get(self._style(self.built, sheet, at), "")
        if cell.formula is None:
            return Written(cell.value, style=style)
        text = moved(cell.formula, lambda r: self._areas(r, sheet))
        is_array = 't="array"' in (self.built.raw_formula(sheet, address(at)) or "")
        return None if text is None else Written(cell.value, text, style, is_array)

    def _areas(self, r: Reference, home: str) -> list[Reference] | None:
        """Where an area of the new workbook is in the user's: rows added below it make it several."""
        sheet = r.sheet or home
        if not (name := self.sheets.get(sheet)):
            return None
        left, right = (self._at(self.columns[sheet], n) for n in (r.first.column, r.last.column))
        if left is None or right is None or any((sheet, n) in self.lost for n in (r.first.row, r.last.row)):
            return None
        known, added = self.rows[sheet], self.added[sheet]
        inside = [added[n] for n in range(r.first.row, r.last.row + 1) if n in added]
        ends = [n for n in range(r.first.row, r.last.row + 1) if n not in added]
        runs: list[tuple[int, int]] = []
        if ends:
            top, bottom = self._at(known, ends[0]), self._at(known, ends[-1])
            if top is None or bottom is None:
                return None
            runs.append((top, bottom))
        for n in inside:
            if runs and n == runs[-1][1] + 1 and runs[-1][0] in inside:
                runs[-1] = (runs[-1][0], n)
            else:
                runs.append((n, n))
        return [Reference(name if r.sheet else "", At(a, left), At(b, right)) for a, b in runs]

    @staticmethod
    def _at(known: dict[int, int], n: int) -> int | None:
        """A row or column; one that holds nothing stands as far from the one before it as there."""
        before = max((k for k in known if k <= n), default=None)
        return None if before is None else known[before] + n - before

    def _by_example(self) -> dict[str, str]:
        """The style of the user's workbook for each of the new one: that of the cells that have it there."""
        seen: dict[str, Counter[str]] = defaultdict(Counter)
        for sheet, name in self.sheets.items():
            for at in self.new.sheets[sheet].cells if name else ():
                row, column = self.rows[sheet].get(at.row), self.columns[sheet].get(at.column)
                if row and column and (style := self._style(self.book, name, At(row, column))):
                    seen[self._style(self.built, sheet, at)][style] += 1
        return {style: counts.most_common(1)[0][0] for style, counts in seen.items()}

    @staticmethod
    def _style(book: Parts, sheet: str, at: At) -> str:
        return book.style(sheet, address(at))

    def _mine(self, sheet: str) -> str:
        return self.to_mine.sheets.get(sheet, sheet)

    def _called(self, sheet: str, at: At) -> str:
        """A cell in words: the key or label of its row, the heading of its column."""
        s: GridSheet = self.base.sheets[sheet]
        return f"{calculation_key(self.base, sheet, at.row) or address(at)} ({s.heading(at)})"


def _shown(fresh: Written | None) -> Any:
    if fresh is None:
        return None
    return fresh.value if fresh.formula is None else f"={fresh.formula}"
