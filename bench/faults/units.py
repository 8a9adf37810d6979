"""Faults of units: thousands, hours, bits, labels. In one cell, or in every copy, where nothing breaks a pattern."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from xl_econ.workbook.book import Cell

from .figures import row
from .formulas import changed, rewritten
from .ground import PRICE, Ground, Planted, pick
from .registry import fault

# The constants of definitions in our templates, and how others write the same factor.
_LITERAL = {
    "KILO": r"(?:1000|1e3|10\^3)",
    "MILLION": r"(?:1000000|1e6|10\^6)",
    "BILLION": r"(?:1000000000|1e9|10\^9)",
    "TERA": r"(?:1000000000000|1e12|10\^12)",
    "TRILLION": r"(?:1000000000000|1e12|10\^12)",
    "GIGA": r"(?:1000000000|1e9|10\^9)",
    "HOURS_PER_YEAR": r"(?:8760|8766|365\*24|24\*365)",
    "HOURS_PER_MONTH": r"(?:730(?:\.\d+)?|720)",
    "HOURS_PER_DAY": r"24",
    "MONTHS_PER_YEAR": r"12",
    "SECONDS_PER_HOUR": r"3600",
    "MINUTES_PER_HOUR": r"60",
    "BITS_PER_BYTE": r"8",
    "FLOP_PER_PARAM": r"6",
}


def _factor(g: Ground, names: str) -> Callable[[str], list[tuple[int, int, str]]]:
    """Where a formula multiplies or divides by one of some factors: start and end of the operator with it."""
    wanted = [n for n in [*_LITERAL, *g.factors.values()] if re.fullmatch(names, n)]
    cells = [re.escape(at) for at, n in g.factors.items() if n in wanted]
    literal = [_LITERAL[n] for n in wanted if n in _LITERAL]
    either = "|".join([rf"(?:Inputs!)?(?:{c})(?!\d)" for c in cells] + [rf"{x}(?![\w.^])" for x in literal])
    pattern = re.compile(rf"([*/])({either})" if either else r"(?!)")
    return lambda formula: [(m.start(), m.end(), m[2]) for m in pattern.finditer(formula)]


def _dropped(g: Ground, rng: random.Random, names: str, every: bool) -> Planted:
    where = _factor(g, names)

    def change(c: Cell) -> str:
        start, end, _ = where(c.formula)[0]
        return c.formula[:start] + c.formula[end:]

    cells = [c for c in g.formulas if where(c.formula)]
    cell = pick(rng, cells)
    return rewritten(g, g.copies(cell) if every else [cell], change)


def _replaced(g: Ground, rng: random.Random, names: str, new: str, every: bool) -> Planted:
    where = _factor(g, names)
    value = next((f"Inputs!{at}" for at, n in g.factors.items() if n == new), new) if new.isupper() else new
    if new.isupper() and value == new:
        value = {"KILO": "1000", "MILLION": "1000000", "BILLION": "1000000000"}[new]

    def change(c: Cell) -> str:
        start, end, _ = where(c.formula)[0]
        return c.formula[: start + 1] + value + c.formula[end:]

    cells = [c for c in g.formulas if where(c.formula) and where(c.formula)[0][2] != value]
    cell = pick(rng, cells)
    return rewritten(g, g.copies(cell) if every else [cell], change)


@fault("w-kw-one", "units")
def w_kw_one(g: Ground, rng: random.Random) -> Planted:
    """Watts taken for kilowatts in one cell: the division by 1,000 is lost."""
    return _dropped(g, rng, "KILO", False)


@fault("w-kw-all", "units")
def w_kw_all(g: Ground, rng: random.Random) -> Planted:
    """Watts taken for kilowatts in every copy: no break of a pattern."""
    return _dropped(g, rng, "KILO", True)


@fault("per-million-per-thousand-one", "units")
def per_m_one(g: Ground, rng: random.Random) -> Planted:
    """A price per million tokens divided by a thousand in one cell."""
    return _replaced(g, rng, "MILLION|BILLION", "KILO", False)


@fault("per-million-per-thousand-all", "units")
def per_m_all(g: Ground, rng: random.Random) -> Planted:
    """A price per million tokens divided by a thousand in every copy."""
    return _replaced(g, rng, "MILLION|BILLION", "KILO", True)


@fault("scale-lost-all", "units")
def scale_lost(g: Ground, rng: random.Random) -> Planted:
    """Parameters in billions taken as a number, in every copy."""
    return _dropped(g, rng, "BILLION|TERA|TRILLION|GIGA|MILLION", True)


@fault("hours-lost-all", "units")
def hours_lost(g: Ground, rng: random.Random) -> Planted:
    """The hours of a month or year forgotten in every copy: power added to energy."""
    return _dropped(g, rng, "HOURS_PER_(YEAR|MONTH|DAY)", True)


@fault("year-for-month-all", "units")
def year_for_month(g: Ground, rng: random.Random) -> Planted:
    """The hours of a year where a month's belong, or the other way, in every copy."""
    where = _factor(g, "HOURS_PER_MONTH")
    if any(where(c.formula) for c in g.formulas):
        return _replaced(g, rng, "HOURS_PER_MONTH", "8760", True)
    return _replaced(g, rng, "HOURS_PER_YEAR", "730", True)


