"""Faults in formulas: what goes wrong when one is typed over, copied, or pointed at the wrong cell."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from xl_econ.workbook.book import Cell
from xl_econ.workbook.cell import At

from .ground import Ground, Planted, Ref, moved, pick, refs, replaced
from .registry import fault


def changed(g: Ground, cells: list[tuple[Cell, str]], note: str = "") -> Planted:
    """Other formulas in cells, which keep their look."""
    draft = g.draft()
    for cell, formula in cells:
        if formula == cell.formula:
            raise LookupError("nothing changes")
        draft.put(cell.sheet, cell.at, formula)
    first = cells[0]
    return Planted(draft, {(c.sheet, c.at) for c, _ in cells}, note or f"{first[0].formula[:90]} -> {first[1][:90]}")


def rewritten(g: Ground, cells: list[Cell], change: Callable[[Cell], str]) -> Planted:
    return changed(g, [(c, change(c)) for c in cells])


def attempt(rng: random.Random, cells: list[Cell], change: Callable[[Cell], str]) -> tuple[Cell, str]:
    """A cell for which a change is possible, with its new formula."""
    for _ in range(60):
        cell = pick(rng, cells)
        try:
            new = change(cell)
        except LookupError:
            continue
        if new != cell.formula:
            return cell, new
    raise LookupError("no cell takes it")


def member(g: Ground, rng: random.Random) -> Cell:
    """A cell amid a run of copies, or, in a model without, any calculation."""
    own = g.own and rng.random() < 0.3
    runs = [r for r in g.runs if len(r) >= 4]
    if own or not runs:
        return pick(rng, g.calculations)
    run = pick(rng, runs)
    return run[rng.randrange(1, len(run) - 1)]


def singles(formula: str) -> list[Ref]:
    return [r for r in refs(formula) if not r.in_range]


# -- typed over -------------------------------------------------------------------------------------------------------
@fault("overwrite-by-value", "typed over")
def overwrite(g: Ground, rng: random.Random) -> Planted:
    """A number "for the meeting" typed over one of a row of formulas."""
    cell = member(g, rng)
    draft = g.draft()
    value = cell.shown * pick(rng, [0.8, 0.9, 1.1, 1.25]) or 12.0
    draft.put(cell.sheet, cell.at, float(f"{value:.4g}"))
    return Planted(draft, {(cell.sheet, cell.at)}, f"{cell.formula[:80]} typed over")


@fault("paste-values", "typed over", latent=True)
def paste_values(g: Ground, rng: random.Random) -> Planted:
    """One formula frozen at today's value: paste special, values."""
    cell = member(g, rng)
    draft = g.draft()
    draft.put(cell.sheet, cell.at, cell.shown)
    return Planted(draft, {(cell.sheet, cell.at)}, f"{cell.formula[:80]} frozen")


