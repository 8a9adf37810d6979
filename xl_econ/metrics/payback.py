"""When owning pays: break-evens in utilization and in months, net present value against renting, depreciation."""

from __future__ import annotations

from xl_econ.core.expr import Const, Unavailable
from xl_econ.core.ops import choose, exp, expm1, log1p, maximum, minimum, where
from xl_econ.core.quantities import (
    CloudUsdPerMonth,
    DepreciationMethod,
    DiscountRate,
    Hours,
    LifeYears,
    MonthlyRate,
    MonthsOf,
    PowerUsd,
    SalvageUsd,
    Share,
    UpfrontUsd,
    Usd,
    UsdPerGpuHour,
    UsdPerMonth,
    UsdSigned,
    WholeMonths,
    YearNumber,
)
from xl_econ.core.registry import metric
from xl_econ.core.units import MONTHS_PER_YEAR, ONE_GPU

from .tco import ONE_YEAR

ONE_MONTH = Const("ONE_MONTH", 1, "month")
NEVER_BREAKS_EVEN = Unavailable("owning is never cheaper: an hour of use costs more in power than it saves in rent")
NEVER_PAYS_BACK = Unavailable("owning never pays back: it saves nothing a month, or less than the interest")
BEYOND_LIFE = Unavailable("the year lies beyond the life", "#NUM!")
SALVAGE_ABOVE_COST = Unavailable("the salvage value is above the cost", "#NUM!")


@metric("share")
def breakeven_util_var(
    fixed_usd: Usd, power_usd: PowerUsd, idle_share: Share, cloud_rate: UsdPerGpuHour, hours: Hours
) -> Share:
    """Utilization above which owning is cheaper than renting, where an idle accelerator draws less power.

    Args:
        fixed_usd: Cost of owning over the hours without power, USD per accelerator.
        power_usd: Cost of power over the hours if always at full load, USD per accelerator.
        idle_share: Power when idle, as a share of that at full load.
        cloud_rate: Price of a GPU-hour, paid only when used, USD.
        hours: Hours of the horizon; 26,280 are three years.

    Returns:
        Share of the hours, not clipped: 1.16 means never; scalar, or the broadcast shape of the arguments.

    Raises:
        NotAvailable: Power for an hour of use costs more than renting it: never (#N/A).
        DomainError: A negative cost, a share outside 0 to 1 (#NUM!).

    Source:
        Definition: fixed + power x (idle + (1 - idle) x utilization) = price x hours x utilization.

    Example:
        >>> round(breakeven_util_var(38500, 3300, 0.2, 3.5, 26280), 12)
        0.438325498097
    """
    cost_when_idle = fixed_usd + power_usd * idle_share
    saving_at_full_use = cloud_rate * ONE_GPU * hours - power_usd * (1 - idle_share)
    return cost_when_idle / where(saving_at_full_use > 0, saving_at_full_use, NEVER_BREAKS_EVEN)


@metric("month")
def breakeven_months(
    upfront_usd: UpfrontUsd,
    own_usd_month: UsdPerMonth,
    cloud_usd_month: CloudUsdPerMonth,
    monthly_rate: MonthlyRate = 0.0,
) -> MonthsOf:
    """Months after which owning has paid back what it cost.

    Args:
        upfront_usd: Paid at the start, USD.
        own_usd_month: Running cost of owning, USD a month.
        cloud_usd_month: Cost of renting the same, USD a month.
        monthly_rate: Cost of capital a MONTH, as a fraction: of a yearly rate, as NPV_BUY_VS_RENT takes it,
            (1 + rate)^(1/12) - 1. 0 leaves the flows undiscounted.

    Returns:
        Months, with their fraction; scalar, or the broadcast shape of the arguments.

    Raises:
        NotAvailable: Owning saves nothing a month, or less than the interest: never (#N/A).
        DomainError: A negative cost (#NUM!).

    Source:
        Definition. Excel: NPER(rate, cloud - own, -upfront); exact also near a rate of 0, where NPER is not.

    Example:
        >>> round(breakeven_months(34000, 2600 / 12, 3.5 * 730 * 0.7), 9)
        21.630792069
    """
    saving = cloud_usd_month - own_usd_month
    months_undiscounted = upfront_usd / where(saving > 0, saving, NEVER_PAYS_BACK)
    interest_share = monthly_rate * months_undiscounted / ONE_MONTH
    repaid_share = where(interest_share < 1, interest_share, NEVER_PAYS_BACK)
    growth_logarithm = log1p(monthly_rate)
    divisor = where(monthly_rate == 0, 1.0, growth_logarithm)
    months_discounted = -1 * log1p(-1 * repaid_share) / divisor * ONE_MONTH
    return where(monthly_rate == 0, months_undiscounted, months_discounted)


