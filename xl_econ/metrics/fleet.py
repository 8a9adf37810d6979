"""Fleets: how many accelerators a demand needs, what they cost, what a mix of prices comes to, what idles.

A month has 730 hours. Utilization is the share of paid hours that do work, never the share of the peak (MFU).
"""

from __future__ import annotations

from xl_econ.core.expr import Const, Unavailable
from xl_econ.core.ops import maximum, roundup, total, weighted_sum, where
from xl_econ.core.quantities import (
    Efficiency,
    Factor,
    GpuHoursPerMonth,
    Gpus,
    Hours,
    Months,
    NodeGpus,
    PeakFactor,
    PricePerInstanceHour,
    RateFactors,
    Rates,
    Ratio,
    ReplicaGpus,
    Replicas,
    Share,
    Shares,
    TokensPerDay,
    TokensPerSecondPerGpu,
    TokensPerSecondPerWatt,
    Usd,
    UsdPerCurrency,
    UsdPerGpuHour,
    Watts,
)
from xl_econ.core.registry import metric
from xl_econ.core.units import HOURS_PER_DAY, HOURS_PER_MONTH, ONE_GPU, SECONDS_PER_HOUR

SHARE_TOLERANCE = Const("SHARE_TOLERANCE", 1e-9)
ONE_REPLICA = Const("ONE_REPLICA", 1, "replica")
PLAN_MONTHS = Const("PLAN_MONTHS", 48, "month")
PLAN_PERIODS = Const("PLAN_PERIODS", 48)  # of growth, month by month
NOT_A_WHOLE = Unavailable("the shares must sum to 1", "#NUM!")


@metric("USD/GPU-h")
def gpu_hour_price(
    price_per_instance_hour: PricePerInstanceHour, gpus_per_instance: NodeGpus, usd_per_currency: UsdPerCurrency = 1.0
) -> UsdPerGpuHour:
    """Price of an hour of one accelerator, from the price of the instance that holds it.

    Args:
        price_per_instance_hour: Price of the whole instance by the hour, in the currency of the price list.
        gpus_per_instance: Accelerators in the instance.
        usd_per_currency: US dollars for one unit of that currency; 1 where the list is in dollars.

    Returns:
        USD per accelerator and hour; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A price of 0, fewer than one accelerator (#NUM!).

    Source:
        Definition. AWS p5.48xlarge, 8 H100 at $55.04 an hour: $6.88.

    Example:
        >>> gpu_hour_price(55.04, 8)
        6.88
    """
    usd_per_instance_hour = price_per_instance_hour * usd_per_currency
    return usd_per_instance_hour / gpus_per_instance


@metric("USD")
def idle_cost(usd_per_gpu_hour: UsdPerGpuHour, utilization: Share, hours: Hours = 8760.0) -> Usd:
    """What the unused hours of an accelerator cost, by default over a year.

    Args:
        usd_per_gpu_hour: Price of a GPU-hour, used or not, USD.
        utilization: Share of the hours that are used.
        hours: Hours counted; 8,760 are a year.

    Returns:
        USD per accelerator; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A negative price, a share outside 0 to 1 (#NUM!).

    Source:
        Definition.

    Example:
        >>> round(idle_cost(2.5, 0.7), 6)
        6570.0
    """
    idle_hours = hours * (1 - utilization)
    return usd_per_gpu_hour * ONE_GPU * idle_hours


@metric("USD/GPU-h")
def blended_rate(rates: Rates, shares: Shares, factors: RateFactors = 1.0) -> UsdPerGpuHour:
    """Mean price of a useful GPU-hour that is bought on several terms.

    Args:
        rates: Prices of a GPU-hour, USD: a list or a range, one for each term.
        shares: Share of the useful hours on each term; together 1.
        factors: What each useful hour costs over its price: 1/use for a commitment, 1 + rework for spot.

    Returns:
        USD per useful GPU-hour, one number for the lists.

    Raises:
        InputError: Lists of different lengths (#VALUE!).
        DomainError: Shares that do not sum to 1 within 1E-9, a negative price (#NUM!).

    Source:
        Definition.

    Example:
        >>> round(blended_rate([3.5, 2.5, 1.6], [0.5, 0.3, 0.2]), 12)
        2.82
    """
    share_sum = total(shares)
    deviation = maximum(share_sum - 1, 1 - share_sum)
    weighted_rate = weighted_sum(rates, shares, factors)
    return weighted_rate / where(deviation <= SHARE_TOLERANCE, share_sum, NOT_A_WHOLE)


