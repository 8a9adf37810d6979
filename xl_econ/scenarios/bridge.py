"""Why a result changed between two cases: what each driver contributes, and the contributions sum to the difference."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xl_econ.core.errors import InputError, UsageError, nearest
from xl_econ.core.units import UNTYPED, parse

from .target import Input, Output, Steps, Target, target

MOST = 12  # drivers whose every combination is computed
TABLES = "tables"  # the driver that stands for what workbooks hold in their own tables
KINDS = ("price", "volume", "efficiency", "choice")
Opened = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Driver:
    """One cause of a difference.

    Attributes:
        key: An input, a group, or `tables`.
        kind: price, volume, efficiency or choice.
        inputs: The inputs that it changes, with their value before and after.
        effect: What it adds to the result.
    """

    key: str
    kind: str
    inputs: Mapping[str, tuple[Any, Any]]
    effect: float


@dataclass(frozen=True)
class Bridge:
    """From one result to another.

    Attributes:
        name: The function or the template.
        output: The result.
        start: The result of the first case.
        end: That of the second.
        drivers: What changed, the largest effect first; in the order that was asked for.
        method: shapley or sequential.
        residual: What the effects leave of the difference: rounding.
        remarks: What a person should know beside it.
    """

    name: str
    output: Output
    start: float
    end: float
    drivers: Sequence[Driver]
    method: str
    residual: float
    remarks: Sequence[str] = field(default_factory=tuple)

    @property
    def by_kind(self) -> dict[str, float]:
        """The effects summed by price, volume, efficiency and choice."""
        kinds = dict.fromkeys((*KINDS, *(d.kind for d in self.drivers)))
        sums = {k: [d.effect for d in self.drivers if d.kind == k] for k in kinds}
        return {k: math.fsum(effects) for k, effects in sums.items() if effects}


@dataclass(frozen=True)
class Side:
    """One of the two cases.

    Attributes:
        inputs: Its inputs.
        tables: Has the tables that it is computed with in use; None for those that are.
        own: Whether they differ from the other side's, and are a driver.
    """

    inputs: Mapping[str, Any]
    tables: Opened | None = None
    own: bool = False


def bridge(
    name: str,
    a: Mapping[str, Any],
    b: Mapping[str, Any],
    *,
    output: str | None = None,
    steps: Steps | None = None,
    by: str = "input",
    groups: Mapping[str, Sequence[str]] | None = None,
    order: Sequence[str] | None = None,
) -> Bridge:
    """Why a result changed between two cases.

    The effects are Shapley values: each driver's mean effect over all orders in which the drivers can change, so that
    no order is preferred and the effects sum to the difference.

    Args:
        name: A function, in any case, or a template.
        a: The inputs of the first case by name; what is left out has its default.
        b: Those of the second.
        output: Another result than the one that the function or template is about.
        steps: A chain of formulas in place of a function, or after it.
        by: "input" for an effect of each input, "group" for one of each of price, volume, efficiency and choice.
        groups: Inputs that change together, by what they are called.
        order: The drivers in the order in which they change, one after the other, in place of Shapley values.

    Returns:
        The effects.

    Raises:
        InputError: An unknown input, a combination of the two cases that has no result, more than 12 drivers.

    Example:
        >>> import xl_econ
        >>> run = dict(params_b=37, tokens_t=14.8, peak_tflops=989.4, mfu=0.35, usd_per_gpu_hour=2)
        >>> found = xl_econ.bridge("TRAIN_COST", run, run | {"mfu": 0.4, "usd_per_gpu_hour": 3})
        >>> [(d.key, d.kind, round(d.effect)) for d in found.drivers]
        [('usd_per_gpu_hour', 'price', 2470834), ('mfu', 'efficiency', -823611)]
    """
    t = target(name, steps)
    return between(t, Side(t.bound(a, "A")), Side(t.bound(b, "B")), output, by, groups or {}, order)


def between(
    t: Target,
    a: Side,
    b: Side,
    output: str | None = None,
    by: str = "input",
    groups: Mapping[str, Sequence[str]] | None = None,
    order: Sequence[str] | None = None,
    remarks: Sequence[str] = (),
) -> Bridge:
    """The bridge between two sides whose inputs are bound; arguments as of `bridge`."""
    o = t.output(output)
    differ = [key for key in t.inputs if a.inputs[key] != b.inputs[key]]
    needed = t.needs(o.key)
    changed, idle = ([key for key in differ if (key in needed) == moves] for moves in (True, False))
    order = None if order is None else [key for key in order if key not in idle]
    parts = _parts(t, changed, by, groups or {}, a.own)
    said = [*remarks, *([f"{o.key} does not depend on {', '.join(idle)}, which differ too"] if idle else [])]
    if order is None and len(parts) > MOST and not groups and by == "input":
        said.append(f"{len(parts)} drivers differ: grouped; up to {MOST} are told apart (--group, or --order)")
        parts = _parts(t, changed, "group", {}, a.own)
    if order is None and len(parts) > MOST:
        raise InputError(f"{len(parts)} drivers are too many for all their combinations ({MOST}): --group or --order")
    value = _Combined(t, o.key, a, b, parts)
    if order is None:
        start, end, effects = _shapley(value, len(parts))
    else:
        parts = _ordered(parts, order)
        value.parts = parts
        start, end, effects = _sequential(value, len(parts))
    drivers = [
        Driver(key, _kind(t, keys), {k: (a.inputs[k], b.inputs[k]) for k in keys if k != TABLES}, effect)
        for (key, keys), effect in zip(parts, effects, strict=True)
    ]
    # Rows of tables that differ in nothing that the result depends on are no driver.
    drivers = [d for d in drivers if d.key != TABLES or d.effect]
    if order is None:
        drivers.sort(key=lambda d: -abs(d.effect))
    residual = math.fsum([end, -start, *(-d.effect for d in drivers)])
    return Bridge(t.name, o, start, end, drivers, "shapley" if order is None else "sequential", residual, said)


def kind(i: Input) -> str:
    """Whether an input is a price, a volume, an efficiency or a choice, by its unit."""
    if not i.varies and not i.quantity.many:
        return "choice"
    labels = {} if i.unit in UNTYPED else parse(i.unit)
    if "USD" in labels:
        return "price"
    if not labels or any(power < 0 for power in labels.values()):
        return "efficiency"  # a share, or so much for each of something
    return "volume"


Parts = list[tuple[str, list[str]]]


def _kind(t: Target, keys: Sequence[str]) -> str:
    kinds = {TABLES if k == TABLES else kind(t.inputs[k]) for k in keys}
    return kinds.pop() if len(kinds) == 1 else "mixed"


def _parts(t: Target, changed: Sequence[str], by: str, groups: Mapping[str, Sequence[str]], tables: bool) -> Parts:
    """The drivers and the inputs that each changes."""
    if by not in ("input", "group"):
        raise UsageError(f"--by {by}: can be input or group")
    of: dict[str, str] = {}
    for group, keys in groups.items():
        for key in keys:
            t.input(key, f"group {group}")
            if of.setdefault(key, group) != group:
                raise InputError(f"{key} is in the groups {of[key]} and {group}")
    found: dict[str, list[str]] = {}
    for key in changed:
        alone = kind(t.inputs[key]) if by == "group" else key
        found.setdefault(of.get(key, alone), []).append(key)
    return [*found.items(), *([(TABLES, [TABLES])] if tables else [])]


def _ordered(parts: Parts, order: Sequence[str]) -> Parts:
    known = dict(parts)
    for key in order:
        if key not in known:
            raise InputError(f"--order: {key!r} is nothing that differs{nearest(key, known) or _listed(known)}")
    if len(set(order)) != len(order):
        raise InputError("--order: names a driver twice")
    if missing := [key for key in known if key not in order]:
        raise InputError(
            f"--order: leaves out {', '.join(missing)}, which differ{'s' if len(missing) == 1 else ''} too"
        )
    return [(key, known[key]) for key in order]


def _listed(known: Mapping[str, Any]) -> str:
    return f"; there are {', '.join(known)}" if known else ""


class _Combined:
    """The result where some drivers are as in the second case and the others as in the first."""

    def __init__(self, t: Target, key: str, a: Side, b: Side, parts: Parts) -> None:
        self.t, self.key, self.a, self.b, self.parts = t, key, a, b, parts

    def __call__(self, changed: NDArray[np.bool_]) -> list[float]:
        """The results of combinations: a row each, and a column for every driver: whether it has changed."""
        found = np.empty(len(changed))
        for rows, whole in self._alike(changed):
            with self._tables(changed[rows[0]]):
                found[rows] = self._of_rows(changed[rows], whole)
        if (bad := np.flatnonzero(np.isnan(found))).size:
            raise InputError(f"{self._named(changed[bad[0]])} there is no {self.key}, so its change has no parts")
        return [float(v) for v in found]

    def _alike(self, changed: NDArray[np.bool_]) -> Iterator[tuple[NDArray[np.intp], set[str]]]:
        """Rows that can be computed at once: those with the same tables and the same lists."""
        single = [n for n, (_, keys) in enumerate(self.parts) if any(self._is_whole(k) for k in keys)]
        codes = changed[:, single] @ (1 << np.arange(len(single))) if single else np.zeros(len(changed), int)
        whole = {k for n in single for k in self.parts[n][1]}
        for code in np.unique(codes):
            yield np.flatnonzero(codes == code), whole

    def _is_whole(self, key: str) -> bool:
        return key == TABLES or self.t.inputs[key].quantity.many

    def _tables(self, row: NDArray[np.bool_]) -> AbstractContextManager[Any]:
        at = next((n for n, (key, _) in enumerate(self.parts) if key == TABLES), None)
        opened = self.a.tables if at is None or not row[at] else self.b.tables
        return opened() if opened else nullcontext()

    def _of_rows(self, changed: NDArray[np.bool_], whole: set[str]) -> Any:
        columns: dict[str, Any] = dict(self.a.inputs)
        for n, (_, keys) in enumerate(self.parts):
            for key in keys:
                if key == TABLES:
                    continue
                a, b = self.a.inputs[key], self.b.inputs[key]
                if key in whole:
                    columns[key] = b if changed[0, n] else a
                else:
                    kind_of = object if isinstance(a, str) else float
                    columns[key] = np.where(changed[:, n], np.array(b, dtype=kind_of), np.array(a, dtype=kind_of))
        return self.t.compute(columns, [self.key])[self.key]

    def _named(self, row: NDArray[np.bool_]) -> str:
        sides = ("A", "B")
        if row.all() or not row.any():
            return f"with the inputs of {sides[int(row.any())]}"
        names = [key for (key, _), new in zip(self.parts, row, strict=True) if new]
        return f"with {', '.join(names)} of B and the rest of A"


def _shapley(value: _Combined, count: int) -> tuple[float, float, list[float]]:
    """Every driver's effect, weighed over all sets of the others that can have changed before it."""
    sets = np.arange(1 << count)
    changed = (sets[:, None] >> np.arange(count)) & 1 == 1
    results = value(changed)
    # In how many of all orders exactly so many come before it, and they are these.
    orders = [math.factorial(before) * math.factorial(count - 1 - before) for before in range(count)]
    effects = []
    for n in range(count):
        sums: list[list[float]] = [[] for _ in orders]
        for s in sets[~changed[:, n]].tolist():
            sums[s.bit_count()] += (results[s | 1 << n], -results[s])
        weighed = (times * math.fsum(terms) for times, terms in zip(orders, sums, strict=True))
        effects.append(math.fsum(weighed) / math.factorial(count))
    return results[0], results[-1], effects


def _sequential(value: _Combined, count: int) -> tuple[float, float, list[float]]:
    results = value(np.tri(count + 1, count, -1, dtype=bool))
    return results[0], results[-1], [new - old for old, new in pairwise(results)]
