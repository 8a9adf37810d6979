"""Ownership: power, annuities, the total cost of an accelerator, what an hour of it costs, when owning pays.

Rates and shares are fractions; years are whole, and every year's term is written out. Money is USD.
"""

from __future__ import annotations

from xl_econ.core.expr import Const
from xl_econ.core.ops import geometric_sum, where
from xl_econ.core.quantities import (
    Decline,
    DiscountRate,
    Efficiency,
    Factor,
    Hours,
    PerYear,
    Share,
    Timing,
    Usd,
    UsdPerGpuHour,
    UsdPerKwh,
    UsdPerYear,
    Watts,
    Years,
    YearsOf,
)
from xl_econ.core.registry import metric
from xl_econ.core.units import HOURS_PER_YEAR, KILO, ONE_GPU

ONE_YEAR = Const("ONE_YEAR", 1, "yr")
YEAR_HOURS = Const("YEAR_HOURS", 8760, "h")


@metric("USD")
def power_cost(
    watts: Watts, usd_per_kwh: UsdPerKwh, pue: Factor = 1.0, load: Share = 1.0, hours: Hours = YEAR_HOURS
) -> Usd:
    """Cost of the power that an accelerator draws, by default over a year.

    Args:
        watts: Power at full load, W per accelerator: its own, or its share of the server.
        usd_per_kwh: Price of electricity, USD/kWh.
        pue: Power usage effectiveness of the site.
        load: Mean draw as a share of the full one.
        hours: Hours counted; 8,760 are a year.

    Returns:
        USD per accelerator; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A PUE below 1, a share outside 0 to 1, a negative price (#NUM!).

    Source:
        Definition. The seed's 700 W at $0.06 are $367.92 a year, not ~$1.1K.

    Example:
        >>> round(power_cost(700, 0.06), 2)
        367.92
    """
    kilowatts = watts * ONE_GPU / KILO
    kilowatts_at_meter = kilowatts * pue
    energy = kilowatts_at_meter * hours * load
    return energy * usd_per_kwh


@metric("yr")
def annuity(discount_rate: DiscountRate, years: Years, timing: Timing = 0.0) -> YearsOf:
    """Present value of 1 a year, by the explicit sum of its terms.

    Args:
        discount_rate: Cost of capital a year, as a fraction.
        years: Whole years.
        timing: When in the year it is paid: 0 at the end, 0.5 in the middle, 1 at the start.

    Returns:
        Years of payments in present value; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: Years that are not whole, a rate outside -50% to 100% (#NUM!).

    Source:
        Definition; the closed form loses its digits near a rate of 0.

    Example:
        >>> round(annuity(0.1, 3), 12)
        2.486851990984
    """
    growth = 1 + discount_rate
    terms = geometric_sum(1 / growth, years)
    return growth ** (timing - 1) * terms


@metric("1/yr")
def crf(discount_rate: DiscountRate, years: Years, timing: Timing = 0.0) -> PerYear:
    """Capital recovery factor: the yearly payment that repays 1.

    Args:
        discount_rate: Cost of capital a year, as a fraction.
        years: Whole years.
        timing: When in the year it is paid: 0 at the end, 0.5 in the middle, 1 at the start.

    Returns:
        Share of the capital a year; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: Years that are not whole, a rate outside -50% to 100% (#NUM!).

    Source:
        Definition: the inverse of the annuity. Excel: -PMT(rate, years, 1).

    Example:
        >>> round(crf(0.1, 3), 12)
        0.402114803625
    """
    return 1 / annuity(discount_rate, years, timing)


@metric("USD")
def gpu_tco(
    gpu_usd: Usd,
    power_usd_yr: UsdPerYear,
    network_usd: Usd,
    facility_usd_yr: UsdPerYear,
    years: Years = 3.0,
    other_capex_usd: Usd = 0.0,
    other_opex_usd_yr: UsdPerYear = 0.0,
    residual_share: Share = 0.0,
    discount_rate: DiscountRate = 0.0,
    timing: Timing = 0.0,
) -> Usd:
    """Total cost of owning an accelerator: capital, present value of running it, less its residual value.

    Args:
        gpu_usd: Purchase price of the accelerator, USD.
        power_usd_yr: Power, USD a year.
        network_usd: Networking per accelerator, USD.
        facility_usd_yr: Space, cooling, operations, USD a year.
        years: Whole years of the horizon.
        other_capex_usd: Other capital: host, storage, spares.
        other_opex_usd_yr: Other running cost a year: staff, maintenance.
        residual_share: Value at the end, as a share of the accelerator's price.
        discount_rate: Cost of capital a year; 0 leaves the cost undiscounted.
        timing: When in the year running cost is paid: 0 end, 0.5 middle, 1 start.

    Returns:
        USD per accelerator over the horizon; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A negative cost, a share outside 0 to 1, years that are not whole (#NUM!).

    Source:
        Definition. The seed's table at its midpoints: 30,000 + 4,000 + 3 x (1,100 + 1,500) = 41,800.

    Example:
        >>> gpu_tco(30000, 1100, 4000, 1500)
        41800.0
    """
    capex = gpu_usd + network_usd + other_capex_usd
    opex_per_year = power_usd_yr + facility_usd_yr + other_opex_usd_yr
    pv_opex = opex_per_year * annuity(discount_rate, years, timing)
    pv_residual = residual_share * gpu_usd * (1 + discount_rate) ** (-1 * (years / ONE_YEAR))
    return capex + pv_opex - pv_residual


