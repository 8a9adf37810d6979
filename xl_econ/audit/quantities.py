"""What the cells of a workbook state: a kind of figure, and its size in the unit of that kind.

A record is a row of a table under headings, or a column of figures beside labels: figures of one thing, which must
agree.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from xl_econ.core.units import Unit, parse
from xl_econ.tables.read import fold, spellings
from xl_econ.tables.store import TABLES
from xl_econ.workbook.book import Cell, Look, Sheet

from .figures import Figure, figures
from .units import Evidence, Measure, in_label
from .vocabulary import BY_NAME, Kind, recognise

if TYPE_CHECKING:
    from .subject import Subject
    from .unit_evidence import Units

_COUNTED = ("params", "params_active", "params_total", "tokens")
_RAW = 1e6  # a count of parameters or tokens from here on is written out
_FEWEST = 2  # kinds that make a record
_SHORT = 60  # characters of a text that states a figure, rather than tells about one
_LONGEST = 1000  # characters of a text that is read
_SAYS_UNIT = re.compile(r"(?s)\A\D*+\d.*[%/WwhHxX]|[$€]")  # a text whose figures can be told without a heading
# Headings of columns beside labels that hold something else than the figure which the label announces.
_NO_FIGURE = re.compile(
    r"(unit|source|as of|date|grade|note|comment|lowest|highest|bound|at least|at most|min|max|flag|key|result|change|"
    r"effect|start of|more|to reach|delta|varian|index|step|check|toleran|formula|link|url|ref|type|owner|status|range|"
    r"remark|basis|%)|.*\b(by|less|vs|share)\b",
    re.I,
)
_YEARS = range(1990, 2101)
_PERIOD = re.compile(r"\b(\d+)[- ]?(?:years?|yrs?)\b", re.I)


@dataclass(slots=True)
class Stated:
    """A figure that a cell states, in the unit of its kind; `written` is how its text does, "" for a number."""

    kind: Kind
    cell: Cell
    low: float
    high: float
    unit: Unit | None
    written: str = ""
    about: bool = False
    of: str = ""
    label: str = ""
    sourced: bool = False  # whether its row names a source

    @property
    def text(self) -> str:
        return self.written or f"{self.cell.shown:,.10g}"

    @property
    def middle(self) -> float:
        return self.low if math.isinf(self.high) else self.high if math.isinf(self.low) else (self.low + self.high) / 2


@dataclass
class Record:
    """Figures of one thing: what it is called, and what its cells state, by kind."""

    sheet: str
    name: str
    words: str
    figures: dict[str, list[Stated]] = field(default_factory=dict)
    heading: str = ""

    def add(self, found: Stated) -> None:
        held = self.figures.get(found.kind.name)
        if held is None:
            self.figures[found.kind.name] = [found]
        else:
            held.append(found)

    def get(self, *names: str) -> Stated | None:
        for name in names:
            if name in self.figures:
                return self.figures[name][0]
        return None

    @property
    def accelerator(self) -> str:
        """The accelerator that the record names."""
        return accelerator(self.words)

    @property
    def years(self) -> int | None:
        """The period that its heading or name says: `On-Prem (3-year)`."""
        found = _PERIOD.search(f"{self.heading} {self.name}")
        return int(found[1]) if found else None


@lru_cache(1 << 16)
def accelerator(text: str) -> str:
    """The first accelerator of the reference table that a text names; "" if none."""
    return next(iter(named("accelerators", text)), "")


@lru_cache
def _names(table: str) -> dict[str, str]:
    """What the rows of a table are called, as it is compared."""
    return {fold(spelling): str(key) for spelling, key in spellings(TABLES[table].rows)}


@lru_cache
def _any_name(table: str) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(_names(table)))))


@lru_cache(1 << 16)
def named(table: str, text: str) -> tuple[str, ...]:
    """The rows of a reference table that a text names, the longest names first taken."""
    found = []
    names = _names(table)
    if text.isascii() and not _any_name(table).search(fold(text)):
        return ()
    words = re.findall(r"[\w.+/-]+", text.replace("|", " "))
    taken: set[int] = set()
    for size in (5, 4, 3, 2, 1):
        for n in range(len(words) - size + 1):
            span = range(n, n + size)
            phrase = " ".join(words[n : n + size]).rstrip(".,;")
            if taken & set(span) or len(phrase) < 3 or phrase.isdigit():
                continue
            name = names.get(fold(phrase))
            if name is not None:
                found.append((n, name))
                taken |= set(span)
    return tuple(name for _, name in sorted(found))


class Reader:
    """Reads the records of a workbook's sheet.

    Args:
        sheet: The sheet.
        units: What says the units of its cells.
    """

    def __init__(self, sheet: Sheet, units: Units) -> None:
        self.sheet = sheet
        self.units = units
        # By kind, look and evidence of a unit, which is kept for its address.
        self._ways: dict[tuple[str, int, int], tuple[Evidence | None, _Way | None]] = {}
        self._of_columns: dict[
            int, tuple[Look | None, _Way | None]
        ] = {}  # in the block that is read, of rows that say no unit

    def stated(self, cell: Cell, kind: Kind | None, label: str = "") -> Iterator[Stated]:
        """What a cell states of a kind: its number, or the figures of its text."""
        if cell.is_number:
            number = None if kind is None else self._number(cell, kind, label)
            if number is not None:
                yield number
        elif (
            isinstance(cell.shown, str)
            and len(cell.shown) < _SHORT
            and not cell.is_error
            and (kind is not None or _SAYS_UNIT.search(cell.shown))
        ):
            said = in_label(label)
            for f in figures(cell.shown):
                if f.unit is None and f.low == f.high and f.low in _YEARS:
                    continue  # "Commissioning report 2025"
                yield from self._figure(cell, f, kind, label, Measure.of(said[0]) if said else None)

    def _number(self, cell: Cell, kind: Kind, label: str) -> Stated | None:
        """What a number states; None where it states nothing."""
        way = self._way(cell, kind)
        return None if way is None else way.stated(cell, label)

    def _way(self, cell: Cell, kind: Kind) -> _Way | None:
        """How a number states a figure of a kind; None where it states nothing."""
        look = cell.look
        evidence = self.units.of(cell)
        key = kind.name, id(look), id(evidence)
        if key not in self._ways:
            says_nothing = look.is_date or ("%" in look.format and not kind.is_share)
            self._ways[key] = evidence, None if says_nothing else _way(kind, evidence)
        return self._ways[key][1]

    def sentences(self) -> Iterator[Record]:
        """The texts that state several figures, clause by clause."""
        for cell in self.sheet.cells.values():
            text = cell.shown
            if (
                not isinstance(text, str)
                or cell.formula
                or not 40 < len(text) < _LONGEST
                or len(figures(text)) < _FEWEST
            ):
                continue
            record = Record(cell.sheet, "", text)
            for clause in re.split(r"(?<=[a-z)])[.;] +", text):
                kind = recognise(clause)
                for f in figures(clause):
                    if kind is not None and kind.is_share and f.unit == {}:
                        record.add(Stated(kind, cell, f.low, f.high, f.unit, f.text, f.about, label=clause))
            if len(record.figures) >= _FEWEST:
                yield record

    def _figure(self, cell: Cell, f: Figure, kind: Kind | None, label: str, headed: Measure | None) -> Iterator[Stated]:
        own = kind_of(f, kind, label, str(cell.shown))
        if own is None:
            return
        measure = Measure.of(f.unit) if f.unit is not None else None
        # "$0.05" under the heading "$/M tokens" says only half of its unit.
        if (
            headed is not None
            and measure is not None
            and dict(headed.dims).get("USD")
            and len(headed.dims) > len(measure.dims)
        ):
            measure = headed * Measure(scale=measure.scale)
        ends = [v if math.isinf(v) else in_unit(v, measure or Measure(), own, False) for v in (f.low, f.high)]
        if ends[0] is not None and ends[1] is not None and ends[0] <= ends[1]:
            yield Stated(own, cell, ends[0], ends[1], f.unit, f.text, f.about, f.of, label)

    def records(self) -> Iterator[Record]:
        """The records of the sheet."""
        above: dict[int, str] = {}
        for block in _blocks(self.sheet):
            first = next((n for n, cells in enumerate(block[:4]) if _is_heading(cells)), None)
            # A section below an empty row goes on under the headings before it.
            above = {c.column: str(c.shown) for c in block[first]} if first is not None else above
            yield from self._of_block(block, first, above)

    def _of_block(self, block: list[list[Cell]], first: int | None, headings: dict[int, str]) -> Iterator[Record]:
        self._of_columns.clear()
        rows = block[(first or 0) + (first is not None) :]
        kinds = {c: _headed(t) for c, t in headings.items()} if first is not None else {}
        labels = {cells[0].row: str(cells[0].shown) for cells in rows if cells and isinstance(cells[0].shown, str)}
        across = sum(1 for k in kinds.values() if k)
        texts = set(labels.values())
        # "H100 SXM" names a row of a list; beside "Facility" and "Network" it is what is paid for it.
        named = sum(1 for text in texts if recognise(text) and not (across > 1 and _priced(text)))
        # A list of accelerators has its prices, watts and peaks across.
        is_list = (across > 1 and not named) or any(k is not None and k.is_share for k in kinds.values())
        down = 0 if is_list else named + sum(1 for text in texts if not recognise(text) and _priced(text))
        if is_list or (across and across >= down):
            heading = " | ".join(headings.values())
            for cells in rows:
                record = self._row(cells, headings, kinds, heading)
                if record.figures:
                    yield record
        elif down:
            yield from self._columns(rows, headings, labels)

    def _row(self, cells: list[Cell], headings: dict[int, str], kinds: dict[int, Kind | None], heading: str) -> Record:
        texts = [c.shown for c in cells if isinstance(c.shown, str)]
        name = cells[0].shown if isinstance(cells[0].shown, str) else ""
        record = Record(cells[0].sheet, name, " | ".join(texts), {}, heading)
        if len(texts) == len(cells) and any(map(_is_only_heading, texts[1:])):
            self._of_columns.clear()  # the headings of another list, right below the first
        # Where no text of the row says a unit, it is that of the column; a text that strayed into it heads nothing.
        is_silent, of_columns = not self.units.speaks(cells[0].row), self._of_columns
        for cell in cells:
            column = cell.column
            kind = kinds.get(column)
            if not cell.is_number:
                for found in self.stated(cell, kind, headings.get(column, "")):
                    record.add(found)
            elif kind is not None:
                look, way = of_columns.get(column, _UNKNOWN)
                if look is not cell.look or not is_silent:
                    way = self._way(cell, kind)
                    if is_silent:
                        of_columns[column] = cell.look, way
                if way is not None and (number := way.stated(cell, headings.get(column, ""))):
                    record.add(number)
        return record

    def _columns(self, rows: list[list[Cell]], headings: dict[int, str], labels: dict[int, str]) -> Iterator[Record]:
        by_column: dict[int, Record] = {}
        sources = {c for c, text in headings.items() if text.strip().casefold().startswith("source")}
        others = {c for c, text in headings.items() if _NO_FIGURE.match(text.strip())}
        others.add(min(c.column for cells in rows for c in cells))
        words = " | ".join(labels.values())
        for cells in rows:
            label = labels.get(cells[0].row, "")
            kind = recognise(label)
            sourced = any(c.column in sources for c in cells)
            # "Power (700W, $0.06/kWh)": a label that says what the figure beside it was computed from.
            told = figures(label)
            of_number = [f for f in told if kind_of(f, None, label, "") is not None]
            for cell in cells:
                if cell.column in others:
                    continue
                record = by_column.get(cell.column)
                if record is None:
                    record = by_column[cell.column] = Record(cell.sheet, headings.get(cell.column, ""), words)
                if cell.is_number:
                    # A number of no kind states nothing.
                    number = None if kind is None else self._number(cell, kind, label)
                    if number is None:
                        continue
                    stated = [number]
                else:
                    if isinstance(cell.shown, str):
                        record.words += f" | {cell.shown[:_SHORT]}"
                    stated = [*self.stated(cell, kind, label)]
                for each in stated:
                    each.sourced = sourced
                    record.add(each)
                for f in (of_number if cell.is_number else told) if stated else ():
                    for each in self._figure(cell, f, None, label, None):
                        record.add(each)
        yield from (r for r in by_column.values() if r.figures)


@dataclass(frozen=True, slots=True)
class _Way:
    """How numbers that look alike, under one heading, state a figure.

    Attributes:
        kind: Of what kind it is.
        measure: Their unit.
        unit: The same as it is written.
        factor: What makes a number one in the unit of its kind: times the first, over the second. None where that
            depends on the number.
    """

    kind: Kind
    measure: Measure | None
    unit: Unit | None
    factor: tuple[float, float] | None

    def stated(self, cell: Cell, label: str) -> Stated | None:
        """What a number states."""
        if self.factor is not None:
            value = cell.shown * self.factor[0] / self.factor[1]
        elif (given := in_unit(float(cell.shown), self.measure, self.kind, typed=True)) is not None:
            value = given
        else:
            return None
        return Stated(self.kind, cell, value, value, self.unit, "", False, "", label)


def _way(kind: Kind, evidence: Evidence | None) -> _Way | None:
    """How numbers state a kind of figure beside evidence of their unit; None where they state nothing."""
    measure, unit = (None, None) if evidence is None else (evidence.measure, evidence.unit)
    kind = by_unit(kind, measure)
    depends = measure is None or _is_bare(measure)
    factor = None if measure is None or depends else _factor(measure, kind)
    return _Way(kind, measure, unit, factor) if depends or factor else None


_UNKNOWN: tuple[None, None] = None, None
_YEARLY = ("power_usd", "facility_usd", "staff_usd", "network_usd")
# What a figure is by its unit, where the words say nothing.
_BY_UNIT = {
    Measure.of(parse("USD/GPU-h")).dims: "usd_per_gpu_hour",
    Measure.of(parse("USD/h")).dims: "usd_per_gpu_hour",
    Measure.of(parse("USD/kWh")).dims: "usd_per_kwh",
    Measure.of(parse("W")).dims: "watts",
    Measure.of(parse("GPU-h")).dims: "gpu_hours",
    Measure.of(parse("USD/Mtok")).dims: "usd_per_mtok",
}


def kind_of(f: Figure, kind: Kind | None, label: str, text: str) -> Kind | None:
    """The kind of a figure in a text: by its unit where that is clear, else as its heading says."""
    if kind is not None and f.measure is not None:
        kind = by_unit(kind, f.measure)
    if kind is not None and not kind.name.endswith("_usd"):
        measure = f.measure
        return kind if measure is None or not measure.strict or measure.strict <= kind.measure.strict else None
    nearby = recognise(text.partition(f.text)[2])
    if f.unit == {} and nearby is not None and nearby.is_share:
        return nearby
    if f.measure is not None and f.measure.dims in _BY_UNIT:
        found = BY_NAME[_BY_UNIT[f.measure.dims]]
        if found.name != "usd_per_gpu_hour" or f.measure.scale == 1:
            return found
        return kind if kind is not None and kind.name in _YEARLY else BY_NAME["cloud_usd_yr"]
    if nearby is not None and nearby.name.endswith("_usd") and f.measure and dict(f.measure.strict).get("USD") == 1:
        return nearby
    if kind is not None and kind.name.endswith("_usd"):
        return kind if f.measure is not None and dict(f.measure.strict).get("USD") == 1 else None
    return kind if f.unit == {} else None


def by_unit(kind: Kind, measure: Measure | None) -> Kind:
    """The kind that a label announces, or the one that the unit beside it makes of it: power in USD is a bill."""
    if measure is None or not measure.strict or measure.strict == kind.measure.strict:
        return kind
    found = _BY_UNIT.get(measure.dims)
    if found is not None and (found != "usd_per_gpu_hour" or measure.scale == 1):
        return BY_NAME[found]
    if kind.otherwise and dict(measure.strict).get("USD") == 1:
        return BY_NAME[kind.otherwise]
    return kind


def in_unit(value: float, measure: Measure | None, kind: Kind, typed: bool) -> float | None:
    """A number in the unit of its kind; None where its own unit is another, or cannot be told."""
    if measure is None or _is_bare(measure):
        if kind.name in _COUNTED:
            if value >= _RAW or not typed:
                return value / kind.measure.scale
            return value if kind.name != "tokens" or measure is not None else None
        return None if kind.needs else value
    factor = _factor(measure, kind)
    return None if factor is None else value * factor[0] / factor[1]


def _is_bare(measure: Measure) -> bool:
    return not measure.dims and measure.scale == 1


def _factor(measure: Measure, kind: Kind) -> tuple[float, float] | None:
    """What a number of a unit is times, and divided by, to be in the unit of a kind; None where it cannot be."""
    target = kind.measure
    if measure.strict == target.strict:
        return measure.scale, target.scale
    if kind.name.endswith("_usd") and measure.strict == frozenset({("USD", 1.0), ("h", -1.0)}):
        return _money(measure), 1
    if not measure.strict:
        return measure.scale, target.scale if kind.name in _COUNTED else 1
    return None


def _money(measure: Measure) -> float:
    """The scale of an amount a year or month, without its period."""
    for period in ("yr", "month", "h", "day"):
        scale = measure.scale * Measure.of(parse(period)).scale
        if abs(math.log10(scale) - round(math.log10(scale))) < 1e-9:
            return scale
    return measure.scale


def _headed(heading: str) -> Kind | None:
    """The kind of the figures below a heading: as its words say, or else as its unit does."""
    kind, said = recognise(heading), in_label(heading)
    if kind is not None or said is None:
        return kind
    measure = Measure.of(said[0])
    name = _BY_UNIT.get(measure.dims)
    return None if name is None or (name == "usd_per_gpu_hour" and measure.scale != 1) else BY_NAME[name]


def _is_only_heading(text: str) -> bool:
    """Whether a text announces figures and is none itself, nor an accelerator."""
    return _headed(text) is not None and not figures(text) and not _priced(text)


def _priced(label: str) -> bool:
    return bool(accelerator(label))


def _is_heading(cells: list[Cell]) -> bool:
    texts = [c for c in cells if isinstance(c.shown, str) and c.shown]
    return len(texts) >= _FEWEST and len(texts) == len(cells)


_REFERENCE = {t.sheet.casefold(): t for t in TABLES.values()}


def _blocks(sheet: Sheet) -> Iterator[list[list[Cell]]]:
    """Rows without an empty one between them, from left to right; our own reference tables are judged elsewhere."""
    ours = ((t, _REFERENCE.get(t.name.casefold())) for t in sheet.tables)
    reference = [t for t, table in ours if table is not None and table.key in t.columns]
    block: list[list[Cell]] = []
    before = 0
    for row, cells in sheet.rows().items():
        # A formula beside which no value is stored stands for a figure.
        filled = [c for c in cells if c.shown != "" and (c.shown is not None or c.formula)]
        if reference:
            filled = [c for c in filled if not any(t.holds(row, c.column) for t in reference)]
        if not filled or row != before + 1:
            if block:
                yield block
            block = []
        if filled:
            block.append(filled)
            before = row
    if block:
        yield block


def records(subject: Subject) -> list[Record]:
    """The records of a workbook, read once."""
    found: list[Record] | None = subject.__dict__.get("_records")
    if found is None:
        readers = [Reader(s, subject.units(s.name)) for s in subject.book.sheets.values() if s.census.texts]
        found = subject.__dict__["_records"] = [x for r in readers for x in (*r.records(), *r.sentences())]
    return found


def stating(subject: Subject, *kinds: str) -> list[Record]:
    """The records that state a figure of one of the kinds."""
    return [r for r in records(subject) if not r.figures.keys().isdisjoint(kinds)]
