"""Economics of training: FLOP, GPU-hours, days, cost, energy.

`params_b` is the ACTIVE parameter count of a mixture of experts. Peaks are dense.
"""

from __future__ import annotations

from xl_econ.core.expr import Const
from xl_econ.core.ops import roundup
from xl_econ.core.quantities import (
    Days,
    Efficiency,
    Experts,
    Factor,
    Flop,
    FlopPerUsd,
    GpuHours,
    Gpus,
    Kwh,
    Layers,
    NodeGpus,
    ParamsB,
    Ratio,
    SeqLen,
    Share,
    Tflops,
    TokensT,
    Usd,
    UsdPerGpuHour,
    Watts,
    Width,
)
from xl_econ.core.registry import metric
from xl_econ.core.units import BILLION, HOURS_PER_DAY, KILO, SECONDS_PER_HOUR, TERA, TRILLION

FLOP_PER_PARAM_TOKEN = Const("FLOP_PER_PARAM_TOKEN", 6, "FLOP/param/token")
ATTENTION_FLOP = Const("ATTENTION_FLOP", 6, "FLOP/layer/channel/token2")
FORWARD_FLOP = Const("FORWARD_FLOP", 2, "FLOP/param/token")
ACTIVATION_GRADIENT_FLOP = Const("ACTIVATION_GRADIENT_FLOP", 2, "FLOP/param/token")
WEIGHT_GRADIENT_FLOP = Const("WEIGHT_GRADIENT_FLOP", 2, "FLOP/param/token")
FORWARD_PASSES_PER_STEP = Const("FORWARD_PASSES_PER_STEP", 3)  # one forward, and a backward of twice its work


@metric("FLOP")
def train_flop(
    params_b: ParamsB,
    tokens_t: TokensT,
    layers: Layers = 0.0,
    attn_width: Width = 0.0,
    seq_len: SeqLen = 0.0,
    recompute: Share = 0.0,
) -> Flop:
    """Floating-point operations of one training run.

    Six per parameter and token, plus causal attention when layers, width and sequence length are given, plus the
    forward passes that activation recomputation repeats.

    Args:
        params_b: Active parameters, billions.
        tokens_t: Training tokens, trillions.
        layers: Transformer layers; 0 leaves attention out.
        attn_width: Attention heads times head dimension, channels.
        seq_len: Sequence length, tokens.
        recompute: Share of the forward pass recomputed: 0 none, 1 full (8ND).

    Returns:
        FLOP; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A count that is not positive, or a magnitude that cannot be meant (#NUM!).

    Source:
        Kaplan et al. 2020, arXiv 2001.08361, section 2.1 (6ND); Narayanan et al. 2021, arXiv 2104.04473 (recompute).

    Example:
        >>> train_flop(175, 0.3)
        3.15e+23
    """
    attention = ATTENTION_FLOP * layers * attn_width * seq_len
    flop_per_token = FLOP_PER_PARAM_TOKEN * (params_b * BILLION) + attention
    return flop_per_token * (tokens_t * TRILLION) * (1 + recompute / FORWARD_PASSES_PER_STEP)


@metric("GPU-h")
def gpu_hours(flop: Flop, peak_tflops: Tflops, mfu: Efficiency, goodput: Efficiency = 1.0) -> GpuHours:
    """Accelerator-hours that a number of FLOP takes.

    Args:
        flop: Model FLOP to compute.
        peak_tflops: Dense peak at the training precision, TFLOP/s.
        mfu: Model FLOPs utilization while the run makes progress.
        goodput: Share of the time in which the run makes progress.

    Returns:
        GPU-hours; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A share outside 0 to 1, a peak that is not positive (#NUM!).

    Source:
        Chowdhery et al. 2022, arXiv 2204.02311, appendix B (definition of MFU).

    Example:
        >>> gpu_hours(3.14e23, 125, 0.1968)
        3545618.7895212285
    """
    return flop / (peak_tflops * TERA * mfu * SECONDS_PER_HOUR * goodput)


