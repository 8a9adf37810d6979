"""Typed values that the cell's own data validation does not allow: they were pasted in, or the rule came later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from xl_econ.audit.registry import WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.workbook.book import Cell, Sheet, Validation
from xl_econ.workbook.graph import references
from xl_econ.workbook.relative import relative, shifted

_HOLDS: dict[str, Callable[[float, float, float], bool]] = {
    "between": lambda v, a, b: a <= v <= b,
    "notBetween": lambda v, a, b: not a <= v <= b,
    "equal": lambda v, a, _: v == a,
    "notEqual": lambda v, a, _: v != a,
    "greaterThan": lambda v, a, _: v > a,
    "lessThan": lambda v, a, _: v < a,
    "greaterThanOrEqual": lambda v, a, _: v >= a,
    "lessThanOrEqual": lambda v, a, _: v <= a,
}
_IN_WORDS = {
    "between": "{} to {}", "notBetween": "not {} to {}", "equal": "{}", "notEqual": "not {}",
    "greaterThan": "above {}", "lessThan": "below {}", "greaterThanOrEqual": "at least {}",
    "lessThanOrEqual": "at most {}",
}  # fmt: skip
_NUMERIC = ("whole", "decimal", "date", "time")
_SLACK = 1e-12


@check(
    "validation-violated",
    WARNING,
    "A typed value breaks the rule of its own cell: it was pasted over it, or the rule came later",
    "correct the value, or the rule",
)
def validation_violated(subject: Subject) -> Iterator[Found]:
    """Whole numbers, decimals, dates, lengths and lists, with bounds that are constants, cells or names."""
    for sheet in subject.book.sheets.values():
        said: set[tuple[int, int]] = set()
        for rule in dict.fromkeys(sheet.validations):
            for cell in _cells(sheet, rule):
                if cell.formula or cell.shown in (None, "") or (cell.row, cell.column) in said:
                    continue
                allowed = _broken(subject, rule, cell)
                if allowed:
                    said.add((cell.row, cell.column))
                    yield at(cell, f"{cell.text[:40]} is typed where the cell's rule allows {allowed}")


def _cells(sheet: Sheet, rule: Validation) -> Iterator[Cell]:
    for top, bottom, left, right in rule.areas:
        if (bottom - top + 1) * (right - left + 1) <= len(sheet.cells):
            found = (sheet.cells.get((r, c)) for r in range(top, bottom + 1) for c in range(left, right + 1))
            yield from (c for c in found if c is not None)
        else:
            yield from (c for (r, n), c in sheet.cells.items() if top <= r <= bottom and left <= n <= right)


def _broken(subject: Subject, rule: Validation, cell: Cell) -> str:
    """What a rule allows, in words, where a cell breaks it; "" where it does not, or where that cannot be told."""
    if rule.kind == "list":
        return _not_listed(subject, rule, cell)
    if rule.kind not in (*_NUMERIC, "textLength") or rule.operator not in _HOLDS:
        return ""
    value: Any = len(cell.text) if rule.kind == "textLength" else cell.shown
    if not isinstance(value, int | float) or isinstance(value, bool):
        return f"only a {'whole number' if rule.kind == 'whole' else 'number'}"
    if rule.kind == "whole" and value != int(value):
        return "only whole numbers"
    one, two = (_bound(subject, rule, cell, text) for text in (rule.first, rule.second))
    if one is None or (two is None and "etween" in rule.operator):
        return ""
    low, high = one, two if two is not None else one
    slack = _SLACK * max(abs(low), abs(high))
    holds = any(_HOLDS[rule.operator](v, low, high) for v in (value, value - slack, value + slack))
    return "" if holds else _IN_WORDS[rule.operator].format(f"{low:.15g}", f"{high:.15g}")


def _bound(subject: Subject, rule: Validation, cell: Cell, text: str) -> float | None:
    """A bound of a rule as the cell sees it: a constant, or the number in a cell."""
    try:
        return float(text)
    except ValueError:
        pass
    values = _values(subject, rule, cell, text)
    one = values[0] if len(values) == 1 else None
    return float(one) if isinstance(one, int | float) and not isinstance(one, bool) else None


def _not_listed(subject: Subject, rule: Validation, cell: Cell) -> str:
    text = rule.first.strip()
    if text.startswith('"') and text.endswith('"'):
        allowed: list[Any] = [t.strip() for t in text[1:-1].split(",")]
    else:
        allowed = _values(subject, rule, cell, text)
    said = {
        str(a.text if isinstance(a, Cell) else f"{a:.15g}" if isinstance(a, float) else a).casefold() for a in allowed
    }
    if not said or cell.text.strip().casefold() in said:
        return ""
    return f"only {', '.join(sorted(said)[:6])}"


def _values(subject: Subject, rule: Validation, cell: Cell, text: str) -> list[Any]:
    """What stands in the one area that a rule names; nothing where it names none, or computes."""
    top, _, left, _ = rule.areas[0]
    here = shifted(f"={text}", cell.row - top, cell.column - left)
    found = references(relative(here, cell.row, cell.column))
    if len(found) != 1 or found[0].text != relative(here, cell.row, cell.column)[1:].strip():
        return []
    places = subject.graph.places(found[0], cell)
    return [c.shown for p in places for c in subject.graph.cells(p) if c.shown not in (None, "")]
