"""The cells of a workbook for the page: each as a few numbers, and once what many share.

A formula is told by its R1C1 form, which copies share; so are the areas that it reads, and the page works out both for
a cell when somebody looks at it.
"""

from __future__ import annotations

import math
from operator import itemgetter
from typing import Any

from xl_econ.workbook.book import Cell, Sheet
from xl_econ.workbook.cell import as_shown
from xl_econ.workbook.recalc import same

from .arithmetic import finds
from .labels import Labels, unitless
from .steps import steps
from .subject import Subject

TOLERANCE = 1e-9
_UNKNOWN = ("#NAME?", "#N/IMPL!", "#ERROR!")
_SPILLED = -2
_TYPED = -1
_TOLD = (("unit", "units"), ("source",), ("as of",), ("key",), ("formula in words",))


def page_data(subject: Subject, labels: Labels) -> dict[str, Any]:
    """What the page holds of a workbook."""
    keys = _Keys(subject)
    formats: dict[str, int] = {}
    sheets = [_sheet(s, subject, labels, keys, formats) for s in subject.book.sheets.values()]
    return {
        "engine": subject.engine,
        "uncomputed": subject.uncomputed,
        "from1904": subject.book.settings.from_1904,
        "sheets": sheets,
        "keys": keys.texts,
        "reads": keys.reads,
        "formats": list(formats),
        "names": [[*place, name] for place, name in labels.names.items()],
    }


class _Keys:
    """The formulas of a workbook, each once, with the areas that it reads as distances."""

    def __init__(self, subject: Subject) -> None:
        self.graph = subject.graph
        self.sheets = {n: i for i, n in enumerate(subject.book.sheets)}
        self.texts: list[str] = []
        self.reads: list[list[Any]] = []
        self._numbers: dict[tuple[str, str], int] = {}

    def of(self, cell: Cell) -> int:
        """The number of a formula."""
        # Names and tables without a name can mean other areas on another sheet.
        held = (cell.sheet, cell.key or cell.formula)
        if held not in self._numbers:
            self._numbers[held] = len(self.texts)
            self.texts.append(as_shown(held[1]))
            self.reads.append(list(self._areas(cell)))
        return self._numbers[held]

    def _areas(self, cell: Cell) -> Any:
        """Sheet, and of first row, last row, first and last column whether it is fixed, and the number or distance."""
        for r in self.graph.references(cell):
            for place in self.graph.places(r, cell):
                sheet = -1 if place.sheet == cell.sheet else self.sheets[place.sheet]
                if r.corners is not None:
                    yield [sheet, *(x for axis in r.corners for x in (int(axis.fixed), axis.number))]
                    continue
                top, bottom, left, right = place.area
                own_row = bool(r.inside) and top == bottom == cell.row
                rows = (0, 0, 0, 0) if own_row else (1, top, 1, bottom)
                yield [sheet, *rows, 1, left, 1, right]


def _sheet(sheet: Sheet, subject: Subject, labels: Labels, keys: _Keys, formats: dict[str, int]) -> dict[str, Any]:
    told = labels.of_sheet(sheet.name)
    rows: list[int] = []
    columns: list[int] = []
    values: list[Any] = []
    formulas: list[int] = []
    looks: list[int] = []
    lefts: list[int] = []
    aboves: list[int] = []
    other: dict[int, Any] = {}
    unconfirmed: list[int] = []
    unstored: list[int] = []
    errors: list[int] = []
    worked: dict[int, list[list[Any]]] = {}
    found_at: dict[int, list[tuple[int, int, int]]] = {}
    for n, ((row, column), cell) in enumerate(_held(sheet)):
        rows.append(row)
        columns.append(column)
        values.append(_plain(cell.shown))
        formulas.append(keys.of(cell) if cell.formula else _SPILLED if cell.spilled else _TYPED)
        looks.append(formats.setdefault(cell.format, len(formats)))
        left, above = told.places(row, column) if cell.formula or cell.is_number else (0, 0)
        lefts.append(left)
        aboves.append(above)
        if cell.is_error:
            errors.append(n)
        if cell.formula:
            if found := steps(cell, subject.graph):
                worked[n] = [[s.kind, s.name, s.formula, _plain(s.value), s.unit] for s in found]
            if at := finds(subject.graph, cell):
                found_at[n] = [(keys.sheets[name], r, c) for name, r, c in at]
            value = subject.computed(cell)
            if value is None or value in _UNKNOWN:
                unconfirmed.append(n)
            elif cell.stored is None and value != "":
                values[-1] = _plain(value)
                unstored.append(n)
            elif not same(cell.stored, value, TOLERANCE):
                other[n] = _plain(value)
    blocks = [
        [*_area(a, sheet), *((a.column(*names) or 0) for names in _TOLD), unitless(a)]
        for a in (*told.tables, *reversed(told.blocks))
    ]
    return {
        "name": sheet.name,
        "state": sheet.state,
        "r": _steps(rows),
        "c": columns,
        "v": values,
        "k": formulas,
        "f": looks,
        "x": lefts,
        "y": aboves,
        "errors": errors,
        "computed": other,
        "unconfirmed": _steps(unconfirmed),
        "steps": worked,
        "finds": found_at,
        "unstored": _steps(unstored),
        "blocks": blocks,
        "comments": [[*place, text] for place, text in sheet.comments.items()],
        "hidden": [sorted(sheet.hidden_rows)[:5000], [[r.start, r.stop - 1] for r in sheet.hidden_columns]],
    }


def _held(sheet: Sheet) -> list[tuple[tuple[int, int], Cell]]:
    """The cells of a sheet that hold something, row by row."""
    held = [(p, c) for p, c in sheet.cells.items() if c.formula or c.shown not in (None, "")]
    return sorted(held, key=itemgetter(0))


def _plain(value: Any) -> Any:
    """A value that JSON holds."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _area(a: Any, sheet: Sheet) -> tuple[int, int, int, int]:
    """First and last row, first and last column of a headed area."""
    table = next((t for t in sheet.tables if t.area[0] == a.heading and t.area[2] in a.columns.values()), None)
    return table.area if table is not None else (a.heading + 1, a.last, 1, 1 << 14)


def _steps(numbers: list[int]) -> list[int]:
    """Rising numbers as distances, which are short to write."""
    return [b - a for a, b in zip([0, *numbers], numbers, strict=False)]
