"""Faults of computing: circles, volatile functions, other workbooks, values that are old."""

from __future__ import annotations

import random

from xl_econ.workbook.book import Cell
from xl_econ.workbook.parts import WORKBOOK
from xl_econ.workbook.sheet import Written

from .draft import LINKS, TYPES
from .formulas import attempt, changed, singles
from .ground import Ground, Planted, pick, replaced
from .registry import fault

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKED = "http://schemas.openxmlformats.org/package/2006/relationships"


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
        r = pick(rng, singles(c.formula))
        text = r.written()
        return replaced(c.formula, r, pick(rng, [f"OFFSET({text},0,0)", f'INDIRECT("{text}")', f"({text}+0*RAND())"]))

    return changed(g, [attempt(rng, g.calculations, change)])


@fault("external-link", "computing", latent=True)
def external(g: Ground, rng: random.Random) -> Planted:
    """A reference into a colleague's workbook."""

    def change(c: Cell) -> str:
        r = pick(rng, singles(c.formula))
        return replaced(c.formula, r, "[1]Prices!$B$4")

    planted = changed(g, [attempt(rng, g.calculations, change)])
    draft, part = planted.draft, "xl/externalLinks/externalLink1.xml"
    held = '<row r="4"><cell r="B4"><v>2.4</v></cell></row>'
    draft.added[part] = (
        f'{_XML}<externalLink xmlns="{_MAIN}"><externalBook xmlns:r="{_OFFICE}" r:id="rId1"><sheetNames><sheetName '
        f'val="Prices"/></sheetNames><sheetDataSet><sheetData sheetId="0">{held}</sheetData>'
        f"</sheetDataSet></externalBook></externalLink>"
    ).encode()
    draft.added["xl/externalLinks/_rels/externalLink1.xml.rels"] = (
        f'{_XML}<Relationships xmlns="{_LINKED}"><Relationship Id="rId1" '
        f'Type="{_OFFICE}/externalLinkPath" Target="prices_2025.xlsx" TargetMode="External"/></Relationships>'
    ).encode()
    link = f'<Relationship Id="rIdX1" Type="{_OFFICE}/externalLink" Target="{part.removeprefix("xl/")}"/>'
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.externalLink+xml"
    listed = f'<externalReferences><externalReference xmlns:r="{_OFFICE}" r:id="rIdX1"/></externalReferences>'
    draft.text(LINKS, "</Relationships>", f"{link}</Relationships>")
    draft.text(TYPES, "</Types>", f'<Override PartName="/{part}" ContentType="{kind}"/></Types>')
    draft.text(WORKBOOK, "</sheets>", f"</sheets>{listed}")
    return planted


@fault("stale-value", "computing", latent=True)
def stale(g: Ground, rng: random.Random) -> Planted:
    """A script changed a stored value, or an input without recomputing."""
    cell = pick(rng, [c for c in g.calculations if c.shown])
    draft = g.draft()
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
