"""Recognised quantities that lie where they cannot: an MFU over 1, a PUE under 1, a sparse peak taken as dense."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain

from xl_econ.audit.causes import upstream
from xl_econ.audit.quantities import Record, Stated, records
from xl_econ.audit.reconcile import shown
from xl_econ.audit.registry import ERROR, INFO, WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.audit.vocabulary import BY_NAME
from xl_econ.tables.store import TABLES
from xl_econ.workbook.book import Cell

_LEAST_PERCENT = 1.5  # from here on a number that should be a share is a percentage typed as a number
_ROUNDING = 1e-6
_LEAST_BOARD = 5.0
_BOARD = re.compile(r"\b(board power|tdp|power per (gpu|accelerator|card))\b", re.I)
_LEAST_IDLE = 200  # an idle board draws a tenth of its rated power
_UNBOUNDED = ("breakeven_utilization",)  # above 1 where renting is cheaper at any load
_OTHER_PEAKS = ("fp8", "fp4", "int8", "fp32", "fp64", "tf32", "sparse")
_SAME_PEAK = 0.006


@check(
    "out-of-bounds",
    ERROR,
    "A figure lies where its quantity cannot: an MFU, goodput or utilization over 1, a PUE under 1, a negative price",
    "look for a wrong unit, a wrong sign, hours of another period; or correct the label",
)
def out_of_bounds(subject: Subject) -> Iterator[Found]:
    """Against the bounds of the quantity; zero is often an input that is not filled in, and is let pass."""
    copies: dict[tuple[str, str, str], list[Stated]] = defaultdict(list)
    for _, s in _each(subject, _outside):
        if not _is_percent(s):
            copies[s.cell.sheet, s.label, s.cell.key or s.cell.at].append(s)
    typed: dict[tuple[str, str], list[Stated]] = defaultdict(list)
    of_typed: dict[tuple[str, str], Cell] = {}
    for same in copies.values():
        s = same[0]
        negative = _negative(subject, s)
        if negative is not None:
            typed[negative.sheet, negative.at].append(s)
            of_typed[negative.sheet, negative.at] = negative
            continue
        # What is used of a plan or of a commitment can be more than all of it.
        doubtful = s.cell.formula and s.kind.name == "utilization"
        written = shown(s.low, "%") if s.kind.is_share and s.cell.is_number else s.text
        more = f"; so are {len(same) - 1} copies of {s.cell.formula[:60]}" if len(same) > 1 else ""
        text = f"{s.label.strip() or s.kind.name}: {written}; it is {_allowed(s)}{more}"
        yield at(s.cell, text, severity=WARNING if doubtful else "")
    for where, many in typed.items():
        s, cell = many[0], of_typed[where]
        first = f"{s.label.strip() or s.kind.name} {shown(s.low)} ({s.cell.sheet}!{s.cell.at})"
        more = f", and {len(many) - 1} more figures so" if len(many) > 1 else ""
        yield at(cell, f"{cell.text} is negative and makes {first}{more}; it is {_allowed(s)}")


def _negative(subject: Subject, s: Stated) -> Cell | None:
    """The one typed negative number that a figure is computed from, where it is negative for no other reason."""
    if not s.cell.formula or not s.low < 0 or s.kind.quantity.low < 0:
        return None
    found = [c for c in upstream(subject, s.cell) if c.is_number and not c.formula and c.shown < 0]
    return found[0] if len(found) == 1 and not subject.as_built(found[0]) else None


def _outside(r: Record) -> list[Stated]:
    """Figures that cannot be; only shares and ratios have an end above, everything else may be large."""
    found = []
    for name, figures in r.figures.items():
        low, high = _ends(name)
        found += [s for s in figures if not low <= s.low <= s.high <= high and not _inside(s, low, high)]
    return found


def _inside(s: Stated, low: float, high: float) -> bool:
    return all(low <= v <= high or v == 0 or not math.isfinite(v) for v in (s.low, s.high))


@lru_cache
def _ends(name: str) -> tuple[float, float]:
    """The least and greatest that a figure of a kind can be."""
    kind = BY_NAME[name]
    q = kind.quantity
    if name in _UNBOUNDED:
        return -math.inf, math.inf
    high = 1.0 if name == "margin" else q.high if kind.is_share or name == "pue" else math.inf
    low = -math.inf if name.endswith("_usd") or name == "margin" else q.low
    return low - _ROUNDING, high * (1 + _ROUNDING)


@check(
    "percent-as-number",
    ERROR,
    "A percentage is typed as a number where a share is meant: 40 is a hundred times 40%",
    "type 40% or 0.4, or divide by 100 where it is used and write % beside it",
)
def percent_as_number(subject: Subject) -> Iterator[Found]:
    """A share of more than 1 that no formula divides by 100; one that no formula reads is only shown so."""
    for _, s in _each(subject, _percents):
        if s.cell.formula:
            continue
        readers = subject.graph.dependents(s.cell.sheet, s.cell.row, s.cell.column)
        if any("100" in c.formula or "%" in c.formula for c in readers):
            continue
        text = f"{s.label.strip()} is {s.text}: as a share that is {s.low / 100:.4g}"
        yield at(s.cell, text, s.low / 100, severity="" if readers else INFO)


@check(
    "sparse-peak",
    WARNING,
    "A peak is twice the accelerator's dense one: the figure with sparsity, which training and serving do not reach",
    "take the dense peak, half of it; MFU refers to that",
)
def sparse_peak(subject: Subject) -> Iterator[Found]:
    """Peaks that are twice the dense BF16 peak of the accelerator named beside them, unless FP8 is meant."""
    table = TABLES["accelerators"]
    for r, s in _each(subject, _of_kind("peak")):
        if not r.accelerator or s.low != s.high:
            continue
        said = f"{r.words} {s.label} {r.heading}".casefold()
        dense = table.lookup_or(r.accelerator, "bf16", 0.0)
        if dense and abs(s.low / (2 * dense) - 1) < _SAME_PEAK and not any(w in said for w in _OTHER_PEAKS[:-1]):
            text = f"{s.text} TFLOP/s is twice the dense BF16 peak of {r.accelerator}, {dense:g}: the one with sparsity"
            yield at(s.cell, text, dense, severity=ERROR if "mfu" in r.figures else "")


@check(
    "board-power",
    WARNING,
    "The typed power of a named accelerator is a small fraction of its data sheet's: kilowatts where watts are meant",
    "type it in the unit that its label says",
)
def board_power(subject: Subject) -> Iterator[Found]:
    """Far below what even an idle board draws; more than the data sheet's may be of a whole server or rack."""
    table = TABLES["accelerators"]
    for r, s in _each(subject, _of_kind("watts")):
        if s.cell.formula or not s.cell.is_number or s.low <= 0:
            continue
        rated = table.lookup_or(r.accelerator, "tdp_w", 0.0) if r.accelerator else 0.0
        if s.low < rated / _LEAST_IDLE:
            yield at(
                s.cell, f"{s.label.strip()} is {s.low:.6g} W; the data sheet of {r.accelerator} says {rated:g}", rated
            )
        elif not rated and s.low < _LEAST_BOARD and _BOARD.search(s.label):
            yield at(s.cell, f"{s.label.strip()} is {s.low:.6g} W, less than any accelerator's board draws")