@fault("paste-values-tail", "typed over", latent=True)
def paste_tail(g: Ground, rng: random.Random) -> Planted:
    """The last part of a row frozen at today's values: "actuals"."""
    run = pick(rng, [r for r in g.runs if len(r) >= 4])
    tail = run[-max(1, len(run) // 4) :]
    draft = g.draft()
    for c in tail:
        draft.put(c.sheet, c.at, c.shown)
    return Planted(draft, {(c.sheet, c.at) for c in tail}, f"{tail[0].formula[:80]} frozen from {tail[0].at}")


@fault("hardcode-reference", "typed over", latent=True)
def hardcode(g: Ground, rng: random.Random) -> Planted:
    """A reference in one formula replaced by the number that it shows."""

    def change(c: Cell) -> str:
        r = pick(rng, singles(c.formula))
        return replaced(c.formula, r, _shown(g, c, r))

    return changed(g, [attempt(rng, [member(g, rng) for _ in range(30)], change)])


@fault("hardcode-reference-all", "typed over", latent=True)
def hardcode_all(g: Ground, rng: random.Random) -> Planted:
    """An input typed as a number into a whole row of formulas, so that it no longer follows the input."""
    for _ in range(60):
        run = pick(rng, g.runs)
        fixed = [n for n, r in enumerate(singles(run[0].formula)) if r.column_fixed and r.row_fixed]
        if not fixed:
            continue
        n = pick(rng, fixed)
        value = _shown(g, run[0], singles(run[0].formula)[n])
        return rewritten(g, run, lambda c, n=n, value=value: replaced(c.formula, singles(c.formula)[n], value))
    raise LookupError("no fixed reference in copies")


def _shown(g: Ground, cell: Cell, ref: Ref) -> str:
    sheet = ref.sheet.rstrip("!").strip("'").replace("''", "'") or cell.sheet
    held = g.book.cell(sheet, *ref.at)
    if held is None or not held.is_number or held.shown in (0, 1):
        raise LookupError("no number there")
    return f"{held.shown:.10g}" if held.shown >= 0 else f"({held.shown:.10g})"


@fault("fudge-factor", "typed over")
def fudge(g: Ground, rng: random.Random) -> Planted:
    """A plug: "times 1.05" at the end of one formula."""
    cell = member(g, rng)
    return changed(g, [(cell, f"=({cell.formula[1:]})*{pick(rng, ['1.05', '0.95', '1.1', '0.9'])}")])


@fault("plug-added", "typed over")
def plug(g: Ground, rng: random.Random) -> Planted:
    """A lump added at the end of one formula to make it tie."""
    cell = member(g, rng)
    amount = abs(cell.shown) * 0.07 or 25.0
    return changed(g, [(cell, f"{cell.formula}{pick(rng, '+-')}{amount:.3g}")])


# -- pointed wrong ----------------------------------------------------------------------------------------------------
def _off(g: Ground, rng: random.Random, rows: int, columns: int) -> Planted:
    def change(c: Cell) -> str:
        r = pick(rng, [r for r in singles(c.formula) if r.at.row + rows > 0 and r.at.column + columns > 0])
        to = At(r.at.row + rows, r.at.column + columns)
        sheet = r.sheet.rstrip("!").strip("'").replace("''", "'") or c.sheet
        held = g.book.cell(sheet, *to)
        if held is None or not held.is_number or (sheet, to) == (c.sheet, At(c.row, c.column)):
            raise LookupError("no figure there")
        return replaced(c.formula, r, r.written(to))

    return changed(g, [attempt(rng, [member(g, rng) for _ in range(40)], change)])


@fault("ref-off-by-row", "pointed wrong")
def off_by_row(g: Ground, rng: random.Random) -> Planted:
    """A reference one row up or down, in one of the copies."""
    return _off(g, rng, pick(rng, [-1, 1]), 0)


@fault("ref-off-by-column", "pointed wrong")
def off_by_column(g: Ground, rng: random.Random) -> Planted:
    """A reference one column left or right, in one of the copies."""
    return _off(g, rng, 0, pick(rng, [-1, 1]))


@fault("wrong-row-all", "pointed wrong", where=("own",))
def wrong_row_all(g: Ground, rng: random.Random) -> Planted:
    """A whole row of copies that reads the row beside the right one: no break to see."""
    for _ in range(60):
        run = pick(rng, g.runs)
        n = rng.randrange(len(singles(run[0].formula)) or 1)
        step = pick(rng, [-1, 1])
        new = []
        for c in run:
            found = singles(c.formula)
            if n >= len(found) or found[n].at.row + step < 1:
                break
            r, to = found[n], At(found[n].at.row + step, found[n].at.column)
            sheet = r.sheet.rstrip("!").strip("'").replace("''", "'") or c.sheet
            held = g.book.cell(sheet, *to)
            if held is None or not held.is_number or (sheet, to.row) == (c.sheet, c.row):
                break
            new.append((c, replaced(c.formula, r, r.written(to))))
        if len(new) == len(run):
            return changed(g, new)
    raise LookupError("no such row")


@fault("dollar-missing", "pointed wrong")
def dollar_missing(g: Ground, rng: random.Random) -> Planted:
    """A formula without its $ copied to the end of the row: the reference walks away."""
    for _ in range(80):
        run = pick(rng, [r for r in g.runs if len(r) >= 4])
        across = run[0].row == run[1].row
        fixed = [n for n, r in enumerate(singles(run[0].formula)) if (r.column_fixed if across else r.row_fixed)]
        if not fixed:
            continue
        n, start = pick(rng, fixed), rng.randrange(0, len(run) - 2)
        r = singles(run[start].formula)[n]
        loose = r.written(column_fixed=not across and r.column_fixed, row_fixed=across and r.row_fixed)
        model = replaced(run[start].formula, r, loose)
        new = [(c, moved(model, c.row - run[start].row, c.column - run[start].column)) for c in run[start + 1 :]]
        return changed(g, new)
    raise LookupError("no fixed reference in copies")


@fault("dollar-too-many", "pointed wrong")
def dollar_too_many(g: Ground, rng: random.Random) -> Planted:
    """A $ where none belongs, copied to the end of the row: every cell reads the first one's."""
    for _ in range(80):
        run = pick(rng, [r for r in g.runs if len(r) >= 4])
        across = run[0].row == run[1].row
        loose = [n for n, r in enumerate(singles(run[0].formula)) if not (r.column_fixed if across else r.row_fixed)]
        if not loose:
            continue
        n, start = pick(rng, loose), rng.randrange(0, len(run) - 2)
        r = singles(run[start].formula)[n]
        fixed = r.written(column_fixed=across or r.column_fixed, row_fixed=not across or r.row_fixed)
        model = replaced(run[start].formula, r, fixed)
        new = [(c, moved(model, c.row - run[start].row, c.column - run[start].column)) for c in run[start + 1 :]]
        return changed(g, new)
    raise LookupError("no loose reference in copies")


# -- wrong arithmetic -------------------------------------------------------------------------------------------------
def _swapped(pairs: dict[str, str], rng: random.Random) -> Callable[[Cell], str]:
    def change(c: Cell) -> str:
        free = [
            m
            for m in re.finditer(r'"[^"]*"|\[[^\]]*\]|\{[^}]*\}|(?<=[\w)\]])([-+*/])(?=[\w($\'])', c.formula)
            if m[1] in pairs and not re.search(r"\d[eE]$", c.formula[: m.start()])
        ]
        m = pick(rng, free)
        return c.formula[: m.start()] + pairs[m[1]] + c.formula[m.end() :]

    return change


@fault("sign-flip", "arithmetic")
def sign_flip(g: Ground, rng: random.Random) -> Planted:
    """Plus for minus in one of the copies."""
    return changed(g, [attempt(rng, [member(g, rng) for _ in range(60)], _swapped({"+": "-", "-": "+"}, rng))])


@fault("operator-swap", "arithmetic")
def operator_swap(g: Ground, rng: random.Random) -> Planted:
    """Times for divided by in one of the copies."""
    return changed(g, [attempt(rng, [member(g, rng) for _ in range(60)], _swapped({"*": "/", "/": "*"}, rng))])


@fault("comparison-flip", "arithmetic")
def comparison_flip(g: Ground, rng: random.Random) -> Planted:
    """A condition the wrong way round in one cell."""

    def change(c: Cell) -> str:
        m = pick(rng, list(re.finditer(r"(?<=[\w)])(>=|<=|>(?!=)|<(?![=>]))(?=[\w($'-])", c.formula)))
        return c.formula[: m.start()] + {">": "<", "<": ">", ">=": "<", "<=": ">"}[m[1]] + c.formula[m.end() :]

    return changed(g, [attempt(rng, [c for c in g.formulas if re.search("[<>]", c.formula)], change)])


@fault("parentheses-lost", "arithmetic")
def parentheses_lost(g: Ground, rng: random.Random) -> Planted:
    """a*(1+b) typed as a*1+b in one of the copies."""

    def change(c: Cell) -> str:
        m = pick(
            rng, list(re.finditer(r"(?<=[*/+-])\(([^()]*[-+][^()]*)\)|(?<==)\(([^()]*[-+][^()]*)\)(?=[*/])", c.formula))
        )
        return c.formula[: m.start()] + (m[1] or m[2]) + c.formula[m.end() :]

    return changed(g, [attempt(rng, [c for c in g.calculations if "(" in c.formula], change)])
