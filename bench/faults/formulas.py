"""Faults in formulas: what goes wrong when one is typed over, copied, or pointed at the wrong cell."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from xl_econ.workbook.book import Cell
from xl_econ.workbook.cell import At, address

from .ground import Ground, Planted, Ref, moved, pick, refs, replaced
from .registry import fault

_FOREIGN = ("foreign",)


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


def _singles(formula: str) -> list[Ref]:
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
        r = pick(rng, _singles(c.formula))
        return replaced(c.formula, r, _shown(g, c, r))

    return changed(g, [attempt(rng, [member(g, rng) for _ in range(30)], change)])


@fault("hardcode-reference-all", "typed over", latent=True)
def hardcode_all(g: Ground, rng: random.Random) -> Planted:
    """An input typed as a number into a whole row of formulas, so that it no longer follows the input."""
    for _ in range(60):
        run = pick(rng, g.runs)
        fixed = [n for n, r in enumerate(_singles(run[0].formula)) if r.column_fixed and r.row_fixed]
        if not fixed:
            continue
        n = pick(rng, fixed)
        value = _shown(g, run[0], _singles(run[0].formula)[n])
        return rewritten(g, run, lambda c, n=n, value=value: replaced(c.formula, _singles(c.formula)[n], value))
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
        r = pick(rng, [r for r in _singles(c.formula) if r.at.row + rows > 0 and r.at.column + columns > 0])
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
        n = rng.randrange(len(_singles(run[0].formula)) or 1)
        step = pick(rng, [-1, 1])
        new = []
        for c in run:
            found = _singles(c.formula)
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
        fixed = [n for n, r in enumerate(_singles(run[0].formula)) if (r.column_fixed if across else r.row_fixed)]
        if not fixed:
            continue
        n, start = pick(rng, fixed), rng.randrange(0, len(run) - 2)
        r = _singles(run[start].formula)[n]
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
        loose = [n for n, r in enumerate(_singles(run[0].formula)) if not (r.column_fixed if across else r.row_fixed)]
        if not loose:
            continue
        n, start = pick(rng, loose), rng.randrange(0, len(run) - 2)
        r = _singles(run[start].formula)[n]
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
    from xl_econ.workbook.cell import cell_at

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
        from xl_econ.workbook.cell import cell_at

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
        found = [m for m in re.finditer(r",(FALSE|0)\)", c.formula)]
        m = pick(rng, found)
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
        for ref in _singles(cell.formula):
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


# -- what a formula should not do -------------------------------------------------------------------------------------
@fault("circular-reference", "computing")
def circular(g: Ground, rng: random.Random) -> Planted:
    """A formula that reads a cell that depends on it."""
    for _ in range(60):
        cell = pick(rng, g.calculations)
        readers = [d for d in g.graph.dependents(g.book.sheets[cell.sheet], cell.row, cell.column) if d.is_number]
        if readers:
            reader = pick(rng, readers)
            name = f"'{reader.sheet}'!" if " " in reader.sheet else f"{reader.sheet}!"
            other = (name if reader.sheet != cell.sheet else "") + reader.at
            found = changed(g, [(cell, f"{cell.formula}+{other}*0.01")])
            found.cells.add((reader.sheet, reader.at))
            return found
    raise LookupError("nobody reads it")


@fault("volatile-function", "computing", latent=True, least="info")
def volatile(g: Ground, rng: random.Random) -> Planted:
    """OFFSET or INDIRECT for a plain reference, or a random number in a forecast."""

    def change(c: Cell) -> str:
        r = pick(rng, _singles(c.formula))
        text = r.written()
        return replaced(c.formula, r, pick(rng, [f"OFFSET({text},0,0)", f'INDIRECT("{text}")', f"({text}+0*RAND())"]))

    return changed(g, [attempt(rng, g.calculations, change)])


@fault("external-link", "computing", latent=True)
def external(g: Ground, rng: random.Random) -> Planted:
    """A reference into a colleague's workbook."""
    from xl_econ.workbook.parts import WORKBOOK

    from .draft import LINKS, TYPES

    def change(c: Cell) -> str:
        r = pick(rng, _singles(c.formula))
        return replaced(c.formula, r, "[1]Prices!$B$4")

    planted = changed(g, [attempt(rng, g.calculations, change)])
    [(at, cell)] = planted.draft.cells.items()
    held = g.book.sheets[at[0]]
    del held, cell
    draft, office = planted.draft, "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    draft.added["xl/externalLinks/externalLink1.xml"] = (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><externalLink xmlns="{main}"><externalBook '
        f'xmlns:r="{office}" r:id="rId1"><sheetNames><sheetName val="Prices"/></sheetNames><sheetDataSet><sheetData '
        'sheetId="0"><row r="4"><cell r="B4"><v>2.4</v></cell></row></sheetData></sheetDataSet></externalBook></externalLink>'
    ).encode()
    draft.added["xl/externalLinks/_rels/externalLink1.xml.rels"] = (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Relationships xmlns="{package}"><Relationship Id="rId1" '
        f'Type="{office}/externalLinkPath" Target="prices_2025.xlsx" TargetMode="External"/></Relationships>'
    ).encode()
    draft.text(
        LINKS,
        "</Relationships>",
        f'<Relationship Id="rIdX1" Type="{office}/externalLink" Target="externalLinks/externalLink1.xml"/></Relationships>',
    )
    draft.text(
        TYPES,
        "</Types>",
        '<Override PartName="/xl/externalLinks/externalLink1.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        'spreadsheetml.externalLink+xml"/></Types>',
    )
    draft.text(
        WORKBOOK,
        "</sheets>",
        f'</sheets><externalReferences><externalReference xmlns:r="{office}" r:id="rIdX1"/></externalReferences>',
    )
    return planted


@fault("stale-value", "computing", latent=True)
def stale(g: Ground, rng: random.Random) -> Planted:
    """A script changed a stored value, or an input without recomputing."""
    cell = pick(rng, [c for c in g.calculations if c.shown])
    draft = g.draft()
    from xl_econ.workbook.sheet import Written

    draft.cells[cell.sheet, cell.at] = Written(cell.shown * pick(rng, [0.5, 1.01, 2.0]), cell.formula[1:])
    draft.stale = True
    return Planted(draft, {(cell.sheet, cell.at)}, f"stored value of {cell.formula[:60]}")


@fault("stale-after-input", "computing", latent=True)
def stale_after_input(g: Ground, rng: random.Random) -> Planted:
    """An input set by a script that recomputes nothing."""
    cell = pick(rng, [c for c in g.typed or g.inputs if c.shown])
    draft = g.draft()
    draft.put(cell.sheet, cell.at, cell.shown * 0.93)
    draft.stale = True
    readers = {(d.sheet, d.at) for d in g.graph.dependents(g.book.sheets[cell.sheet], cell.row, cell.column)}
    if not readers:
        raise LookupError("nobody reads it")
    return Planted(draft, readers, f"input {cell.at} set without recomputing")
