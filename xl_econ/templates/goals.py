"""What each of several inputs, moved alone, would have to be for a result to reach a target: goal seek in cells.

The cell of an input is the closed form of the chain that leads from it to the result, so it answers while somebody
types, without a solver; beside it the chain itself says what the result is there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import LayoutError
from xl_econ.core.expr import var
from xl_econ.core.inverse import inverse
from xl_econ.core.quantity import Quantity
from xl_econ.printers import excel

from .chain import LONGEST, Chain, shown
from .layout import Goal
from .parts import DRIVERS, INPUTS, LIVE, CheckRow, Drawn, absolute
from .program import program, read
from .styles import LIMIT_FORMAT

if TYPE_CHECKING:
    from .model import Model

_DIGITS = 9
_LARGE = 1e6  # a limit from here on is shown by its power of ten
NONE = "none"  # no figure reaches the target
_WORKED_OUT = Quantity("", low=0)  # a row of the calculation has no bounds of its own; none here is negative
_SAME = (0.999999999, 1.000000001, "0.000000000", "check", "At the figures that the target needs")


class Block:
    """A goal on the sheet: the target, then a row an input.

    Args:
        model: The template.
        goal: What is asked.
        row: Of its title.
    """

    def __init__(self, model: Model, goal: Goal, row: int) -> None:
        self.goal, self.row = goal, row
        self.first, self.last = row + 7, row + 6 + len(goal.rows)
        self.live, self.shift, self.target = (f"D{row + n}" for n in (2, 3, 4))
        form, refs = model.format(goal.result), model.refs(LIVE, DRIVERS, fixed=True)
        self._seeks = [_Seek(model, goal.result, key, r, self) for r, key in enumerate(goal.rows, self.first)]
        self.cells = [
            Drawn(self.live, "link", refs[goal.result], form),
            Drawn(self.shift, "input", "", "+0%;-0%;0%"),
            Drawn(self.target, "result", f"{self.live}*(1+{self.shift})", form),
            *(cell for seek in self._seeks for cell in seek.cells),
        ]

    def values(self, live: Mapping[str, Any]) -> dict[str, Any]:
        """What the cells hold for the values of the live case."""
        result = live[self.goal.result]
        target = result * (1 + self.goal.shift)
        found = {self.live: shown(result), self.shift: self.goal.shift, self.target: shown(target)}
        for seek in self._seeks:
            found |= seek.values(live, target)
        return found

    def figure(self, cells: Mapping[str, Any]) -> float:
        """What the check shows."""
        target, live = cells[self.target], cells[self.live]
        there = [cells[f"J{r}"] for r in range(self.first, self.last + 1) if cells[f"I{r}"] == "yes"]
        return 1.0 if not there or live == 0 else 1 + (sum(there) / len(there) - target) / live

    def check(self, cells: Mapping[str, Any]) -> CheckRow:
        """The figures that are needed lead to the target."""
        within, there = (f"{DRIVERS}!{c}{self.first}:{c}{self.last}" for c in "IJ")
        target, live, count = f"{DRIVERS}!{self.target}", f"{DRIVERS}!{self.live}", f'COUNTIF({within},"yes")'
        text = f'IF(OR({count}=0,{live}=0),1,1+(SUMIF({within},"yes",{there})/{count}-{target})/{live})'
        return CheckRow(
            f"{self.goal.title}: result against target", {LIVE: text}, {LIVE: self.figure(cells)}, "", *_SAME
        )


class _Seek:
    """An input that is sought: live, needed, the change, its bounds, whether it keeps them, the result there."""

    def __init__(self, model: Model, result: str, key: str, row: int, block: Block) -> None:
        self.key, self.row, self.chain = key, row, Chain(model, result, (key,), DRIVERS)
        solved = inverse(self.chain.root, key, var("target"))
        if solved is None:
            raise LayoutError(f"{DRIVERS}: {result} has no closed form for {key}")
        live, target = absolute(block.live), absolute(block.target)
        text = excel.formula(solved, self.chain.refs | {"target": target})
        if len(text) >= LONGEST:
            raise LayoutError(f"{DRIVERS}: {key} for {result} is too long for one cell")
        item = model.input_rows.get(key)
        self._solve, form = program([(key, solved)], read([solved])), model.format(key)
        self._quantity = q = item.input.kind if item else _WORKED_OUT
        bounds = {c: f"{INPUTS}!{model.columns.beyond(n)}{item.row}" for n, c in enumerate("GH")} if item else {}
        self._bounds = {c: limit for c, limit in (("G", q.low), ("H", q.high)) if c in bounds and math.isfinite(limit)}
        snapped = f"ROUND(E{row},{_DIGITS})"  # a bound that is just reached is kept, whatever the engine's last digit
        tests = [f"{snapped}{'>' if q.positive else '>='}{f'G{row}' if item else 0}"] if math.isfinite(q.low) else []
        tests += [f"{snapped}<=H{row}"] if "H" in self._bounds else []
        chain = self.chain.text({key: f"$E{row}"})
        # The target itself where it is reached, and not the noise of a difference of large figures.
        there = f'IF({live}=0,"{NONE}",{target}+ROUND(({chain}-{target})/{live},{_DIGITS})*{live})'
        self.cells = [
            Drawn(f"D{row}", "link", self.chain.refs[key], form),
            Drawn(f"E{row}", "result", f'IFERROR({text},"{NONE}")', form),
            Drawn(f"F{row}", "calculation", _if_any(row, f"E{row}-D{row}", NONE), form),
            *(Drawn(f"{c}{row}", "link", bounds[c], _limit(v, form)) for c, v in self._bounds.items()),
            Drawn(f"I{row}", "calculation", _if_any(row, f'IF(AND({",".join(tests)}),"yes","no")', "no"), "General"),
            Drawn(f"J{row}", "calculation", _if_any(row, there, NONE), model.format(result)),
        ]

    def values(self, live: Mapping[str, Any], target: Any) -> dict[str, Any]:
        """What its cells hold."""
        r, q, now = self.row, self._quantity, live[self.key]
        bounds = {f"{c}{r}": limit for c, limit in self._bounds.items()}
        needed = self._needed(live, target)
        if needed is None:
            return bounds | {f"D{r}": shown(now), f"I{r}": "no"} | {f"{c}{r}": NONE for c in "EFJ"}
        there = _snapped(self.chain.value({**live, self.key: needed}), target, live[self.chain.result])
        within = "yes" if _within(q, needed) else "no"
        return bounds | {f"D{r}": now, f"E{r}": needed, f"F{r}": needed - now, f"I{r}": within, f"J{r}": there}

    def _needed(self, live: Mapping[str, Any], target: Any) -> Any:
        """The figure; None where none reaches the target, because the result does not depend on it."""
        try:
            [found] = self._solve({**live, "target": target})
        except (ArithmeticError, ValueError):
            return None
        return found if isinstance(found, float) and math.isfinite(found) else None


def _if_any(row: int, text: str, otherwise: str) -> str:
    return f'IF(ISNUMBER(E{row}),{text},"{otherwise}")'


def _limit(value: float, form: str) -> str:
    return LIMIT_FORMAT if value >= _LARGE else form


def _within(q: Quantity, value: float) -> bool:
    value = round(value, _DIGITS)
    return (value > q.low if q.positive else value >= q.low) and value <= q.high


def _snapped(there: float, target: float, live: float) -> Any:
    return NONE if live == 0 else target + round((there - target) / live, _DIGITS) * live
