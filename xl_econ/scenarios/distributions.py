"""What an uncertain input can be: distributions that fill blocks of draws.

A distribution draws in two ways: of uniform numbers by its inverse (Latin hypercube, Sobol and correlated draws need
that), and straight from a generator in whatever way is fastest. Both fill a block in place, without temporaries.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Block = NDArray[np.float64]
# A value whose distribution stands for less than this cannot come out of a generator of doubles.
NEVER = 1e-36
HALF_STEP = 2.0**-54  # a uniform zero stands for what is smaller than the smallest step
_WITHIN = 1 - 2.0**-50  # a scale so much smaller keeps rounding inside the ends


def standard_normal(u: Block) -> Block:
    """The standard normal numbers of uniform ones, in place."""
    from scipy.special import ndtri

    np.maximum(u, HALF_STEP, out=u)
    return np.asarray(ndtri(u, out=u))


class Distribution:
    """An uncertain number."""

    continuous = True
    is_text = False
    open_low = True  # the least value is never drawn

    @property
    def support(self) -> tuple[float, float]:
        """The least and greatest value."""
        return -math.inf, math.inf

    def cdf(self, x: float) -> float:
        """The share of draws at or below `x`."""
        raise NotImplementedError

    def sf(self, x: float) -> float:
        """The share of draws above `x`, with all its digits where it is small."""
        return 1 - self.cdf(x)

    def of_uniform(self, u: Block) -> Block:
        """The quantiles of `u`, in place."""
        raise NotImplementedError

    def of_normal(self, z: Block) -> Block:
        """The quantiles at which standard normal numbers stand, in place."""
        from scipy.special import ndtr

        return self.of_uniform(ndtr(z, out=z))

    def draw(self, rng: np.random.Generator, out: Block, work: Block) -> Block:
        """Fill `out`; `work` is a block to work in."""
        rng.random(out=out)
        return self.of_uniform(out)


class _OfNormal(Distribution):
    """A distribution that is drawn by what it makes of standard normal numbers."""

    def of_uniform(self, u: Block) -> Block:
        return self.of_normal(standard_normal(u))

    def draw(self, rng: np.random.Generator, out: Block, work: Block) -> Block:
        rng.standard_normal(out=out)
        return self.of_normal(out)


@dataclass(frozen=True)
class Normal(_OfNormal):
    """The normal distribution."""

    mean: float
    sd: float

    def cdf(self, x: float) -> float:
        from scipy.special import ndtr

        return float(ndtr((x - self.mean) / self.sd))

    def sf(self, x: float) -> float:
        from scipy.special import ndtr

        return float(ndtr((self.mean - x) / self.sd))

    def of_normal(self, z: Block) -> Block:
        z *= self.sd
        z += self.mean
        return z


@dataclass(frozen=True)
class Lognormal(_OfNormal):
    """A number whose logarithm is normal."""

    mu: float
    sigma: float

    @property
    def log(self) -> Normal:
        """The distribution of the logarithm."""
        return Normal(self.mu, self.sigma)

    @property
    def support(self) -> tuple[float, float]:
        return 0.0, math.inf

    def cdf(self, x: float) -> float:
        return self.log.cdf(math.log(x)) if x > 0 else 0.0

    def sf(self, x: float) -> float:
        return 1.0 if x <= 0 else 0.0 if x == math.inf else self.log.sf(math.log(x))

    def of_normal(self, z: Block) -> Block:
        return np.exp(self.log.of_normal(z), out=z)


@dataclass(frozen=True)
class Uniform(Distribution):
    """Every value between two ends alike."""

    low: float
    high: float

    open_low = False

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def cdf(self, x: float) -> float:
        return min(max((x - self.low) / (self.high - self.low), 0.0), 1.0)

    def of_uniform(self, u: Block) -> Block:
        u *= (self.high - self.low) * _WITHIN
        u += self.low
        return u


@dataclass(frozen=True)
class Triangular(Distribution):
    """A density that rises to a mode and falls to nothing at both ends."""

    low: float
    mode: float
    high: float

    open_low = False

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def cdf(self, x: float) -> float:
        width = self.high - self.low
        if x <= self.low or x >= self.high:
            return float(x >= self.high)
        if x < self.mode:
            return (x - self.low) ** 2 / (width * (self.mode - self.low))
        return 1 - (self.high - x) ** 2 / (width * (self.high - self.mode))

    def of_uniform(self, u: Block) -> Block:
        width = (self.high - self.low) * _WITHIN
        peak = (self.mode - self.low) / (self.high - self.low)
        falling = u > peak
        fallen = np.sqrt((1 - u) * (1 - peak))
        u *= peak
        np.sqrt(u, out=u)
        np.subtract(1, fallen, out=u, where=falling)
        u *= width
        u += self.low
        return u

    def draw(self, rng: np.random.Generator, out: Block, work: Block) -> Block:
        # The smaller and the larger of two uniform numbers, weighed: triangular without a square root (Stein and
        # Keblis 2009, A new method to simulate the triangular distribution).
        rng.random(out=out)
        rng.random(out=work)
        smaller = np.minimum(out, work)
        np.maximum(out, work, out=out)
        out *= (self.mode - self.low) * _WITHIN
        smaller *= (self.high - self.mode) * _WITHIN
        out += smaller
        out += self.low
        return out


@dataclass(frozen=True)
class Pert(Distribution):
    """A beta distribution between two ends around a mode, smoother than a triangle and less drawn to its ends."""

    low: float
    mode: float
    high: float

    @property
    def shape(self) -> tuple[float, float]:
        """The two parameters of the beta distribution."""
        peak = (self.mode - self.low) / (self.high - self.low)
        return 1 + 4 * peak, 1 + 4 * (1 - peak)

    open_low = False

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def cdf(self, x: float) -> float:
        from scipy.special import betainc

        share = min(max((x - self.low) / (self.high - self.low), 0.0), 1.0)
        return float(betainc(*self.shape, share))

    def of_uniform(self, u: Block) -> Block:
        from scipy.special import betaincinv

        betaincinv(*self.shape, u, out=u)
        return self._scaled(u)

    def draw(self, rng: np.random.Generator, out: Block, work: Block) -> Block:
        first, second = self.shape
        rng.standard_gamma(first, out=out)
        rng.standard_gamma(second, out=work)
        work += out
        out /= work
        return self._scaled(out)

    def _scaled(self, share: Block) -> Block:
        share *= (self.high - self.low) * _WITHIN
        share += self.low
        return share


@dataclass(frozen=True)
class Discrete(Distribution):
    """A few values, each with its probability; texts too."""

    values: tuple[Any, ...]
    weights: tuple[float, ...]

    continuous = False

    @property
    def is_text(self) -> bool:  # type: ignore[override]
        """Whether its values are texts."""
        return isinstance(self.values[0], str)

    @property
    def table(self) -> Any:
        """Its values as an array."""
        return np.array(self.values, dtype=object if self.is_text else float)

    @property
    def edges(self) -> Block:
        """Where the probabilities of the values end, but for the last."""
        shares = np.cumsum(np.array(self.weights))
        return np.asarray(shares[:-1] / shares[-1])

    def of_uniform(self, u: Block) -> Any:
        return self.table[np.searchsorted(self.edges, u, side="right")]

    def of_normal(self, z: Block) -> Any:
        from scipy.special import ndtr

        # From the least value to the greatest, as quantiles go: in any other order no ranks would be kept.
        rising = sorted(zip(self.values, self.weights, strict=True))
        return Discrete(*zip(*rising, strict=True)).of_uniform(ndtr(z, out=z))


@dataclass(frozen=True)
class Truncated(Distribution):
    """A distribution of which only what lies between two ends is left."""

    whole: Distribution
    low: float
    high: float

    @property
    def support(self) -> tuple[float, float]:
        low, high = self.whole.support
        return max(low, self.low), min(high, self.high)

    @property
    def open_low(self) -> bool:  # type: ignore[override]
        return self.low <= self.whole.support[0] and self.whole.open_low

    @property
    def cut(self) -> float:
        """The share of the whole distribution that is left out."""
        return self.whole.cdf(self.low) + self.whole.sf(self.high)

    def cdf(self, x: float) -> float:
        first, last = self.whole.cdf(self.low), self.whole.cdf(self.high)
        return min(max((self.whole.cdf(x) - first) / (last - first), 0.0), 1.0)

    def of_uniform(self, u: Block) -> Block:
        first, last = self.whole.cdf(self.low), self.whole.cdf(self.high)
        u *= last - first
        u += first
        return np.clip(self.whole.of_uniform(u), self.low, self.high, out=u)  # against rounding at the ends
