"""Results of filled workbooks as inputs of another template, carried over as values: no workbook links to another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from xl_econ.core.errors import InputError
from xl_econ.workbook.cell import At, address, cell_at
from xl_econ.workbook.read import Address

from .edited import Edited
from .fill import Case
from .layout import CASES, Input, Layout, Origin

_REACH = 12  # columns right of the live case in which the other cases are looked for


def carried(layout: Layout, case: Case, paths: Sequence[Path]) -> Case:
    """A case with the results of workbooks under it: what the case gives itself stands.

    A workbook's stored values are taken, in its Base, Low and High case; none is computed anew.

    Args:
        layout: The template that is filled; its inputs say which results they can take.
        case: What fills it besides.
        paths: Workbooks of other templates.

    Raises:
        InputError: A workbook of a template whose results are not taken here, two of the same, a result that is gone or
            no number.
        WorkbookError: A workbook that cannot be read, or that was not built from a template.
    """
    takers = {i.key: i for i in layout.by_key.values() if i.result_of}
    if not takers:
        raise InputError(f"--from: {layout.name} takes no results of other workbooks")
    values = {name: dict(case.values.get(name, {})) for name in CASES}
    origins, given = dict(case.origins), {key for name in CASES for key in values[name]}
    seen: dict[str, Path] = {}
    for book in map(Edited, paths):
        name = book.stamp.template
        found = [i for i in takers.values() if i.result_of.partition(".")[0] == name]
        if not found:
            known = sorted({i.result_of.partition(".")[0] for i in takers.values()})
            raise InputError(f"{book.path}: a workbook of {name}; {layout.name} takes results of {', '.join(known)}")
        if name in seen:
            raise InputError(f"{book.path}: a second workbook of {name}; {seen[name]} is one too")
        seen[name] = book.path
        for i in found:
            if i.key in given:
                continue
            for of, value in _results(book, i):
                values[of][i.key] = value
            text = f"{i.result_of} of {book.path.name}, inputs {book.stamp.inputs}"
            origins[i.key] = Origin(source=text, as_of=book.layout.as_of, grade="B")
    return replace(case, values=values, origins=origins)


def _results(book: Edited, i: Input) -> Iterator[tuple[str, float]]:
    """The result that an input takes, in every case."""
    key = i.result_of.partition(".")[2]
    live = book.named_results().get(key)
    if live is None:
        raise InputError(f"{book.path}: the name results.{key} leads to no cell, so {i.key} has no value")
    for case, at in _cases(book, live).items():
        value = book.book.value(*at)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"{book.path}: {at[0]}!{at[1]} ({key}, {case}) is {value!r}, no number for {i.key}")
        yield case, float(value)


def _cases(book: Edited, live: Address) -> dict[str, Address]:
    """The cells of a result in each case: in its row, under the headings that name the cases."""
    sheet, cell = live
    at = cell_at(cell)
    for row in range(at.row - 1, 0, -1):
        columns = range(at.column + 1, at.column + 1 + _REACH)
        heads = {book.book.value(sheet, address(At(row, c))): c for c in columns}
        if heads.keys() >= set(CASES):
            return {case: (sheet, address(At(at.row, heads[case]))) for case in CASES}
    raise InputError(f"{book.path}: no headings {', '.join(CASES)} above {sheet}!{cell}")
