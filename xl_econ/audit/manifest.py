"""What became of the template that a workbook was built from: which cells are as built, which are not."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from xl_econ.core.errors import XlEconError
from xl_econ.templates import build, merge, pristine, stamp
from xl_econ.templates.compare import Compared, calculation_key
from xl_econ.templates.edited import Edited
from xl_econ.templates.merge import Kept
from xl_econ.templates.model import Model
from xl_econ.workbook.align import SheetPair
from xl_econ.workbook.book import Book, Validation
from xl_econ.workbook.cell import At
from xl_econ.workbook.grid import Grid


@dataclass(frozen=True)
class Row:
    """A row of the template that the workbook has no longer.

    Attributes:
        sheet: The sheet in the workbook, "" where that is gone with all its rows.
        row: Where it would stand there.
        label: What it is called.
        counts: Whether it computes something, or something computes with it.
        table: The Excel Table that it belongs to, "" for none.
    """

    sheet: str
    row: int
    label: str
    counts: bool
    table: str = ""


class Manifest:
    """A workbook beside the template that it was built from.

    Args:
        book: The workbook.
        path: Where it is.
        base: What it was when it was built.
    """

    def __init__(self, book: Book, path: Path, base: pristine.Pristine) -> None:
        self.book, self.path, self.base = book, path, base
        self.books = Compared(base, Grid.of(book, path))

    @cached_property
    def kept(self) -> list[Kept]:
        """What became of every cell that is the template's own."""
        return list(merge.kept(self.books))

    @cached_property
    def as_built(self) -> set[tuple[str, int, int]]:
        """The cells that are as they were built, by sheet, row and column."""
        sheets = self.books.sheets
        return {(sheets[k.sheet], k.there.row, k.there.column) for k in self.kept if k.state == "same" and k.there}

    def changed(self) -> Iterator[Kept]:
        """The cells that say something else, or nothing any more."""
        return (k for k in self.kept if k.state == "changed")

    def called(self, sheet: str, at: At) -> str:
        """A cell of the template in words: what its row is called, and its column."""
        label = calculation_key(self.base, sheet, at.row)
        return f"{label} ({self.base.sheets[sheet].heading(at)})" if label else self.base.sheets[sheet].heading(at)

    @property
    def is_rate_card(self) -> bool:
        """Whether the workbook is a rate card, whose rows its owner keeps or not."""
        at = self.books.b.cell_of("xl_econ.template")
        cell = self.book.cell(at[0], at[1].row, at[1].column) if at else None
        said = stamp.from_cover(cell.text) if cell else None
        return said is not None and said.template == "rate_card"

    def lost_sheets(self) -> dict[str, bool]:
        """The sheets of the template that are gone, and whether they computed anything."""
        lost = [s for n, s in self.base.sheets.items() if n not in self.books.sheets]
        return {s.name: any(c.formula is not None for c in s.cells.values()) for s in lost}

    def lost_rows(self) -> Iterator[Row]:
        """The rows of the template that are gone from sheets that are there."""
        for x, y in self.books.sheets.items():
            pair = self.books.pairs[x]
            keys, there = self.base.sheets[x].row_keys(), self.books.b.sheets[y].row_keys()
            of_tables = {row: name for (name, _), row in keys.items()}
            gone = {row for row in pair.a.rows if row not in pair.rows.pairs}
            gone = {r for r in gone if r not in of_tables} | {row for key, row in keys.items() if key not in there}
            own = {k.at.row for k in self.kept if k.sheet == x and k.state == "gone"} | of_tables.keys()
            for row in sorted(gone & own):
                cells = pair.a.rows[row].values()
                counts = any(c.formula is not None or not c.is_text for c in cells)
                yield Row(y, self._place(pair, row), pair.a.label(row), counts, of_tables.get(row, ""))

    @staticmethod
    def _place(pair: SheetPair, row: int) -> int:
        """Where a row that is gone would stand: below what stood above it."""
        above = max((r for r in pair.rows.pairs if r < row), default=None)
        return 1 if above is None else pair.rows.pairs[above] + 1

    def moved_names(self) -> Iterator[tuple[str, str, str | None]]:
        """The names of the template that lead elsewhere, with what they led to as it is now, and what they lead to."""
        held = {n.casefold(): text for n, text in self.books.b.names.items()}
        for name, text in self.base.names.items():
            now = held.get(name.casefold())
            if now is None or not self.books.same_name(text, now):
                yield name, text, now

    def shadowed_names(self) -> Iterator[tuple[str, str, str]]:
        """The names of the template that a sheet has a meaning of its own for: sheet, name, meaning."""
        names = {n.casefold() for n in self.base.names}
        for sheet in self.book.sheets.values():
            for name, text in sheet.names.items():
                if name.casefold() in names:
                    yield sheet.name, name, text

    def loosened(self) -> Iterator[tuple[str, At, Validation, Validation | None]]:
        """The cells of the template that take more than they did: the rule that was, and that there is."""
        for x, rules in self.base.rules.items():
            pair = self.books.pairs.get(x)
            for rule in rules if pair else ():
                assert pair is not None  # noqa: S101
                for at in filter(None, (_image(pair, c) for c in _corners(rule))):
                    held = [v for v in self.book.sheets[pair.b.name].validations if _covers(v, at)]
                    if not any(_as_strict(v, rule) for v in held):
                        yield pair.b.name, at, rule, next(iter(held), None)
                        break


