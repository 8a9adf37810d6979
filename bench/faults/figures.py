"""Faults in what is typed: figures out of their bounds, figures that are texts, sources that are gone or old."""

from __future__ import annotations

import random
import re
from typing import Any

from xl_econ.workbook.book import Cell
from xl_econ.workbook.cell import At, address

from .ground import PRICE, Ground, Planted, pick
from .registry import fault


def typed(g: Ground, cell: Cell, value: Any, more: set[tuple[str, str]] | None = None) -> Planted:
    draft = g.draft()
    draft.put(cell.sheet, cell.at, value)
    where = {(cell.sheet, cell.at)} | (more or set())
    return Planted(draft, where, f"{cell.text!r} -> {value!r} ({g.label(cell)[:70]})")


def row(g: Ground, cell: Cell) -> set[tuple[str, str]]:
    """The cells of a cell's row, from the first column to its last."""
    last = max(c for r, c in g.book.sheets[cell.sheet].cells if r == cell.row)
    return {(cell.sheet, address(At(cell.row, c))) for c in range(1, last + 1)}


def readers(g: Ground, cell: Cell) -> set[tuple[str, str]]:
    """The formulas that read a cell: where a text or nothing is felt."""
    return {(d.sheet, d.at) for d in g.graph.dependents(cell.sheet, cell.row, cell.column)}


@fault("mfu-over-one", "bounds")
def mfu(g: Ground, rng: random.Random) -> Planted:
    """An MFU above 100%."""
    return typed(g, pick(rng, g.inputs_like(r"\bMFU\b|FLOPs? utili[sz]ation", 0.01, 1)), pick(rng, [1.15, 1.4, 2.1]))


@fault("pue-under-one", "bounds")
def pue(g: Ground, rng: random.Random) -> Planted:
    """A PUE below 1: the overhead alone."""
    return typed(g, pick(rng, g.inputs_like(r"\bPUE\b|power usage effectiveness", 1, 3)), pick(rng, [0.25, 0.3, 0.85]))


@fault("utilization-over-one", "bounds")
def utilization(g: Ground, rng: random.Random) -> Planted:
    """A utilization or availability above 100%."""
    found = g.inputs_like(r"utili[sz]ation|goodput|availability|mean draw|load factor|uptime", 0.01, 1)
    return typed(g, pick(rng, found), pick(rng, [1.1, 1.6, 24.0]))


@fault("negative-price", "bounds")
def negative(g: Ground, rng: random.Random) -> Planted:
    """A price or cost with a minus, as an accountant's export has it."""
    cell = pick(rng, g.inputs_like(PRICE, 1e-9, 1e12))
    return typed(g, cell, -cell.shown)


@fault("sparse-peak", "bounds")
def sparse(g: Ground, rng: random.Random) -> Planted:
    """The datasheet's peak with sparsity, which is twice the dense one."""
    cell = pick(rng, g.inputs_like(r"TFLOP|peak", 100, 5000))
    return typed(g, cell, cell.shown * 2)


@fault("negative-count", "bounds")
def count(g: Ground, rng: random.Random) -> Planted:
    """A number of machines or people below zero."""
    cell = pick(
        rng,
        g.inputs_like(
            r"(?<!per )(?<!of )(?<!/)\b(?:GPUs|accelerators|nodes|headcount|servers|racks|engineers)\b", 1, 1e9
        ),
    )
    return typed(g, cell, -cell.shown)


@fault("digit-slip", "bounds", where=("own",))
def slip(g: Ground, rng: random.Random) -> Planted:
    """A figure a thousand times too large, beyond what the input's bounds allow."""
    found = []
    for c in g.typed:
        if c.sheet == "Inputs":
            high = g.book.cell("Inputs", c.row, 9)
            if high is not None and high.is_number and c.shown > 0 and high.shown < c.shown * 1e6:
                found.append((c, c.shown * 1000 if c.shown * 1000 > high.shown else high.shown * 10))
    cell, value = pick(rng, found)
    return typed(g, cell, value)


# -- texts ------------------------------------------------------------------------------------------------------------
def _as_text(value: float, rng: random.Random) -> str:
    plain = f"{value:.10g}"
    with_commas = f"{value:,.10g}"
    return pick(
        rng, [plain, plain + " ", plain + "\u00a0", " " + plain, with_commas + " ", plain.replace(".", ",") + "\u00a0"]
    )


@fault("number-as-text", "texts", latent=True)
def number_as_text(g: Ground, rng: random.Random) -> Planted:
    """A figure pasted from a web page: with a blank, a no-break blank, or stored as a text."""
    cell = pick(rng, g.weighted)
    return typed(g, cell, _as_text(cell.shown, rng), readers(g, cell))


@fault("number-with-unit", "texts")
def with_unit(g: Ground, rng: random.Random) -> Planted:
    """A figure typed with its unit: "700 W"."""
    cell = pick(rng, g.weighted)
    return typed(g, cell, f"{cell.shown:g} {pick(rng, ['W', 'USD', 'hrs', 'M', 'approx.'])}", readers(g, cell))


@fault("not-available", "texts")
def not_available(g: Ground, rng: random.Random) -> Planted:
    """TBD or n/a where a figure belongs."""
    cell = pick(rng, g.weighted)
    return typed(g, cell, pick(rng, ["TBD", "n/a", "?", "tbc"]), readers(g, cell))


@fault("input-blank", "texts")
def blank(g: Ground, rng: random.Random) -> Planted:
    """An input deleted: the formulas read 0."""
    cell = pick(rng, [c for c in g.weighted if c.shown])
    return typed(g, cell, None, readers(g, cell))


