"""Prices of accelerators: several units in one column, and one price stated in several ways."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from xl_econ.audit.quantities import Record, Stated, stating
from xl_econ.audit.reconcile import ABOUT, cloud_prices, overlap
from xl_econ.audit.registry import ERROR, INFO, WARNING, Found, at, check
from xl_econ.audit.subject import Subject

if TYPE_CHECKING:
    from xl_econ.tables.rows import CloudPrice

_TERMS = {
    "on-demand": ("on-demand", "on demand", "ondemand"),
    "reserved-1yr": ("reserved", "commit"),
    "spot": ("spot",),
}
_FEWEST_OFFERS = 2
# Instances as the large clouds name them; how many accelerators one has is known only of those in the rate card.
_INSTANCE = re.compile(r"\b[a-z]+\d+\w*\.(\d*x?large|metal)\b|\bstandard_n[cdv]|\ba[2-4]-\w*gpu", re.I)


@check(
    "mixed-price-units",
    ERROR,
    "One column holds prices of whole instances and prices of single accelerators: no average or comparison holds",
    "divide the instances' prices by their accelerators, or give the column a unit and a second one beside it",
)
def mixed_price_units(subject: Subject) -> Iterator[Found]:
    """By what a price says it is per, and by the number of accelerators that its row names."""
    columns: dict[tuple[str, int, str], list[tuple[Record, Stated]]] = defaultdict(list)
    for r in stating(subject, "usd_per_gpu_hour"):
        for stated in r.figures["usd_per_gpu_hour"]:
            if r.name and len(r.figures) <= 4:
                columns[r.sheet, stated.cell.column, r.heading].append((r, stated))
    for (_, _, heading), offers in columns.items():
        whole = [(r, s) for r, s in offers if _instance(r, s) > 1]
        single = [(r, s) for r, s in offers if _instance(r, s) == 1 and s.high > 0 and not _INSTANCE.search(r.words)]
        if not whole or not single or "GPU" in (whole[0][1].unit or {}):
            continue
        least, most = min(_each(r, s) for r, s in whole), max(s.high for _, s in single)
        if min(s.low for _, s in whole) < 2 * most:
            continue  # they may well be per accelerator all
        r, first = whole[0]
        names = ", ".join(f"{s.cell.at} {s.text}" for _, s in whole)
        others = ", ".join(f"{s.cell.at} {s.text}" for _, s in single)
        yield at(
            first.cell,
            f"{names} are of {_instance(r, first)} accelerators each (${least:,.4g} and more for one), {others} "
            f"of one, in one column of {heading.split(' | ')[0]}",
            _each(r, first),
        )


@check(
    "price-not-in-table",
    WARNING,
    "A price of an accelerator's hour is none of those that the workbook's own price table has",
    "take the price from the table, and say whose it is",
)
def price_conflict(subject: Subject) -> Iterator[Found]:
    """A price without a provider against the offers of the same accelerator and term elsewhere in the workbook."""
    offers: dict[tuple[str, str], list[tuple[Record, Stated]]] = defaultdict(list)
    without: list[tuple[str, Record, Stated]] = []
    for r in stating(subject, "usd_per_gpu_hour"):
        for s in r.figures["usd_per_gpu_hour"]:
            term = _term(s.label) or _term(r.name)
            if not term or not r.accelerator or not math.isfinite(s.high):
                continue
            if _provider(r.name):
                offers[r.accelerator, term].append((r, s))
            else:
                without.append((term, r, s))
    for term, r, s in without:
        known = [(o, p) for o, p in offers.get((r.accelerator, term), ()) if p.cell.sheet != s.cell.sheet or o is not r]
        if len(known) < _FEWEST_OFFERS:
            continue
        prices = {o.name: (_each(o, p), p.high / _instance(o, p)) for o, p in known}
        if any(overlap((s.low, s.high), each, ABOUT / 2) for each in prices.values()):
            continue
        said = ", ".join(f"{name} ${low:,.4g}" for name, (low, _) in prices.items())
        text = f"{s.text} for {r.accelerator} {term}, but {said} (per accelerator, {known[0][1].cell.at} and below)"
        spot = [(o.name, _each(o, p)) for o, p in offers.get((r.accelerator, "spot"), ()) if _each(o, p) > s.high]
        if term == "on-demand" and spot:
            text += "; even spot is dearer: " + ", ".join(f"{name} ${low:,.4g}" for name, low in spot)
        yield at(s.cell, text)


@check(
    "list-price",
    INFO,
    "A provider's price is not the one that the price table has as its latest",
    "look whether the price is old, or one that was negotiated",
)
def list_price(subject: Subject) -> Iterator[Found]:
    """Prices with provider, accelerator and term against the latest of the reference table."""
    priced = stating(subject, "usd_per_gpu_hour")
    latest: dict[tuple[str, str, str], CloudPrice] = {
        (r.provider.casefold(), r.gpu, r.term): r for r in (cloud_prices() if priced else ()) if r.case == "latest"
    }
    for r in priced:
        provider = _provider(r.name)
        for s in r.figures["usd_per_gpu_hour"] if provider else ():
            row = latest.get((provider, r.accelerator, _term(s.label)))
            if row is None or s.cell.formula or not math.isfinite(s.high):
                continue
            low, high = _each(r, s), s.high / _instance(r, s)
            if not low * (1 - ABOUT) <= row.usd_per_gpu_hour <= high * (1 + ABOUT):
                yield at(
                    s.cell,
                    f"{s.text} is ${low:,.4g} per accelerator; the list price is ${row.usd_per_gpu_hour:,.4g} "
                    f"({row.as_of})",
                    row.usd_per_gpu_hour,
                )


def _each(r: Record, s: Stated) -> float:
    """The price of one accelerator's hour."""
    return s.low / _instance(r, s)


def _instance(r: Record, s: Stated) -> int:
    """How many accelerators a price is for: one if it says so, else as many as its row's instance has."""
    if "GPU" in (s.unit or {}):
        return 1
    stated = r.get("gpus")
    if stated is not None and stated.low == stated.high > 1 and isinstance(stated.cell.shown, str):
        return int(stated.low)
    return next((n for name, n in _instances().items() if name in r.words.casefold()), 1)


@lru_cache(1)
def _instances() -> dict[str, int]:
    named = [r for r in cloud_prices() if r.instance and r.gpus_per_instance > 1]
    return {str(r.instance).casefold(): int(r.gpus_per_instance) for r in named}


@lru_cache(1)
def _providers() -> set[str]:
    return {r.provider.casefold() for r in cloud_prices()}


def _provider(name: str) -> str:
    plain = name.strip().casefold()
    return plain if plain in _providers() else ""


@lru_cache(1 << 12)
def _term(text: str) -> str:
    plain = text.casefold()
    return next((term for term, words in _TERMS.items() if any(w in plain for w in words)), "")