@metric("USD")
def npv_buy_vs_rent(
    upfront_usd: UpfrontUsd,
    own_usd_month: UsdPerMonth,
    cloud_usd_month: CloudUsdPerMonth,
    months: WholeMonths,
    residual_usd: SalvageUsd = 0.0,
    discount_rate: DiscountRate = 0.0,
) -> UsdSigned:
    """Net present value of buying over renting; positive favours buying.

    Args:
        upfront_usd: Paid at the start, USD.
        own_usd_month: Running cost of owning, USD at the end of each month.
        cloud_usd_month: Cost of renting the same, USD at the end of each month.
        months: Whole months of the horizon.
        residual_usd: Value at the end, USD.
        discount_rate: Cost of capital a YEAR, as a fraction (BREAKEVEN_MONTHS takes a month's); every month counts
            (1 + rate)^(1/12) - 1.

    Returns:
        USD before tax; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A negative cost, months that are not whole, a rate outside -50% to 100% (#NUM!).

    Source:
        Definition; the annuity by expm1 and log1p, which keep their digits near a rate of 0.

    Example:
        >>> round(npv_buy_vs_rent(34000, 2600 / 12, 1788.5, 36, 0, 0.1), 6)
        15019.914928
    """
    growth_logarithm = log1p(discount_rate) / ONE_YEAR / MONTHS_PER_YEAR
    rate_per_month = expm1(growth_logarithm * ONE_MONTH)
    discounted_share = -1 * expm1(-1 * growth_logarithm * months)
    divisor = where(discount_rate == 0, 1.0, rate_per_month)
    annuity_months = where(discount_rate == 0, months, discounted_share / divisor * ONE_MONTH)
    pv_saving = (cloud_usd_month - own_usd_month) * annuity_months
    pv_residual = residual_usd * exp(-1 * growth_logarithm * months)
    return pv_saving + pv_residual - upfront_usd


@metric("USD")
def depreciation(
    cost_usd: Usd, salvage_usd: SalvageUsd, life_years: LifeYears, year: YearNumber, method: DepreciationMethod = "SLN"
) -> Usd:
    """Depreciation of an asset in a year of its life.

    Args:
        cost_usd: Cost, USD.
        salvage_usd: Value at the end of the life, USD.
        life_years: Whole years of life.
        year: The year, counted from 1.
        method: SLN straight line, DDB double declining balance, SYD sum of the years' digits.

    Returns:
        USD in that year; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A year beyond the life, a salvage value above the cost, years that are not whole (#NUM!).
        NotAvailable: Another method (#N/A).

    Source:
        Excel's SLN, DDB (factor 2) and SYD, for whole years.

    Example:
        >>> depreciation(30000, 3000, 5, 2, "DDB")
        7200.0
    """
    depreciable = cost_usd - salvage_usd
    straight_line = depreciable * (ONE_YEAR / life_years)
    years_digits = life_years * (life_years + ONE_YEAR) / 2
    sum_of_digits = depreciable * (ONE_YEAR * (life_years - year + ONE_YEAR) / years_digits)
    declining_rate = minimum(1.0, 2 / (life_years / ONE_YEAR))
    # 0^0 is an error in a sheet: a life of 1 or 2 years, in the first.
    kept_share = where(year == ONE_YEAR, 1.0, (1 - declining_rate) ** ((year - ONE_YEAR) / ONE_YEAR))
    book_value = cost_usd * kept_share
    declining_balance = minimum(book_value * declining_rate, maximum(book_value - salvage_usd, 0.0))
    amount = choose(method, {"SLN": straight_line, "DDB": declining_balance, "SYD": sum_of_digits})
    within_cost = where(salvage_usd <= cost_usd, amount, SALVAGE_ABOVE_COST)
    return where(year <= life_years, within_cost, BEYOND_LIFE)
