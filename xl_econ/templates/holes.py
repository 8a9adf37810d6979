"""The parts of a package with holes where a case's values go: worksheets cut at their cells, charts at their points."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

from xl_econ.workbook.cell import At, Value, cell_at, number, storable, written
from xl_econ.workbook.sheet import Cell, SheetXml

from . import pristine
from .compute import Computed
from .parts import SENSITIVITY

Slot = Callable[[Computed], Value]
Piece = str | Callable[[Computed], str]

_SERIES = re.compile(
    r"<c:f>(?P<sheet>[^!<]+)!(?P<first>\$[A-Z]+\$\d+)(?::(?P<last>\$[A-Z]+\$\d+))?</c:f>"
    r"<c:(?P<kind>num|str)Cache>(?P<points>.*?)</c:(?P=kind)Cache>",
    re.S,
)
_POINT = re.compile(r'(<c:pt idx="(\d+)"><c:v>)[^<]*')
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def of_chart(text: str, slots: Mapping[str, Mapping[At, Slot]]) -> Iterator[Piece]:
    """A chart with the values that its series show; they are what a viewer draws before it computes anything."""
    done = 0
    for found in _SERIES.finditer(text):
        here = slots.get(found["sheet"].strip("'"), {})
        first, last = cell_at(found["first"]), cell_at(found["last"] or found["first"])
        shown = [At(r, c) for r in range(first.row, last.row + 1) for c in range(first.column, last.column + 1)]
        for p in _POINT.finditer(text, *found.span("points")):
            if slot := here.get(shown[int(p[2])]):
                yield text[done : p.end(1)]
                yield _point(slot, found["kind"])
                done = p.end()
    yield text[done:]


def _point(slot: Slot, kind: str) -> Callable[[Computed], str]:
    def point(c: Computed) -> str:
        value = slot(c)
        if isinstance(value, str):
            return storable(value, "a chart") if kind == "str" else "0"  # as the builder writes it
        return str(value)

    return point


def of_sheet(sheet: SheetXml, slots: Mapping[At, Slot], rows: Mapping[int, list[Piece]]) -> Iterator[Piece]:
    """A worksheet cut at the cells of the slots; some of its rows are cut already."""
    done = 0
    for row in sheet.rows:
        if row.number in rows:
            yield sheet.text[done : row.span.start]
            yield from rows[row.number]
            done = row.span.end
        for cell in row.cells if row.number not in rows else ():
            if slot := slots.get(cell.at):
                yield sheet.text[done : cell.span.start]
                yield _hole(sheet, cell, slot)
                done = cell.span.end
    yield sheet.text[done:]


def moved(sheet: SheetXml, slots: Mapping[At, Slot], bars: Mapping[str, int]) -> dict[int, list[Piece]]:
    """Rows that change places from case to case: each is the row of the bar that a case puts there.

    Args:
        sheet: The worksheet.
        slots: What its cells hold, by place.
        bars: The row of each bar by its key, as the sheet has them.
    """
    text = {row.number: sheet.text[row.span.start : row.span.end] for row in sheet.rows}
    keys, places = list(bars), list(bars.values())
    made: dict[int, dict[str, list[Piece]]] = {place: {} for place in places}
    for turn in range(len(keys)):  # after so many turns every bar was in every place
        turned = keys[turn:] + keys[:turn]
        rows = [_renumbered(text[bars[key]], bars[key], place) for key, place in zip(turned, places, strict=True)]
        part = f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(rows)}</sheetData></worksheet>'
        cut = SheetXml(part.encode(), sheet.where)
        for row, key in zip(cut.rows, turned, strict=True):
            made[row.number][key] = list(_of_row(cut, row.span.start, row.cells, slots, row.span.end))
    return {place: ["", _chosen(made[place], n), ""] for n, place in enumerate(places)}


def of_description(content: str, bars: Mapping[str, int]) -> Iterator[Piece]:
    """What a workbook says of itself when it is built, in which the bars of a tornado have changed places too.

    Args:
        content: The part that says so.
        bars: The row of each bar by its key, as the sheet has them.
    """
    cells = pristine.cells(content, SENSITIVITY)

    def row(key: str, new: int) -> str:
        old, moved = bars[key], {}
        for at, value in cells.items():
            if cell_at(at).row == old:
                formula = [_renumbered(value[0], old, new)] if isinstance(value, list) else value
                moved[_renumbered(at, old, new)] = formula
        return pristine.text(moved)[1:-1]

    rows = [{key: row(key, place) for key in bars} for place in bars.values()]
    before, after = content.split(",".join(row(key, place) for key, place in bars.items()))
    yield before
    for n, texts in enumerate(rows):
        yield lambda c, n=n, texts=texts: texts[c.order[n]]  # type: ignore[misc]
        yield "," if n + 1 < len(rows) else after


def _renumbered(row: str, old: int, new: int) -> str:
    """A row in another place, with the formulas that read their own row."""
    return re.sub(rf"(?<![\w$!])([A-Z]|<row r=\"){old}(?!\d)", rf"\g<1>{new}", row)


def _of_row(sheet: SheetXml, start: int, cells: list[Cell], slots: Mapping[At, Slot], end: int) -> Iterator[Piece]:
    for cell in cells:
        if slot := slots.get(cell.at):
            yield sheet.text[start : cell.span.start]
            yield _hole(sheet, cell, slot)
            start = cell.span.end
    yield sheet.text[start:end]


def _chosen(made: Mapping[str, list[Piece]], n: int) -> Callable[[Computed], str]:
    return lambda c: filled(made[c.order[n]], c)


def filled(pieces: Sequence[Piece], c: Computed) -> str:
    """The text of pieces, their holes filled."""
    out: list[str] = []
    for p in pieces:
        if type(p) is str:
            out.append(p)
        elif type(p) is Result and type(value := p.slot(c)) is float:
            out += (p.before, repr(value), "</v></c>")  # most cells are such, and their formulas are long
        else:
            out.append(p(c))  # type: ignore[operator]
    return "".join(out)


class Result:
    """A cell with a formula, which a case gives its result.

    Args:
        tag: The cell's tag, open.
        formula: Its formula.
        slot: Its result.
    """

    __slots__ = ("before", "formula", "slot", "tag")

    def __init__(self, tag: str, formula: str, slot: Slot) -> None:
        self.tag, self.formula, self.slot, self.before = tag, formula, slot, f"{tag}>{formula}<v>"

    def __call__(self, c: Computed) -> str:
        value = self.slot(c)
        if value == "":  # as the builder writes it
            return f"{self.before}</v></c>"
        if isinstance(value, str):
            kind, content = _result(value)
            return f"{self.tag}{kind}>{self.formula}{content}</c>"
        return f"{self.before}{value}</v></c>"


def _hole(sheet: SheetXml, cell: Cell, slot: Slot) -> Callable[[Computed], str]:
    tag = re.sub(r' t="\w+"', "", sheet.text[cell.span.start : cell.span.inside]).removesuffix(">").removesuffix("/")
    formula = re.search(r"<f[ >].*?</f>", sheet.text[cell.span.inside : cell.span.close], re.S)
    if formula:
        return Result(tag, formula[0], slot)

    def given(c: Computed) -> str:
        value = slot(c)
        if type(value) is float:
            return f"{tag}><v>{number(value)}</v></c>"
        if value in ("", None):
            return f"{tag}/>"
        if isinstance(value, str):
            return f"{tag}{_inline(value)}</c>"
        return f"{tag}><v>{value}</v></c>"

    return given


@lru_cache(10_000)
def _inline(text: str) -> str:
    """A text in its cell; the same sources stand in every workbook of a run."""
    return f' t="inlineStr"><is><t xml:space="preserve">{storable(text, "a text")}</t></is>'


@lru_cache(10_000)
def _result(text: str) -> tuple[str, str]:
    return written("", text, True, "a text")
