"""What reconciliations share: the metrics, tolerances, and how a ratio is explained."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, cast

from xl_econ.core.errors import XlEconError
from xl_econ.hosts.python import function
from xl_econ.tables.store import TABLES

from .quantities import Record, Stated, stating
from .registry import Found

if TYPE_CHECKING:
    from xl_econ.tables.rows import CloudPrice

    from .subject import Subject

ABOUT = 0.1  # how far a figure may be off that is said to be rough
CLOSE = 0.02
_FACTORS = (1e3, 1e6, 1e9, 1e12)


Rule = Callable[[Record], Iterator[Found]]


def of_records(*kinds: str) -> Callable[[Rule], Callable[[Subject], Iterator[Found]]]:
    """A check of a workbook from a rule for one record.

    A figure that no metric takes (an MFU of 3) cannot be reconciled; that it is out of bounds is said elsewhere.

    Args:
        kinds: Figures without which, all of them, the rule has nothing to say.
    """

    def decorated(rule: Rule) -> Callable[[Subject], Iterator[Found]]:
        @wraps(rule)
        def run(subject: Subject) -> Iterator[Found]:
            for r in stating(subject, *kinds):
                try:
                    found = list(rule(r))
                except XlEconError:
                    continue
                yield from found

        return run

    return decorated


def call(name: str, *arguments: object) -> float:
    """A metric of xl-econ."""
    return float(function(name)(*arguments))


def slack(*stated: Stated) -> float:
    """How far figures may be from each other: rough ones a tenth, others a rounding of what is written."""
    return max((ABOUT if s.about or s.low != s.high else CLOSE for s in stated), default=CLOSE)


def agree(one: float, other: float, tolerance: float = CLOSE) -> bool:
    """Whether two figures are the same within a tolerance."""
    return abs(one - other) <= tolerance * abs(other)


def overlap(one: tuple[float, float], other: tuple[float, float], tolerance: float = CLOSE) -> bool:
    """Whether two ranges meet, each end taken with the tolerance."""
    return one[0] * (1 - tolerance) <= other[1] * (1 + tolerance) and other[0] * (1 - tolerance) <= one[1] * (
        1 + tolerance
    )


def powers_of_ten(ratio: float, tolerance: float = 0.05) -> str:
    """The slip of magnitude that explains a ratio: `; a factor of 1,000`; "" if none does."""
    if 0.1 < ratio < 10:
        return ""
    for factor in _FACTORS:
        if agree(ratio, factor, tolerance) or agree(1 / ratio, factor, tolerance):
            return f"; a factor of {factor:,.0f}"
    return ""


def tenfold(ratio: float) -> str:
    """A ratio in words."""
    return f"{shown(ratio)} times"


def shown(value: float, unit: str = "") -> str:
    """A figure with three or four digits that count."""
    if unit == "%":
        return f"{value * 100:,.0f}%" if value >= 1 else f"{value * 100:.3g}%"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


@lru_cache(1)
def cloud_prices() -> list[CloudPrice]:
    """The rows of the price table that have a price."""
    rows = cast("list[CloudPrice]", list(TABLES["cloud_prices"].rows.values()))
    return [r for r in rows if r.usd_per_gpu_hour]


def market(gpu: str) -> tuple[float, float, str]:
    """The lowest and highest price of an accelerator's hour in the price table, and whose prices these are."""
    of_it = [r for r in cloud_prices() if r.gpu == gpu]
    prices = [r.usd_per_gpu_hour for r in of_it or cloud_prices()]
    whose = f"clouds ask for {gpu}" if of_it else "clouds ask"
    return min(prices), max(prices), whose


def percent(low: float, high: float) -> str:
    """A range of shares: `7.1-8%`."""
    return f"{low * 100:.3g}%" if math.isclose(low, high) else f"{low * 100:.3g}-{high * 100:.3g}%"
