"""Why a result differs between two cases: figures move one after the other from the first case to the other.

Every effect is the difference of two cells, each a chain of its own, so the effects sum to the whole difference; what
the figures of the bridge do not explain is its last step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import LayoutError

from . import waterfall
from .chain import Chain
from .layout import CASES, Bridge
from .parts import DRIVERS, HEADING_ROW, INPUTS, LIVE, CheckRow, Drawn, absolute
from .program import read

if TYPE_CHECKING:
    from .model import Model

FROM, TO, RESULT, EFFECT, BARS = "D", "E", "F", "G", "HIJKL"  # columns
_SAME = (0.999999999, 1.000000001, "0.000000000", "check", "The effects sum to the difference")


class Block:
    """The bridge on the sheet: the two cases, then a row for the first, each figure, what is left, and the other.

    Args:
        model: The template.
        spec: What is asked.
        row: Of its title.
    """

    def __init__(self, model: Model, spec: Bridge, row: int) -> None:
        self.spec, self.row = spec, row
        self.base, self.to = model.cases[0], spec.to if model.cases == CASES else model.cases[-1]
        self._number = float(model.cases.index(self.to) + 1)
        self._chain = Chain(model, spec.result, tuple(spec.rows), DRIVERS, self.base)
        if months := sorted(model.timeline_keys & set(read([self._chain.root]))):
            raise LayoutError(f"{DRIVERS}: {spec.result} reads {months[0]}, which the live case alone has")
        self.first, self.start = row + 8, row + 7
        self.others, self.end = self.first + len(spec.rows), self.first + len(spec.rows) + 1
        self.from_name, self.to_name, self.number = (f"{FROM}{row + n}" for n in (2, 3, 4))
        self.cells = [*self._cases(model), *self._figures(model), *self._results(model), *self._bars(model)]

    def _cases(self, model: Model) -> list[Drawn]:
        heading = f"{INPUTS}!{model.columns.of[self.base]}{HEADING_ROW}"
        match = f"MATCH({self.to_name},{INPUTS}!{model.columns.row(HEADING_ROW)},0)"
        return [
            Drawn(self.from_name, "link", heading, "General"),
            Drawn(self.to_name, "input", "", "General"),
            Drawn(self.number, "calculation", match, "0"),
            Drawn(f"B{self.start}", "label", self.from_name, "General"),
            Drawn(f"B{self.end}", "label", self.to_name, "General"),
        ]

    def _chosen(self, model: Model, key: str) -> str:
        """A figure of the chosen case."""
        sheet, row = model.spot(key)
        return model.columns.chosen(absolute(self.number), row, f"{sheet}!")

    def _figures(self, model: Model) -> list[Drawn]:
        found = []
        for r, key in enumerate(self.spec.rows, self.first):
            form = model.format(key)
            found.append(Drawn(f"{FROM}{r}", "link", self._chain.refs[key], form))
            found.append(Drawn(f"{TO}{r}", "calculation", self._chosen(model, key), form))
        return found

    def _results(self, model: Model) -> list[Drawn]:
        """The result after each step, and how far each step moved it."""
        form, result = model.format(self.spec.result), self.spec.result
        found = [Drawn(f"{RESULT}{self.start}", "link", self._chain.refs[result], form)]
        for r in range(self.first, self.others):
            # From this row on the figures are still the first case's.
            refs = {k: f"${TO if at <= r else FROM}${at}" for at, k in enumerate(self.spec.rows, self.first)}
            found.append(Drawn(f"{RESULT}{r}", "calculation", self._chain.text(refs), form))
        found.append(Drawn(f"{RESULT}{self.others}", "calculation", self._chosen(model, result), form))
        found.append(Drawn(f"{RESULT}{self.end}", "result", f"{RESULT}{self.others}", form))
        steps = range(self.first, self.end)
        return found + [Drawn(f"{EFFECT}{r}", "calculation", f"{RESULT}{r}-{RESULT}{r - 1}", form) for r in steps]

    def _bars(self, model: Model) -> list[Drawn]:
        """The cells behind the waterfall; the two cases stand on 0."""
        found, form = [], model.format(self.spec.result)
        for r in range(self.start, self.end + 1):
            whole = r in (self.start, self.end)
            foot, effect = ("0", f"{RESULT}{r}") if whole else (f"{RESULT}{r - 1}", f"{EFFECT}{r}")
            texts = waterfall.bar_formulas(foot, f"{RESULT}{r}", effect)
            found += [Drawn(f"{c}{r}", "calculation", text, form) for c, text in zip(BARS, texts, strict=True)]
        return found

    def values(self, by_case: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """What the cells hold for the values of the cases."""
        base, to = by_case[self.base], by_case[self.to]
        found = {self.from_name: self.base, self.to_name: self.to, self.number: self._number}
        found |= {f"B{self.start}": self.base, f"B{self.end}": self.to}
        now, levels = dict(base), [base[self.spec.result]]
        for r, key in enumerate(self.spec.rows, self.first):
            found |= {f"{FROM}{r}": base[key], f"{TO}{r}": to[key]}
            now[key] = to[key]
            levels.append(self._chain.value(now))
        levels += [to[self.spec.result]] * 2
        for r, level in enumerate(levels, self.start):
            whole = r in (self.start, self.end)
            before = 0.0 if whole else levels[r - self.start - 1]
            found[f"{RESULT}{r}"] = level
            found |= {} if whole else {f"{EFFECT}{r}": level - before}
            found |= {
                f"{c}{r}": v for c, v in zip(BARS, waterfall.bar_values(before, level, level - before), strict=True)
            }
        return found

    def figure(self, cells: Mapping[str, Any]) -> float:
        """What the check shows."""
        whole = cells[f"{RESULT}{self.end}"]
        effects = [cells[f"{EFFECT}{r}"] for r in range(self.first, self.end)]
        return 1.0 if whole == 0 else (cells[f"{RESULT}{self.start}"] + math.fsum(effects)) / whole

    def check(self, cells: Mapping[str, Any]) -> CheckRow:
        """The effects sum to the difference."""
        whole, base = (f"{DRIVERS}!{RESULT}{r}" for r in (self.end, self.start))
        effects = f"SUM({DRIVERS}!{EFFECT}{self.first}:{EFFECT}{self.others})"
        text = f"IF({whole}=0,1,({base}+{effects})/{whole})"
        return CheckRow(f"{self.spec.title}: sum over result", {LIVE: text}, {LIVE: self.figure(cells)}, "", *_SAME)
