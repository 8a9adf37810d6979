"""Distributions as a case file gives them: by parameters or by quantiles, checked for what contradicts itself."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from xl_econ.core.errors import InputError, nearest

from .distributions import Discrete, Distribution, Lognormal, Normal, Pert, Triangular, Truncated, Uniform

_LEFT = 1e-6  # of a distribution; less of it than that is another distribution
_QUANTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")
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
