"""Units as people write them: in a text of their own, in a label, a heading, a key, a number format.

What is read ends in the labels of `xl_econ.core.units`; a `Measure` sets the labels that differ only by a factor (kW
and W, hours and years, GB and GiB) in proportion, so that a finding can name the factor that was forgotten.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from xl_econ.core.errors import UnitError
from xl_econ.core.units import Unit, parse, times

# What people write, in small letters, by the label that it means. Beside these every label of the core is read.
ALIASES = {
    "USD": "$ usd us$ dollar dollars usd$",
    "EUR": "€ eur euro euros",
    "s": "s sec secs second seconds",
    "min": "min mins minute minutes",
    "h": "h hr hrs hour hours",
    "day": "day days",
    "week": "week weeks wk",
    "month": "month months mo mth monthly",
    "yr": "yr yrs year years y annum annual annually p.a.",
    "W": "w watt watts",
    "k*W": "kw kilowatt kilowatts",
    "M*W": "mw megawatt megawatts",
    "G*W": "gw",
    "W*h": "wh",
    "k*W*h": "kwh kilowatt-hours",
    "M*W*h": "mwh",
    "G*W*h": "gwh",
    "byte": "byte bytes",
    "k*byte": "kb",
    "M*byte": "mb",
    "G*byte": "gb",
    "T*byte": "tb",
    "P*byte": "pb",
    "Ki*byte": "kib",
    "Mi*byte": "mib",
    "Gi*byte": "gib",
    "Ti*byte": "tib",
    "bit": "bit bits",
    "M*bit/s": "mbps mbit/s",
    "G*bit/s": "gbps",
    "G*bit": "gbit gbits",
    "T*bit/s": "tbps",
    "FLOP": "flop",
    "T*FLOP": "tflop",
    "P*FLOP": "pflop",
    "token": "token tokens tok toks",
    "k*token": "ktok ktoken ktokens",
    "M*token": "mtok mtoken mtokens",
    "B*token": "btok btoken btokens",
    "T*token": "ttok ttoken ttokens",
    "param": "param params parameter parameters",
    "B*param": "bparam bparams",
    "GPU": "gpu gpus accelerator accelerators card cards chip chips",
    "GPU*h": "gpuh gpu-h gpu-hr gpu-hrs gpu-hour gpu-hours gpuhour gpuhours",
    "node": "node nodes server servers",
    "instance": "instance instances",
    "request": "request requests req reqs query queries call calls",
    "user": "user users seat seats",
    "person": "person people fte ftes head employee",
    "1": "1 share ratio factor fraction x multiple",
    "percent": "% percent pct",
    "k": "k thousand thousands 000 000s '000 '000s 1k 1000 1,000",
    "M": "mn mm million millions mio 1m",
    "B": "bn billion billions",
    "T": "tn trillion trillions",
}
# Where capitals tell units apart that small letters do not.
EXACT = {
    "M": "M",
    "B": "B",
    "T": "T",
    "G": "G",
    "K": "k",
    "Gb": "G*bit",
    "Mb": "M*bit",
    "Gb/s": "G*bit/s",
    "FLOPs": "FLOP",
    "FLOPS": "FLOP/s",
    "TFLOPs": "T*FLOP",
    "TFLOPS": "T*FLOP/s",
    "PFLOPs": "P*FLOP",
    "PFLOPS": "P*FLOP/s",
    "GFLOPS": "G*FLOP/s",
    "EFLOPS": "E*FLOP/s",
    "$K": "k*USD",
    "$k": "k*USD",
    "$M": "M*USD",
    "$m": "M*USD",
    "$B": "B*USD",
    "$bn": "B*USD",
    "$mm": "M*USD",
    "$MM": "M*USD",
    "K$": "k*USD",
    "k$": "k*USD",
    "M$": "M*USD",
    "kUSD": "k*USD",
    "mUSD": "M*USD",
    "MUSD": "M*USD",
    "USDk": "k*USD",
    "USDm": "M*USD",
    "mW": "m*W",
}
# How labels of one kind go together: the label that they are measured by, and how many of it they are.
PROPORTION = {
    "m": ("", 1e-3),
    "us": ("h", 1e-6 / 3600),
    "ms": ("h", 1e-3 / 3600),
    "percent": ("", 1e-2),
    "k": ("", 1e3),
    "M": ("", 1e6),
    "G": ("", 1e9),
    "B": ("", 1e9),
    "T": ("", 1e12),
    "P": ("", 1e15),
    "E": ("", 1e18),
    "Ki": ("", 2.0**10),
    "Mi": ("", 2.0**20),
    "Gi": ("", 2.0**30),
    "Ti": ("", 2.0**40),
    "s": ("h", 1 / 3600),
    "min": ("h", 1 / 60),
    "day": ("h", 24.0),
    "week": ("h", 168.0),
    "month": ("h", 730.0),
    "yr": ("h", 8760.0),
    "bit": ("byte", 0.125),
}
# What a figure can be wrong in: everything else counts things, and is often left unsaid ("$/h" of one accelerator).
STRICT = ("USD", "EUR", "W", "h", "byte", "FLOP", "token")
CLOSE = 0.03  # 8,766 hours are a year, 720 a month

_ALIAS = {word: label for label, words in ALIASES.items() for word in words.split()}
LONGEST = 255  # characters of what may be a unit with white space and brackets around it
_NOT_A_WORD = re.compile(r"^[\s(\[]+|[\s)\].:]+$")
_IN_BRACKETS = re.compile(r"[(\[]([^()\[\]]+)[)\]]")
_LAST_WORDS = re.compile(r",\s*([^,]+)$")
_PER_WORDS = re.compile(r"\b(?:per|an?)\s+([^,()\[\]]+?)[\s,(\[]*$", re.I)
_KEY = re.compile(r"[a-z0-9]+(_[a-z0-9]+)+")
_COUNTS = {"b": "B", "t": "T", "m": "M", "k": "k"}
_COUNTED = ("param", "token")
_LITERAL = re.compile(r'"([^"]*)"')
# A price for so many: "USD per 1,000 tokens" is USD/k token.
_PER = re.compile(r"\s*/\s*|\s+per\s+|\bper\s+", re.I)


@dataclass(frozen=True)
class Measure:
    """What a number counts: the labels that it is in, and how many of them one is."""

    dims: frozenset[tuple[str, float]] = frozenset()
    scale: float = 1.0

    @classmethod
    def of(cls, unit: Unit) -> Measure:
        dims: Unit = {}
        scale = 1.0
        for label, power in unit.items():
            base, factor = PROPORTION.get(label, (label, 1.0))
            scale *= factor**power
            dims = times(dims, {base: power} if base else {})
        return cls(frozenset(dims.items()), scale)

    def __mul__(self, other: Measure) -> Measure:
        return Measure(frozenset(times(dict(self.dims), dict(other.dims)).items()), self.scale * other.scale)

    def __truediv__(self, other: Measure) -> Measure:
        return self * other**-1

    def __pow__(self, power: float) -> Measure:
        return Measure(frozenset((k, v * power) for k, v in self.dims), self.scale**power)

    @cached_property
    def strict(self) -> frozenset[tuple[str, float]]:
        """The labels that may not differ in a sum."""
        return frozenset((k, v) for k, v in self.dims if k in STRICT)

    def alike(self, other: Measure) -> bool:
        """Whether two numbers may be added."""
        return self.strict == other.strict and abs(self.scale / other.scale - 1) < CLOSE


@dataclass(frozen=True)
class Evidence:
    """The unit of a cell: what it measures, how that is written, where, and whether that leaves no doubt."""

    measure: Measure
    text: str
    where: str
    strong: bool = True
    unit: Unit | None = None

    @property
    def said(self) -> str:
        return f"{self.text} ({self.where})"


@lru_cache(1 << 14)
def read(text: str) -> Unit | None:
    """A unit as people write it: `$/M tokens`, `kW per rack`, `GPU-hours`; None if it is none."""
    text = _NOT_A_WORD.sub("", text) if len(text) <= LONGEST else ""
    if not text or len(text) > 40:
        return None
    first, more, _ = text.partition(" ")
    if more and first.isalpha() and first.casefold() != "per" and _word(first) is None:
        return None  # what most labels are
    parts = _PER.split(text)
    if len(parts) > 1 and not parts[0]:  # "per hour" leaves open what
        return None
    found: Unit = {}
    for n, part in enumerate(parts):
        unit = _product(part)
        if unit is None:
            return None
        found = times(found, unit, -1 if n else 1)
    return found


def _product(text: str) -> Unit | None:
    whole = _word(text)
    if whole is not None:
        return whole
    found: Unit = {}
    for word in re.split(r"[\s*·×]+|-(?=\D)", text.strip()):
        unit = _word(word)
        if unit is None:
            return None
        found = times(found, unit)
    return found


@lru_cache(1 << 12)
def _word(word: str) -> Unit | None:
    label = EXACT.get(word) or _ALIAS.get(word.casefold())
    if label is None and word[-1:].isalpha() and not word.islower():
        label = word if _is_label(word) else None
    return None if label is None else parse(label)


def _is_label(word: str) -> bool:
    """Whether the core writes it so: a label, or several with their scale (TFLOP, Mtok)."""
    try:
        return set(parse(word)) <= _LABELS
    except UnitError:
        return False


_LABELS = {*PROPORTION, *STRICT, "GPU", "param", "node"}


@lru_cache(1 << 14)
def in_label(text: str) -> tuple[Unit, str] | None:
    """The unit that a label or heading says: in brackets at its end, after a comma, as the end of a key (`tdp_w`)."""
    if _KEY.fullmatch(text):
        return _in_key(text.split("_"))
    for found in (*reversed(_IN_BRACKETS.findall(text)), *_LAST_WORDS.findall(text)):
        unit = read(found)
        if unit is not None:
            return _with_words(unit, text[: text.rindex(found)]), found.strip()
    return None


def _with_words(unit: Unit, before: str) -> Unit:
    """A unit with what the words before it add: "Cost per M tokens (USD)", "Tokens a month (M)", "Tokens, M"."""
    words = _PER_WORDS.search(before)
    if not Measure.of(unit).dims and set(unit) & set(_COUNTS.values()):
        counted = read((before[: words.start()] if words else before).strip(" ,(["))
        unit = times(unit, counted) if counted and set(counted) <= set(STRICT) else unit
    per = read(words[1]) if words and all(power > 0 for power in unit.values()) else None
    return times(unit, per, -1) if per else unit


def _in_key(words: list[str]) -> tuple[Unit, str] | None:
    """The unit that a key ends in: `usd_per_gpu_hour`; a bare b or t only where something is counted in billions."""
    for n in range(len(words)):
        ending = " ".join(words[n:])
        unit = parse(_COUNTS[ending]) if n and ending in _COUNTS and words[0].startswith(_COUNTED) else read(ending)
        if unit and (Measure.of(unit).dims or ending in _COUNTS) and (n or len(words) > 2):
            return unit, ending
    return None


@lru_cache(1 << 10)
def in_format(text: str) -> tuple[Unit, str] | None:
    """The unit that a number format shows; a percentage is stored as a share."""
    first = text.split(";", maxsplit=1)[0]
    for literal in _LITERAL.findall(first):
        unit = read(literal.strip(" /") if not literal.strip().startswith("/") else "")
        if unit and ",," not in first and not re.search(r"[0#],(?![0#])", first):
            return unit, literal.strip()
    return ({}, "a percentage format") if "%" in _LITERAL.sub("", first) else None
