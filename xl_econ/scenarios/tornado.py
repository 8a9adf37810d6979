"""How far each input moves a result: from its low to its high value, and how much of the spread it explains."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from xl_econ.core.errors import InputError
from xl_econ.core.quantity import number_from_text

from .cases import Study, study
from .distributions import Discrete, Distribution
from .target import Input, Output, Steps, Target

SOBOL_DRAWS = 4096
MOST_DRAWS = 1 << 20  # of Sobol indices: columns of so many are held for every input
QUANTILES = (0.1, 0.9)
_SURE = 1.959963984540054  # standard errors to each side of a 95% interval


@dataclass(frozen=True)
class Index:
    """How much of a result's variance an input explains, with the ends of a 95% interval.

    Attributes:
        first: Alone.
        total: With all that it does together with others.
    """

    first: float
    first_between: tuple[float, float]
    total: float
    total_between: tuple[float, float]


@dataclass(frozen=True)
class Bar:
    """What one input does to the result, all others at their base values.

    Attributes:
        input: The input.
        low: Its low value, of a text the one with the lowest result.
        high: Its high one.
        base: Its base value.
        at_low: The result at the low value.
        at_high: The result at the high one.
        index: Its Sobol indices, where they were asked for.
    """

    input: Input
    low: Any
    high: Any
    base: Any
    at_low: float
    at_high: float
    index: Index | None = None

    @property
    def span(self) -> float:
        """How far the result moves; infinite where it has no value at an end."""
        return abs(self.at_high - self.at_low) if math.isfinite(self.at_high - self.at_low) else math.inf


@dataclass(frozen=True)
class Tornado:
    """The bars of a result, the widest first.

    Attributes:
        name: The function or the template.
        output: The result.
        base: Its value with every input at its base value.
        bars: What each input does.
        remarks: What a person should know beside them.
    """

    name: str
    output: Output
    base: float
    bars: Sequence[Bar]
    remarks: Sequence[str] = field(default_factory=tuple)


def tornado(
    name: str,
    inputs: Mapping[str, Any] | None = None,
    *,
    swing: Any = None,
    sobol: bool = False,
    output: str | None = None,
    steps: Steps | None = None,
    seed: int = 0,
    draws: int = SOBOL_DRAWS,
    **given: Any,
) -> Tornado:
    """How far each input moves a result, the widest first.

    Args:
        name: A function, in any case, or a template.
        inputs: Values, ranges and distributions as under `[inputs]` of a case file. Of a range the ends are taken, of a
            distribution P10 and P90.
        swing: How far the numbers among the inputs move that have no range: 0.2 or "20%" of themselves. A template
            whose inputs have none moves between its own Low and High.
        sobol: Whether to work out Sobol indices too: how much of the variance each input explains.
        output: Another result than the one that the function or template is about.
        steps: A chain of formulas in place of a function, or after it.
        seed: Of the draws for the indices.
        draws: Their number, a power of two.
        given: More inputs by name.

    Returns:
        The bars.

    Raises:
        InputError: Nothing varies, an input that is unknown, a swing that is no share.

    Example:
        >>> import xl_econ
        >>> found = xl_econ.tornado("TRAIN_COST", {"mfu": {"low": 0.3, "high": 0.5, "steps": 2}}, params_b=37,
        ...                         tokens_t=14.8, peak_tflops=989.4, usd_per_gpu_hour=[1.5, 3])
        >>> [bar.input.key for bar in found.bars]
        ['usd_per_gpu_hour', 'mfu']
    """
    found = study({"inputs": {**(inputs or {}), **given}, "steps": dict(steps or {})}, name, varies=False)
    return of_study(found, swing=swing, sobol=sobol, output=output, seed=seed, draws=draws)


def of_study(
    case: Study,
    swing: Any = None,
    sobol: bool = False,
    output: str | None = None,
    seed: int = 0,
    draws: int = SOBOL_DRAWS,
) -> Tornado:
    """The tornado of a case; arguments as of `tornado`."""
    t = case.compute()
    o = t.output(output)
    share = None if swing is None else _share(swing)
    given, remarks = dict(case.fixed), list(case.remarks)
    varied = dict(case.varied)
    base = {key: _middle(d, t.inputs[key]) for key, d in varied.items()}
    base = t.bound({**given, **base})
    ends = {key: _ends(d) for key, d in varied.items()}
    for key, i in t.inputs.items():
        if key in varied or not i.varies:
            continue
        if share is not None and base[key]:
            ends[key] = _swung(i, base[key], share, remarks)
        elif share is None and not varied and (i.low is not None or i.high is not None) and key not in given:
            sides = [base[key] if v is None else v for v in (i.low, i.high)]
            ends[key] = tuple(sorted(sides))
    if not ends:
        raise InputError("nothing varies: give an input a range or a distribution (--cases), or all a --swing 20%")
    bars = _bars(t, o, base, ends)
    middle = t.compute(base, [o.key])[o.key]
    if sobol:
        bars = _with_indices(t, o, base, bars, _distributions(varied, ends), seed, draws)
        if case.correlations:
            remarks.append("Sobol indices are of independent inputs: the correlations are left out")
    return Tornado(t.name, o, middle, sorted(bars, key=lambda b: -b.span), remarks)


def _share(swing: Any) -> float:
    value = number_from_text(swing) if isinstance(swing, str) else swing
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise InputError(f"swing {swing!r}: expected a share above 0 and below 1: 20%")
    return float(value)


def _middle(d: Distribution, i: Input) -> Any:
    """The base value of an input that varies: its default if that lies inside, else the middle."""
    if isinstance(d, Discrete):
        if i.default in d.values or isinstance(d.values[0], str):
            return i.default if i.default in d.values else d.values[0]
        low, high = min(d.values), max(d.values)
        if isinstance(i.default, int | float) and low <= i.default <= high:
            return i.default
        return sorted(d.values)[len(d.values) // 2] if len(d.values) % 2 else (low + high) / 2
    return float(d.of_uniform(np.array([0.5]))[0])


def _ends(d: Distribution) -> tuple[Any, ...]:
    if isinstance(d, Discrete):
        return d.values if isinstance(d.values[0], str) else (min(d.values), max(d.values))
    return tuple(map(float, d.of_uniform(np.array(QUANTILES))))


def _swung(i: Input, base: float, share: float, remarks: list[str]) -> tuple[float, float]:
    """A number and as much less and more; it stays within its bounds, which is said."""
    q = i.quantity
    found = []
    for value in sorted((base * (1 - share), base * (1 + share))):
        whole = float(round(value)) if q.whole else value
        inside = min(max(whole, q.low), q.high)
        if inside != whole:
            remarks.append(f"{i.key}: {whole:g} is not allowed, held at {inside:g}")
        found.append(inside)
    return found[0], found[1]


def _bars(t: Target, o: Output, base: Mapping[str, Any], ends: Mapping[str, tuple[Any, ...]]) -> list[Bar]:
    """All bars of one computation: a row for each value of each input."""
    rows = [(key, value) for key, values in ends.items() for value in values]
    columns: dict[str, Any] = dict(base)
    for key, values in ends.items():
        column = np.full(len(rows), base[key], dtype=object if isinstance(values[0], str) else float)
        for n, (of, value) in enumerate(rows):
            if of == key:
                column[n] = value
        columns[key] = column
    results = iter(t.compute(columns, [o.key])[o.key].tolist())
    bars = []
    for key, values in ends.items():
        found = [(next(results), value) for value in values]
        if isinstance(values[0], str):
            found.sort(key=lambda pair: pair[0])
        (at_low, low), (at_high, high) = found[0], found[-1]
        bars.append(Bar(t.inputs[key], low, high, base[key], at_low, at_high))
    return bars


# -- Sobol indices ----------------------------------------------------------------------------------------------
def _distributions(varied: Mapping[str, Distribution], ends: Mapping[str, Any]) -> dict[str, Distribution]:
    """What each input is drawn from: a bare range evenly."""
    from .distributions import Uniform

    return {key: varied.get(key) or Uniform(*values) for key, values in ends.items() if values[0] != values[-1]}


def _with_indices(
    t: Target,
    o: Output,
    base: Mapping[str, Any],
    bars: Sequence[Bar],
    drawn: Mapping[str, Distribution],
    seed: int,
    draws: int,
) -> list[Bar]:
    def f(columns: Mapping[str, Any]) -> Any:
        found = t.compute({**base, **columns}, [o.key])[o.key]
        missing = np.isnan(found).mean()
        if missing:
            raise InputError(
                f"{missing:.2%} of the draws have no result, and Sobol indices need all: narrow the inputs"
            )
        return found

    found = indices(f, drawn, seed, draws)
    return [replace(bar, index=found.get(bar.input.key)) for bar in bars]


def indices(f: Any, drawn: Mapping[str, Distribution], seed: int = 0, draws: int = SOBOL_DRAWS) -> dict[str, Index]:
    """First-order and total Sobol indices (Saltelli 2010, Jansen 1999), with their 95% intervals.

    The intervals are those of independent draws, by linearising the ratios; Sobol points do better.

    Args:
        f: The result of columns of inputs by name.
        drawn: The distribution of each input.
        seed: Of the scrambled Sobol points.
        draws: Points, a power of two; the function is computed for so many times the inputs and two more.

    Raises:
        InputError: Not a power of two, a seed below 0, or nothing varies.
    """
    from scipy.stats import qmc

    if not 2 <= draws <= MOST_DRAWS or draws & (draws - 1):
        raise InputError(f"{draws} draws: Sobol indices need a power of two, such as {SOBOL_DRAWS}, to {MOST_DRAWS:,}")
    if seed < 0:
        raise InputError(f"seed {seed}: must be at least 0")
    keys = list(drawn)
    points = qmc.Sobol(2 * len(keys), rng=np.random.default_rng(seed)).random(draws)
    halves = points[:, : len(keys)], points[:, len(keys) :]
    a, b = ({key: drawn[key].of_uniform(half[:, n].copy()) for n, key in enumerate(keys)} for half in halves)
    of_a, of_b = f(a), f(b)
    middle = np.mean([of_a, of_b])
    of_a, of_b = of_a - middle, of_b - middle
    variances = (of_a**2 + of_b**2) / 2
    if not variances.any():
        raise InputError("the result is the same in all draws: there is no variance to explain")
    found = {}
    for key in keys:
        mixed = f(a | {key: b[key]}) - middle
        first, about_first = _ratio(of_b * (mixed - of_a), variances)
        total, about_total = _ratio((of_a - mixed) ** 2 / 2, variances)
        found[key] = Index(first, about_first, total, about_total)
    return found


def _ratio(parts: Any, wholes: Any) -> tuple[float, tuple[float, float]]:
    """The ratio of two means, and the ends of its interval."""
    found = float(parts.mean() / wholes.mean())
    error = float(np.std(parts - found * wholes) / wholes.mean() / math.sqrt(len(parts)))
    return found, (found - _SURE * error, found + _SURE * error)
