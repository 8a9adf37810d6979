"""What an uncertain input can be: a table of distributions, each given by its parameters or by quantiles.

A distribution draws in two ways: of uniform numbers by its inverse (Latin hypercube, Sobol and correlated draws need
that), and straight from a generator in whatever way is fastest. Both fill a block in place, without temporaries.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xl_econ.core.errors import InputError, nearest

Block = NDArray[np.float64]
# A value whose distribution stands for less than this cannot come out of a generator of doubles.
NEVER = 1e-36
_LEFT = 1e-6  # of a distribution; less of it than that is another distribution
_QUANTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")
_WITHIN = 1 - 2.0**-50  # a scale so much smaller keeps rounding inside the ends


class Distribution:
    """An uncertain number."""

    continuous = True
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


@dataclass(frozen=True)
class Normal(Distribution):
    """The normal distribution."""

    mean: float
    sd: float

    def cdf(self, x: float) -> float:
        from scipy.special import ndtr

        return float(ndtr((x - self.mean) / self.sd))

    def sf(self, x: float) -> float:
        from scipy.special import ndtr

        return float(ndtr((self.mean - x) / self.sd))

    def of_uniform(self, u: Block) -> Block:
        from scipy.special import ndtri

        np.maximum(u, 2.0**-54, out=u)  # a uniform zero stands for what is smaller than the smallest step
        return self.of_normal(ndtri(u, out=u))

    def of_normal(self, z: Block) -> Block:
        z *= self.sd
        z += self.mean
        return z

    def draw(self, rng: np.random.Generator, out: Block, work: Block) -> Block:
        rng.standard_normal(out=out)
        return self.of_normal(out)


@dataclass(frozen=True)
class Lognormal(Distribution):
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

    def of_uniform(self, u: Block) -> Block:
        return np.exp(self.log.of_uniform(u), out=u)

    def of_normal(self, z: Block) -> Block:
        return np.exp(self.log.of_normal(z), out=z)

    def draw(self, rng: np.random.Generator, out: Block, work: Block) -> Block:
        return np.exp(self.log.draw(rng, out, work), out=out)


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
    def edges(self) -> Block:
        """Where the probabilities of the values end, but for the last."""
        shares = np.cumsum(np.array(self.weights))
        return np.asarray(shares[:-1] / shares[-1])

    def of_uniform(self, u: Block) -> Any:
        table = np.array(self.values, dtype=object if isinstance(self.values[0], str) else float)
        return table[np.searchsorted(self.edges, u, side="right")]


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


Given = Mapping[str, float]


def _normal(given: Given) -> Normal:
    if set(given) == {"mean", "sd"}:
        return Normal(given["mean"], given["sd"])
    (a, first), (b, second) = sorted((_normal_at(k), v) for k, v in given.items())
    if not (a < b and first < second):
        raise InputError(
            " and ".join(f"{k} = {v:g}" for k, v in given.items()) + " do not decide a normal distribution"
        )
    sd = (second - first) / (b - a)
    return Normal(first - a * sd, sd)


def _lognormal(given: Given) -> Lognormal:
    for key, value in given.items():
        if value <= 0:
            raise InputError(f"{key} = {value:g}: a lognormal number is above 0")
    if set(given) == {"mean", "sd"}:
        squared = math.log1p((given["sd"] / given["mean"]) ** 2)
        return Lognormal(math.log(given["mean"]) - squared / 2, math.sqrt(squared))
    if "mean" in given:
        if "p50" not in given or given["mean"] <= given["p50"]:
            raise InputError("of a lognormal the mean goes with sd, or with the median, above which it lies")
        return Lognormal(math.log(given["p50"]), math.sqrt(2 * math.log(given["mean"] / given["p50"])))
    log = _normal({k: math.log(v) for k, v in given.items()})
    return Lognormal(log.mean, log.sd)


def _uniform(given: Given) -> Uniform:
    if set(given) == {"low", "high"}:
        return Uniform(given["low"], given["high"])
    (a, first), (b, second) = sorted((share(k), v) for k, v in given.items())
    width = (second - first) / (b - a)
    return Uniform(first - a * width, first + (1 - a) * width)


def _around_a_mode(kind: Callable[[float, float, float], Distribution]) -> Callable[[Given], Distribution]:
    """A kind given by low, mode and high, or by the mode and a quantile on each side of it."""

    def make(given: Given) -> Distribution:
        if "low" in given:
            return kind(given["low"], given["mode"], given["high"])
        from scipy.optimize import brentq

        mode = given["mode"]
        (a, first), (b, last) = sorted((share(k), v) for k, v in given.items() if k != "mode")
        if not first < mode < last:
            raise InputError(f"its mode {mode:g} must lie between its quantiles {first:g} and {last:g}")

        def sides(peak: float) -> tuple[float, float]:
            """How far the quantiles lie from the mode, in widths, where the mode is at this share of the width."""
            low, high = kind(0.0, peak, 1.0).of_uniform(np.array([a, b]))
            return peak - float(low), float(high) - peak

        def off(peak: float) -> float:
            left, right = sides(peak)
            return left * (last - mode) - right * (mode - first)

        # Beyond these ends the quantiles would lie on one side of the mode.
        least = brentq(lambda peak: sides(peak)[0], 0.0, 1.0)
        most = brentq(lambda peak: sides(peak)[1], 0.0, 1.0)
        peak = float(brentq(off, least, most, xtol=1e-15, rtol=1e-14))
        width = (last - first) / sum(sides(peak))
        return kind(mode - peak * width, mode, mode + (1 - peak) * width)

    return make


def share(name: str) -> float:
    """The share that a quantile's name says: 0.1 of p10."""
    return float(name[1:]) / 100


