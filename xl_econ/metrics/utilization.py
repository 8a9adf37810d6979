"""How well the hardware works: MFU from what was disclosed or measured, typical MFU, goodput.

The inverses check a claim: GPU-hours that imply an MFU above 1 cannot be right.
"""

from __future__ import annotations

from typing import Any

from xl_econ.core.ops import choose, exp, expm1, log, minimum, sqrt, where
from xl_econ.core.quantities import (
    Batch,
    Bound,
    Efficiency,
    FailuresPerGpuHour,
    Flop,
    GpuHours,
    Gpus,
    Minutes,
    MinutesOrAuto,
    ParamsB,
    Ratio,
    RestartMinutes,
    Share,
    Tflops,
    TokensPerSecondPerGpu,
)
from xl_econ.core.quantity import AUTO
from xl_econ.core.registry import metric, shared
from xl_econ.core.units import BILLION, MINUTES_PER_HOUR, SECONDS_PER_HOUR, TERA
from xl_econ.tables.store import TABLES
from xl_econ.tables.table import Table

from .training import FLOP_PER_PARAM_TOKEN, FORWARD_PASSES_PER_STEP

_mfu_table = TABLES["mfu_typical"]
_batch_table = TABLES["batch_utilization"]


@metric("share")
def mfu(flop: Flop, gpu_hours: GpuHours, peak_tflops: Tflops) -> Share:
    """Model FLOPs utilization that disclosed GPU-hours imply; above 1 the claim is impossible.

    Args:
        flop: Model FLOP of the run.
        gpu_hours: GPU-hours that the run is said to have taken.
        peak_tflops: Dense peak at the training precision, TFLOP/s.

    Returns:
        Share of the peak, not clipped: 80 means 8,000%; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: No hours, a peak that is not positive (#NUM!).

    Source:
        Chowdhery et al. 2022, arXiv 2204.02311, appendix B. Llama 3.1 405B: 30.84M hours, its model card.

    Example:
        >>> mfu(train_flop(405, 15.6), 30.84e6, 989.4)
        0.3450977245966781
    """
    return flop / (gpu_hours * SECONDS_PER_HOUR * (peak_tflops * TERA))


@metric("share")
def mfu_from_tps(tokens_per_second_per_gpu: TokensPerSecondPerGpu, params_b: ParamsB, peak_tflops: Tflops) -> Share:
    """Model FLOPs utilization from a measured training throughput.

    Args:
        tokens_per_second_per_gpu: Tokens trained on per second and accelerator.
        params_b: Active parameters, billions.
        peak_tflops: Dense peak at the training precision, TFLOP/s.

    Returns:
        Share of the peak, not clipped; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A value that is not positive (#NUM!).

    Source:
        LLaMA-65B: 380 tokens/s/GPU on A100, Touvron et al. 2023, arXiv 2302.13971, section 2.4.

    Example:
        >>> round(mfu_from_tps(380, 65.2, 312), 15)
        0.476461538461538
    """
    flop_per_token = FLOP_PER_PARAM_TOKEN * (params_b * BILLION)
    return flop_per_token * tokens_per_second_per_gpu / (peak_tflops * TERA)


@metric("share")
def hfu_to_mfu(hfu: Efficiency, recompute: Share = 1.0) -> Share:
    """Model FLOPs utilization from a hardware FLOPs utilization, which counts recomputed work as useful.

    Args:
        hfu: Hardware FLOPs utilization, as disclosed.
        recompute: Share of the forward pass recomputed: 0 none, 1 full.

    Returns:
        Share of the peak; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A share outside 0 to 1 (#NUM!).

    Source:
        Korthikanti et al. 2022, arXiv 2205.05198, section 6 (hardware and model FLOPs utilization).

    Example:
        >>> hfu_to_mfu(0.5)
        0.375
    """
    return hfu / (1 + recompute / FORWARD_PASSES_PER_STEP)