@fault("hours-8766-one", "units")
def hours_8766(g: Ground, rng: random.Random) -> Planted:
    """8,766 or 720 hours in one cell, 8,760 or 730 in the others."""
    where = _factor(g, "HOURS_PER_MONTH")
    if any(where(c.formula) for c in g.formulas):
        return _replaced(g, rng, "HOURS_PER_MONTH", "720", False)
    return _replaced(g, rng, "HOURS_PER_YEAR", "8766", False)


@fault("seconds-lost-one", "units")
def seconds_lost(g: Ground, rng: random.Random) -> Planted:
    """Seconds taken for hours in one cell."""
    return _dropped(g, rng, "SECONDS_PER_HOUR|MINUTES_PER_HOUR", False)


@fault("months-lost-all", "units")
def months_lost(g: Ground, rng: random.Random) -> Planted:
    """A year's cost put into every month: the division by 12 is lost."""
    return _dropped(g, rng, "MONTHS_PER_YEAR", True)


@fault("six-nd-two-nd", "units")
def six_two(g: Ground, rng: random.Random) -> Planted:
    """Training counted with the 2 FLOP of a forward pass, not 6."""
    at = next((a for a, n in g.factors.items() if n == "FLOP_PER_PARAM_TOKEN" or n.startswith("FLOP_PER_PARAM")), "")
    if at and g.book.cell("Inputs", int(at.rpartition("$")[2]), 4).shown == 6:  # type: ignore[union-attr]
        draft = g.draft()
        cell = at.replace("$", "")
        draft.put("Inputs", cell, 2)
        readers = {(d.sheet, d.at) for d in g.graph.dependents("Inputs", int(at.rpartition("$")[2]), 4)}
        del readers
        return Planted(draft, {("Inputs", cell)}, "6 -> 2 FLOP per parameter and token")
    cells = [c for c in g.formulas if re.search(r"(?<![\w.$])6\*", c.formula)]
    cell_ = pick(rng, cells)
    return rewritten(g, g.copies(cell_), lambda c: re.sub(r"(?<![\w.$])6\*", "2*", c.formula, count=1))


@fault("binary-gigabytes-one", "units")
def binary(g: Ground, rng: random.Random) -> Planted:
    """Gigabytes of 2^30 bytes in one cell."""
    return _replaced(g, rng, "BILLION|GIGA|BYTES_PER_GB", "2^30", False)


@fault("bits-for-bytes", "units")
def bits(g: Ground, rng: random.Random) -> Planted:
    """Bits taken for bytes: a factor of 8 in one formula about memory or bandwidth."""
    cells = [c for c in g.calculations if re.search(r"byte|\bGB\b|TB/s|bandwidth|memory", g.label(c), re.I)]
    cell = pick(rng, cells)
    return changed(g, [(cell, f"=({cell.formula[1:]}){pick(rng, '*/')}8")])


@fault("percent-as-number", "units")
def percent(g: Ground, rng: random.Random) -> Planted:
    """40 typed for 40%."""
    cell = pick(
        rng, g.inputs_like(r"share|%|percent|utili[sz]ation|rate|mfu|margin|goodput|growth|discount", 0.011, 0.99)
    )
    draft = g.draft()
    draft.put(cell.sheet, cell.at, round(cell.shown * 100, 6))
    return Planted(draft, {(cell.sheet, cell.at)}, f"{cell.shown} -> {cell.shown * 100:g} ({g.label(cell)[:60]})")


