"""Prices and margins of tokens."""

from __future__ import annotations

from xl_econ.core.ops import where
from xl_econ.core.quantities import Margin, Share, UsdPerMtok, UsdPerMtokOrAuto
from xl_econ.core.quantity import AUTO
from xl_econ.core.registry import metric


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