@metric("share")
def mfu_saving(mfu_from: Efficiency, mfu_to: Efficiency) -> Ratio:
    """Share of the training cost that a better utilization saves; negative when it got worse.

    Args:
        mfu_from: Utilization now.
        mfu_to: Utilization after the change.

    Returns:
        Share of the cost; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A share outside 0 to 1 (#NUM!).

    Source:
        Cost is inverse to MFU. The seed: from 30% to 40% saves 25%.

    Example:
        >>> round(mfu_saving(0.30, 0.40), 12)
        0.25
    """
    return 1 - mfu_from / mfu_to


@metric("share")
def mfu_typical(gpus: Gpus, bound: Bound = "mid") -> Share:
    """Typical model FLOPs utilization by cluster size, between the rows of the mfu_typical table on a log scale.

    The table is the seed's, grade D: published runs lie lower and depend on the hardware more than on the size.

    Args:
        gpus: Accelerators in the run.
        bound: End of the table's range: low, mid or high.

    Returns:
        Share of the peak; beyond the last row, the last row's; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: Fewer than one accelerator (#NUM!).
        NotAvailable: Another bound (#N/A).

    Source:
        Table mfu_typical (the seed); the logarithmic interpolation is ours.

    Example:
        >>> mfu_typical(256)
        0.425
    """
    return _between(_mfu_table, "gpus", gpus, bound)


@metric("share")
def batch_utilization(batch: Batch, bound: Bound = "mid") -> Share:
    """Utilization in inference by batch size, between the rows of the batch_utilization table on a log scale.

    The table is the seed's, grade D, and does not say what it counts: busy time, bandwidth or FLOP.

    Args:
        batch: Batch decoded together.
        bound: End of the table's range: low, mid or high.

    Returns:
        Share; beyond the last row, the last row's; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: Fewer than one sequence (#NUM!).
        NotAvailable: Another bound (#N/A).

    Source:
        Table batch_utilization (the seed); the logarithmic interpolation is ours.

    Example:
        >>> batch_utilization(32)
        0.5
    """
    return _between(_batch_table, "batch", batch, bound)


@shared
def _between(table: Table, column: str, size: Any, bound: Any) -> Any:
    """The low, mid or high of a table at a size between two of its rows, on a log scale; beyond the last, the last."""
    row = table.segment(size, column)
    smaller = table.at(row, column)
    larger = table.at(row + 1, column)
    weight = minimum(1.0, log(size / smaller) / log(larger / smaller))
    share_smaller = choose(bound, {b: table.at(row, b) for b in ("low", "mid", "high")})
    share_larger = choose(bound, {b: table.at(row + 1, b) for b in ("low", "mid", "high")})
    return share_smaller + (share_larger - share_smaller) * weight


@metric("share")
def goodput(
    gpus: Gpus,
    checkpoint_min: Minutes = 1.0,
    restart_min: RestartMinutes = 10.0,
    failures_per_gpu_hour: FailuresPerGpuHour = 1.9733e-5,
    interval_min: MinutesOrAuto = AUTO,
) -> Share:
    """Share of the time in which a run makes progress, with checkpoints and failures.

    Daly's model; without an interval, Young's best one is taken. The default failure rate is Llama 3's: 419
    interruptions in 54 days on 16,384 accelerators.

    Args:
        gpus: Accelerators in the run.
        checkpoint_min: Minutes that a checkpoint stops the run.
        restart_min: Minutes from a failure to progress again.
        failures_per_gpu_hour: Failures per accelerator and hour.
        interval_min: Minutes of work between checkpoints; auto takes the best.

    Returns:
        Share; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: Fewer than one accelerator, no checkpoint time; failures so frequent that nothing is left (#NUM!).

    Source:
        Daly 2006, doi 10.1016/j.future.2004.11.016; Young 1974, doi 10.1145/361147.361115; Llama 3, arXiv 2407.21783.

    Example:
        >>> round(goodput(16384), 12)
        0.852497810037
    """
    checkpoint = checkpoint_min / MINUTES_PER_HOUR
    restart = restart_min / MINUTES_PER_HOUR
    mtbf = 1 / (gpus * failures_per_gpu_hour)
    best_interval = sqrt(2 * checkpoint * mtbf)
    interval = where(interval_min > 0, interval_min / MINUTES_PER_HOUR, best_interval)
    exposure = (interval + checkpoint) / mtbf
    return interval / (mtbf * exp(restart / mtbf) * expm1(exposure))
