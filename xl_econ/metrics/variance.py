"""Spend against budget, line by line: volume, mix, utilization, price and FX, which sum to the whole difference.

A line is a service priced by the GPU-hour. Its spend is useful hours x hours paid per useful hour x price. One of the
three moves at a time, volume first and price last, so that every effect is one difference and nothing is left over:

- volume: all lines grow alike, by the total of useful hours, at the budget's mix, use and prices;
- mix: the lines' shares of that total move, at the budget's use and prices;
- utilization: the hours paid per useful hour move, at the budget's prices;
- price: the prices move, at the actual hours paid and the budget's FX rates;
- FX: the rates move, at what was billed in each currency.
"""

from __future__ import annotations

from xl_econ.core.expr import Const
from xl_econ.core.ops import geometric_sum, maximum, minimum, total, weighted_sum, where
from xl_econ.core.quantities import (
    Costs,
    FxRates,
    LineHours,
    MonthlyGrowth,
    MonthsToGo,
    RateFactors,
    Rates,
    Usd,
    UsdPerMonth,
    UsdSigned,
)
from xl_econ.core.registry import metric

from .payback import ONE_MONTH

PRICED_HOUR = Const("PRICED_HOUR", 1, "GPU-h")  # stands in where there are no hours to divide by
CENTS_PER_USD = Const("CENTS_PER_USD", 100, "cent/USD")
SAME_TO_LAST_DIGITS = Const("SAME_TO_LAST_DIGITS", 1 + 1e-14)


@metric("USD")
def lines_spend(useful_hours: LineHours, prices: Rates, paid_per_useful: RateFactors = 1.0) -> Usd:
    """Spend of several lines of accelerators.

    Args:
        useful_hours: GPU-hours that did work: a list or a range, one for each line.
        prices: Price of a GPU-hour of each line, USD.
        paid_per_useful: GPU-hours paid for each useful one: 1/utilization.

    Returns:
        USD, one number for the lists.

    Raises:
        InputError: Lists of different lengths (#VALUE!).
        DomainError: Negative hours, a negative price (#NUM!).

    Source:
        Definition.

    Example:
        >>> lines_spend([1000, 500], [2.5, 4], [1.25, 2])
        7125.0
    """
    return weighted_sum(prices, useful_hours, paid_per_useful)


@metric("USD")
def volume_effect(
    budget_hours: LineHours, actual_hours: LineHours, budget_prices: Rates, budget_paid_per_useful: RateFactors = 1.0
) -> UsdSigned:
    """What more or fewer useful hours cost, at the budget's mix, use and prices.

    Args:
        budget_hours: Useful GPU-hours in the budget: a list or a range, one for each line.
        actual_hours: Useful GPU-hours that were used.
        budget_prices: Price of a GPU-hour in the budget, USD.
        budget_paid_per_useful: GPU-hours paid for each useful one in the budget: 1/utilization.

    Returns:
        USD; positive is spent beyond the budget; one number for the lists.

    Raises:
        InputError: Lists of different lengths (#VALUE!).
        DomainError: Negative hours, a negative price (#NUM!).

    Source:
        Definition: the budget times the growth of all useful hours together.

    Example:
        >>> round(volume_effect([1000, 500], [1200, 600], [2.5, 4], [1.25, 2]), 6)
        1425.0
    """
    budget_spend = lines_spend(budget_hours, budget_prices, budget_paid_per_useful)
    growth = total(actual_hours) / total(budget_hours) - 1
    return budget_spend * growth


@metric("USD")
def mix_effect(
    budget_hours: LineHours, actual_hours: LineHours, budget_prices: Rates, budget_paid_per_useful: RateFactors = 1.0
) -> UsdSigned:
    """What the move of useful hours to dearer or cheaper lines costs, at the budget's use and prices.

    Args:
        budget_hours: Useful GPU-hours in the budget: a list or a range, one for each line.
        actual_hours: Useful GPU-hours that were used.
        budget_prices: Price of a GPU-hour in the budget, USD.
        budget_paid_per_useful: GPU-hours paid for each useful one in the budget: 1/utilization.

    Returns:
        USD; positive is spent beyond the budget; one number for the lists.

    Raises:
        InputError: Lists of different lengths (#VALUE!).
        DomainError: Negative hours, a negative price (#NUM!).

    Source:
        Definition: actual hours at the budget's use and prices, less the budget grown as all hours grew.

    Example:
        >>> mix_effect([1000, 500], [900, 600], [2.5, 4], [1.25, 2])
        487.5
    """
    budget_spend = lines_spend(budget_hours, budget_prices, budget_paid_per_useful)
    spend_at_actual_mix = lines_spend(actual_hours, budget_prices, budget_paid_per_useful)
    growth = total(actual_hours) / total(budget_hours)
    spend_at_budget_mix = budget_spend * growth
    # Where the mix has not moved, the two sums may differ by their last digit, which spreadsheets snap to 0.
    larger = maximum(spend_at_actual_mix, spend_at_budget_mix)
    smaller = minimum(spend_at_actual_mix, spend_at_budget_mix)
    return where(larger <= smaller * SAME_TO_LAST_DIGITS, 0.0, spend_at_actual_mix - spend_at_budget_mix)


