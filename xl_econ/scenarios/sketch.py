"""What is kept of draws: statistics that merge to the same last bit in whatever order and shares they come.

Sums are exact integers, counts are integers. Quantiles of many draws come from counts in bins of equal leading bits of
the double: 1/1024 of its power of two wide, wherever the values lie and whatever their sign.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from .distributions import Block

BIN_BITS = 10  # of the mantissa
_SHIFT = 52 - BIN_BITS
_PAGE = 1 << BIN_BITS  # bins of one power of two
_SCALE = 3400  # the exact sums count units of 2^-3400: the cube of any double is a whole number of them
_FLIP = np.int64(0x7FFFFFFFFFFFFFFF)


@dataclass
class Sketch:
    """Statistics of one output.

    Attributes:
        budgets: For which it counts the draws that are above.
    """

    budgets: tuple[float, ...] = ()
    n: int = 0  # draws with a finite result
    without: int = 0  # draws without one
    low: float = math.inf
    high: float = -math.inf
    above: list[int] = field(default_factory=list)
    sums: list[int] = field(default_factory=lambda: [0] * 9)
    pages: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    binned: bool = True

    def __post_init__(self) -> None:
        self.above = self.above or [0] * len(self.budgets)

    def add(self, values: Block, work: Block | None = None) -> None:
        """Take in a block of draws, as it was drawn: what a block is decides the last bits of its moments."""
        total = float(np.add.reduce(values))
        if not math.isfinite(total):
            finite = np.isfinite(values)
            self.without += int(values.size - np.count_nonzero(finite))
            values = values[finite]
            total = float(np.add.reduce(values))
        if not values.size:
            return
        self.n += values.size
        low, high = float(np.minimum.reduce(values)), float(np.maximum.reduce(values))
        self.low, self.high = min(self.low, low), max(self.high, high)
        for at, budget in enumerate(self.budgets):
            if high > budget:
                self.above[at] += int(np.count_nonzero(values > budget))
        self._add_moments(values, total / values.size)
        if self.binned:
            self._add_bins(values, low < 0)

    def _add_moments(self, values: Block, mean: float) -> None:
        """The block's sums of powers of the distance from its mean, and what it takes to move them to another mean."""
        off = values - mean
        rest = float(np.add.reduce(off))  # not 0, because the mean is rounded
        power = off * off
        second = float(np.add.reduce(power))
        power *= off
        third = float(np.add.reduce(power))
        n, (p, k) = values.size, _units(mean)
        sums = [(n * p**j, j * k) for j in (1, 2, 3)]
        for moment, powers in ((rest, 3), (second, 2), (third, 1)):
            q, i = _units(moment)
            sums += [(q * p**j, i + j * k) for j in range(powers)]
        for at, (units, halvings) in enumerate(sums):
            self.sums[at] += units << (_SCALE - halvings)

    def _add_bins(self, values: Block, signed: bool) -> None:
        bits = values.view(np.int64)
        if signed:  # in the order of the values they stand for
            bits = np.where(bits < 0, bits ^ _FLIP, bits)
        bins = bits >> _SHIFT
        first = int(bins.min()) & -_PAGE
        span = int(bins.max()) - first + 1
        if span > 1 << 16:
            found, counts = np.unique(bins, return_counts=True)
            for page in np.unique(found >> BIN_BITS).tolist():
                at = (found >> BIN_BITS) == page
                self._page(page)[found[at] & (_PAGE - 1)] += counts[at]
            return
        bins -= first
        counts = np.bincount(bins, minlength=-(-span // _PAGE) * _PAGE)
        for number, part in enumerate(counts.reshape(-1, _PAGE)):
            page_of = self._page((first >> BIN_BITS) + number)
            page_of += part

    def _page(self, number: int) -> NDArray[np.int64]:
        if number not in self.pages:
            self.pages[number] = np.zeros(_PAGE, dtype=np.int64)
        return self.pages[number]

    def merge(self, other: Sketch) -> None:
        """Take in what another has seen."""
        self.n += other.n
        self.without += other.without
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.above = [a + b for a, b in zip(self.above, other.above, strict=True)]
        self.sums = [a + b for a, b in zip(self.sums, other.sums, strict=True)]
        for number, page in other.pages.items():
            mine = self._page(number)
            mine += page

    @property
    def mean(self) -> float:
        return float(self._mean()) if self.n else math.nan

    def _mean(self) -> Fraction:
        return Fraction(self.sums[0] + self.sums[3], self.n << _SCALE)

    def _central(self) -> tuple[Fraction, Fraction]:
        """The sums of squares and of cubes of the distances from the mean of all.

        With m the rounded mean of a block and d the distance of a value from it, they are the sums of (d + m - mean)^2
        and of its cube, multiplied out.
        """
        m, mm, mmm, d, md, mmd, dd, mdd, ddd = (Fraction(s, 1 << _SCALE) for s in self.sums)
        mean = self._mean()
        square = dd + 2 * (md - mean * d) + mm - 2 * mean * m + self.n * mean**2
        cube = ddd + 3 * (mdd - mean * dd) + 3 * (mmd - 2 * mean * md + mean**2 * d)
        return square, cube + mmm - 3 * mean * mm + 3 * mean**2 * m - self.n * mean**3

    @property
    def sd(self) -> float:
        """The standard deviation of a sample."""
        return math.sqrt(max(float(self._central()[0] / (self.n - 1)), 0.0)) if self.n > 1 else math.nan

    @property
    def skew(self) -> float:
        """The third standardised moment; 0 where nothing varies."""
        if not self.n:
            return math.nan
        square, cube = (float(x / self.n) for x in self._central())
        return cube / square**1.5 if square > 0 else 0.0

    def quantiles(self, shares: Sequence[float]) -> list[float]:
        """Quantiles from the bins, even within a bin, which is at most 1/1024 of a value wide."""
        if not self.n:
            return [math.nan] * len(shares)
        pages = sorted(self.pages)
        bins = np.concatenate([np.arange(page << BIN_BITS, (page + 1) << BIN_BITS) for page in pages])
        counts = np.concatenate([self.pages[page] for page in pages])
        held = counts > 0
        bins, counts = bins[held], counts[held]
        until = np.cumsum(counts)
        found = []
        for share in shares:
            rank = share * (self.n - 1)  # where numpy's quantile looks: between the ranks around it
            at = min(int(np.searchsorted(until, rank, side="right")), len(bins) - 1)
            within = (rank - float(until[at] - counts[at]) + 0.5) / float(counts[at])
            low, high = max(_edge(int(bins[at])), self.low), min(_edge(int(bins[at]) + 1), self.high)
            found.append(min(max(low + within * (high - low), self.low), self.high))
        return found


def _edge(number: int) -> float:
    """The lower end of a bin."""
    bits = np.int64(number) << _SHIFT
    if bits < 0:
        bits ^= _FLIP
    return float(bits.view(np.float64)) if np.isfinite(bits.view(np.float64)) else math.copysign(math.inf, bits)


def _units(x: float) -> tuple[int, int]:
    """A double as a whole number and how many times it is halved."""
    p, q = x.as_integer_ratio()
    return p, q.bit_length() - 1
