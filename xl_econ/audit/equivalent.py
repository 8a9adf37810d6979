"""Arithmetic that comes to one of our metrics, in anybody's workbook: told by labels, proven by varying the inputs.

A formula is followed down to the figures that its labels recognise. It is compared only where nothing else goes into it
but constants: a formula with an input of its own, such as a contingency, is another formula and no slip.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from xl_econ.core.errors import XlEconError
from xl_econ.core.registry import Metric
from xl_econ.hosts.python import function
from xl_econ.metrics import REGISTRY
from xl_econ.workbook.book import Cell

from .arithmetic import Evaluator, Where, reads
from .parsed import Unknown
from .quantities import Stated, records
from .vocabulary import BY_NAME

if TYPE_CHECKING:
    from .recognised import Recognised
    from .subject import Subject

# The kinds of figures that a parameter may be, the best first; a kind that is called as the parameter needs no entry.
# A kind may be narrowed by words of its label: a price and a cost are both so many dollars per million tokens.
_OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "params_b": ("params_active", "params", "params_total"),
    "tokens_t": ("tokens",),
    "peak_tflops": ("peak",),
    "tokens_per_second_per_gpu": ("tokens_per_second",),
    "load": ("utilization",),
    "cloud_rate": ("usd_per_gpu_hour",),
    "price_usd": ("usd_per_mtok:price",),
    "cost_usd": ("usd_per_mtok:cost",),
}
# What a figure of a kind may be computed as; a parameter that is not there is worked out from others.
RESULTS: dict[str, tuple[str, ...]] = {
    "cost_usd": ("TRAIN_COST",),
    "gpu_hours": ("GPU_HOURS",),
    "flop": ("TRAIN_FLOP",),
    "days": ("TRAIN_DAYS",),
    "mfu": ("MFU", "MFU_FROM_TPS"),
    "power_usd": ("POWER_COST",),
    "energy_kwh": ("TRAIN_ENERGY",),
    "usd_per_mtok": ("COST_PER_MTOK", "PRICE_FOR_MARGIN"),
    "margin": ("GROSS_MARGIN",),
    "owned_rate": ("OWNED_RATE",),
    "effective_rate": ("EFFECTIVE_RATE",),
    "breakeven_utilization": ("BREAKEVEN_UTIL",),
}
_DERIVED = {"flop": "TRAIN_FLOP", "gpu_hours": "GPU_HOURS"}
# Periods and counts that such a figure may well be of, whatever its label leaves out: a bill of a month, of years.
_OF_PERIODS = frozenset(["POWER_COST", "OWNED_RATE"])
_PERIODS = (8760.0, 730.0, 720.0, 24.0, 12.0, 365.0)
_MOST_PERIODS = 10
# Numbers that are no inputs: what a template or a person keeps in a cell of its own to name it.
_CONSTANTS = {1.0, 2.0, 6.0, 12.0, 24.0, 60.0, 365.0, 3600.0, 8760.0, 1e3, 1e6, 1e9, 1e12, 1e15, 100.0}
# What a formula's result over the right one means.
_SLIPS = {
    1 / 3: "2ND, the FLOP of a forward pass, in place of 6ND",
    1 / 6: "the 6 of 6ND is missing",
    1 / 2: "the peak with sparsity in place of the dense one, or a factor of 2 left out",
    2.0: "a factor of 2 too many",
    3600.0: "seconds taken as hours",
    1 / 3600: "hours divided by 3,600 once too often",
    60.0: "minutes taken as hours",
    24.0: "hours taken as days",
    1 / 24: "days taken as hours",
    8.0: "bits in place of bytes, or a node in place of an accelerator",
    1 / 8: "a node in place of an accelerator",
    12.0: "a year in place of a month",
    1 / 12: "a month in place of a year",
    100.0: "a percentage taken as a share",
    1 / 100: "a percentage taken as a share",
}
_EXACT = 1e-6
_STEP = 1.07  # by which an input is varied
_DEEPEST = 40


def kinds_of(parameter: str) -> tuple[str, ...]:
    """The kinds of figures that a parameter of a metric may be."""
    return _OTHER_NAMES.get(parameter, (parameter,) if parameter in BY_NAME else ())


@dataclass
class _Sources:
    """What a formula is computed from: recognised figures, the formulas that it reads, and how many are in a chain."""

    figures: dict[Where, Stated]
    through: list[Where]
    height: int = 0


def cells(subject: Subject) -> Iterator[Recognised]:
    """Formula cells of other people's workbooks that compute a metric, and those that should and do not."""
    if subject.manifest is not None:
        return  # its calculation is compared row by row
    present = {kind for r in records(subject) for kind in r.figures}
    results = {
        kind: [m for name in names if _can_be_computed(m := REGISTRY[name], present)]
        for kind, names in RESULTS.items()
        if kind in present
    }
    if not any(results.values()):
        return
    found = _Search(subject)
    for stated in list(found.stated.values()):
        if stated.cell.formula:
            yield from found.of(stated, results.get(stated.kind.name, ()))