@fault("list-violated", "texts", latent=True)
def list_violated(g: Ground, rng: random.Random) -> Planted:
    """A word pasted over a cell that has a list of the words allowed."""
    found = []
    for s in g.book.sheets.values():
        for v in s.validations:
            if v.kind != "list":
                continue
            for top, bottom, left, right in v.areas:
                for (r, c), cell in s.cells.items():
                    if top <= r <= bottom and left <= c <= right and isinstance(cell.shown, str) and cell.shown:
                        found.append(cell)
    cell = pick(rng, [c for c in found if not c.formula])
    return typed(g, cell, pick(rng, [cell.shown + "2", "other", "Basis", "Z"]))


# -- sources ----------------------------------------------------------------------------------------------------------
def _sourced(g: Ground, heading: str) -> list[tuple[Cell, Cell]]:
    """Figures with the cell of their row under a heading such as "source"."""
    found = []
    wanted = re.compile(heading, re.I)
    for cell in g.inputs:
        sheet = g.book.sheets[cell.sheet]
        for (r, c), held in sheet.cells.items():
            if r == cell.row and not held.formula and isinstance(held.shown, str | int | float) and held.shown:
                title = g.heading_of(sheet, r, c)
                if wanted.fullmatch(title.strip()):
                    found.append((cell, held))
    return found


@fault("source-deleted", "sources", latent=True)
def source_deleted(g: Ground, rng: random.Random) -> Planted:
    """The source of a figure emptied."""
    cell, held = pick(rng, _sourced(g, "source"))
    return typed(g, held, None, row(g, cell))


@fault("price-edited-same-source", "sources", latent=True, where=("own",))
def price_edited(g: Ground, rng: random.Random) -> Planted:
    """A price of a list changed, with the source and the date left as they were."""
    found = [c for c, _ in _sourced(g, "source") if g.listed(c) and re.search(PRICE, g.label(c), re.I)]
    cell = pick(rng, found)
    return typed(g, cell, round(cell.shown * pick(rng, [0.82, 0.9, 1.12, 1.3]), 4), row(g, cell))


@fault("date-expired", "sources", latent=True)
def expired(g: Ground, rng: random.Random) -> Planted:
    """A price of years ago."""
    found = [(c, h) for c, h in _sourced(g, "as[ _]of|date|quoted|retrieved") if re.search(PRICE, g.label(c), re.I)]
    cell, held = pick(rng, found)
    value: Any = re.sub(r"20\d\d", "2019", held.shown, count=1) if isinstance(held.shown, str) else held.shown - 2500
    return typed(g, held, value, row(g, cell))


@fault("date-ahead", "sources", latent=True)
def ahead(g: Ground, rng: random.Random) -> Planted:
    """A figure as of a day that has not come."""
    cell, held = pick(rng, _sourced(g, "as[ _]of|date|quoted|retrieved"))
    value: Any = re.sub(r"20\d\d", "2062", held.shown, count=1) if isinstance(held.shown, str) else held.shown + 13000
    return typed(g, held, value, row(g, cell))


@fault("source-placeholder", "sources", latent=True)
def placeholder(g: Ground, rng: random.Random) -> Planted:
    """TODO for a source."""
    cell, held = pick(rng, _sourced(g, "source"))
    return typed(g, held, pick(rng, ["TODO", "?", "tbd", "xxx"]), row(g, cell))


# -- lists ------------------------------------------------------------------------------------------------------------
def _keyed(g: Ground) -> list[tuple[Cell, list[Cell]]]:
    """Rows of lists that look-ups search: the cell of the key, and the cells of the row."""
    found = {}
    for cell in g.book.formulas():
        if not re.search(r"\b(VLOOKUP|MATCH|XLOOKUP)\(", cell[1].formula):
            continue
        for place in g.graph.precedents(cell[1]):
            top, bottom, left, _ = place.area
            if bottom - top < 2 or bottom - top > 2000:
                continue
            sheet = g.book.sheets[place.sheet]
            for r in range(top, bottom + 1):
                key = sheet.at(r, left)
                if key is not None and isinstance(key.shown, str) and not key.formula and key.shown:
                    cells = [c for (rr, cc), c in sheet.cells.items() if rr == r and cc >= left]
                    if any(c.is_number for c in cells):
                        found[place.sheet, r] = (key, cells)
    return list(found.values())


@fault("duplicate-key", "lists", latent=True)
def duplicate(g: Ground, rng: random.Random) -> Planted:
    """Two rows of a list with one key: the look-up sees the first only."""
    rows = _keyed(g)
    key, _ = pick(rng, rows)
    others = [k for k, _ in rows if k.sheet == key.sheet and k.column == key.column and k.row > key.row]
    other = pick(rng, others)
    draft = g.draft()
    draft.put(other.sheet, other.at, key.shown)
    return Planted(draft, row(g, other) | row(g, key), f"{other.at} {other.shown!r} -> {key.shown!r} as in {key.at}")


@fault("list-row-emptied", "lists")
def emptied(g: Ground, rng: random.Random) -> Planted:
    """The row that a look-up needs, deleted from the list."""
    live = {str(v) for v in g.computed.values() if isinstance(v, str)} | {
        c.shown
        for _, c in g.book.cells()
        if isinstance(c.shown, str) and not c.formula and c.sheet in ("Inputs", "Assumptions")
    }
    rows = [(k, cells) for k, cells in _keyed(g) if k.shown in live]
    key, cells = pick(rng, rows)
    draft = g.draft()
    for c in cells:
        draft.put(c.sheet, c.at, None)
    where = {(c.sheet, c.at) for c in cells}.union(*(readers(g, c) for c in cells))
    return Planted(draft, where, f"row of {key.shown!r} deleted")