@metric("GPU")
def gpus_needed(
    useful_hours_month: GpuHoursPerMonth,
    utilization: Efficiency,
    availability: Efficiency = 1.0,
    spare: Ratio = 0.0,
    node_gpus: NodeGpus = 8.0,
) -> Gpus:
    """Accelerators that give a number of useful hours a month, in whole nodes.

    Args:
        useful_hours_month: Useful GPU-hours needed in a month.
        utilization: Share of the available hours that are used.
        availability: Share of the hours in which an accelerator can be used.
        spare: Spares, as a share of the accelerators in use.
        node_gpus: Accelerators in a node.

    Returns:
        Accelerators, a multiple of node_gpus; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A share outside 0 to 1, negative hours (#NUM!).

    Source:
        Definition, rounded up to whole nodes.

    Example:
        >>> gpus_needed(100000, 0.7, 0.97, 0.05)
        216.0
    """
    useful_hours_per_gpu = HOURS_PER_MONTH * utilization * availability
    gpus_in_use = useful_hours_month / useful_hours_per_gpu
    nodes = roundup(gpus_in_use * (1 + spare) / node_gpus)
    return nodes * node_gpus


@metric("USD")
def fleet_cost(gpus: Gpus, usd_per_gpu_hour: UsdPerGpuHour, months: Months, utilization: Share = 1.0) -> Usd:
    """Cost of a fleet over months of 730 hours.

    Committed capacity is paid whether it is used or not: utilization 1.

    Args:
        gpus: Accelerators.
        usd_per_gpu_hour: Price of a GPU-hour, USD.
        months: Months, also parts of one.
        utilization: Share of the hours that are paid for; 1 for committed capacity.

    Returns:
        USD; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: Fewer than one accelerator, a negative price, no months, a share outside 0 to 1 (#NUM!).

    Source:
        Definition.

    Example:
        >>> fleet_cost(64, 2.5, 12)
        1401600.0
    """
    gpu_hours = gpus * HOURS_PER_MONTH * months * utilization
    return gpu_hours * usd_per_gpu_hour


@metric("GPU")
def fleet_size(
    tokens_per_day: TokensPerDay,
    tokens_per_second_per_gpu: TokensPerSecondPerGpu,
    peak_factor: PeakFactor = 2.5,
    utilization_cap: Efficiency = 0.8,
    gpus_per_replica: ReplicaGpus = 1.0,
    spare_replicas: Replicas = 1.0,
) -> Gpus:
    """Accelerators that serve a daily volume at its peak, in whole replicas, with spares.

    Args:
        tokens_per_day: Tokens served in a day.
        tokens_per_second_per_gpu: Tokens per second and accelerator at full load.
        peak_factor: Load at the peak over the day's mean.
        utilization_cap: Share of the full load that is planned for at the peak.
        gpus_per_replica: Accelerators that hold one copy of the model.
        spare_replicas: Replicas beyond those needed, for failures and releases.

    Returns:
        Accelerators, a multiple of gpus_per_replica; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: No throughput, a peak below the mean, a share outside 0 to 1 (#NUM!).

    Source:
        Definition, rounded up to whole replicas. Peak factor and cap are planning values, not measurements.

    Example:
        >>> fleet_size(1e10, 2500, 2.5, 0.8, 8)
        160.0
    """
    mean_tokens_per_second = tokens_per_day / HOURS_PER_DAY / SECONDS_PER_HOUR
    peak_tokens_per_second = mean_tokens_per_second * peak_factor
    replica_tokens_per_second = tokens_per_second_per_gpu * gpus_per_replica * utilization_cap
    replicas = roundup(peak_tokens_per_second / replica_tokens_per_second)
    return (replicas + spare_replicas) * gpus_per_replica


@metric("token/s/W")
def tokens_per_watt(
    tokens_per_second_per_gpu: TokensPerSecondPerGpu, watts: Watts, server_factor: Factor = 1.3, pue: Factor = 1.0
) -> TokensPerSecondPerWatt:
    """Tokens per second for each watt drawn; also tokens per joule.

    Args:
        tokens_per_second_per_gpu: Tokens per second and accelerator.
        watts: Power of the accelerator, W.
        server_factor: Power of the server over that of its accelerators.
        pue: Power usage effectiveness of the site.

    Returns:
        Tokens per second and watt; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A factor below 1, no throughput, no power (#NUM!).

    Source:
        Definition.

    Example:
        >>> round(tokens_per_watt(2500, 700), 12)
        2.747252747253
    """
    watts_at_meter = watts * server_factor * pue
    return tokens_per_second_per_gpu / watts_at_meter