def _can_be_computed(m: Metric, present: set[str]) -> bool:
    """Whether a workbook states the kinds of figures that a metric needs, anywhere."""
    return all(
        p.optional
        or any(kind.partition(":")[0] in present for kind in kinds_of(p.name))
        or (_DERIVED.get(p.name, m.name) != m.name and _can_be_computed(REGISTRY[_DERIVED[p.name]], present))
        for p in m.params.values()
    )


class _Search:
    def __init__(self, subject: Subject) -> None:
        self.subject, self.graph = subject, subject.graph
        self.stated: dict[Where, Stated] = {}
        self.beside: dict[Where, dict[str, list[Stated]]] = {}  # the other figures of a figure's record
        for r in records(subject):
            for many in r.figures.values():
                for s in many:
                    if s.cell.is_number:
                        where = _where(s.cell)
                        self.stated[where] = s
                        self.beside[where] = r.figures
        self.slipped: set[Where] = set()
        self.reached: dict[tuple[str, Where], _Sources] = {}  # by metric and cell
        self.failed: dict[tuple[str, Where], int] = {}  # from how deep on it leads nowhere

    def of(self, stated: Stated, metrics: Sequence[Metric]) -> Iterator[Recognised]:
        for m in metrics:
            sources = self._sources(stated.cell, m)
            # What goes wrong in a step is said at that step.
            if sources is None or not sources.figures or self._is_slipped(sources, m):
                continue
            found = self._compare(stated, m, sources)
            if found is not None:
                if found.ratio != 1:
                    self.slipped.add(_where(stated.cell))
                yield found
                return

    def _sources(self, cell: Cell, m: Metric) -> _Sources | None:
        """The figures that a formula goes back to; None where something else goes into it."""
        wanted = _wanted(m)

        def follow(c: Cell, depth: int) -> _Sources | None:
            here = (m.name, _where(c))
            if depth >= self.failed.get(here, _DEEPEST + 1):
                return None
            found = self.reached.get(here) or leads(c, depth)
            if found is None or depth + found.height > _DEEPEST:
                self.failed[here] = depth
                return None
            self.reached[here] = found
            return found

        def leads(c: Cell, depth: int) -> _Sources | None:
            found = _Sources({}, [])
            for read in reads(self.graph, c):
                if read is None or not read.is_number:
                    return None
                where = _where(read)
                s = self.stated.get(where)
                if s is not None and (s.kind.name in wanted or (not read.formula and s.kind.name in _KNOWN)):
                    found.figures[where] = s
                elif read.formula:
                    inner = follow(read, depth + 1)
                    if inner is None:
                        return None
                    found.figures |= inner.figures
                    found.through.append(where)
                    found.height = max(found.height, inner.height + 1)
                elif float(read.shown) not in _CONSTANTS:
                    return None
            return found

        return follow(cell, 0)

    def _is_slipped(self, sources: _Sources, m: Metric) -> bool:
        """Whether a formula that another is computed from has a slip of its own."""
        left, seen = list(sources.through) if self.slipped else [], set[Where]()
        while left:
            where = left.pop()
            if where in self.slipped:
                return True
            if where not in seen:
                seen.add(where)
                left += self.reached[m.name, where].through
        return False

    def _compare(self, stated: Stated, m: Metric, sources: _Sources) -> Recognised | None:
        from .recognised import Recognised

        by_kind: dict[str, Stated] = {}
        for s in sources.figures.values():
            name = _narrowed(s.kind.name, s.label, m)
            if name in by_kind:
                return None  # two of a kind: which is meant?
            by_kind[name] = s
        if by_kind.keys() - _used_by(m):
            return None  # a figure that the metric does not take makes another figure of it
        held = {where: float(s.cell.shown) for where, s in sources.figures.items()}
        left_out: dict[str, Stated] = {}
        inputs = self._inputs(m, by_kind, stated, left_out)
        if inputs is None:
            return None
        try:
            value = self._value(stated, held)
            expected = self._expected(m, inputs)
            if not value or not expected or not math.isclose(value, _shown(stated), rel_tol=_EXACT):
                return None  # what is stored is old, which is said elsewhere
            ratio = value / expected
            used = self._used(m, by_kind)
            trend = {p: self._trend(stated, m, inputs, p, s, ratio, held) for p, s in used.items()}
        except (Unknown, XlEconError, ArithmeticError, ValueError):
            return None
        values = {p: v for p, v in inputs.items() if p in m.params}
        is_same = math.isclose(ratio, 1, rel_tol=_EXACT)
        if m.name in _OF_PERIODS and not is_same and _is_period(ratio):
            return None
        slip = self._slip(ratio, trend, left_out, inputs, by_kind, stated)
        if slip is None or (is_same and (left_out or any(trend.values()))):
            return None
        known = {p: v for p, v in inputs.items() if p not in left_out}
        if not slip and is_same:
            return Recognised(stated.cell, m, values, stated.cell.shown, "arithmetic")
        right = stated.cell.shown / ratio
        if slip.startswith("all parameters"):
            active = self._beside(stated, "params_active")
            assert active is not None  # noqa: S101  (the slip says so)
            right *= active.low / inputs["params_b"]
            ratio = stated.cell.shown / right
        return Recognised(stated.cell, m, values if known else {}, right, "arithmetic", ratio, slip)

    def _inputs(
        self, m: Metric, by_kind: Mapping[str, Stated], result: Stated, left_out: dict[str, Stated]
    ) -> dict[str, Any] | None:
        """The inputs of a metric, with those of the metrics that one of them is worked out by; None: one is missing."""
        found: dict[str, Any] = {}
        for p in m.params.values():
            s = next((by_kind[k] for k in kinds_of(p.name) if k in by_kind), None)
            if s is not None:
                found[p.name] = s.middle
            elif not p.optional and p.name in _DERIVED and _DERIVED[p.name] != m.name:
                inner = self._inputs(REGISTRY[_DERIVED[p.name]], by_kind, result, left_out)
                if inner is None:
                    return None
                found |= inner
            elif not p.optional:
                beside = next((b for k in kinds_of(p.name) if (b := self._beside(result, k))), None)
                if beside is None:
                    return None
                found[p.name] = beside.middle
                left_out[p.name] = beside
        return found

    def _beside(self, result: Stated, kind: str) -> Stated | None:
        """The one other figure of a kind that stands beside a result."""
        many = [s for s in self.beside[_where(result.cell)].get(kind, ()) if s.cell is not result.cell]
        return many[0] if len(many) == 1 and not many[0].cell.formula else None

    def _expected(self, m: Metric, inputs: Mapping[str, Any]) -> float:
        given = {p: inputs[p] for p in m.params if p in inputs}
        for p in m.params.values():
            if p.name not in given and not p.optional:
                given[p.name] = self._expected(REGISTRY[_DERIVED[p.name]], inputs)
        return float(function(m.name)(**given))

    def _value(self, stated: Stated, given: Mapping[Where, float]) -> float:
        """What the formula gives, in the unit of its kind."""
        value = Evaluator(self.graph, given, deep=True).of(stated.cell)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Unknown
        return float(value) * (stated.middle / _shown_number(stated))

    def _used(self, m: Metric, by_kind: Mapping[str, Stated]) -> dict[str, Stated]:
        return {p: by_kind[k] for p in _takes(m) for k in kinds_of(p) if k in by_kind}

    def _trend(
        self,
        stated: Stated,
        m: Metric,
        inputs: dict[str, Any],
        p: str,
        s: Stated,
        ratio: float,
        held: Mapping[Where, float],
    ) -> float:
        """The power of an input by which the formula and the metric differ; 0: it goes in as it should."""
        factor = 1 / _STEP if s.kind.is_share or inputs.get(p) == 1 else _STEP
        value = self._value(stated, {**held, _where(s.cell): float(s.cell.shown) * factor})
        expected = self._expected(m, inputs | {p: inputs[p] * factor} if p in inputs else inputs)
        power = math.log(value / expected / ratio) / math.log(factor)
        return 0.0 if abs(power) < _EXACT else power

    def _slip(
        self,
        ratio: float,
        trend: Mapping[str, float],
        left_out: Mapping[str, Stated],
        inputs: Mapping[str, Any],
        by_kind: Mapping[str, Stated],
        stated: Stated,
    ) -> str | None:
        """What explains a ratio: "" nothing that is known, None where it is another formula and no slip."""
        off = {p: k for p, k in trend.items() if k}
        if len(off) + len(left_out) > 1:
            return None
        words, rest = "", ratio
        for p, s in left_out.items():
            # Of a figure that is not read the formula lacks one power, whichever.
            power = next((k for k in (1, -1) if _explained(ratio / s.middle**k) is not None), None)
            if power is None:
                return None
            words, rest = f"{p} is left out ({s.cell.at})", ratio / s.middle**power
        for p, k in off.items():
            if abs(k - round(k)) > _EXACT or abs(k) > 2:
                return None
            rest = ratio / inputs[p] ** round(k)
            words = f"{p} goes in with the power of {round(k):+d} too many"
        why = _explained(rest)
        if words:
            return None if why is None else "; ".join(filter(None, (words, why)))
        active = self._beside(stated, "params_active")
        if math.isclose(ratio, 1, rel_tol=_EXACT):
            if "params_total" in by_kind and active and active.low < by_kind["params_total"].low:
                return f"all parameters of a mixture of experts in place of the active ones ({active.cell.at})"
            return ""
        return why or ""


