"""The distribution of an output as a curve: shares below values, bars of a histogram, values below shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .run import Result

BARS = 40
_TAIL = 0.005  # of the draws on each side lies outside the bars
# Where the curve is known: every percent, and closer at the ends.
SHARES = (0.0, 0.001, 0.005, *(n / 100 for n in range(1, 100)), 0.995, 0.999, 1.0)


def values(result: Result, key: str, shares: Sequence[float] = SHARES) -> list[float]:
    """The value that each share of the draws lies at or below, from the least to the greatest."""
    sketch = result.sketches[key]
    inner = result.quantiles(key, [s for s in shares if 0 < s < 1])
    low, high = ([sketch.low] if shares[0] == 0 else []), ([sketch.high] if shares[-1] == 1 else [])
    return [*low, *inner, *high]


def histogram(result: Result, key: str, bars: int = BARS) -> tuple[list[float], list[float]]:
    """Bars of equal width over all but the outermost draws.

    Returns:
        The edges of the bars, one more than bars, and the share of draws in each.
    """
    low, high = values(result, key, (_TAIL, 1 - _TAIL))
    if not low < high:
        return [low, low], [1.0]
    edges = np.linspace(low, high, bars + 1)
    below = _below(result, key, edges)
    return edges.tolist(), np.diff(below).tolist()


def _below(result: Result, key: str, edges: Any) -> Any:
    """The share of draws below each edge."""
    drawn = result.gathered.values.get(key)
    if drawn is not None:
        finite = np.sort(drawn[np.isfinite(drawn)])
        return np.searchsorted(finite, edges) / max(len(finite), 1)
    shares = np.linspace(0.0005, 0.9995, 1000)
    return np.interp(edges, values(result, key, tuple(shares.tolist())), shares)