@fault("raw-for-billions", "units")
def raw(g: Ground, rng: random.Random) -> Planted:
    """Parameters or tokens typed as a number where the unit is billions or trillions."""
    cell = pick(
        rng, g.inputs_like(r"param|tokens?\b.*(Ttoken|trillion|\bT\b|\bB\b|billion)|Bparam|Ttoken", 0.0001, 5000)
    )
    factor = 1e12 if re.search(r"Ttoken|trillion|\bT\b", g.label(cell)) else 1e9
    draft = g.draft()
    draft.put(cell.sheet, cell.at, cell.shown * factor)
    return Planted(draft, {(cell.sheet, cell.at)}, f"{cell.shown:g} -> {cell.shown * factor:g} ({g.label(cell)[:60]})")


@fault("kilowatts-for-watts", "units")
def kw_input(g: Ground, rng: random.Random) -> Planted:
    """0.7 typed into a row in watts, or 700 into one in kilowatts."""
    cell = pick(rng, g.inputs_like(r"\bk?W\b|watt|TDP|board power", 0.05, 20000))
    watts = cell.shown > 50
    draft = g.draft()
    new = cell.shown / 1000 if watts else cell.shown * 1000
    draft.put(cell.sheet, cell.at, new)
    return Planted(draft, {(cell.sheet, cell.at)}, f"{cell.shown:g} -> {new:g} ({g.label(cell)[:60]})")


@fault("cents-for-dollars", "units")
def cents(g: Ground, rng: random.Random) -> Planted:
    """A price typed in cents."""
    cell = pick(rng, g.inputs_like(PRICE, 0.01, 50))
    draft = g.draft()
    draft.put(cell.sheet, cell.at, round(cell.shown * 100, 6))
    return Planted(draft, {(cell.sheet, cell.at)}, f"{cell.shown:g} -> {cell.shown * 100:g} ({g.label(cell)[:60]})")


_UNITS = [
    (r"\bkWh\b", "MWh"),
    (r"\bkW\b", "W"),
    (r"\bW\b", "kW"),
    (r"/M\b", "/K"),
    (r"\bMtok", "Ktok"),
    (r"per million", "per thousand"),
    (r"per 1M\b", "per 1K"),
    (r"\bGPU-h\b", "GPU-day"),
    (r"/hr?\b", "/month"),
    (r"\bmonth\b", "year"),
    (r"\byr\b", "month"),
    (r"\bGB\b", "TB"),
    (r"^share$", "%"),
    (r"\bBparam\b", "Mparam"),
    (r"\bTtoken\b", "Btoken"),
]


@fault("unit-label-edited", "units", latent=True)
def unit_label(g: Ground, rng: random.Random) -> Planted:
    """The unit beside a figure changed, the figure not."""
    found = {}
    for cell in g.inputs + g.calculations:
        sheet = g.book.sheets[cell.sheet]
        for column in range(1, min(cell.column, 6)):
            held = sheet.at(cell.row, column)
            if held is None or not isinstance(held.shown, str) or held.formula or len(held.shown) > 60:
                continue
            for pattern, new in _UNITS:
                if re.search(pattern, held.shown):
                    found[held.sheet, held.at] = (held, re.sub(pattern, new, held.shown, count=1))
                    break
    held, new = pick(rng, list(found.values()))
    draft = g.draft()
    draft.put(held.sheet, held.at, new)
    return Planted(draft, row(g, held), f"{held.shown!r} -> {new!r}")


@fault("currency-swapped", "units", latent=True)
def currency(g: Ground, rng: random.Random) -> Planted:
    """One price shown in euros by its format or its label, the figure as it was."""
    from .draft import restyled

    cell = pick(rng, g.inputs_like(PRICE, 0.0001, 1e12))
    draft = g.draft()
    sheet = g.book.sheets[cell.sheet]
    labels = [sheet.at(cell.row, c) for c in range(1, cell.column)]
    named = [h for h in labels if h is not None and isinstance(h.shown, str) and re.search(r"USD|\$", h.shown)]
    if named and sheet.table_of(cell) is None:
        held = named[-1]
        draft.put(held.sheet, held.at, re.sub(r"USD|\$", "EUR", held.shown, count=1))
        return Planted(draft, row(g, cell), f"{held.shown!r} in EUR")
    style = restyled(draft, g.style(cell), {"numFmtId": "191"}, {191: "[$€-407]\\ #,##0.00"})
    draft.put(cell.sheet, cell.at, cell.shown, style)
    return Planted(draft, {(cell.sheet, cell.at)}, f"{cell.at} formatted in EUR ({g.label(cell)[:60]})")
