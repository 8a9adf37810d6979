"""Faults of totals and look-ups: a cell too few or too many, another column, the nearest key."""

from __future__ import annotations

import random
import re

from xl_econ.workbook.book import Cell
from xl_econ.workbook.cell import At, address, cell_at

from .formulas import attempt, changed, rewritten, singles
from .ground import Ground, Planted, pick
from .registry import fault

# -- ranges -----------------------------------------------------------------------------------------------------------
_RANGE = re.compile(
    r"((?:SUM|AVERAGE|MIN|MAX|COUNT|SUMPRODUCT|NPV|COUNTIF|SUMIF)\((?:[^()]*,)?)((?:'[^']+'!|[A-Za-z_]\w*!)?)(\$?)([A-Z]{1,3})(\$?)(\d+):(\$?)([A-Z]{1,3})(\$?)(\d+)"
)


def _ranged(g: Ground) -> list[Cell]:
    return [c for c in g.formulas if (m := _RANGE.search(c.formula)) and _long(m)]


def _long(m: re.Match[str]) -> bool:
    return (m[4] == m[8] and int(m[10]) - int(m[6]) >= 2) or (m[6] == m[10] and m[4] != m[8])


def _resized(formula: str, first: int, last: int) -> str:
    """A formula whose first area begins and ends so many cells later."""
    m = _RANGE.search(formula)
    assert m
    a, b = cell_at(m[4] + m[6]), cell_at(m[8] + m[10])
    if a.column == b.column:
        a, b = At(a.row + first, a.column), At(b.row + last, b.column)
    else:
        a, b = At(a.row, a.column + first), At(b.row, b.column + last)
    if min(*a, *b) < 1 or a > b:
        raise LookupError("off the sheet")
    left, right = address(At(1, a.column))[:-1], address(At(1, b.column))[:-1]
    new = f"{m[1]}{m[2]}{m[3]}{left}{m[5]}{a.row}:{m[7]}{right}{m[9]}{b.row}"
    return formula[: m.start()] + new + formula[m.end() :]


@fault("range-short-one", "ranges")
def range_short(g: Ground, rng: random.Random) -> Planted:
    """A total that stops one cell early, in one of the copies."""
    return changed(g, [attempt(rng, _ranged(g), lambda c: _resized(c.formula, 0, -1))])


@fault("range-short-all", "ranges")
def range_short_all(g: Ground, rng: random.Random) -> Planted:
    """A row of totals that all stop one cell early: a line was added below."""
    cell, _ = attempt(rng, _ranged(g), lambda c: _resized(c.formula, 0, -1))
    return rewritten(g, g.copies(cell), lambda c: _resized(c.formula, 0, -1))


@fault("range-first-missing", "ranges")
def range_first_missing(g: Ground, rng: random.Random) -> Planted:
    """A total that begins one cell late."""
    return changed(g, [attempt(rng, _ranged(g), lambda c: _resized(c.formula, 1, 0))])


@fault("range-long", "ranges")
def range_long(g: Ground, rng: random.Random) -> Planted:
    """A sum that takes in the cell after its range: a subtotal counts twice."""

    def change(c: Cell) -> str:
        new = _resized(c.formula, 0, 1)
        m = _RANGE.search(new)
        assert m
        sheet = m[2].rstrip("!").strip("'") or c.sheet
        last = cell_at(m[8] + m[10])
        held = g.book.cell(sheet, *last)
        if held is None or not held.is_number or (held.sheet, held.at) == (c.sheet, c.at):
            raise LookupError("nothing there")
        return new

    return changed(g, [attempt(rng, _ranged(g), change)])


# -- look-ups ---------------------------------------------------------------------------------------------------------
_EXACT = re.compile(r",\s*(FALSE|0)\)(?=[^()]*|$)", re.I)


def _looking(g: Ground) -> list[Cell]:
    return [
        c
        for s, c in g.book.formulas()
        if re.search(r"\b(VLOOKUP|HLOOKUP|MATCH)\(", c.formula)
        and not c.spilled
        and (c.sheet, c.at) not in g._arrays
        and s.name not in ("Cover", "Functions")
    ]


@fault("approximate-lookup", "look-ups", latent=True)
def approximate(g: Ground, rng: random.Random) -> Planted:
    """FALSE left away or made TRUE: the look-up takes the nearest key of a list that is not sorted."""

    def change(c: Cell) -> str:
        m = pick(rng, list(re.finditer(r",(FALSE|0)\)", c.formula)))
        return c.formula[: m.start()] + pick(rng, [")", ",TRUE)" if m[1] == "FALSE" else ",1)"]) + c.formula[m.end() :]

    cell, new = attempt(rng, _looking(g), change)
    return changed(g, [(cell, new)])


@fault("lookup-wrong-column", "look-ups")
def wrong_column(g: Ground, rng: random.Random) -> Planted:
    """A look-up that gives the column beside the right one: a column was inserted in the list."""

    def change(c: Cell) -> str:
        literal = list(re.finditer(r"(VLOOKUP\([^()]*,)(\d+)(,(?:FALSE|0|TRUE|1)\))", c.formula))
        named = list(re.finditer(r"(COLUMNS\(\w+\[\[\w+\]:\[)(\w+)(\]\]\))", c.formula))
        if literal:
            m = pick(rng, literal)
            return c.formula[: m.start()] + f"{m[1]}{int(m[2]) + pick(rng, [-1, 1])}{m[3]}" + c.formula[m.end() :]
        m = pick(rng, named)
        table = next(t for s in g.book.sheets.values() for t in s.tables if t.name + "[[" in m[1])
        at = table.columns.index(m[2])
        other = table.columns[at + pick(rng, [-1, 1])] if 0 < at < len(table.columns) - 1 else table.columns[at - 1]
        return c.formula[: m.start()] + m[1] + other + m[3] + c.formula[m.end() :]

    return changed(g, [attempt(rng, _looking(g), change)])


@fault("lookup-error-masked", "look-ups", latent=True)
def masked(g: Ground, rng: random.Random) -> Planted:
    """IFERROR(..., 0) around a formula, so that a broken look-up is a small number."""
    cell = pick(rng, _looking(g) if rng.random() < 0.5 and _looking(g) else g.calculations)
    return rewritten(g, g.copies(cell), lambda c: f"=IFERROR({c.formula[1:]},0)")


@fault("lookup-key-mistyped", "look-ups")
def key_mistyped(g: Ground, rng: random.Random) -> Planted:
    """A key typed with a blank at its end or another spelling: the look-up finds nothing."""
    keys = {}
    for cell in _looking(g):
        for ref in singles(cell.formula):
            sheet = ref.sheet.rstrip("!").strip("'") or cell.sheet
            held = g.book.cell(sheet, *ref.at)
            if held is not None and held.formula.startswith("=CHOOSE"):
                held = g.book.cell(sheet, ref.at.row, 5)
            if held is not None and not held.formula and isinstance(held.shown, str) and held.shown:
                keys[held.sheet, held.at] = (held, cell)
    held, _ = pick(rng, list(keys.values()))
    new = pick(
        rng,
        [
            held.shown + " ",
            held.shown.replace(" ", "  ", 1) if " " in held.shown else held.shown + "x",
            held.shown[:-1],
        ],
    )
    draft = g.draft()
    draft.put(held.sheet, held.at, new)
    broken = {(c.sheet, c.at) for c in _looking(g)}
    return Planted(draft, {(held.sheet, held.at)} | broken, f"{held.shown!r} -> {new!r}")
