"""What a token costs to serve, and how many a second there are."""

from __future__ import annotations

from dataclasses import replace

from xl_econ.core.expr import Const
from xl_econ.core.ops import choose
from xl_econ.core.quantities import (
    AcceptedTokens,
    Batch,
    DraftTokens,
    Efficiency,
    GpuKey,
    GpusOrAuto,
    ModelKey,
    Part,
    PrecisionKey,
    ProfileKey,
    Share,
    TokensPerRequest,
    TokensPerSecond,
    TokensPerSecondPerGpu,
    UsdPerGpuHour,
    UsdPerMtok,
)
from xl_econ.core.quantity import AUTO
from xl_econ.core.registry import metric
from xl_econ.core.units import MILLION, SECONDS_PER_HOUR

from .serving import BAND, SERVING_BAND, batch_cut, work

PER_REQUEST = Const("PER_REQUEST", 1, "request/M/token")  # the part "request" is in USD per request


@metric(
    "USD/Mtok",
    band=replace(SERVING_BAND, ends={"part": ("low", "high")}),
    unit_by={"part": {"request": "USD/request"}},
    remark=batch_cut,
)
def token_cost(
    model: ModelKey,
    gpu: GpuKey,
    usd_per_gpu_hour: UsdPerGpuHour,
    input_tokens: TokensPerRequest,
    output_tokens: TokensPerRequest,
    batch: Batch = 64.0,
    gpus: GpusOrAuto = AUTO,
    precision: PrecisionKey = "fp8",
    utilization: Efficiency = 0.6,
    part: Part = "blended",
    cache_hit: Share = 0.0,
    accepted_per_step: AcceptedTokens = 1.0,
    draft_tokens: DraftTokens = 0.0,
    profile: ProfileKey = "default",
) -> UsdPerMtok:
    """Cost of serving a million tokens on accelerators of one's own or rented.

    Input carries the time of prefill, output that of decode; together they are the request's cost. Nine of ten
    measured deployments lie within a factor of 1.65: the parts "low" and "high" are the ends of that band.

    Args:
        model: Model, as in the model_architectures table, or a row of it.
        gpu: Accelerator, as in the accelerators table, or a row of it.
        usd_per_gpu_hour: Price of a GPU-hour, used or not, USD.
        input_tokens: Tokens of a request's prompt.
        output_tokens: Tokens that it generates.
        batch: Requests in flight; with gpus given, no more than memory holds are taken.
        gpus: Accelerators that share one copy of the model; auto takes the fewest of 1, 2, 4, 8... that hold
            the model and the batch.
        precision: Precision of weights and cache, as in the precisions table.
        utilization: Share of the paid hours in which the accelerators serve at this batch.
        part: What the cost is of: blended (all tokens), input, output; request gives USD a request; low and high
            the ends of the band around blended.
        cache_hit: Share of the prompt that a prefix cache holds.
        accepted_per_step: Tokens that a step yields with speculative decoding; 1 without.
        draft_tokens: Tokens drafted for a step; 0 leaves drafting free of cost.
        profile: Constants of the engine, as in the inference_profiles table.

    Returns:
        USD per million tokens, with part request USD per request; scalar, or the broadcast shape of the arguments.

    Raises:
        NotAvailable: Unknown model, accelerator, precision or profile, or the model does not fit (#N/A).
        DomainError: An argument out of its bounds (#NUM!).

    Source:
        Roofline of decode and prefill with fixed overheads, fitted and measured as docs/method.md tells.

    Example:
        >>> round(token_cost("Llama-3.1/3.3-70B", "H100 SXM", 2.5, 1024, 1024, gpus=2), 2)
        0.52
    """
    w = work(
        *(model, gpu, input_tokens, output_tokens, batch, gpus, precision),
        *(cache_hit, accepted_per_step, draft_tokens, profile),
    )
    usd_per_gpu_second = usd_per_gpu_hour / SECONDS_PER_HOUR / utilization
    input_usd = w.gpus * usd_per_gpu_second * w.prefill_time / input_tokens * MILLION
    output_usd = w.gpus * usd_per_gpu_second * w.token_time / w.batch * MILLION
    usd_per_request = usd_per_gpu_second * output_tokens / w.tps_per_gpu
    blended_usd = usd_per_request / (input_tokens + output_tokens) * MILLION
    return choose(
        part,
        {
            "blended": blended_usd,
            "input": input_usd,
            "output": output_usd,
            "request": usd_per_request * PER_REQUEST,
            "low": blended_usd / BAND,
            "high": blended_usd * BAND,
        },
    )


