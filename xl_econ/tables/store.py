"""The reference tables by name."""

from __future__ import annotations

from typing import Any

from xl_econ.core.errors import NotAvailable, nearest
from xl_econ.core.expr import Expr

from .table import Table, is_array

TABLES = {
    t.name: t
    for t in (
        Table("accelerators", "Accelerators", "Accelerator", "accelerator", "accelerators: dense peaks, memory, power"),
        Table("training_runs", "TrainingRuns", "TrainingRun", "model", "published training runs, as disclosed"),
        Table(
            "model_architectures",
            "ModelArchitectures",
            "ModelArchitecture",
            "model",
            "published models: parameters, layers, attention, experts",
        ),
        Table("precisions", "Precisions", "Precision", "precision", "number formats: bytes of weights and cache, peak"),
        Table(
            "inference_profiles",
            "InferenceProfiles",
            "InferenceProfile",
            "profile",
            "constants of the serving model, as fitted on measured throughput",
        ),
        Table("mfu_typical", "MfuTypical", "MfuTypical", "gpus", "typical MFU by cluster size (the seed's table)"),
        Table(
            "effective_mfu",
            "EffectiveMfu",
            "EffectiveMfu",
            "run_class",
            "MFU that published runs delivered, goodput in it, by hardware and kind of model",
        ),
        Table("cost_components", "CostComponents", "CostComponent", "component", "shares of TCO (the seed's table)"),
        Table(
            "seed_training_benchmarks",
            "SeedBenchmarks",
            "SeedTrainingBenchmark",
            "model",
            "the seed's training benchmarks, as written and as parsed",
        ),
        Table(
            "cloud_prices",
            "CloudPrices",
            "CloudPrice",
            "offer",
            "prices of accelerators by the hour, latest and contradicting ones",
            offer=("provider", "gpu", "term"),
            prices=("usd_per_gpu_hour",),
        ),
        Table(
            "purchase_prices",
            "PurchasePrices",
            "PurchasePrice",
            "item_id",
            "what accelerators were sold for, 2020 to 2025",
            offer=("item", "kind"),
            prices=("usd_per_gpu",),
        ),
        Table("api_prices", "ApiPrices", "ApiPrice", "model", "prices of tokens by model and provider"),
        Table("assumptions", "Assumptions", "Assumption", "key", "rates, lives and shares to assume, with sources"),
        Table(
            "batch_utilization",
            "BatchUtilization",
            "BatchUtilization",
            "batch",
            "utilization by batch (the seed's table)",
        ),
        Table(
            "optimizations", "Optimizations", "Optimization", "technique", "techniques that save (the seed's tables)"
        ),
        Table(
            "inference_price_classes",
            "InferencePriceClasses",
            "InferencePriceClass",
            "model_class",
            "token prices by size of the model (the seed's table)",
        ),
        Table(
            "speculative_acceptance",
            "SpeculativeAcceptance",
            "SpeculativeAcceptance",
            "run",
            "tokens per pass with speculative decoding, measured",
        ),
        Table("seed_claims", "SeedClaims", "SeedClaim", "claim_id", "the seed's numeric claims, each with its check"),
    )
}


# The tables that a company keeps in its rate card: all but the audit of the seed, which is about another document.
RATE_CARD = {name: t for name, t in TABLES.items() if name != "seed_claims"}


# The tables of a rate card whose rows are named by a text; the others are interpolated between numbers.
KEYED = {name: t for name, t in RATE_CARD.items() if t.key not in ("gpus", "batch")}


def of_any(table: Any, key: Any, column: str) -> Any:
    """The text of `column` in the row of `key` of the table that is named; names and keys may be arrays or traced.

    Args:
        table: Name of one of the tables in `KEYED`.
        key: Key of a row.
        column: A column that each of these tables has: source, as_of or grade.

    Raises:
        NotAvailable: Unknown table or key.
    """
    if type(table) is Expr or type(key) is Expr:
        return Expr("choose", table, tuple(KEYED), *(Expr("lookup", t, key, column) for t in KEYED.values()))
    if not is_array(table) and not is_array(key):
        return get(table).lookup(key, column)
    import numpy as np

    names, keys = np.broadcast_arrays(np.asarray(table, object), np.asarray(key, object))
    out = np.empty(names.shape, dtype=object)
    for name in set(names.ravel().tolist()):
        at = names == name
        out[at] = get(name).lookup(keys[at], column)
    return out


def get(name: str) -> Table:
    """The table of that name.

    Raises:
        NotAvailable: No such table; names the nearest.
    """
    try:
        return TABLES[name.strip().casefold()]
    except KeyError:
        raise NotAvailable(f"no table {name!r}{nearest(name, TABLES)}") from None
