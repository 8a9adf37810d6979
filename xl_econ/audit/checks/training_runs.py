"""Training runs, whose figures overdetermine each other: parameters, tokens, hours, peak, MFU, days, cost."""

from __future__ import annotations

import math
from collections.abc import Iterator

from xl_econ.audit.quantities import Record, Stated, accelerator, named
from xl_econ.audit.reconcile import (
    ABOUT,
    CLOSE,
    agree,
    call,
    market,
    of_records,
    powers_of_ten,
    shown,
    slack,
    tenfold,
)  # fmt: skip
from xl_econ.audit.registry import ERROR, WARNING, Found, at, check
from xl_econ.metrics import REGISTRY
from xl_econ.tables.store import TABLES

_LIKELY_MFU = 0.4
_BEST_MFU = 0.7  # more than any published run reached over all its hours


@check(
    "run-hours",
    ERROR,
    "The GPU-hours of a run do not go with its parameters, tokens and accelerator: the MFU that they imply cannot be",
    "look for a lost factor of 1,000, for another unit (petaFLOP/s-days), for total parameters of a mixture of experts",
)
@of_records("tokens")
def run_hours(r: Record) -> Iterator[Found]:
    """MFU of 6ND FLOP over the stated hours at the dense peak; above 1 it is impossible."""
    params, tokens, hours = r.get("params_active", "params", "params_total"), r.get("tokens"), r.get("gpu_hours")
    peak = None if params is None or tokens is None or hours is None else _peak(r)
    if params is None or tokens is None or hours is None or peak is None:
        return
    if min(params.low, tokens.low, hours.low) <= 0:
        return
    flop = call("train_flop", params.low, tokens.low)
    most, least = (call("mfu", flop, h, peak[0]) for h in (hours.low, min(hours.high, 1e12)))
    if least > 1:
        least_hours, likely = (call("gpu_hours", flop, peak[0], u) for u in (1.0, _LIKELY_MFU))
        slips = _hours_slips(r, flop, hours)
        yield at(
            hours.cell,
            f"{hours.text} for {flop:.3g} FLOP on {peak[1]} is an MFU of {shown(least, '%')}: even at 100% it takes "
            f"{shown(least_hours)} GPU-hours, {tenfold(least)} as many; at {_LIKELY_MFU:.0%} {shown(likely)}{slips}",
            likely,
        )
    elif most > _BEST_MFU and hours.low == hours.high:
        yield at(hours.cell, f"{hours.text} on {peak[1]} imply an MFU of {shown(most, '%')}", severity=WARNING)
    elif (stated := r.get("mfu")) is not None and not stated.cell.formula:
        goodput = r.get("goodput")
        expected = call("gpu_hours", flop, peak[0], stated.middle, goodput.middle if goodput else 1.0)
        ratio = hours.middle / expected
        if abs(ratio - 1) > max(slack(hours, params, tokens), 0.1):
            factor = powers_of_ten(ratio)
            text = f"{hours.text} GPU-hours, but {flop:.3g} FLOP at an MFU of {stated.text} on {peak[1]} take "
            text += f"{shown(expected)}: {ratio:.3g} times as many{factor}"
            yield at(hours.cell, text, expected, severity="" if factor or not 0.5 < ratio < 2 else WARNING)


def _impossible(r: Record) -> bool:
    """Whether the hours of a run are fewer than its FLOP take at the peak."""
    params, tokens, hours = r.get("params_active", "params", "params_total"), r.get("tokens"), r.get("gpu_hours")
    peak = None if params is None or tokens is None or hours is None else _peak(r)
    if params is None or tokens is None or hours is None or peak is None:
        return False
    if min(params.low, tokens.low, hours.low) <= 0:
        return False
    return call("mfu", call("train_flop", params.low, tokens.low), hours.high, peak[0]) > 1


def _hours_slips(r: Record, flop: float, hours: Stated) -> str:
    """What a figure of hours may have been: the published one without its thousands, petaFLOP/s-days."""
    found = []
    for run in named("training_runs", r.name):
        published = TABLES["training_runs"].lookup_or(run, "gpu_hours", 0.0)
        if published and powers_of_ten(hours.middle / published, ABOUT):
            found.append(f"{shown(published)} were published, {tenfold(published / hours.middle)} as many")
    days = call("gpu_hours", flop, 1000.0, 1.0) / 24  # at 1 PFLOP/s
    if agree(hours.middle, days, ABOUT):
        found.append(f"the figure fits its {shown(days)} petaFLOP/s-days")
    return "".join(f"; {text}" for text in found)


def _peak(r: Record) -> tuple[float, str] | None:
    """The dense peak that a record's hours are measured by, and of what."""
    hours, stated = r.get("gpu_hours"), r.get("peak")
    gpu = accelerator(hours.of) if hours is not None and hours.of else r.accelerator
    if stated is not None and stated.low > 0:
        return stated.middle, f"{stated.text} TFLOP/s"
    if not gpu:
        return None
    table = TABLES["accelerators"]
    peak = table.lookup_or(gpu, "bf16", 0.0) or table.lookup_or(gpu, "fp16", 0.0)
    return (peak, gpu) if peak else None


