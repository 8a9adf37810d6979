"""Cells that compute one of our metrics: by a call of it, by a template's step, by arithmetic of the same value."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import XlEconError
from xl_econ.core.ops import evaluate
from xl_econ.core.quantity import clean
from xl_econ.core.registry import Metric
from xl_econ.metrics import REGISTRY
from xl_econ.tables.table import replaced
from xl_econ.templates import held, language
from xl_econ.templates.edited import Edited
from xl_econ.templates.merge import input_columns
from xl_econ.templates.model import Model
from xl_econ.templates.parts import CALCULATION, LIVE, Line
from xl_econ.workbook.book import Cell
from xl_econ.workbook.cell import At, cell_at

from .arithmetic import Evaluator, Where
from .parsed import Unknown, calls_ours, tree

if TYPE_CHECKING:
    from .manifest import Manifest
    from .subject import Subject

_PARAMETER = re.compile(r"_xl(?:pm|op)\.(\w+)\s*,")


@dataclass(frozen=True)
class Recognised:
    """What a cell computes, and what the reference implementation makes of the same inputs.

    Attributes:
        cell: The cell.
        metric: The metric; None for a step of a template that is none by itself.
        inputs: Its inputs by parameter, as it takes them.
        expected: What it gives.
        way: "function", "step" or "arithmetic".
        ratio: What stands in the cell over what is expected, where that is a slip.
        slip: The slip that explains the ratio; "" where none is known.
    """

    cell: Cell
    metric: Metric | None
    inputs: Mapping[str, Any]
    expected: Any
    way: str
    ratio: float = 1.0
    slip: str = ""


def of(subject: Subject) -> dict[Where, Recognised]:
    """Every cell that is recognised, by sheet, row and column."""
    from . import equivalent

    found: dict[Where, Recognised] = {}
    for each in (*calls(subject), *steps(subject), *equivalent.cells(subject)):
        found.setdefault((each.cell.sheet, each.cell.row, each.cell.column), each)
    return found


# -- calls ------------------------------------------------------------------------------------------------------------
def calls(subject: Subject) -> Iterator[Recognised]:
    """Formulas with calls of our functions, from the add-in or by a LAMBDA, as the core computes them."""
    foreign = _foreign(subject)
    for cell in subject.formulas:
        if not calls_ours(cell.key):
            continue
        found = tree(cell.key)
        names = {m.name for m in found.calls} if found else set()
        if found is None or not names or names & foreign:
            continue
        evaluator = Evaluator(subject.graph)
        try:
            value = evaluator.of(cell)
            m = REGISTRY.get(found.op)
            inputs = m.bind(tuple(evaluator.node(a, cell) for a in found.args), {}) if m else {}
        except (Unknown, XlEconError):
            continue
        yield from _spread(subject, cell, m, inputs, value)


def _foreign(subject: Subject) -> set[str]:
    """The names of our functions that mean something else in the workbook: other parameters."""
    found = set()
    for name, text in subject.book.names.items():
        m = REGISTRY.get(name.upper())
        if m is not None:
            said = _PARAMETER.findall(text)[: len(m.params)]
            if "LAMBDA(" not in text.upper() or [s.casefold() for s in said] != list(m.scalars)[: len(said)]:
                found.add(m.name)
    return found


def _spread(subject: Subject, cell: Cell, m: Metric | None, inputs: dict[str, Any], value: Any) -> Iterator[Recognised]:
    """A value at its cell; rows of values at the cells that they spill into."""
    if not isinstance(value, list):
        yield Recognised(cell, m, inputs, value, "function")
        return
    for i, row in enumerate(value):
        for j, each in enumerate(row if isinstance(row, list) else [row]):
            at = subject.book.cell(cell.sheet, cell.row + i, cell.column + j)
            if at is not None and (at is cell or at.spilled) and (len(value) > 1 or len(value[0]) > 1):
                if at is cell and not _spills(subject, cell):
                    return  # a range where a cell was meant: the row's own element is taken, which is Excel's affair
                yield Recognised(at, m, {}, each, "function")


def _spills(subject: Subject, cell: Cell) -> bool:
    below, right = (subject.book.cell(cell.sheet, cell.row + i, cell.column + 1 - i) for i in (1, 0))
    return any(c is not None and c.spilled for c in (below, right))


# -- steps of templates -----------------------------------------------------------------------------------------------
def steps(subject: Subject) -> Iterator[Recognised]:
    """The rows of a template's calculation, each as the core computes it from what stands in the rows that it reads."""
    manifest = subject.manifest
    if manifest is None or CALCULATION not in manifest.books.sheets:
        return
    try:
        edited = Edited(subject.path)
        model = Model(edited.layout, cases=tuple(edited.cases))
        with replaced(held.tables(manifest.books.b)):
            yield from _Steps(manifest, model).all()
    except XlEconError:
        return  # what is wrong with its tables or stamp is said elsewhere