@metric("USD/GPU-h")
def owned_rate(
    tco_usd: Usd, years: Years = 3.0, discount_rate: DiscountRate = 0.0, timing: Timing = 0.0, hours: Hours = YEAR_HOURS
) -> UsdPerGpuHour:
    """Levelised cost of an hour of an owned accelerator, used or not.

    Args:
        tco_usd: Total cost of ownership, USD, as GPU_TCO gives it.
        years: Whole years of the horizon.
        discount_rate: Cost of capital a year, as in the total cost.
        timing: As in the total cost.
        hours: Hours in a year.

    Returns:
        USD per owned GPU-hour; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A negative cost, years that are not whole (#NUM!).

    Source:
        Definition: levelised cost.

    Example:
        >>> owned_rate(41800)
        1.5905631659056316
    """
    discounted_hours = hours * annuity(discount_rate, years, timing) / ONE_YEAR
    return tco_usd / (discounted_hours * ONE_GPU)


@metric("USD/GPU-h")
def effective_rate(
    usd_per_gpu_hour: UsdPerGpuHour, utilization: Efficiency, availability: Efficiency = 1.0
) -> UsdPerGpuHour:
    """Price of a useful GPU-hour.

    Args:
        usd_per_gpu_hour: Price of a GPU-hour, used or not, USD.
        utilization: Share of the hours that are used.
        availability: Share of the hours in which it can be used.

    Returns:
        USD per useful GPU-hour; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A share outside 0 to 1 (#NUM!).

    Source:
        Definition. 70-90% utilization cost 11-43% more, not the seed's 10-30%.

    Example:
        >>> round(effective_rate(1.5905631659056316, 0.7), 12)
        2.272233094151
    """
    return usd_per_gpu_hour / (utilization * availability)


@metric("USD")
def cloud_tco(
    usd_per_gpu_hour: UsdPerGpuHour,
    years: Years = 3.0,
    utilization: Share = 1.0,
    price_decline: Decline = 0.0,
    uplift: Decline = 0.0,
    discount_rate: DiscountRate = 0.0,
    timing: Timing = 0.0,
) -> Usd:
    """Cost of renting an accelerator over the same horizon.

    Committed capacity is paid whether it is used or not: utilization 1.

    Args:
        usd_per_gpu_hour: Price of a GPU-hour in the first year, USD.
        years: Whole years.
        utilization: Share of the hours that are paid for; 1 for committed capacity.
        price_decline: Fall of the price from year to year; negative for a rise.
        uplift: Extra on the bill: support, storage, egress.
        discount_rate: Cost of capital a year.
        timing: When in the year it is paid: 0 end, 0.5 middle, 1 start.

    Returns:
        USD per accelerator over the horizon; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A negative price, a share outside 0 to 1, years that are not whole (#NUM!).

    Source:
        Definition. The seed's $3.50 for three years: $91,980.

    Example:
        >>> cloud_tco(3.5)
        91980.0
    """
    usd_per_year = usd_per_gpu_hour * ONE_GPU * HOURS_PER_YEAR * utilization * (1 + uplift)
    growth = 1 + discount_rate
    terms = geometric_sum((1 - price_decline) / growth, years)
    return usd_per_year * terms * growth ** (timing - 1)


@metric("share")
def breakeven_util(
    owned_rate: UsdPerGpuHour,
    cloud_rate: UsdPerGpuHour,
    committed_share: Share = 0.0,
    committed_rate: UsdPerGpuHour = 0.0,
) -> Share:
    """Utilization above which owning is cheaper than renting; above 1 it never is.

    Committed capacity is paid whether it is used or not and filled first; the rest is elastic.

    Args:
        owned_rate: Cost of an owned GPU-hour, used or not, USD.
        cloud_rate: Price of an elastic GPU-hour, paid only when used, USD.
        committed_share: Committed capacity, as a share of the owned one.
        committed_rate: Price of a committed GPU-hour, USD.

    Returns:
        Share of the capacity, not clipped: 1.16 means never, 0 that the commitment alone costs more than owning.

    Raises:
        DomainError: A negative rate, a share outside 0 to 1, an elastic price of nothing (#NUM!).

    Source:
        Definition.

    Example:
        >>> round(breakeven_util(1.5905631659056316, 3.5), 12)
        0.45444661883
    """
    rest = owned_rate - committed_share * committed_rate
    return where(rest <= 0, 0.0, committed_share + rest / cloud_rate)