@metric("USD")
def utilization_effect(
    actual_hours: LineHours,
    budget_prices: Rates,
    budget_paid_per_useful: RateFactors = 1.0,
    actual_paid_per_useful: RateFactors = 1.0,
) -> UsdSigned:
    """What a better or worse use of the hours paid costs, at the budget's prices.

    Args:
        actual_hours: Useful GPU-hours that were used: a list or a range, one for each line.
        budget_prices: Price of a GPU-hour in the budget, USD.
        budget_paid_per_useful: GPU-hours paid for each useful one in the budget: 1/utilization.
        actual_paid_per_useful: GPU-hours that were paid for each useful one.

    Returns:
        USD; positive is spent beyond the budget; one number for the lists.

    Raises:
        InputError: Lists of different lengths (#VALUE!).
        DomainError: Negative hours, a negative price (#NUM!).

    Source:
        Definition.

    Example:
        >>> utilization_effect([900, 600], [2.5, 4], [1.25, 2], [1.5, 2])
        562.5
    """
    spend_at_budget_use = lines_spend(actual_hours, budget_prices, budget_paid_per_useful)
    spend_at_actual_use = lines_spend(actual_hours, budget_prices, actual_paid_per_useful)
    return spend_at_actual_use - spend_at_budget_use


@metric("USD")
def price_effect(
    actual_hours: LineHours, budget_prices: Rates, actual_prices: Rates, actual_paid_per_useful: RateFactors = 1.0
) -> UsdSigned:
    """What higher or lower prices cost, at the actual hours paid.

    Args:
        actual_hours: Useful GPU-hours that were used: a list or a range, one for each line.
        budget_prices: Price of a GPU-hour in the budget, USD.
        actual_prices: Price of a GPU-hour that was paid, USD.
        actual_paid_per_useful: GPU-hours that were paid for each useful one: 1/utilization.

    Returns:
        USD; positive is spent beyond the budget; one number for the lists.

    Raises:
        InputError: Lists of different lengths (#VALUE!).
        DomainError: Negative hours, a negative price (#NUM!).

    Source:
        Definition.

    Example:
        >>> price_effect([900, 600], [2.5, 4], [2, 4.5], [1.5, 2])
        -75.0
    """
    spend_at_budget_price = lines_spend(actual_hours, budget_prices, actual_paid_per_useful)
    spend_at_actual_price = lines_spend(actual_hours, actual_prices, actual_paid_per_useful)
    return spend_at_actual_price - spend_at_budget_price


@metric("USD")
def fx_effect(costs: Costs, budget_fx: FxRates, actual_fx: FxRates) -> UsdSigned:
    """What moved exchange rates cost, on what was billed in each line's currency.

    Args:
        costs: What was billed, each in its line's currency: a list or a range, one for each line.
        budget_fx: USD for one unit of each line's currency in the budget; 1 for USD.
        actual_fx: USD for one unit of it that were paid.

    Returns:
        USD; positive is spent beyond the budget; one number for the lists.

    Raises:
        InputError: Lists of different lengths (#VALUE!).
        DomainError: A negative cost or rate (#NUM!).

    Source:
        Definition.

    Example:
        >>> round(fx_effect([1000, 500], [1, 1.1], [1, 1.2]), 6)
        50.0
    """
    cost_at_budget_fx = weighted_sum(costs, budget_fx, 1.0)
    cost_at_actual_fx = weighted_sum(costs, actual_fx, 1.0)
    return cost_at_actual_fx - cost_at_budget_fx


@metric("USD")
def forecast_to_go(usd_month: UsdPerMonth, months: MonthsToGo, growth: MonthlyGrowth = 0.0) -> Usd:
    """Spend of the months to come, from that of the last month and its growth.

    Args:
        usd_month: Spend of the last month, USD.
        months: Whole months to come; 0 at the end of the year.
        growth: Growth from month to month, also of the first of them over the last month.

    Returns:
        USD; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: Negative spend, months that are not whole (#NUM!).

    Source:
        Definition: the run rate grown month by month, summed.

    Example:
        >>> round(forecast_to_go(100, 2, 0.1), 6)
        231.0
    """
    growth_factor = 1 + growth
    summed_factors = geometric_sum(growth_factor, months / ONE_MONTH)
    return usd_month * ONE_MONTH * growth_factor * summed_factors
