"""The cells of a template's workbook that a case decides, each with what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xl_econ.workbook.cell import At, Value, cell_at
from xl_econ.workbook.parts import Parts

from . import front, sensitivity_sheet, shaped, sheets
from .build import Flavour
from .compute import Calculator, Computed, computed
from .holes import Slot
from .layout import CASES
from .model import Model
from .parts import (
    CALCULATION,
    CHECKS,
    FUNCTIONS,
    INPUTS,
    LIVE,
    RESULTS,
    SELECTOR_ROW,
    SENSITIVITY,
    InputRow,
    Line,
)


def slots_of(calculator: Calculator, flavour: Flavour, book: Parts, hash_of: Slot) -> dict[str, dict[At, Slot]]:
    """What the cells of a workbook hold, by sheet and cell."""
    found: dict[str, dict[At, Slot]] = {}
    for name, cell, slot in _slots(calculator, flavour, book, hash_of):
        found.setdefault(name, {})[cell_at(cell)] = slot
    return found


def _slots(calculator: Calculator, flavour: Flavour, book: Parts, hash_of: Slot) -> Iterator[tuple[str, str, Slot]]:
    """Every cell that a case decides, with what it holds."""
    model, layout = calculator.model, calculator.layout

    def selected(c: Computed) -> Value:
        return c.selected

    def text(key: str) -> Slot:
        return lambda c: c.texts.get(key, "")

    yield INPUTS, f"D{SELECTOR_ROW}", selected
    yield INPUTS, f"D{sheets.CASE_NUMBER_ROW}", lambda c: float(CASES.index(c.selected) + 1)
    yield from _input_slots(model)
    lines = [x for x in model.lines if isinstance(x, Line)]
    for line in lines:
        for case, column in model.columns.of.items():
            yield CALCULATION, f"{column}{line.row}", _value(line.key, case)
    for row, r in enumerate(layout.results, shaped.FIRST_RESULT):
        for case, column in model.columns.of.items():
            if case == LIVE or r.key not in model.timeline_keys:  # which has the live case only
                yield RESULTS, f"{column}{row}", _value(r.key, case)
        if r.label_from:
            yield RESULTS, f"B{row}", lambda c, r=r: r.named(c.values[LIVE][r.label_from])  # type: ignore[misc]
        if r.note_from:
            yield RESULTS, f"{model.columns.beyond()}{row}", _value(r.note_from, LIVE)
    if flavour == "lambda":
        for row, line in enumerate((x for x in lines if x.metric), 5):
            yield FUNCTIONS, f"D{row}", _value(line.key, LIVE)
            yield FUNCTIONS, f"E{row}", _value(line.key, LIVE)
    yield from _live_slots(model)
    yield from _check_slots(calculator, book)

    def master(c: Computed) -> Value:
        return master_text(calculator, c)

    yield CHECKS, "C3", master
    for name, slot in (
        ("xl_econ.inputs_hash", hash_of),
        ("inputs.purpose", text("purpose")),
        ("inputs.owner", text("owner")),
        ("xl_econ.given", lambda c: front.given(layout, c.own)),
    ):
        if at := book.cell_of(name):
            yield *at, slot
    yield "Cover", "C7", selected
    for row, key in enumerate(layout.headline, 10):
        yield "Cover", f"C{row}", _value(key, LIVE)
    yield "Cover", f"C{11 + len(layout.headline)}", master


def _live_slots(model: Model) -> Iterator[tuple[str, str, Slot]]:
    """The cells of the live case alone, and those behind charts; the bars of a tornado with their names."""
    for at in computed(model, {}).cells:
        yield *at, lambda c, at=at: c.cells[at]  # type: ignore[misc]
    if model.sensitivity and (block := model.sensitivity.tornado):
        names = {swing.key: sensitivity_sheet.bar_label(model, swing.key) for swing, _ in block.bars}
        for n in range(len(block.bars)):
            yield SENSITIVITY, f"B{block.first + n}", lambda c, n=n: names[c.order[n]]  # type: ignore[misc]


def _value(key: str, case: str) -> Slot:
    return lambda c: c.values[case][key]


def _origin(key: str, what: str) -> Slot:
    return lambda c: getattr(c.origins[key], what)


def _input_slots(model: Model) -> Iterator[tuple[str, str, Slot]]:
    """The inputs with their sources, which the sheet of sources shows once more."""
    source_row = front.FIRST_SOURCE_ROW
    for x in model.inputs:
        if isinstance(x, InputRow):
            for case, column in model.columns.of.items():
                yield INPUTS, f"{column}{x.row}", _value(x.input.key, case)
            for what, column, shown in zip(("source", "as_of", "grade"), "KLM", "CDE", strict=True):
                yield INPUTS, f"{column}{x.row}", _origin(x.input.key, what)
                yield "Sources", f"{shown}{source_row}", _origin(x.input.key, what)
            source_row += 1


def _check_slots(calculator: Calculator, book: Parts) -> Iterator[tuple[str, str, Slot]]:
    """The figures of the checks, found by their labels; the structural ones never change."""
    rows: dict[Any, int] = {}
    for cell in book.sheet(CHECKS).cells():
        if cell.at.column == 2:
            rows.setdefault(book.sheet(CHECKS).stored(cell, book.shared), cell.at.row)
    for n, check in enumerate(calculator.model.checks):
        row = rows[check.label]
        for case in check.values:
            yield CHECKS, f"{calculator.model.columns.of[case]}{row}", lambda c, n=n, case=case: c.checks[n][case]  # type: ignore[misc]
        yield CHECKS, f"J{row}", lambda c, n=n: flag(calculator, c, n)  # type: ignore[misc]


def flag(calculator: Calculator, c: Computed, n: int) -> int:
    """1 if a check's figure is out of its bounds in any case."""
    check = calculator.model.checks[n]
    return 0 if all(check.low <= v <= check.high for v in c.checks[n].values()) else 1


def master_text(calculator: Calculator, c: Computed) -> str:
    """What the master check says."""
    checks = enumerate(calculator.model.checks)
    failed = sum(flag(calculator, c, n) for n, check in checks if check.severity == "check")
    return f"Checks failed: {failed}" if failed else "All checks pass"