@metric("token/s/GPU", band=SERVING_BAND, remark=batch_cut)
def tokens_per_gpu(
    model: ModelKey,
    gpu: GpuKey,
    input_tokens: TokensPerRequest,
    output_tokens: TokensPerRequest,
    batch: Batch = 64.0,
    gpus: GpusOrAuto = AUTO,
    precision: PrecisionKey = "fp8",
    cache_hit: Share = 0.0,
    accepted_per_step: AcceptedTokens = 1.0,
    draft_tokens: DraftTokens = 0.0,
    profile: ProfileKey = "default",
) -> TokensPerSecondPerGpu:
    """Output tokens that an accelerator serves in a second, prefill included.

    Args:
        model: Model, as in the model_architectures table, or a row of it.
        gpu: Accelerator, as in the accelerators table, or a row of it.
        input_tokens: Tokens of a request's prompt.
        output_tokens: Tokens that it generates.
        batch: Requests in flight; with gpus given, no more than memory holds are taken.
        gpus: Accelerators that share one copy of the model; auto takes the fewest of 1, 2, 4, 8... that hold
            the model and the batch.
        precision: Precision of weights and cache, as in the precisions table.
        cache_hit: Share of the prompt that a prefix cache holds.
        accepted_per_step: Tokens that a step yields with speculative decoding; 1 without.
        draft_tokens: Tokens drafted for a step; 0 leaves drafting free of cost.
        profile: Constants of the engine, as in the inference_profiles table.

    Returns:
        Output tokens per second and accelerator; scalar, or the broadcast shape of the arguments.

    Raises:
        NotAvailable: Unknown model, accelerator, precision or profile, or the model does not fit (#N/A).
        DomainError: An argument out of its bounds (#NUM!).

    Source:
        Roofline of decode and prefill with fixed overheads, fitted and measured as docs/method.md tells.

    Example:
        >>> round(tokens_per_gpu("Llama-3.1/3.3-70B", "H100 SXM", 1024, 1024, gpus=2))
        1112
    """
    w = work(
        *(model, gpu, input_tokens, output_tokens, batch, gpus, precision),
        *(cache_hit, accepted_per_step, draft_tokens, profile),
    )
    return w.tps_per_gpu


@metric("token/s")
def prefill_tps(
    model: ModelKey,
    gpu: GpuKey,
    input_tokens: TokensPerRequest,
    output_tokens: TokensPerRequest,
    batch: Batch = 64.0,
    gpus: GpusOrAuto = AUTO,
    precision: PrecisionKey = "fp8",
    cache_hit: Share = 0.0,
    accepted_per_step: AcceptedTokens = 1.0,
    draft_tokens: DraftTokens = 0.0,
    profile: ProfileKey = "default",
) -> TokensPerSecond:
    """Input tokens that a replica takes in a second while it does nothing else.

    A replica is one copy of the model on all its accelerators.

    Args:
        model: Model, as in the model_architectures table, or a row of it.
        gpu: Accelerator, as in the accelerators table, or a row of it.
        input_tokens: Tokens of a request's prompt.
        output_tokens: Tokens that it generates.
        batch: Requests in flight; with gpus given, no more than memory holds are taken.
        gpus: Accelerators that share one copy of the model; auto takes the fewest of 1, 2, 4, 8... that hold
            the model and the batch.
        precision: Precision of weights and cache, as in the precisions table.
        cache_hit: Share of the prompt that a prefix cache holds.
        accepted_per_step: Tokens that a step yields with speculative decoding; 1 without.
        draft_tokens: Tokens drafted for a step; 0 leaves drafting free of cost.
        profile: Constants of the engine, as in the inference_profiles table.

    Returns:
        Input tokens per second and replica; scalar, or the broadcast shape of the arguments.

    Raises:
        NotAvailable: Unknown model, accelerator, precision or profile, or the model does not fit (#N/A).
        DomainError: An argument out of its bounds (#NUM!).

    Source:
        Roofline of decode and prefill with fixed overheads, fitted and measured as docs/method.md tells.

    Example:
        >>> round(prefill_tps("Llama-3.1/3.3-70B", "H100 SXM", 1024, 1024, gpus=2))
        11817
    """
    w = work(
        *(model, gpu, input_tokens, output_tokens, batch, gpus, precision),
        *(cache_hit, accepted_per_step, draft_tokens, profile),
    )
    return input_tokens / w.prefill_time


@metric("token/s", remark=batch_cut)
def decode_tps(
    model: ModelKey,
    gpu: GpuKey,
    input_tokens: TokensPerRequest,
    output_tokens: TokensPerRequest,
    batch: Batch = 64.0,
    gpus: GpusOrAuto = AUTO,
    precision: PrecisionKey = "fp8",
    cache_hit: Share = 0.0,
    accepted_per_step: AcceptedTokens = 1.0,
    draft_tokens: DraftTokens = 0.0,
    profile: ProfileKey = "default",
) -> TokensPerSecond:
    """Output tokens that a replica yields in a second while it does nothing else.

    A replica is one copy of the model on all its accelerators.

    Args:
        model: Model, as in the model_architectures table, or a row of it.
        gpu: Accelerator, as in the accelerators table, or a row of it.
        input_tokens: Tokens of a request's prompt.
        output_tokens: Tokens that it generates.
        batch: Requests in flight; with gpus given, no more than memory holds are taken.
        gpus: Accelerators that share one copy of the model; auto takes the fewest of 1, 2, 4, 8... that hold
            the model and the batch.
        precision: Precision of weights and cache, as in the precisions table.
        cache_hit: Share of the prompt that a prefix cache holds.
        accepted_per_step: Tokens that a step yields with speculative decoding; 1 without.
        draft_tokens: Tokens drafted for a step; 0 leaves drafting free of cost.
        profile: Constants of the engine, as in the inference_profiles table.

    Returns:
        Output tokens per second and replica; scalar, or the broadcast shape of the arguments.

    Raises:
        NotAvailable: Unknown model, accelerator, precision or profile, or the model does not fit (#N/A).
        DomainError: An argument out of its bounds (#NUM!).

    Source:
        Roofline of decode and prefill with fixed overheads, fitted and measured as docs/method.md tells.

    Example:
        >>> round(decode_tps("Llama-3.1/3.3-70B", "H100 SXM", 1024, 1024, gpus=2))
        2741
    """
    w = work(
        *(model, gpu, input_tokens, output_tokens, batch, gpus, precision),
        *(cache_hit, accepted_per_step, draft_tokens, profile),
    )
    return w.batch / w.token_time
