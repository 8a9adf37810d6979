"""Prices of tokens as the installed package genai-prices holds them: read from the package, nothing is downloaded."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from importlib import import_module
from typing import Any

from xl_econ.core.errors import TableError, UsageError

PACKAGE = "genai-prices"
_MODULE = "genai_prices"
# Other days in the comments may lie ahead: of a rise that is announced, of a model's end.
_CHECKED = re.compile(
    r"\b(?:verified|checked|as of|accessed|retrieved|captured|observed)\b[^.;\d]{0,30}(20\d\d-\d\d-\d\d)\b",
    re.IGNORECASE,
)
_STEP = timedelta(minutes=15)  # in which a day is gone through for the price that holds longest


@dataclass(frozen=True)
class Model:
    """What the package says of one model at one provider; prices in USD per million tokens.

    Attributes:
        provider_id: The provider's id in the package.
        provider: Its name.
        id: The model's id in the package.
        input: Price of input, below the first threshold of the prompt length.
        cached: Price of input that is read from the cache; None where there is none.
        cache_write: Price of input that is written to the cache; None where there is none.
        output: Price of output.
        context: Longest context, tokens; None where the package does not say.
        tiered: Whether long prompts cost more.
        offered: Whether the provider still offers it.
        page: The provider's price page.
        as_of: The day that the model's prices were checked, if the package says so, else the day of all its data.
    """

    provider_id: str
    provider: str
    id: str
    input: float
    cached: float | None
    cache_write: float | None
    output: float
    context: float | None
    tiered: bool
    offered: bool
    page: str
    as_of: str


@dataclass(frozen=True)
class Prices:
    """The models of the package that have prices of input and output, its version, and the day of its data."""

    version: str
    as_of: str
    models: tuple[Model, ...]


def read(today: date | None = None) -> Prices:
    """The prices that the installed package holds.

    Of prices that change within the day it takes the one that holds longest, of those that begin on a day the one in
    force. The package notes neither the day of its data nor that of its release; the youngest day on which a comment in
    it says that something was checked is taken, which is not later than the release. Without one it is today.

    Args:
        today: The day to read them on; today if None.

    Raises:
        UsageError: The package is not installed.
        TableError: It cannot be read.
    """
    try:
        package = import_module(_MODULE)
    except ModuleNotFoundError as e:
        if e.name != _MODULE:
            raise TableError(f"{PACKAGE} cannot be read: {e}") from None
        raise UsageError(f"{PACKAGE} is not installed; pip install 'xl-econ[refresh]' brings it") from None
    except ImportError as e:
        raise TableError(f"{PACKAGE} cannot be read: {e}") from None
    version = str(getattr(package, "__version__", "?"))
    try:
        providers = list(import_module(f"{_MODULE}.data_snapshot").get_snapshot().providers)
        now = today or datetime.now(UTC).date()
        as_of = _youngest(providers, now)
        models = tuple(m for p in providers for model in p.models if (m := _model(p, model, as_of, now)))
    except (ImportError, AttributeError, TypeError, ValueError, LookupError, ArithmeticError) as e:
        raise TableError(f"{PACKAGE} {version} cannot be read: {type(e).__name__}: {e}") from None
    return Prices(version, as_of, models)


def _model(provider: Any, model: Any, as_of: str, today: date) -> Model | None:
    """A model as we take it; None without prices of input and output tokens."""
    prices = _longest(model, today)
    names = ("input_mtok", "cache_read_mtok", "cache_write_mtok", "output_mtok")
    found = [getattr(prices, name, None) for name in names]
    given, cached, written, made = (None if x is None else float(getattr(x, "base", x)) for x in found)
    if given is None or made is None:
        return None
    context = getattr(model, "context_window", None)
    return Model(
        provider.id,
        provider.name,
        model.id,
        given,
        cached,
        written,
        made,
        float(context) if context else None,
        any(hasattr(x, "base") for x in found),
        not getattr(model, "deprecated", None),
        next(iter(provider.pricing_urls or ()), ""),
        str(getattr(model, "prices_checked", None) or as_of)[:10],
    )


def _longest(model: Any, today: date) -> Any:
    """The prices of a model that hold for most of a day."""
    if not isinstance(model.prices, list):
        return model.prices
    midnight = datetime.combine(today, time(), UTC)
    times = (midnight + n * _STEP for n in range(timedelta(days=1) // _STEP))
    found = [model.get_prices(at) for at in times]
    [(longest, _)] = Counter(map(id, found)).most_common(1)
    return next(p for p in found if id(p) == longest)


def _youngest(providers: list[Any], today: date) -> str:
    """The youngest day, no later than today, on which the data says that something was checked; else today."""
    return max((d for d in _days(providers) if d <= today.isoformat()), default=today.isoformat())


def _days(providers: list[Any]) -> Iterator[str]:
    for holder in (x for p in providers for x in (p, *p.models)):
        for day in _CHECKED.findall(getattr(holder, "price_comments", None) or ""):
            try:
                yield date.fromisoformat(day).isoformat()
            except ValueError:  # 2026-02-30
                continue