@check(
    "run-price",
    ERROR,
    "Cost over GPU-hours of a run is no price that an accelerator is rented at, or not the price that is stated",
    "look which of cost, hours and price has the wrong unit or multiple",
)
@of_records("cost_usd")
def run_price(r: Record) -> Iterator[Found]:
    """Hours times price against the cost; without a price, the price that they imply against the market's."""
    cost, hours, price = r.get("cost_usd"), r.get("gpu_hours"), r.get("usd_per_gpu_hour")
    if cost is None or hours is None or min(hours.low, cost.low) <= 0 or math.isinf(hours.high):
        return
    if price is not None and price.low > 0 and len(r.figures["usd_per_gpu_hour"]) == 1:
        lines = (hours.middle,), (price.middle,)
        ratio = cost.middle / float(REGISTRY["LINES_SPEND"](*lines))
        factor = powers_of_ten(ratio)
        if factor or ratio < 1 - max(slack(cost, hours, price), 0.05):
            expected = call("lines_spend", *lines)  # which refuses what cannot be
            text = f"{cost.text}, but {hours.text} at {price.text} are {shown(expected)}: {ratio:.4g} times{factor}"
            yield at(cost.cell, text, expected, severity="" if factor else WARNING)
        return
    lowest, highest, whose = market(accelerator(hours.of) or r.accelerator)
    implied = cost.low / call("lines_spend", (hours.middle,), (1.0,))
    if implied > 10 * highest or implied < lowest / 10:
        yield at(
            cost.cell,
            f"{cost.text} for {hours.text} is ${implied:,.4g} a GPU-hour; {whose} ${lowest:.2f} to {highest:.2f}",
            call("lines_spend", (hours.middle,), (math.sqrt(lowest * highest),)),
        )


@check(
    "run-days",
    ERROR,
    "A run has more GPU-hours than its accelerators have in its days",
    "look which of accelerators, days and GPU-hours is wrong; 24 hours are a day",
)
@of_records("days")
def run_days(r: Record) -> Iterator[Found]:
    """GPUs x days x 24 against the GPU-hours."""
    hours, gpus, days = r.get("gpu_hours"), r.get("gpus"), r.get("days")
    if hours is None or gpus is None or days is None or min(hours.low, gpus.low, days.low) <= 0:
        return
    needed = call("train_days", hours.low, gpus.middle)
    ratio = needed / days.high
    tolerance = max(slack(hours, gpus, days), 0.02)
    if ratio > 1 + tolerance or ratio < 0.2:
        text = f"{hours.text} GPU-hours on {gpus.text} accelerators take {needed:,.1f} days, not {days.text}"
        # Days that are computed are computed from the hours.
        told = days.cell if days.cell.formula else hours.cell
        yield at(told, f"{text}: {ratio:.3g} times", severity="" if ratio > 1.2 else WARNING)


@check(
    "published-run",
    WARNING,
    "A figure of a published training run is not what was published",
    "correct it, or say that another run is meant",
)
@of_records("tokens")
def published_run(r: Record) -> Iterator[Found]:
    """Parameters, tokens and hours of a run that the reference table knows."""
    table = TABLES["training_runs"]
    if "tokens" not in r.figures or not {"params", "params_active", "gpu_hours"} & set(r.figures):
        return
    runs = named("training_runs", r.name)
    if len(runs) != 1:
        return
    total = table.lookup_or(runs[0], "params_total_b", 0.0)
    active = table.lookup_or(runs[0], "params_b", 0.0)
    known = {"tokens": ("tokens_t", "trillion tokens"), "gpu_hours": ("gpu_hours", "GPU-hours")}
    for name, (column, words) in known.items():
        stated, published = r.get(name), table.lookup_or(runs[0], column, 0.0)
        if stated is None or not published or stated.cell.formula or math.isinf(stated.high):
            continue
        if name == "gpu_hours" and _impossible(r):
            continue  # said already, with the published figure
        ratio = stated.middle / published
        if abs(ratio - 1) > max(slack(stated), CLOSE):
            factor = powers_of_ten(ratio, ABOUT)
            text = f"{stated.text} for {runs[0]}, of which {shown(published)} {words} were published{factor}"
            yield at(stated.cell, text, published)
    params = r.get("params_active", "params")
    if params is not None and total > active > 0 and agree(params.middle, total, CLOSE):
        sure = params.kind.name == "params_active"
        yield at(
            params.cell,
            f"{params.text} are all the parameters of {runs[0]}; a token passes {shown(active)} billion of them, "
            f"and FLOP follow from these: with the total they are {total / active:.1f} times too many",
            active,
            ERROR if sure else WARNING,
        )
