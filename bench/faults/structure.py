"""Faults of structure: names, what is hidden, how the workbook computes, what its formats and checks conceal."""

from __future__ import annotations

import random
import re

from xl_econ.workbook.cell import At, address, cell_at
from xl_econ.workbook.parts import WORKBOOK

from .draft import restyled, settings, worksheet
from .figures import row
from .formulas import attempt, changed
from .ground import Ground, Planted, pick, refs
from .registry import fault


def _names(g: Ground) -> list[tuple[str, str, At]]:
    """Names of single cells that hold numbers or formulas."""
    found = []
    for name, text in g.book.names.items():
        m = re.fullmatch(r"=?'?([^'!]+)'?!\$([A-Z]+)\$(\d+)", text)
        if m is None or m[1] not in g.book.sheets or name.startswith("_xlnm"):
            continue
        at = cell_at(m[2] + m[3])
        held = g.book.cell(m[1], *at)
        if held is not None and held.is_number:
            found.append((name, m[1], at))
    return found


def _users(g: Ground, name: str) -> set[tuple[str, str]]:
    wanted = re.compile(rf"(?<![\w.]){re.escape(name)}(?![\w.(])", re.I)
    return {(c.sheet, c.at) for _, c in g.book.formulas() if wanted.search(c.formula)}


def _renamed(g: Ground, name: str, to: str, cells: set[tuple[str, str]]) -> Planted:
    draft = g.draft()
    pattern = rf'(<definedName\b[^>]*\bname="{re.escape(name)}"[^>]*>)[^<]*(</definedName>)'
    draft.text(WORKBOOK, pattern, lambda m: m[1] + to + m[2])
    return Planted(draft, cells | _users(g, name), f"name {name} -> {to}", name)


@fault("broken-name", "names", latent=True)
def broken_name(g: Ground, rng: random.Random) -> Planted:
    """The cell of a name deleted: the name is #REF!."""
    name, sheet, at = pick(rng, _names(g))
    return _renamed(g, name, "#REF!", {(sheet, address(at))})


@fault("name-moved", "names", latent=True)
def name_moved(g: Ground, rng: random.Random) -> Planted:
    """A name that points at the row below or above."""
    name, sheet, at = pick(rng, _names(g))
    to = At(at.row + pick(rng, [-1, 1]), at.column)
    held = g.book.cell(sheet, *to)
    if held is None or not held.is_number:
        raise LookupError("no figure there")
    quoted = f"'{sheet}'" if " " in sheet else sheet
    text = f"{quoted}!${address(At(1, to.column))[:-1]}${to.row}"
    return _renamed(g, name, text, {(sheet, address(at)), (sheet, address(to))})


@fault("name-shadowed", "names", latent=True)
def shadowed(g: Ground, rng: random.Random) -> Planted:
    """A sheet copied within the workbook brought a name of its own that hides the workbook's."""
    name, sheet, at = pick(rng, _names(g))
    quoted = f"'{sheet}'" if " " in sheet else sheet
    to = f"{quoted}!${address(At(1, at.column))[:-1]}${at.row + 1}"
    number = list(g.book.sheets).index(pick(rng, list(g.book.sheets)))
    draft = g.draft()
    new = f'<definedName name="{name}" localSheetId="{number}">{to}</definedName>'
    draft.text(WORKBOOK, r"(<definedName\b[^>]*\bname=\"" + re.escape(name) + '")', lambda m: new + m[1], count=1)
    where = {(sheet, address(at)), (list(g.book.sheets)[number], ""), (sheet, address(At(at.row + 1, at.column)))}
    return Planted(draft, where | _users(g, name), f"name {name} again on sheet {number}", name)


@fault("reference-lost", "names")
def reference_lost(g: Ground, rng: random.Random) -> Planted:
    """A row deleted that a formula reads: #REF! in it."""

    def change(c):  # type: ignore[no-untyped-def]
        r = pick(rng, [r for r in refs(c.formula) if not r.in_range])
        return c.formula[: r.start] + (r.sheet + "#REF!") + c.formula[r.end :]

    return changed(g, [attempt(rng, g.calculations, change)])