class _Steps:
    def __init__(self, manifest: Manifest, model: Model) -> None:
        self.manifest, self.model = manifest, model
        self.said = {
            str(c.value): at.row for at, c in manifest.base.sheets[CALCULATION].cells.items() if c.is_text and c.value
        }
        self.rows = {
            x.key: self.said[words]
            for x in model.lines
            if isinstance(x, Line) and (words := f"{x.key} = {x.text}") in self.said
        }
        specs = {r.key: r for block in model.layout.calculation for r in block.rows}
        known = model.keys | set(model.table_columns)
        self.formulas = {
            key: language.expression(specs[key].formula, known, f"row {key}") for key in self.rows if key in specs
        }

    def all(self) -> Iterator[Recognised]:
        lines = [x for x in self.model.lines if isinstance(x, Line) and x.key in self.rows]
        for case, column in self.model.columns.of.items():
            env = ChainMap(self._inputs(case), self._stored(column), self.model.table_columns)
            stored = {id(x.root): env[x.key] for x in lines if x.key in env}
            for line in lines:
                cell = self._cell(CALCULATION, At(self.rows[line.key], cell_at(f"{column}1").column))
                if cell is None or not cell.formula:
                    continue
                try:
                    memo = {at: v for at, v in stored.items() if at != id(line.root)}
                    expected = evaluate(line.root, env, memo)
                    formula = self.formulas.get(line.key)
                    inputs = self._arguments(formula, env) if formula and formula.metric else {}
                except (XlEconError, KeyError, ArithmeticError, ValueError, TypeError):
                    continue
                if isinstance(expected, int | float | str) and expected == expected:  # noqa: PLR0124
                    yield Recognised(cell, formula.metric if formula else None, inputs, expected, "step")

    @staticmethod
    def _arguments(formula: language.Formula, env: Mapping[str, Any]) -> dict[str, Any]:
        assert formula.metric is not None  # noqa: S101  (its caller asked)
        return formula.metric.bind(tuple(evaluate(a, env) for a in formula.args), {})

    def _inputs(self, case: str) -> dict[str, Any]:
        base, found = self.manifest.base, {}
        headings = input_columns(base)
        for key, i in self.model.layout.by_key.items():
            at = base.cell_of(f"inputs.{key}")
            column = at if case == LIVE else headings.get(case)
            cell = self._cell(at[0], At(at[1].row, column[1].column)) if at and column else None
            try:
                found[key] = clean(key, i.kind, None if cell is None else cell.shown)
            except XlEconError:
                continue
        return found

    def _stored(self, column: str) -> dict[str, Any]:
        number = cell_at(f"{column}1").column
        cells = {key: self._cell(CALCULATION, At(row, number)) for key, row in self.rows.items()}
        return {
            k: float(c.shown) if c.is_number else c.shown for k, c in cells.items() if c and c.text and not c.is_error
        }

    def _cell(self, sheet: str, at: At) -> Cell | None:
        """The cell of the workbook that a cell of the template is."""
        pair = self.manifest.books.pairs.get(sheet)
        row, column = (pair.rows.pairs.get(at.row), pair.columns.pairs.get(at.column)) if pair else (None, None)
        return self.manifest.book.cell(pair.b.name, row, column) if pair and row and column else None