def _normal_at(name: str) -> float:
    from scipy.special import ndtri

    return 0.0 if name == "mean" else float(ndtri(share(name)))


@dataclass(frozen=True)
class Kind:
    """How a distribution is given: any of several sets of names, `pNN` standing for a quantile."""

    make: Callable[[Given], Distribution]
    ways: tuple[tuple[str, ...], ...]


_QUANTILES = ("pNN", "pNN")
_MODE = (("low", "mode", "high"), ("mode", *_QUANTILES))
KINDS = {
    "normal": Kind(_normal, (("mean", "sd"), ("mean", "pNN"), _QUANTILES)),
    "lognormal": Kind(_lognormal, (("mean", "sd"), ("mean", "pNN"), _QUANTILES)),
    "triangular": Kind(_around_a_mode(Triangular), _MODE),
    "pert": Kind(_around_a_mode(Pert), _MODE),
    "uniform": Kind(_uniform, (("low", "high"), _QUANTILES)),
}
NAMES = (*KINDS, "discrete")


def distribution(found: Mapping[str, Any]) -> Distribution:
    """A distribution as a case file gives it.

    Args:
        found: `dist` and its parameters, numbers all of them; `min` and `max` leave only what lies between.

    Raises:
        InputError: No such distribution, parameters that do not decide it or contradict each other.
    """
    name = str(found.get("dist", "")).casefold()
    if name not in KINDS:
        raise InputError(f"no distribution {name!r}{nearest(name, NAMES) or '; there are ' + ', '.join(NAMES)}")
    kind = KINDS[name]
    given = {"p50" if k == "median" else k: v for k, v in found.items() if k not in ("dist", "min", "max")}
    _refuse_names(name, kind, given)
    _refuse_order(given)
    return _truncated(kind.make(given), found.get("min", -math.inf), found.get("max", math.inf))


def discrete(values: Sequence[Any], weights: Sequence[float] | None = None) -> Discrete:
    """Values with weights, equal ones without.

    Raises:
        InputError: No values, another number of weights, a weight that is negative, or nothing but zeros.
    """
    if not values:
        raise InputError("its values are missing: values = [1, 2, 3]")
    shares = [1.0] * len(values) if weights is None else list(weights)
    if len(shares) != len(values):
        raise InputError(f"it has {len(values)} values and {len(shares)} weights")
    if min(shares) < 0 or sum(shares) <= 0:
        raise InputError("its weights must be at least 0, and not all of them 0")
    return Discrete(tuple(values), tuple(shares))


def _refuse_names(name: str, kind: Kind, given: Given) -> None:
    shown = sorted("pNN" if _is_quantile(k) else k for k in given)
    if shown in [sorted(way) for way in kind.ways]:
        return
    allowed = sorted({k for way in kind.ways for k in way if k != "pNN"} | {"min", "max", "p10", "p90", "median"})
    for key in given:
        if not _is_quantile(key) and key not in allowed:
            raise InputError(f"{name} has no parameter {key!r}{nearest(key, allowed)}")
    listed = "; or ".join(" and ".join(way).replace("pNN and pNN", "two quantiles (p10, p90)") for way in kind.ways)
    raise InputError(
        f"{name} takes {listed.replace('pNN', 'a quantile (p90)')}; given is {', '.join(given) or 'nothing'}"
    )


def _is_quantile(key: str) -> bool:
    found = _QUANTILE.fullmatch(key)
    return found is not None and 0 < float(found[1]) < 100


def _refuse_order(given: Given) -> None:
    """Refuse what contradicts itself: P10 above P90, a mode outside, a spread that is not positive."""
    if "sd" in given and given["sd"] <= 0:
        raise InputError(f"sd = {given['sd']:g}: must be above 0")
    quantiles = sorted((share(k), k) for k in given if _is_quantile(k))
    for (_, a), (_, b) in pairwise(quantiles):
        if given[a] >= given[b]:
            raise InputError(f"{a} = {given[a]:g} must be below {b} = {given[b]:g}")
    for a, b in pairwise(k for k in ("low", "mode", "high") if k in given):
        if given[a] > given[b]:
            raise InputError(f"{a} = {given[a]:g} is above {b} = {given[b]:g}")
    if "low" in given and given["low"] >= given["high"]:
        raise InputError(f"low = {given['low']:g} must be below high = {given['high']:g}")


def _truncated(made: Distribution, low: float, high: float) -> Distribution:
    if low == -math.inf and high == math.inf:
        return made
    if not low < high:
        raise InputError(f"min = {low:g} must be below max = {high:g}")
    found = Truncated(made, low, high)
    left = made.cdf(high) - made.cdf(low)
    if left < _LEFT:
        raise InputError(f"only {left:.2g} of it lies between min and max; give it other parameters")
    return found
