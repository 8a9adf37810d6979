"""The cost of owning and of renting: power bills, totals over years, and what the shares of a total add up to."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

from xl_econ.audit.quantities import Record, Stated, stating
from xl_econ.audit.reconcile import agree, call, of_records, overlap, percent, powers_of_ten, shown, slack
from xl_econ.audit.registry import ERROR, INFO, WARNING, Found, at, check
from xl_econ.audit.subject import Subject
from xl_econ.audit.vocabulary import recognise

_MOST_POWER = 2.0  # times the accelerator's own watts that server, cooling and losses can draw
_LEAST_POWER = 0.3  # times, at a low load
_COSTS = ("capex_usd", "power_usd", "network_usd", "facility_usd", "staff_usd")


@check(
    "power-bill",
    ERROR,
    "A power bill is not what its watts, hours and price per kWh give",
    "watts x 8,760 hours x price / 1,000 is a year; look for a period or a thousand that is one too many",
)
@of_records("power_usd")
def power_bill(r: Record) -> Iterator[Found]:
    """The bill of a year against watts, price and PUE; server and cooling explain up to twice the accelerator's own."""
    bill, watts, price = r.get("power_usd"), r.get("watts"), r.get("usd_per_kwh")
    if bill is None or watts is None or price is None or min(bill.low, watts.low, price.low) <= 0:
        return
    pue, gpus = r.get("pue"), r.get("gpus")
    year = call("power_cost", watts.middle, price.middle, pue.middle if pue and pue.low >= 1 else 1.0)
    yearly = "yr" in (bill.unit or {})
    years = r.years or 1
    fleet = gpus.middle if gpus and gpus.low > 1 else 1.0
    expected = [year * n * m for n in ((1,) if yearly else (1, years, 1 / 12)) for m in (1.0, fleet)]
    if any(_LEAST_POWER < bill.middle / e < _MOST_POWER for e in expected):
        return
    ratio = bill.middle / expected[0]
    text = f"{bill.text}, but {watts.text} at {price.text} are ${shown(year)} a year: {ratio:.3g} times"
    if years > 1 and agree(ratio, years, 0.05):
        text += f"; ${shown(year * years)} are {years} years"
    # A bill with a source of its own may hold more than these watts; that is for its reader to judge.
    yield at(bill.cell, text + powers_of_ten(ratio), year, INFO if bill.sourced else "")


@check(
    "total-of-years",
    WARNING,
    "A total over years is not what its purchase, yearly costs or hourly price add up to",
    "add the parts again: once what is bought, for every year what is paid a year",
)
@of_records("cloud_usd_yr", "tco_usd")
def total_of_years(r: Record) -> Iterator[Found]:
    """Owning: purchase, network, and each year's power and facility. Renting: the price, around the clock."""
    price, year, total = r.get("usd_per_gpu_hour"), r.get("cloud_usd_yr"), r.get("tco_usd")
    if price is not None and year is not None and price.low > 0 and math.isfinite(price.high):
        bounds = call("cloud_tco", price.low, 1), call("cloud_tco", price.high, 1)
        if not overlap(bounds, (year.low, year.high), slack(year, price)):
            yield at(
                year.cell, f"{year.text}, but {price.text} around the clock is {shown(bounds[0])} a year", bounds[0]
            )
    years = _years(r)
    if total is None or not years:
        return
    parts = _tco(r, years)
    if price is not None and parts is None and math.isfinite(price.high) and price.low > 0:
        parts = call("cloud_tco", price.low, years), call("cloud_tco", price.high, years)
    if parts is not None and not overlap(parts, (total.low, total.high), slack(total)):
        text = f"{total.text} over {years} years, but the parts come to {_range(*parts)}"
        ratio = total.middle / ((parts[0] + parts[1]) / 2)
        yield at(total.cell, f"{text}: {ratio:.3g} times{powers_of_ten(ratio)}", parts[0])


@check(
    "share-of-total",
    WARNING,
    "Shares of a whole do not fit the figures that they are shares of, or do not add up to it",
    "compute the shares from the figures",
)
def share_of_total(subject: Subject) -> Iterator[Found]:
    """Shares must be able to sum to 1; and where the workbook has the costs themselves, be their shares."""
    groups: dict[tuple[str, int, str], list[Record]] = defaultdict(list)
    for r in stating(subject, "share_of_total"):
        groups[r.sheet, r.figures["share_of_total"][0].cell.column, r.heading].append(r)
    totals = [(r, y) for r in stating(subject, "tco_usd") if (y := _years(r)) and _tco(r, y)]
    for group in groups.values():
        of_parts = [r for r in group if not r.name.casefold().startswith(("total", "sum"))]
        yield from _sum(of_parts)
        if len(totals) == 1:
            yield from _compared(of_parts, *totals[0])


def _sum(group: list[Record]) -> Iterator[Found]:
    shares = [r.figures["share_of_total"][0] for r in group]
    low, high = sum(s.low for s in shares), sum(s.high for s in shares)
    if len(shares) > 2 and not overlap((low, high), (1.0, 1.0), 0.005) and 0.5 < high < 2:
        yield at(shares[0].cell, f"{len(shares)} shares of one whole add up to {percent(low, high)}", 1.0)


def _compared(group: list[Record], costs: Record, years: int) -> Iterator[Found]:
    """Stated shares against the shares that the costs of the workbook give."""
    for r in group:
        kind = recognise(r.name)
        share = r.figures["share_of_total"][0]
        name = "" if kind is None else kind.otherwise or kind.name
        if name not in _COSTS:
            continue
        low, high = _share(costs, name, years)
        if not overlap((low, high), (share.low, share.high)):
            where = f"{costs.sheet}!{costs.figures['tco_usd'][0].cell.at}"
            said = percent(low, high) if high else "nothing, for it has no such row"
            yield at(share.cell, f"{r.name} is {share.text} here, in the total at {where} it is {said}", low)


def _share(r: Record, name: str, years: int) -> tuple[float, float]:
    """The least and the largest share that a cost has in its total."""
    found = []
    for own_end, other_end in ((0, 1), (1, 0)):
        ends = {n: _end(r, n, own_end if n == name else other_end) for n in _COSTS}
        alone = {n: v if n == name else 0.0 for n, v in ends.items()}
        found.append(_total(alone, years) / _total(ends, years))
    return found[0], found[1]


def _tco(r: Record, years: int) -> tuple[float, float] | None:
    """The least and the largest total of owning; None without a purchase."""
    if "capex_usd" not in r.figures or len(set(_COSTS) & set(r.figures)) < 2:
        return None
    low, high = (_total({n: _end(r, n, e) for n in _COSTS}, years) for e in (0, 1))
    return low, high


def _total(costs: dict[str, float], years: int) -> float:
    return call(
        "gpu_tco", costs["capex_usd"], costs["power_usd"], costs["network_usd"], costs["facility_usd"], years, 0.0,
        costs["staff_usd"],
    )  # fmt: skip


def _end(r: Record, name: str, end: int) -> float:
    stated = r.get(name)
    return 0.0 if stated is None else (stated.low, stated.high)[end]


def _years(r: Record) -> int | None:
    """The years of a total: as its own label says, or else its column."""
    total: Stated | None = r.get("tco_usd")
    if total is None:
        return None
    return Record(r.sheet, total.label, "").years or r.years


def _range(low: float, high: float) -> str:
    return shown(low) if math.isclose(low, high) else f"{shown(low)} to {shown(high)}"