@metric("USD")
def train_cost(
    params_b: ParamsB,
    tokens_t: TokensT,
    peak_tflops: Tflops,
    mfu: Efficiency,
    usd_per_gpu_hour: UsdPerGpuHour,
    goodput: Efficiency = 1.0,
    overhead: Ratio = 0.0,
) -> Usd:
    """Cost of one training run.

    Args:
        params_b: Active parameters, billions.
        tokens_t: Training tokens, trillions.
        peak_tflops: Dense peak at the training precision, TFLOP/s.
        mfu: Model FLOPs utilization while the run makes progress.
        usd_per_gpu_hour: Price of a GPU-hour, USD.
        goodput: Share of the time in which the run makes progress.
        overhead: Extra hours bought on top, as a share: spares, failed starts.

    Returns:
        USD; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A share outside 0 to 1, a negative price, a magnitude that cannot be meant (#NUM!).

    Source:
        The defaults give the seed's formula: GPU-hours = 6ND / (peak x MFU x 3600), cost = GPU-hours x price.

    Example:
        >>> train_cost(37, 14.8, 989.4, 0.389, 2)
        4742645.6514460305
    """
    flop = train_flop(params_b, tokens_t)
    hours = gpu_hours(flop, peak_tflops, mfu, goodput)
    return hours * usd_per_gpu_hour * (1 + overhead)


@metric("day")
def train_days(gpu_hours: GpuHours, gpus: Gpus) -> Days:
    """Calendar days that a run takes on a cluster.

    Args:
        gpu_hours: GPU-hours of the run, goodput included.
        gpus: Accelerators that work on it.

    Returns:
        Days; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: No hours or fewer than one accelerator (#NUM!).

    Source:
        Definition. GPT-3: 3.55M V100-hours on 10,000 V100 are 14.8 days, arXiv 2104.10350, table 4.

    Example:
        >>> train_days(3545618.7895212285, 10000)
        14.773411623005119
    """
    return gpu_hours / (gpus * HOURS_PER_DAY)


@metric("GPU")
def cluster_size(gpu_hours: GpuHours, days: Days, node_gpus: NodeGpus = 8.0, goodput: Efficiency = 1.0) -> Gpus:
    """Accelerators needed to finish a run in time, in whole nodes.

    Args:
        gpu_hours: GPU-hours of the run; without goodput in them, give goodput here.
        days: Calendar days allowed.
        node_gpus: Accelerators in a node.
        goodput: Share of the time in which the run makes progress.

    Returns:
        Accelerators, a multiple of node_gpus; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: No hours, no days (#NUM!).

    Source:
        Definition, rounded up to whole nodes.

    Example:
        >>> cluster_size(30.84e6, 90)
        14280.0
    """
    gpus = gpu_hours / (days * HOURS_PER_DAY * goodput)
    nodes = roundup(gpus / node_gpus)
    return nodes * node_gpus


@metric("FLOP/USD")
def flop_per_dollar(
    peak_tflops: Tflops, mfu: Efficiency, usd_per_gpu_hour: UsdPerGpuHour, goodput: Efficiency = 1.0
) -> FlopPerUsd:
    """Effective training FLOP that a dollar buys.

    Args:
        peak_tflops: Dense peak at the training precision, TFLOP/s.
        mfu: Model FLOPs utilization while the run makes progress.
        usd_per_gpu_hour: Price of a GPU-hour, USD.
        goodput: Share of the time in which the run makes progress.

    Returns:
        FLOP/USD; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A share outside 0 to 1, a price of nothing (#NUM!).

    Source:
        Definition; the seed's "Training FLOP/$ (effective)".

    Example:
        >>> flop_per_dollar(989.4, 0.4, 2.5)
        5.698944e+17
    """
    flop_per_hour = peak_tflops * TERA * mfu * goodput * SECONDS_PER_HOUR
    return flop_per_hour / usd_per_gpu_hour