# -- hidden -----------------------------------------------------------------------------------------------------------
@fault("row-hidden", "hidden", latent=True)
def row_hidden(g: Ground, rng: random.Random) -> Planted:
    """A row of inputs that results depend on, hidden."""
    cell = pick(rng, g.typed or g.inputs)
    draft = g.draft()
    part = worksheet(draft, cell.sheet)
    draft.text(part, rf'<row\b([^>]*?\br="{cell.row}")', r'<row hidden="1"\1', count=1)
    return Planted(draft, row(g, cell) | {(cell.sheet, "")}, f"row {cell.row} of {cell.sheet} hidden")


@fault("column-hidden", "hidden", latent=True)
def column_hidden(g: Ground, rng: random.Random) -> Planted:
    """A column of inputs hidden."""
    cell = pick(rng, g.inputs)
    draft = g.draft()
    part = worksheet(draft, cell.sheet)
    n = cell.column
    held = [c for c in g.book.sheets[cell.sheet].cells.values() if c.column == n]

    def hide(text: str) -> str:
        new = f'<col min="{n}" max="{n}" width="9" hidden="1" customWidth="1"/>'
        cols = re.search(r"<cols>(.*?)</cols>", text, re.S)
        if cols is None:
            return text.replace("<sheetData", f"<cols>{new}</cols><sheetData", 1)
        out = []
        done = False
        for m in re.finditer(r"<col\b[^>]*/>", cols[1]):
            low, high = (int(re.search(rf'\b{k}="(\d+)"', m[0])[1]) for k in ("min", "max"))  # type: ignore[index]
            if low <= n <= high:
                rest = [(low, n - 1), (n, n), (n + 1, high)]
                for a, b in rest:
                    if a <= b:
                        one = re.sub(r'\bmin="\d+"', f'min="{a}"', re.sub(r'\bmax="\d+"', f'max="{b}"', m[0]))
                        out.append(one.replace("<col ", '<col hidden="1" ') if a == n == b else one)
                done = True
            else:
                if low > n and not done:
                    out.append(new)
                    done = True
                out.append(m[0])
        return text.replace(cols[0], "<cols>" + "".join(out + ([] if done else [new])) + "</cols>", 1)

    draft.texts.append((part, hide))
    return Planted(draft, {(c.sheet, c.at) for c in held} | {(cell.sheet, "")}, f"column {n} of {cell.sheet} hidden")


@fault("sheet-hidden", "hidden", latent=True)
def sheet_hidden(g: Ground, rng: random.Random) -> Planted:
    """A sheet that results depend on, hidden."""
    sheets = {c.sheet for c in g.inputs}
    name = pick(rng, sorted(sheets))
    draft = g.draft()
    state = pick(rng, ["hidden", "veryHidden"])
    draft.text(WORKBOOK, rf'<sheet\b([^>]*?\bname="{re.escape(name)}")', rf'<sheet state="{state}"\1', count=1)
    draft.texts.append((WORKBOOK, lambda t: re.sub(r'(<sheet state="\w+"[^>]*?) state="visible"', r"\1", t)))
    where = {(name, "")} | {(c.sheet, c.at) for c in g.book.sheets[name].cells.values()}
    return Planted(draft, where, f"sheet {name} {state}", name)


@fault("white-on-white", "hidden", latent=True, least="info")
def white(g: Ground, rng: random.Random) -> Planted:
    """A figure in white, or formatted ;;; to be unseen."""
    cell = pick(rng, g.inputs)
    draft = g.draft()
    style = restyled(draft, g.style(cell), {"numFmtId": "192"}, {192: ";;;"})
    draft.put(cell.sheet, cell.at, cell.shown, style)
    return Planted(draft, {(cell.sheet, cell.at)}, f"{cell.at} formatted ;;;")


