"""Look-ups in the reference tables."""

from __future__ import annotations

from typing import Annotated, Any

from xl_econ.core.ops import choose, concat, join
from xl_econ.core.quantities import (
    ApiModel,
    AssumptionKey,
    Case,
    Cell,
    Key,
    OwnTable,
    Provider,
    Side,
    Technique,
    Term,
    Text,
    UsdPerGpuHour,
    UsdPerMtok,
)
from xl_econ.core.quantity import text
from xl_econ.core.registry import metric
from xl_econ.tables.store import KEYED, TABLES, of_any

TableName = Annotated[Any, text("Table", "accelerators", tuple(KEYED))]

_accelerators = TABLES["accelerators"]
_training_runs = TABLES["training_runs"]
_model_architectures = TABLES["model_architectures"]
_cloud_prices = TABLES["cloud_prices"]
_api_prices = TABLES["api_prices"]
_assumptions = TABLES["assumptions"]
_optimizations = TABLES["optimizations"]


@metric("any")
def gpu_spec(gpu: Key, field: Text, table: OwnTable = None) -> Cell:
    """A figure of an accelerator: its dense peak at a precision, memory, bandwidth, power.

    Args:
        gpu: Accelerator, as in the accelerators table or as people call it.
        field: Column of the table: bf16, fp8, hbm_gb, hbm_tbps, tdp_w, ...
        table: The sheet's own Accelerators table with its header row, so that edits count; else the shipped one.

    Returns:
        The figure in the column's unit, or its text.

    Raises:
        NotAvailable: Unknown accelerator or column, or the figure is not known (#N/A).

    Source:
        Table accelerators; each row names its source.

    Example:
        >>> gpu_spec("H100 SXM", "bf16")
        989.4
    """
    return _accelerators.given(table).lookup(gpu, field)


@metric("any")
def training_run(model: Key, field: Text, table: OwnTable = None) -> Cell:
    """A figure of a published training run, as disclosed.

    Args:
        model: Model, as in the training_runs table or as people call it.
        field: Column of the table: params_b, tokens_t, gpu_hours, mfu, cost_usd, ...
        table: The sheet's own TrainingRuns table with its header row, so that edits count; else the shipped one.

    Returns:
        The figure in the column's unit, or its text.

    Raises:
        NotAvailable: Unknown model or column, or the figure was not disclosed (#N/A).

    Source:
        Table training_runs; each row names its source.

    Example:
        >>> training_run("Llama 3.1 405B", "gpu_hours")
        30840000.0
    """
    return _training_runs.given(table).lookup(model, field)


@metric("any")
def model_spec(model: Key, field: Text, table: OwnTable = None) -> Cell:
    """A figure of a published model: parameters, layers, attention, experts.

    Args:
        model: Model, as in the model_architectures table or as people call it.
        field: Column of the table: params_total_b, params_active_b, layers, heads, kv_heads, ...
        table: The sheet's own ModelArchitectures table with its header row, so that edits count; else the shipped one.

    Returns:
        The figure in the column's unit, or its text.

    Raises:
        NotAvailable: Unknown model or column (#N/A).

    Source:
        Table model_architectures; each row names its source.

    Example:
        >>> model_spec("Mixtral-8x7B", "params_active_b")
        12.88
    """
    return _model_architectures.given(table).lookup(model, field)


@metric("USD/GPU-h")
def cloud_price(
    provider: Provider, gpu: Key, term: Term = "on-demand", case: Case = "latest", table: OwnTable = None
) -> UsdPerGpuHour:
    """What an accelerator costs by the hour at a provider.

    The latest price stands beside the seed's and beside prices of other sources that contradict it; `xl-econ tables
    cloud_prices --conflicts` lists those.

    Args:
        provider: Provider, as in the cloud_prices table: AWS, GCP, Azure, CoreWeave, Lambda, ...
        gpu: Accelerator, as in the accelerators table; Python knows the short names too.
        term: Commitment: on-demand, reserved-1yr, reserved-3yr, spot or flex.
        case: Which price of the offer: latest, seed, seed high, cross-check, ...
        table: The sheet's own CloudPrices table with its header row, so that edits count; else the shipped one.

    Returns:
        Price of one accelerator, the instance's price divided by its accelerators.

    Raises:
        NotAvailable: No such offer (#N/A).

    Source:
        Table cloud_prices; each row names its source.

    Example:
        >>> cloud_price("AWS", "H100 SXM 80GB")
        6.88
    """
    offer = join(provider, gpu, term, case)
    return _cloud_prices.given(table).lookup(offer, "usd_per_gpu_hour")


