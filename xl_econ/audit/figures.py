"""Figures in texts, as analysts type them into tables: `~$3-5K/GPU`, `~1.7M A100-hours`, `40-60%`, `$200M-$1B+`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from xl_econ.core.units import Unit, parse, times

from .units import Measure, in_label, read

_SCALES = {"k": 1e3, "m": 1e6, "mm": 1e6, "mn": 1e6, "b": 1e9, "bn": 1e9, "t": 1e12, "tn": 1e12}
_WORDS = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?!\d|[.,]\d|x\d)"
_SCALE = r"(?:(?:\s?(?:thousand|million|billion|trillion)|[KkMmBbTt][mMnN]?)(?![A-Za-z0-9]))?"
_FIGURE = re.compile(
    rf"""(?<![\w.])(?<!\d[-–/])(?<![A-Za-z]-)(?P<about>[~≈]\s*)?(?P<edge>[<>≤≥]\s*)?(?P<money>[$€])?
    (?P<low>{_NUMBER})(?P<low_scale>{_SCALE})(?P<low_percent>%)?
    (?:\s?(?:-|–|to)\s?[$€]?(?P<high>{_NUMBER})(?P<high_scale>{_SCALE}))?
    (?P<more>\+)?(?P<percent>%)?(?P<and_more>\+)?
    (?P<unit>(?:[-\s]?(?:[A-Z]\w*(?:-eq)?[-\s]hours?|GPU-h\w*|hours?|hrs?|years?|yrs?|months?|days?|GPUs?|M\s+tokens?|tokens?
       |params?|parameters|kWh|kW|MW|W|TFLOPS|TFLOP/s|GB|TB|x)\b)?(?:\s?/\s?[A-Za-z]+(?:\s+tokens?)?)*)""",
    re.X,
)
_ACCELERATOR_HOURS = re.compile(r"(?P<what>[A-Z]\w*?)(?:-eq)?[-\s]hours?$")
_LARGE = 1e6


@dataclass(frozen=True)
class Figure:
    """A figure that a text or a number states.

    Attributes:
        low: Its lower end, in the labels of its unit.
        high: Its upper end; infinite for "$100M+".
        unit: Its unit as far as it is written; None: not at all.
        about: Whether it is said to be rough.
        of: The accelerator whose hours it counts, if the text says so.
        text: As it is written.
    """

    low: float
    high: float
    unit: Unit | None
    text: str
    about: bool = False
    of: str = ""

    @property
    def measure(self) -> Measure | None:
        return None if self.unit is None else Measure.of(self.unit)


@lru_cache(1 << 14)
def figures(text: str) -> tuple[Figure, ...]:
    """Every figure in a text; names such as H100, p5.48xlarge and FP16 are none."""
    return tuple(_figure(m) for m in _FIGURE.finditer(text) if len(text) < 2000)


def _figure(m: re.Match[str]) -> Figure:
    high_scale = _factor(m["high_scale"])
    low_scale = _factor(m["low_scale"]) if m["low_scale"] else high_scale if m["high"] else 1.0
    low = float(m["low"].replace(",", "")) * low_scale
    high = float(m["high"].replace(",", "")) * high_scale if m["high"] else low
    unit, of = _unit(m)
    if m["percent"] or m["low_percent"]:
        low, high, unit = low / 100, high / 100, {}
    edge = (m["edge"] or "").strip()
    if m["more"] or m["and_more"] or edge in (">", "≥"):
        high = math.inf
    elif edge:
        low = -math.inf
    return Figure(low, high, unit, m[0].strip(), bool(m["about"]), of)


def _factor(text: str | None) -> float:
    word = (text or "").strip().casefold()
    return _WORDS.get(word) or _SCALES.get(word, 1.0)


def _unit(m: re.Match[str]) -> tuple[Unit | None, str]:
    written = m["unit"].strip(" -")
    first, mark, rest = written.partition("/")
    of = _ACCELERATOR_HOURS.search(first)
    unit = parse("GPU-h") if of else read(first) if first.strip() else {}
    for part in rest.split("/") if mark else ():
        below = read(part)
        unit = None if unit is None or below is None else times(unit, below, -1)
    if m["money"]:
        money = parse("USD" if m["money"] == "$" else "EUR")
        return (None if unit is None else times(money, unit)), ""
    return (unit or None), of["what"] if of and of["what"] != "GPU" else ""


def numbers_aside(text: str) -> str:
    """A text without its figures and brackets: what it is about."""
    return re.sub(r"\s+", " ", _FIGURE.sub(" ", text)).strip()


__all__ = ["Figure", "figures", "in_label", "numbers_aside"]