def of(path: Path, book: Book) -> Manifest | None:
    """The manifest of a workbook that has a template's names; None where the template is not known.

    A workbook that no longer says what it was, because a program dropped that, is what its template is if it was built
    from just that.
    """
    try:
        base = None if damage(path) else pristine.read(path)
        base = base or _anew(path)
    except XlEconError:
        return None
    return None if base is None else Manifest(book, path, base)


def damage(path: Path) -> str:
    """What is wrong with the workbook's own description of what it was when it was built; "" where nothing is."""
    try:
        pristine.read(path)
    except XlEconError as e:
        return str(e).removeprefix(f"{path}: ")
    return ""


def _anew(path: Path) -> pristine.Pristine | None:
    edited = Edited(path)
    if edited.stamp.layout != stamp.layout_hash(edited.layout):
        return None
    flavour: build.Flavour = "lambda" if edited.stamp.flavour == "lambda" else "plain"
    with tempfile.TemporaryDirectory() as folder:
        new = Path(folder, "new.xlsx")
        model = Model(edited.layout, cases=tuple(edited.cases))
        build.build(model, new, flavour)
        return pristine.of_built(new, model)


def _image(pair: SheetPair, at: At) -> At | None:
    row, column = pair.rows.pairs.get(at.row), pair.columns.pairs.get(at.column)
    return At(row, column) if row and column else None


def _corners(rule: Validation) -> list[At]:
    ends = ((top, bottom, left, right) for top, bottom, left, right in rule.areas)
    return list(dict.fromkeys(At(r, c) for t, b, le, ri in ends for r, c in ((t, le), (b, ri))))


def _covers(rule: Validation, at: At) -> bool:
    return any(t <= at.row <= b and le <= at.column <= ri for t, b, le, ri in rule.areas)


def _as_strict(now: Validation, was: Validation) -> bool:
    """Whether a rule refuses what the template's refused; of lists and formulas only that there is one."""
    if now.kind != was.kind and not (now.kind == "whole" and was.kind == "decimal"):
        return False
    mine, own = _bounds(now), _bounds(was)
    return own is None or (mine is not None and mine[0] >= own[0] and mine[1] <= own[1])


def _bounds(rule: Validation) -> tuple[float, float] | None:
    """The numbers that a rule allows, from and to; None where it is about something else."""
    try:
        first = float(rule.first)
        second = float(rule.second) if rule.second else first
    except ValueError:
        return None
    inf = float("inf")
    return {
        "between": (first, second),
        "greaterThan": (first, inf),
        "greaterThanOrEqual": (first, inf),
        "lessThan": (-inf, first),
        "lessThanOrEqual": (-inf, first),
        "equal": (first, first),
    }.get(rule.operator or "between")
