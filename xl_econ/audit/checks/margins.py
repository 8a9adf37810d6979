"""Margins and the overhead of idle time: two statements of one thing."""

from __future__ import annotations

import math
from collections.abc import Iterator

from xl_econ.audit.quantities import Record, Stated
from xl_econ.audit.reconcile import call, of_records, percent, shown
from xl_econ.audit.registry import ERROR, WARNING, Found, at, check

_POINTS = 0.02  # of a share
_MOST_MARGIN = 0.999


@check(
    "margin-clash",
    ERROR,
    "A gross margin does not go with the cost and the price, or the share of cost in the price, beside it",
    "margin is 1 - cost / price; state one of the two and compute the other",
)
@of_records("margin")
def margin_clash(r: Record) -> Iterator[Found]:
    """The share of cost that a margin leaves, against the one that is stated; a margin against price and cost."""
    margin, share = r.get("margin"), r.get("cost_share")
    if margin is None:
        return
    if share is not None and max(margin.high, share.high) <= _MOST_MARGIN:
        # Cost in a price of 1.
        low, high = (1 / call("price_for_margin", 1.0, m) for m in (margin.high, margin.low))
        if abs(low - share.low) > _POINTS or abs(high - share.high) > _POINTS:
            left = percent(*(call("gross_margin", 1.0, c) for c in (share.high, share.low)))
            yield at(
                share.cell,
                f"a margin of {margin.text} leaves a cost of {percent(low, high)} of the price, not {share.text}, "
                f"which means a margin of {left}",
                low,
            )
    yield from _priced(r, margin)


def _priced(r: Record, margin: Stated) -> Iterator[Found]:
    stated = r.figures.get("usd_per_mtok", [])
    prices = [s for s in stated if "price" in s.label.casefold() and "cost" not in s.label.casefold()]
    costs = [s for s in stated if "cost" in s.label.casefold() and "price" not in s.label.casefold()]
    if len(prices) != 1 or len(costs) != 1 or min(prices[0].low, costs[0].low) <= 0:
        return
    expected = call("gross_margin", prices[0].middle, costs[0].middle)
    if abs(expected - margin.middle) > _POINTS:
        markup = costs[0].middle and abs(prices[0].middle / costs[0].middle - 1 - margin.middle) < _POINTS
        text = f"{shown(margin.middle, '%')}, but a cost of {costs[0].text} in a price of {prices[0].text} leaves "
        text += f"{shown(expected, '%')}" + ("; it is the markup on the cost" if markup else "")
        yield at(margin.cell, text, expected)


@check(
    "idle-overhead",
    WARNING,
    "The overhead of idle time is not what the utilization beside it makes of it",
    "an hour used to 70% costs 1 / 0.7 of its price: 43% more, not 30%",
)
@of_records("overhead")
def idle_overhead(r: Record) -> Iterator[Found]:
    """What an hour costs more at a utilization, against the overhead that is stated beside it."""
    use, overhead = r.get("utilization"), r.get("overhead")
    if use is None or overhead is None or not 0 < use.low <= use.high <= 1 or math.isinf(overhead.high):
        return
    low, high = (call("effective_rate", 1.0, u) - 1 for u in (use.high, use.low))
    if abs(low - overhead.low) > _POINTS or abs(high - overhead.high) > _POINTS:
        idle = abs(1 - use.low - overhead.high) < _POINTS
        why = "; it is the idle share of the hours" if idle else ""
        yield at(overhead.cell, f"{overhead.text} at {use.text}, which costs {percent(low, high)} more{why}", high)
