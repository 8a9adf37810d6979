"""Waterfalls: stacked columns on an invisible first one, so that they are native charts in every program.

A bar that crosses 0 has a part above and a part below, since stacked columns grow away from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .styles import BAD, LINK_GREEN, NAVY

HIDDEN: dict[str, Any] = {"fill": {"none": True}, "border": {"none": True}}


def bar_formulas(foot: str, top: str, effect: str) -> list[str]:
    """The parts of a bar of a waterfall that goes from one level to another: its start, more and less, by side of 0."""
    above, below = f"MAX({foot},{top},0)-MAX(MIN({foot},{top}),0)", f"MIN({foot},{top},0)-MIN(MAX({foot},{top}),0)"
    start = f"MAX(MIN({foot},{top}),0)+MIN(MAX({foot},{top}),0)"
    parts = ((above, ">="), (below, ">="), (above, "<"), (below, "<"))
    return [start, *(f"IF({effect}{sign}0,{text},0)" for text, sign in parts)]


def bar_values(before: float, after: float, effect: float) -> tuple[float, ...]:
    """What those formulas give."""
    low, high = min(before, after), max(before, after)
    bars = (max(high, 0.0) - max(low, 0.0), min(low, 0.0) - min(high, 0.0))
    return (max(low, 0.0) + min(high, 0.0), *((*bars, 0.0, 0.0) if effect >= 0 else (0.0, 0.0, *bars)))


def add_series(
    chart: Any, sheet: str, rows: tuple[int, int, int], columns: Sequence[str], sums: set[int], better: str = "less"
) -> None:
    """The bars of a waterfall, the start of each invisible.

    Args:
        chart: A stacked column chart.
        sheet: Where the cells behind it stand, with their names in column B.
        rows: Of the headings, the first and the last bar.
        columns: Of the parts of a bar, as `bar_formulas` has them.
        sums: Numbers of the bars that are sums and no effects.
        better: Whether less or more of the result is good news.
    """
    start, *parts = columns
    chart.add_series(series(sheet, rows, start) | HIDDEN)
    points = [{"fill": {"color": NAVY}} if n in sums else None for n in range(rows[2] - rows[1] + 1)]
    for n, column in enumerate(parts):
        bad = (n < 2) == (better == "less")
        look = {"fill": {"color": BAD if bad else LINK_GREEN}, "points": points}
        chart.add_series(series(sheet, rows, column) | look)


def series(sheet: str, rows: tuple[int, int, int], column: str) -> dict[str, Any]:
    """A series of bars: the rows of its heading, its first and its last bar, its column."""
    (heading, first, last), n = rows, ord(column) - 65
    return {
        "name": [sheet, heading - 1, n],
        "categories": [sheet, first - 1, 1, last - 1, 1],
        "values": [sheet, first - 1, n, last - 1, n],
        "gap": 40,
    }