@metric("Bparam")
def moe_active(params_total_b: ParamsB, experts: Experts, active_experts: Experts, expert_share: Share) -> ParamsB:
    """Active parameters of a mixture of experts.

    Args:
        params_total_b: All parameters, billions.
        experts: Experts in a layer.
        active_experts: Experts that work on a token.
        expert_share: Share of all parameters that sit in experts; no default is safe.

    Returns:
        Billions of parameters; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A share outside 0 to 1, fewer than one expert (#NUM!).

    Source:
        Definition. Mixtral 8x7B: 46.7B in all, 12.9B active, arXiv 2401.04088.

    Example:
        >>> round(moe_active(46.7, 8, 2, 0.965), 1)
        12.9
    """
    dense = params_total_b * (1 - expert_share)
    touched = params_total_b * expert_share * active_experts / experts
    return dense + touched


@metric("USD")
def program_cost(run_usd: Usd, experiment_share: Ratio = 0.5, staff_share: Ratio = 0.0, other_usd: Usd = 0.0) -> Usd:
    """Cost of the programme around a final run: experiments, staff, the rest.

    Args:
        run_usd: Cost of the final run, USD.
        experiment_share: Experiments and failed runs, as a share of the final run.
        staff_share: Staff, as a share of the compute.
        other_usd: Anything else, USD.

    Returns:
        USD; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A negative value (#NUM!).

    Source:
        Experiments at half of the final run: Morrison et al. 2025, arXiv 2503.05804. Staff: Epoch AI, arXiv 2405.21015.

    Example:
        >>> program_cost(72.1e6)
        108150000.0
    """
    compute_usd = run_usd * (1 + experiment_share)
    staffed_usd = compute_usd * (1 + staff_share)
    return staffed_usd + other_usd


@metric("kWh")
def train_energy(
    gpu_hours: GpuHours,
    watts: Watts,
    load: Share = 0.75,
    server_factor: Factor = 1.82,
    pue: Factor = 1.25,
) -> Kwh:
    """Energy of a run at the meter.

    Args:
        gpu_hours: GPU-hours of the run.
        watts: Board power of an accelerator, W.
        load: Mean draw as a share of the board power.
        server_factor: Server power per accelerator over its board power.
        pue: Power usage effectiveness of the site.

    Returns:
        kWh; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A factor below 1, a share outside 0 to 1 (#NUM!).

    Source:
        Epoch AI, training-cost-trends: load 0.75; H100 server 10.2 kW / 8 / 0.7 kW = 1.82; PUE 1.25.

    Example:
        >>> train_energy(30.84e6, 700)
        36834525.0
    """
    watts_at_meter = watts * load * server_factor * pue
    return gpu_hours * watts_at_meter / KILO


@metric("USD")
def finetune_cost(
    params_b: ParamsB,
    tokens_t: TokensT,
    peak_tflops: Tflops,
    mfu: Efficiency,
    usd_per_gpu_hour: UsdPerGpuHour,
    trainable_share: Share = 1.0,
    goodput: Efficiency = 1.0,
) -> Usd:
    """Cost of fine-tuning, where only a share of the weights may be trained.

    Every parameter costs its forward pass and its activation gradients; only trainable ones cost weight gradients.

    Args:
        params_b: Active parameters, billions.
        tokens_t: Tokens seen in fine-tuning, trillions.
        peak_tflops: Dense peak at the training precision, TFLOP/s.
        mfu: Model FLOPs utilization while the run makes progress.
        usd_per_gpu_hour: Price of a GPU-hour, USD.
        trainable_share: Share of the parameters that are trained: 1 full, near 0 for adapters.
        goodput: Share of the time in which the run makes progress.

    Returns:
        USD; scalar, or the broadcast shape of the arguments.

    Raises:
        DomainError: A share outside 0 to 1, a negative price (#NUM!).

    Source:
        Kaplan et al. 2020, arXiv 2001.08361, table 1: forward 2N, backward 4N, half of it weight gradients.

    Example:
        >>> round(finetune_cost(70, 0.001, 989.4, 0.35, 2.5), 2)
        842.26
    """
    forward = FORWARD_FLOP * (params_b * BILLION)
    activation_gradients = ACTIVATION_GRADIENT_FLOP * (params_b * BILLION)
    weight_gradients = WEIGHT_GRADIENT_FLOP * (params_b * BILLION) * trainable_share
    flop = (forward + activation_gradients + weight_gradients) * (tokens_t * TRILLION)
    return gpu_hours(flop, peak_tflops, mfu, goodput) * usd_per_gpu_hour