@fault("digits-hidden", "hidden", latent=True, least="info")
def digits(g: Ground, rng: random.Random) -> Planted:
    """A format without decimals over a figure below 10: 0.4 shows as 0, 2.5 as 3."""
    found = [c for c in g.inputs if 0.05 < abs(c.shown) < 5 and abs(c.shown - round(c.shown)) > 0.04]
    cell = pick(rng, found)
    draft = g.draft()
    draft.put(cell.sheet, cell.at, cell.shown, restyled(draft, g.style(cell), {"numFmtId": "1"}))
    return Planted(draft, {(cell.sheet, cell.at)}, f"{cell.shown} formatted 0 ({g.label(cell)[:50]})")


# -- how it computes --------------------------------------------------------------------------------------------------
def _set(g: Ground, note: str, **attributes: str) -> Planted:
    draft = g.draft()
    settings(draft, **attributes)
    return Planted(draft, {("", "")}, note)


@fault("manual-calculation", "settings", latent=True)
def manual(g: Ground, rng: random.Random) -> Planted:
    """Calculation set to manual."""
    return _set(g, "manual", calcMode="manual")


@fault("precision-as-displayed", "settings", latent=True)
def displayed(g: Ground, rng: random.Random) -> Planted:
    """Precision as displayed."""
    return _set(g, "as displayed", fullPrecision="0")


@fault("dates-1904", "settings", latent=True, least="info")
def dates(g: Ground, rng: random.Random) -> Planted:
    """Dates from 1904."""
    return _set(g, "1904", date1904="1")


# -- checks and validations -------------------------------------------------------------------------------------------
@fault("check-silenced", "checks", latent=True)
def silenced(g: Ground, rng: random.Random) -> Planted:
    """A check typed over with the answer that it should give."""
    if g.own:
        found = [c for c in g.book.sheets["Checks"].cells.values() if c.formula and c.column in (3, 10)]
    else:
        found = [c for _, c in g.book.formulas() if re.search(r"check|reconcil|control", g.row_label(c), re.I)]
    cell = pick(rng, found)
    draft = g.draft()
    draft.put(cell.sheet, cell.at, cell.shown)
    return Planted(draft, {(cell.sheet, cell.at)}, f"{cell.formula[:60]} typed over with {cell.shown!r}")


@fault("check-loosened", "checks", latent=True, where=("own",))
def loosened(g: Ground, rng: random.Random) -> Planted:
    """The bound of a check, or of an input, moved out of the way."""
    found = [
        c
        for name, columns in (("Checks", (8, 9)), ("Inputs", (8, 9)))
        for c in g.book.sheets[name].cells.values()
        if c.column in columns and c.is_number and not c.formula
    ]
    cell = pick(rng, found)
    draft = g.draft()
    draft.put(cell.sheet, cell.at, (-1e12 if cell.column == 8 else 1e18))
    return Planted(draft, row(g, cell), f"bound {cell.shown} -> loosened")


@fault("constant-edited", "checks", where=("own",))
def constant(g: Ground, rng: random.Random) -> Planted:
    """A constant of a definition edited: 3,600 seconds of an hour made 360."""
    at, name = pick(rng, sorted(g.factors.items()))
    held = g.book.cell("Inputs", int(at.rpartition("$")[2]), 4)
    assert held
    draft = g.draft()
    draft.put("Inputs", held.at, held.shown / 10 if held.shown > 10 else held.shown + 1)
    return Planted(draft, {("Inputs", held.at)}, f"constant {name} {held.shown:g}")


@fault("case-formula-fixed", "checks", where=("own",), latent=True)
def case_fixed(g: Ground, rng: random.Random) -> Planted:
    """The live input fixed to one case: the selector works no more for it."""
    found = [c for c in g.formulas if c.sheet == "Inputs" and c.formula.startswith("=CHOOSE(")]
    cell = pick(rng, found)
    return changed(g, [(cell, f"=E{cell.row}")])
