"""Prices, costs and margins of tokens."""

from __future__ import annotations

from xl_econ.core.expr import Unavailable
from xl_econ.core.ops import where
from xl_econ.core.quantities import (
    Efficiency,
    Margin,
    MtokPerMonth,
    Share,
    TokensPerSecondPerGpu,
    UsdPerGpuHour,
    UsdPerMonth,
    UsdPerMtok,
    UsdPerMtokOrAuto,
    VariableUsdPerMtok,
)
from xl_econ.core.quantity import AUTO
from xl_econ.core.registry import metric
from xl_econ.core.units import MILLION, SECONDS_PER_HOUR

NEVER_CHEAPER = Unavailable(
    "serving it yourself is never cheaper: a token of your own costs what the API asks, or more"
)


@metric("share")
def gross_margin(price_usd: UsdPerMtok, cost_usd: UsdPerMtok) -> Margin:
    """Share of the price that is left after cost; negative when it is sold below cost.

    Args:
        price_usd: Price, USD per million tokens.
        cost_usd: Cost, USD per million tokens.

    Returns:
        Share of the price; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A negative value, a price of nothing (#NUM!).

    Source:
        Definition. The seed's 50-80% margin means a cost of 20-50% of the price, not 30-50%.

    Example:
        >>> gross_margin(2, 0.5)
        0.75
    """
    return 1 - cost_usd / price_usd


@metric("USD/Mtok")
def price_for_margin(cost_usd: UsdPerMtok, margin: Margin) -> UsdPerMtok:
    """Price that leaves a gross margin.

    Args:
        cost_usd: Cost, USD per million tokens.
        margin: Share of the price that should be left.

    Returns:
        USD per million tokens; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A margin of 100% or more (#NUM!).

    Source:
        Definition: the inverse of the gross margin.

    Example:
        >>> round(price_for_margin(0.5, 0.75), 12)
        2.0
    """
    return cost_usd / (1 - margin)


@metric("USD/Mtok")
def blended_price(
    input_usd: UsdPerMtok,
    output_usd: UsdPerMtok,
    input_share: Share = 0.75,
    cached_usd: UsdPerMtokOrAuto = AUTO,
    cache_hit: Share = 0.0,
) -> UsdPerMtok:
    """Price of a million tokens of a mix of input and output.

    Args:
        input_usd: Price of input, USD per million tokens.
        output_usd: Price of output, USD per million tokens.
        input_share: Share of input among the tokens.
        cached_usd: Price of input that is read from a cache; auto takes the price of input.
        cache_hit: Share of the input that is read from a cache.

    Returns:
        USD per million tokens; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A negative price, a share outside 0 to 1 (#NUM!).

    Source:
        Definition; three input tokens to one output token is the mix of price comparisons.

    Example:
        >>> blended_price(1, 5)
        2.0
    """
    cached = where(cached_usd > 0, cached_usd, input_usd)
    read_usd = input_usd * (1 - cache_hit) + cached * cache_hit
    return read_usd * input_share + output_usd * (1 - input_share)


@metric("USD/Mtok")
def cost_per_mtok(
    tokens_per_second_per_gpu: TokensPerSecondPerGpu, usd_per_gpu_hour: UsdPerGpuHour, utilization: Efficiency = 1.0
) -> UsdPerMtok:
    """Cost of a million tokens from a measured throughput.

    Args:
        tokens_per_second_per_gpu: Tokens per second and accelerator, while it is busy.
        usd_per_gpu_hour: Price of a GPU-hour, used or not, USD.
        utilization: Share of the hours in which it is busy.

    Returns:
        USD per million tokens; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: No throughput, a negative price, a share outside 0 to 1 (#NUM!).

    Source:
        Definition; the seed's GPU-seconds per token times the price of a GPU-second.

    Example:
        >>> round(cost_per_mtok(2500, 2.5, 0.6), 12)
        0.462962962963
    """
    usd_per_gpu_second = usd_per_gpu_hour / SECONDS_PER_HOUR
    mean_throughput = tokens_per_second_per_gpu * utilization
    return usd_per_gpu_second / mean_throughput * MILLION


@metric("Mtok/month")
def api_breakeven(
    api_usd_per_mtok: UsdPerMtok, fixed_usd_per_month: UsdPerMonth, variable_usd_per_mtok: VariableUsdPerMtok
) -> MtokPerMonth:
    """Volume above which serving a model yourself is cheaper than buying its tokens.

    Args:
        api_usd_per_mtok: Price of the API, USD per million tokens.
        fixed_usd_per_month: Cost of your own service whatever its volume, USD a month: accelerators, staff.
        variable_usd_per_mtok: Cost of your own service that grows with its volume, USD per million tokens.

    Returns:
        Million tokens a month; scalar, or the broadcast shape of the arguments.

    Raises:
        NotAvailable: A token of your own costs what the API asks, or more: never (#N/A).
        DomainError: A negative value (#NUM!).

    Source:
        Definition. It says nothing of how many tokens the accelerators can serve; see COST_PER_MTOK.

    Example:
        >>> api_breakeven(2, 14600, 0.05)
        7487.179487179487
    """
    saving_per_mtok = api_usd_per_mtok - variable_usd_per_mtok
    return fixed_usd_per_month / where(saving_per_mtok > 0, saving_per_mtok, NEVER_CHEAPER)