def _explained(ratio: float) -> str | None:
    """What a constant ratio means; "" if it is 1, None if nothing is known that does."""
    if math.isclose(ratio, 1, rel_tol=_EXACT):
        return ""
    for factor, why in _SLIPS.items():
        if math.isclose(ratio, factor, rel_tol=_EXACT):
            return why
    power = math.log10(abs(ratio)) / 3
    if abs(power - round(power)) < _EXACT / 3:
        return f"a factor of 1e{3 * round(power)}: thousands, millions or billions"
    return None


@lru_cache
def _wanted(m: Metric) -> frozenset[str]:
    """The kinds of figures that a metric takes, whatever their labels say."""
    return frozenset(kind.partition(":")[0] for p in m.params for kind in kinds_of(p))


@lru_cache
def _takes(m: Metric) -> list[str]:
    """The parameters of a metric, and of the metrics that one of them may be worked out by."""
    inner = [p for n in m.params if n in _DERIVED and _DERIVED[n] != m.name for p in _takes(REGISTRY[_DERIVED[n]])]
    return list(dict.fromkeys([*m.params, *inner]))


@lru_cache
def _used_by(m: Metric) -> frozenset[str]:
    return frozenset(kind for p in _takes(m) for kind in kinds_of(p))


_KNOWN = {kind.partition(":")[0] for names in RESULTS.values() for n in names for kind in _used_by(REGISTRY[n])}


@lru_cache(1 << 14)
def _narrowed(name: str, label: str, m: Metric) -> str:
    """The kind of a figure, by the words of its label where the metric takes several of its kind."""
    label = label.casefold()
    for kind in _used_by(m):
        own, _, word = kind.partition(":")
        others = {k.partition(":")[2] for k in _used_by(m) if k.startswith(f"{own}:")} - {word}
        if word and own == name and word in label and not any(w in label for w in others):
            return kind
    return name


def _is_period(ratio: float) -> bool:
    """Whether a figure is of another period than the metric's, or of several: a month of a year, three years."""
    periods = {a / b for a in (*_PERIODS, 1.0) for b in (*_PERIODS, 1.0)}
    return any(math.isclose(ratio, n * p, rel_tol=0.02) for p in periods for n in range(1, _MOST_PERIODS + 1))


def _where(cell: Cell) -> Where:
    return cell.sheet, cell.row, cell.column


def _shown_number(stated: Stated) -> float:
    number = float(stated.cell.shown)
    if not number:
        raise Unknown
    return number


def _shown(stated: Stated) -> float:
    return stated.middle