@metric("USD/Mtok")
def api_price(model: ApiModel, side: Side = "output", table: OwnTable = None) -> UsdPerMtok:
    """What a provider charges for a million tokens of a model.

    Args:
        model: Model, as in the api_prices table: its id, with the host in front where another than its maker serves it.
        side: Which tokens: input, output, or cached (input that is read from the cache).
        table: The sheet's own ApiPrices table with its header row, so that edits count; else the shipped one.

    Returns:
        Price of a million tokens.

    Raises:
        NotAvailable: Unknown model, or it has no price of cached input (#N/A).

    Source:
        Table api_prices; each row names its source.

    Example:
        >>> api_price("gpt-4o", "input")
        2.5
    """
    columns = {"input": "input_usd_per_mtok", "output": "output_usd_per_mtok", "cached": "cached_input_usd_per_mtok"}
    return _api_prices.given(table).lookup(model, choose(side, columns))


@metric("any")
def assumption(key: AssumptionKey, table: OwnTable = None) -> Cell:
    """A figure to assume where nothing better is known: a power price, a useful life, a share.

    Args:
        key: Key of the table: power.us_industrial, pue.avg, wacc, ...; an older value has its month behind.
        table: The sheet's own Assumptions table with its header row, so that edits count; else the shipped one.

    Returns:
        The figure, in the unit that its row names.

    Raises:
        NotAvailable: Unknown key (#N/A).

    Source:
        Table assumptions; each row names its source.

    Example:
        >>> assumption("pue.avg")
        1.54
    """
    return _assumptions.given(table).lookup(key, "value")


@metric("any")
def optimization(technique: Technique, field: Text, table: OwnTable = None) -> Cell:
    """What a technique saves, as the seed gives it: memory, time, quality.

    Args:
        technique: Technique, as in the optimizations table or as people call it.
        field: Column of the table: memory_reduction_low, speedup_high, quality_loss, impact, adoption, ...
        table: The sheet's own Optimizations table with its header row, so that edits count; else the shipped one.

    Returns:
        The figure or its text.

    Raises:
        NotAvailable: Unknown technique or column, or the seed says nothing of it (#N/A).

    Source:
        Table optimizations (the seed).

    Example:
        >>> optimization("FP16 to FP8", "speedup_low")
        1.5
    """
    return _optimizations.given(table).lookup(technique, field)


@metric("any")
def source(table: TableName, key: Key) -> Cell:
    """Where the figures of a row come from, as of when, and how far to trust them.

    As a LAMBDA it reads the tables of its workbook, all those that a rate card has.

    Args:
        table: Name of a reference table: accelerators, cloud_prices, api_prices, assumptions, ...
        key: Key of the row; Python knows the short names too.

    Returns:
        Source, date and grade as one text: A a provider or primary, B transcription, C list or average, D unsourced
        or the seed.

    Raises:
        NotAvailable: Unknown table or key (#N/A).

    Source:
        The columns source, as_of and grade of the table that is named.

    Example:
        >>> source("precisions", "fp8")
        'OCP 8-bit Floating Point Specification (OFP8) 1.0 (as of 2023-12, grade A)'
    """
    origin = of_any(table, key, "source")
    as_of = of_any(table, key, "as_of")
    grade = of_any(table, key, "grade")
    return concat(origin, " (as of ", as_of, ", grade ", grade, ")")
