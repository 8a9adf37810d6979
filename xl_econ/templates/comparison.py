"""The Comparison sheet of a workbook with cases of its own: results side by side, and how far each case is off one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .canvas import Canvas
from .model import Model
from .parts import CHECKS, COMPARISON, HEADING_ROW, INPUTS, RESULTS, CheckRow, absolute, unit_text
from .sheets import CHECK_HEADINGS
from .styles import Styles

CHOSEN_ROW, NUMBER_ROW, _HEADINGS = 4, 5, 7
_FIRST = _HEADINGS + 1


def write(ws: Any, style: Styles, model: Model, results: dict[str, int], checks: Sequence[CheckRow]) -> None:
    """The results of every case, the same over those of a case to choose, and how many checks fail in each.

    Args:
        ws: The sheet.
        style: The workbook's styles.
        model: The model.
        results: Row of each result on its sheet.
        checks: The rows of the Checks sheet that the master check counts.
    """
    at = model.columns
    c = Canvas(ws, style, (3, 38, 12, *[at.width(18)] * len(at.of), 40))
    c.title(COMPARISON, "Every case beside the others, and against the one that is chosen here.")
    c.text(f"B{CHOSEN_ROW}", "Compared with", "bold")
    c.text(f"D{CHOSEN_ROW}", model.cases[0], "input")
    c.choose(f"D{CHOSEN_ROW}", f"={INPUTS}!{absolute(at.row(HEADING_ROW))}", "Compared with", "One of the cases")
    c.text(f"B{NUMBER_ROW}", "Number of the case")
    names = f"{INPUTS}!{at.row(HEADING_ROW)}"
    c.formula(f"D{NUMBER_ROW}", f"MATCH(D{CHOSEN_ROW},{names},0)", 1.0, "calculation", "0")
    c.headings(_HEADINGS, ["", "Result", "Unit", "Compared with", *model.cases], list(at.of.values()), columns=4)
    # The timeline knows the live case only.
    results_of_cases = (r for r in model.layout.results if r.key not in model.timeline_keys)
    keys = [r for r in results_of_cases if not isinstance(model.value(r.key), str)]
    for row, r in enumerate(keys, _FIRST):
        c.text(f"B{row}", r.label)
        c.text(f"C{row}", unit_text(model.units[r.key], model.format(r.key)), "unit")
        first = model.value(r.key, model.cases[0])
        c.formula(f"D{row}", f"INDEX({at.row(row)},$D${NUMBER_ROW})", first, "result", model.format(r.key))
        for case in model.cases:
            fetched = f"{RESULTS}!{at.of[case]}{results[r.key]}"
            c.formula(f"{at.of[case]}{row}", fetched, model.value(r.key, case), "link", model.format(r.key))
    start = _FIRST + len(keys) + 1
    c.section(start, "Over the compared case", ["B", "C", *at.of.values()])
    for n, r in enumerate(keys):
        row, source = start + 1 + n, _FIRST + n
        c.text(f"B{row}", r.label)
        c.text(f"C{row}", "")
        c.text(f"D{row}", "")
        first = model.value(r.key, model.cases[0])
        for case in model.cases:
            text = f"IF($D{source}=0,0,{at.of[case]}{source}/$D{source}-1)"
            value = _over(model.value(r.key, case), first)
            c.formula(f"{at.of[case]}{row}", text, value, "calculation", "+0.0%;-0.0%;0.0%")
    _checks(c, model, start + len(keys) + 2, checks)


def _over(value: Any, first: Any) -> Any:
    errors = [v for v in (first, value) if isinstance(v, str)]
    return errors[0] if errors else value / first - 1 if first else 0.0


def _checks(c: Canvas, model: Model, row: int, checks: Sequence[CheckRow]) -> None:
    at, first, last = model.columns, CHECK_HEADINGS + 1, CHECK_HEADINGS + len(checks)
    low, high = (f"{CHECKS}!${at.beyond(n)}${first}:${at.beyond(n)}${last}" for n in (0, 1))
    c.text(f"B{row}", "Checks that fail", "bold")
    c.text(f"C{row}", "checks", "unit")
    c.text(f"D{row}", "")
    for case in model.cases:
        found = f"{CHECKS}!{at.of[case]}${first}:{at.of[case]}${last}"
        below, above = f'({low}<>"")*({found}<{low})', f'({high}<>"")*({found}>{high})'
        failing = float(sum(case in check.failing for check in checks))
        c.formula(f"{at.of[case]}{row}", f'SUMPRODUCT(({found}<>"")*({below}+{above}))', failing, "flag", "0")
    c.flag_colours(at.row(row))