_MOST_SHARE = 3.0  # from here on a figure that is shown in percent was typed as a number of percent


@check(
    "percent-of-hundreds",
    WARNING,
    "A typed percentage is several hundred percent: 8 typed where 8% is meant is shown as 800%",
    "type 8%, or 0.08",
)
def percent_of_hundreds(subject: Subject) -> Iterator[Found]:
    """Inputs that are shown in percent, whatever they are called."""
    in_percent = (cells for look, cells in subject.formatted_inputs if "%" in look.format and not look.is_date)
    for cell in chain.from_iterable(in_percent):
        if cell.shown >= _MOST_SHARE and not subject.as_built(cell):
            yield at(cell, f"{cell.shown:.4g} is shown as {cell.shown:.4%}", cell.shown / 100)


def _each(subject: Subject, asked: Callable[[Record], Sequence[Stated]]) -> Iterator[tuple[Record, Stated]]:
    """What is asked for of all that typed cells and formulas state, each once."""
    for r in records(subject):
        found = asked(r)
        if found:
            again = _again(r)
            yield from ((r, s) for s in found if id(s) not in again)


def _again(r: Record) -> set[int]:
    """By identity what a record states of a cell in the same words as before."""
    firsts: dict[int, Stated] = {}  # by cell; few state more than one figure
    others: set[tuple[int, str]] = set()
    found: set[int] = set()
    for s in chain.from_iterable(r.figures.values()):
        first = firsts.setdefault(id(s.cell), s)
        if first is not s:
            others.add((id(s.cell), first.text))
            if (id(s.cell), s.text) in others:
                found.add(id(s))
            others.add((id(s.cell), s.text))
    return found


def _of_kind(name: str) -> Callable[[Record], Sequence[Stated]]:
    return lambda r: r.figures.get(name, ())


def _percents(r: Record) -> list[Stated]:
    """Shares that are written as a number of percent."""
    return [s for name, figures in r.figures.items() if BY_NAME[name].is_share for s in figures if _is_percent(s)]


def _is_percent(s: Stated) -> bool:
    """Whether a share is written as a number of percent."""
    return _LEAST_PERCENT < s.low <= 100 and s.kind.is_share and s.cell.is_number and "%" not in s.cell.format


def _allowed(s: Stated) -> str:
    return "at most 100%" if s.kind.is_share else s.kind.quantity.range
