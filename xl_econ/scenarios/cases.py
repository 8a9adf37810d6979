"""A case file of a sweep: what is fixed, what varies and how, checked as inputs are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xl_econ.core.errors import InputError, LayoutError, UnitError, XlEconError, nearest
from xl_econ.core.quantity import number_from_text
from xl_econ.templates.fill import TEXTS, mapping, read_mapping

from .correlation import Pair, mixing
from .distributions import NEVER, Discrete, Distribution, Truncated
from .parameters import NAMES, discrete, distribution
from .target import Input, Target, target

FORMATS = (".toml", ".yaml", ".yml", ".json", ".csv", ".xlsx")
MOST_STEPS = 10_000  # a task carries them
_RANGE = {"low", "high", "steps", "scale"}
_KEYS = (
    "function",
    "template",
    "name",
    "inputs",
    "steps",
    "correlations",
    "sources",
    "source",
    "as_of",
    "grade",
    *TEXTS,
)


@dataclass(frozen=True)
class Study:
    """What a sweep computes and of what: plain data, which goes to where it is computed.

    Attributes:
        name: Of the case.
        target: Name of the function or template.
        steps: A chain of functions in its place, name and formula each.
        fixed: Inputs with one value; what is not given has its default.
        varied: Inputs with several, in the order of the target's inputs.
        correlations: Rank correlations of two that vary.
    """

    name: str
    target: str
    steps: tuple[tuple[str, str], ...] = ()
    fixed: tuple[tuple[str, Any], ...] = ()
    varied: tuple[tuple[str, Distribution], ...] = ()
    correlations: tuple[Pair, ...] = ()

    def compute(self) -> Target:
        """What is computed."""
        return target(self.target, dict(self.steps) or None)

    @property
    def is_grid(self) -> bool:
        """Whether everything that varies is a list of values, each of which goes with each of the others."""
        return not self.correlations and all(isinstance(d, Discrete) for _, d in self.varied)

    @property
    def remarks(self) -> list[str]:
        """What a person should know of the draws beside the case."""
        cut = [
            f"{key}: {d.cut:.2g} of its distribution lies beyond min and max and is left out"
            for key, d in self.varied
            if isinstance(d, Truncated) and d.cut > NEVER
        ]
        single = {key for key, d in self.varied if not d.continuous}
        tied = [(a, b) for a, b, _ in self.correlations if {a, b} & single]
        return cut + [
            f"{a} with {b}: draws of single values tie, which brings their measured rank correlation nearer to 0"
            for a, b in tied
        ]


def read(path: Path, name: str, varies: bool = True, extra: Mapping[str, Any] | None = None) -> Study:
    """The study of a case file.

    Args:
        path: TOML, YAML, JSON or CSV, or a workbook with a sheet that has the columns of the CSV.
        name: The function or the template.
        varies: Whether some input must.
        extra: Inputs on top of those of the file.

    Raises:
        InputError: It cannot be read, or says something that cannot be drawn; says where and what is allowed.
    """
    kind = path.suffix.lower()
    if kind not in FORMATS:
        raise InputError(f"{path}: not a case file; it can be {', '.join(FORMATS)}")
    if kind in (".csv", ".xlsx"):
        from .case_table import read_table

        found: Mapping[str, Any] = read_table(path)
    else:
        found = read_mapping(path)
    if extra:
        found = {**found, "inputs": {**mapping(found.get("inputs"), "inputs"), **extra}}
    return study(found, name, path.stem, path.name, varies)


def study(
    found: Mapping[str, Any], name: str, stem: str = "sweep", where: str = "the case", varies: bool = True
) -> Study:
    """The study of what a case file holds.

    Args:
        found: Its keys and values.
        name: The function or the template.
        stem: What the case is called if it does not say.
        where: What holds it, for errors.
        varies: Whether some input must.

    Raises:
        InputError: As `read`.
    """
    try:
        return _study(found, name, stem, varies)
    except (InputError, LayoutError, UnitError) as e:
        raise InputError(f"{where}: {e}" if where else str(e)) from None


def _study(found: Mapping[str, Any], name: str, stem: str, varies: bool) -> Study:
    for key in found:
        if key not in _KEYS:
            raise InputError(f"unknown key {key!r}{nearest(key, _KEYS) or '; inputs stand under [inputs]'}")
    steps = mapping(found.get("steps"), "steps")
    what = target(name, steps or None)
    for key in ("function", "template"):
        said = str(found.get(key, what.name))
        if said.casefold() != what.name.casefold():
            raise InputError(f"is a case of {said!r}, not of {what.name!r}")
    inputs = {k: v for k, v in mapping(found.get("inputs"), "inputs").items() if k not in TEXTS}
    for key in inputs:
        if key not in what.inputs:
            raise InputError(
                f"unknown input {key!r}{nearest(key, what.inputs) or '; there are ' + ', '.join(what.inputs)}"
            )
    fixed: dict[str, Any] = {}
    varied: dict[str, Distribution] = {}
    for key, given in what.inputs.items():
        if key in inputs:
            value = _located(key, lambda i=given: _value(i, inputs[i.key]))
            (varied if isinstance(value, Distribution) else fixed)[key] = value
    missing = [k for k, given in what.inputs.items() if given.default is None and k not in inputs]
    if missing:
        raise InputError(f"{what.name} needs the inputs {', '.join(missing)} too")
    if varies and not varied:
        raise InputError("nothing varies: give an input a distribution, a range or a list")
    correlations = _correlations(found.get("correlations", []), varied)
    label = str(found.get("name", stem))
    pairs = tuple((str(k), str(v)) for k, v in steps.items())
    return Study(label, what.name, pairs, tuple(fixed.items()), tuple(varied.items()), correlations)


def _located(key: str, make: Any) -> Any:
    try:
        return make()
    except InputError as e:
        text = str(e)
        raise InputError(text if text.startswith(key) else f"{key}: {text}") from None
    except XlEconError as e:
        raise InputError(str(e)) from None


def _value(i: Input, given: Any) -> Any:
    """An input as a clean value, or as what it is drawn from."""
    if isinstance(given, Mapping):
        return _drawn(i, given)
    if isinstance(given, Sequence) and not isinstance(given, str) and not i.quantity.many:
        if not given:
            raise InputError("the list is empty")
        return discrete([i.clean(v) for v in given])
    return i.clean(given)


def _drawn(i: Input, given: Mapping[str, Any]) -> Distribution:
    """A range or a distribution, which keeps within the bounds of the input."""
    q = i.quantity
    if q.many:
        raise InputError("takes a list of numbers, which cannot vary")
    if "dist" not in given:
        return _range(i, given)
    kind = str(given["dist"]).casefold()
    if kind == "discrete":
        return _discrete(i, given)
    if q.is_text:
        raise InputError('takes a text: give it a list of them, or dist = "discrete"')
    made = distribution({"dist": kind} | {k: _number(k, v) for k, v in given.items() if k != "dist"})
    if q.whole:
        raise InputError('takes whole numbers: give it a list of them, or dist = "discrete"')
    _refuse_outside(i, made)
    return made


def _discrete(i: Input, given: Mapping[str, Any]) -> Discrete:
    for name in given:
        if name not in ("dist", "values", "weights"):
            raise InputError(f"discrete has no parameter {name!r}{nearest(name, ('values', 'weights'))}")
    values, weights = (_list(name, given.get(name, ())) for name in ("values", "weights"))
    return discrete([i.clean(v) for v in values], [_number("weights", w) for w in weights] or None)


def _list(name: str, found: Any) -> Sequence[Any]:
    if not isinstance(found, Sequence) or isinstance(found, str):
        raise InputError(f"{name} = {found!r}: expected a list")
    return found


def _number(name: str, value: Any) -> float:
    """A parameter of a distribution."""
    read = number_from_text(value) if isinstance(value, str) else value
    if isinstance(read, bool) or not isinstance(read, int | float) or not math.isfinite(read):
        raise InputError(f"{name} = {value!r}: expected a finite number")
    return float(read)


def _refuse_outside(i: Input, made: Distribution) -> None:
    """Refuse a distribution that can leave the bounds of its input; says how much of it does."""
    q = i.quantity
    low, high = made.support
    # A lognormal comes as near to zero as a double can, and never there.
    excluded = q.positive and low == q.low and not made.open_low
    beyond = [
        (made.cdf(q.low) if low < q.low else 0.0, "at or below" if q.positive else "below", q.low, "min"),
        (made.sf(q.high) if high > q.high else 0.0, "above", q.high, "max"),
    ]
    for mass, side, bound, option in beyond:
        if mass > NEVER:
            share = f"{mass:.2%}" if mass >= 1e-4 else f"{mass:.1e}"
            raise InputError(
                f"{share} of the distribution lies {side} {bound:g}, and the input must be {q.range}: "
                f"choose other parameters, or leave that part out with {option} = ..."
            )
    if excluded:
        i.clean(low)


def _range(i: Input, given: Mapping[str, Any]) -> Discrete:
    """Evenly spaced values between two ends, which belong to them."""
    for name in given:
        if name not in _RANGE:
            raise InputError(
                f"has no parameter {name!r}{nearest(name, _RANGE) or ''}; without dist it is a range: low, high, steps"
            )
    for name in ("low", "high", "steps"):
        if name not in given:
            raise InputError(
                f'a range needs low, high and steps, {name} is missing (or dist = "...": {", ".join(NAMES)})'
            )
    low, high = (i.clean(given[k]) for k in ("low", "high"))
    if isinstance(low, str) or not low < high:
        raise InputError(f"low = {given['low']} must be a number below high = {given['high']}")
    steps = given["steps"]
    if isinstance(steps, bool) or not isinstance(steps, int | float) or steps != int(steps) or steps < 2:
        raise InputError(f"steps = {steps!r}: expected a whole number of values, at least 2")
    if steps > MOST_STEPS:
        raise InputError(f'steps = {steps:,.0f}: at most {MOST_STEPS:,}; for more, draw from dist = "uniform"')
    import numpy as np

    scale = given.get("scale", "linear")
    if scale not in ("linear", "log") or (scale == "log" and low <= 0):
        raise InputError(f"scale = {scale!r}: can be linear, or log where low is above 0")
    between = np.geomspace if scale == "log" else np.linspace
    values = between(low, high, int(steps)).tolist()
    return discrete([i.clean(v) for v in values])


def _correlations(found: Any, varied: Mapping[str, Distribution]) -> tuple[Pair, ...]:
    if not isinstance(found, Sequence) or isinstance(found, str):
        raise InputError('correlations: expected a list, each with of = ["a", "b"] and rank = 0.5')
    pairs: list[Pair] = []
    for entry in found:
        of, rank = (entry.get("of"), entry.get("rank")) if isinstance(entry, Mapping) else (None, None)
        if not isinstance(of, Sequence) or isinstance(of, str) or len(of) != 2 or set(entry) != {"of", "rank"}:
            raise InputError(f'correlation {entry!r}: expected of = ["a", "b"] and rank = 0.5')
        a, b = map(str, of)
        said = f"correlation of {a} and {b}"
        for key in (a, b):
            if key not in varied:
                raise InputError(f"{said}: {key!r} is no input that varies{nearest(key, varied)}")
            if varied[key].is_text:
                raise InputError(f"{said}: {key} is a text, which is neither more nor less than another")
        number = _number(f"{said}: rank", rank)
        if a == b or {a, b} in [{x, y} for x, y, _ in pairs]:
            raise InputError(
                f"{said}: " + ("an input is always correlated with itself" if a == b else "is given twice")
            )
        if not -1 <= number <= 1:
            raise InputError(f"{said}: rank = {number:g} must be at least -1 and at most 1")
        pairs.append((a, b, number))
    mixing(tuple(varied), pairs)
    return tuple(pairs)
