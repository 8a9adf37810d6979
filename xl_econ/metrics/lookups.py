"""Look-ups in the reference tables."""

from __future__ import annotations

from xl_econ.core.quantities import Cell, Key, OwnTable, Text
from xl_econ.core.registry import metric
from xl_econ.tables.store import TABLES

_accelerators = TABLES["accelerators"]
_training_runs = TABLES["training_runs"]
_model_architectures = TABLES["model_architectures"]


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
