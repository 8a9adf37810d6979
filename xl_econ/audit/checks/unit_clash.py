"""Units that do not fit: what a formula adds or compares, and what it gives against what its label says."""

from __future__ import annotations

from collections.abc import Iterator

from xl_econ.audit.folding import SAMPLE, Clash, Folder, Value, nearest_factor, same_but_time, tree
from xl_econ.audit.registry import ERROR, WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.audit.units import Evidence
from xl_econ.workbook.book import Cell
from xl_econ.workbook.graph import Place

Folded = tuple[Cell, Value, list[Clash], Evidence | None]
_COPIES = 24  # of one formula that are looked at: their labels may differ


@check(
    "unit-clash",
    ERROR,
    "A formula adds or compares figures of different units, or gives another unit than its label says",
    "convert one of the two, or correct the label that is wrong",
)
def unit_clash(subject: Subject) -> Iterator[Found]:
    """Kilowatts plus watts, years plus hours. Without a unit on both sides nothing is said."""
    for cell, _, clashes, _ in _folded(subject):
        for clash in clashes:
            factor = "" if clash.factor is None else f"; the one is {times_of(clash.factor)} the other"
            message = f"{clash.how} {_said(clash.one)} and {_said(clash.other)}: {cell.formula[:80]}{factor}"
            doubtful = not clash.strong or _period_unsaid(clash)
            yield at(cell, message, severity=WARNING if doubtful else "")


@check(
    "unit-factor",
    ERROR,
    "A formula gives its figure in another multiple than its label says: a conversion is missing, or one too many",
    "convert (1,000 W are 1 kW, 8,760 hours a year), or correct the label",
)
def unit_factor(subject: Subject) -> Iterator[Found]:
    """What a formula gives, folded from the units of its cells, against the unit of its own label."""
    for cell, value, clashes, own in _folded(subject):
        if own is None or clashes or not value.readings or not value.seen:
            continue
        if any(m.alike(own.measure) for m in value.readings):
            continue
        factor = nearest_factor(value.readings, [own.measure])
        strong = own.strong and value.sure
        if factor is not None:
            size = "large" if factor < 1 else "small"
            message = (
                f"its label says {own.said}, but {cell.formula[:80]} of {_said(value.seen)} gives a figure "
                f"{times_of(1 / factor if factor < 1 else factor)} too {size}"
            )
            yield at(cell, message, severity="" if strong else WARNING)
        elif strong and _is_other_count(cell, value, own):
            yield at(
                cell, f"its label says {own.said}, but {cell.formula[:80]} is of {_said(value.seen)}", severity=WARNING
            )
        elif strong and _is_told(value) and not same_but_time(value.readings, [own.measure]) and own.measure.strict:
            message = f"its label says {own.said}, but {cell.formula[:80]} is of {_said(value.seen)}"
            yield at(cell, message, severity=WARNING)


def _is_other_count(cell: Cell, value: Value, own: Evidence) -> bool:
    """Whether a cell just repeats another whose unit is not its own: GPUs where GPU-hours are meant."""
    node = tree(cell.key)
    theirs = value.seen[0].measure
    return node is not None and node.kind == "ref" and bool(theirs.dims) and theirs.dims < own.measure.dims


def _is_told(value: Value) -> bool:
    """Whether a formula is of more than counts: tokens times a number may well be their bytes."""
    return any(label not in ("h", "token") for m in value.readings or () for label, _ in m.strict)


def _period_unsaid(clash: Clash) -> bool:
    """Whether energy of a year meets energy a year: a total of twelve months is headed by the amount alone."""
    one, other = ({p for e in side for p in e.measure.dims} for side in (clash.one, clash.other))
    return {label for label, _ in one ^ other} == {"h"} and "W" in {label for label, _ in one}


def times_of(factor: float) -> str:
    """A factor in words: 1,000 times."""
    factor = factor if factor >= 1 else 1 / factor
    return f"{factor:,.4g} times" if factor < 1e5 else f"{factor:.3g} times"


def _said(evidence: list[Evidence]) -> str:
    return " and ".join(dict.fromkeys(e.said for e in evidence[:4]))


def _folded(subject: Subject) -> Iterator[Folded]:
    """Formulas with what they give: of one that is copied the first few that have labels of their own."""
    cached = subject.__dict__.get("_folded_units")
    if cached is None:
        cached = subject.__dict__["_folded_units"] = list(_fold(subject))
    yield from cached


def _fold(subject: Subject) -> Iterator[Folded]:
    sheets = subject.book.sheets
    known: dict[tuple[str, int, int], Evidence | None] = {}

    def unit_of(cell: Cell) -> Evidence | None:
        where = (cell.sheet, cell.row, cell.column)
        if where not in known:
            known[where] = subject.units(cell.sheet).of(cell)
        return known[where]

    def first(place: Place, most: int) -> list[Cell]:
        top, bottom, left, right = place.area
        held = sheets.get(place.sheet)
        found: list[Cell] = []
        for row in range(top, min(bottom, top + most) + 1):
            for column in range(left, min(right, left + most) + 1):
                cell = held.at(row, column) if held else None
                if cell is not None:
                    found.append(cell)
        return found[:most] if len(found) > most else found

    measured: dict[Place, bool] = {}

    def is_measured(place: Place) -> bool:
        if place not in measured:
            measured[place] = any(unit_of(c) for c in first(place, SAMPLE) if c.is_number or c.formula)
        return measured[place]

    folder = Folder(unit_of, subject.graph.places, first)
    reported: set[tuple[str, str, str]] = set()
    for cell in subject.firsts(_COPIES):
        # Of cells without units nothing follows; a look-up may return what lies farther in its table.
        if "LOOKUP(" not in cell.key.upper() and not any(map(is_measured, subject.graph.precedents(cell))):
            continue
        value, clashes = folder.fold(cell)
        if not value.seen and not clashes:
            continue
        own = unit_of(cell)
        same = (cell.sheet, cell.key, own.text if own else "")
        if same in reported:
            continue
        reported.add(same)
        yield cell, value, clashes, own
