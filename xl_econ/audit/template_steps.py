"""The steps of a template, each as the core computes it from what stands in the rows that it reads."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping
from typing import Any

from xl_econ.core.errors import XlEconError
from xl_econ.core.ops import evaluate
from xl_econ.core.quantity import clean
from xl_econ.tables.table import replaced
from xl_econ.templates import held, language
from xl_econ.templates.edited import Edited
from xl_econ.templates.merge import input_columns
from xl_econ.templates.model import Model
from xl_econ.templates.parts import CALCULATION, LIVE, Line
from xl_econ.workbook.book import Cell
from xl_econ.workbook.cell import At, cell_at

from .manifest import Manifest
from .recognised import Recognised


def steps(manifest: Manifest) -> Iterator[Recognised]:
    """The rows of a template's calculation, where a workbook has them."""
    if CALCULATION not in manifest.books.sheets:
        return
    try:
        edited = Edited(manifest.path)
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
