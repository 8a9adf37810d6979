"""How long a user waits: for the first token, and for each one after it."""

from __future__ import annotations

from dataclasses import replace

from xl_econ.core.expr import Const
from xl_econ.core.quantities import (
    AcceptedTokens,
    Batch,
    DraftTokens,
    GpuKey,
    GpusOrAuto,
    Milliseconds,
    ModelKey,
    PrecisionKey,
    ProfileKey,
    Share,
    TokensPerRequest,
)
from xl_econ.core.quantity import AUTO
from xl_econ.core.registry import metric
from xl_econ.core.units import MILLI

from .serving import ONE_TOKEN, SERVING_BAND, batch_cut, work

TTFT_BAND = 3.5
# Time to the first token, as fitted on the measurements of docs/method.md: steps and prefills that a new request
# waits for.
TTFT_STEPS = Const("TTFT_STEPS", 12.4)
TTFT_PREFILLS = Const("TTFT_PREFILLS", 1.7, "request")
TTFT_QUEUE = Const("TTFT_QUEUE", 0.103)


@metric("ms", band=SERVING_BAND, remark=batch_cut)
def itl_ms(
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
) -> Milliseconds:
    """Inter-token latency: how long a user waits for the next token, with the prefills that come between.

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
        Milliseconds per token; scalar, or the broadcast shape of the arguments.

    Raises:
        NotAvailable: Unknown model, accelerator, precision or profile, or the model does not fit (#N/A).
        DomainError: An argument out of its bounds (#NUM!).

    Source:
        Roofline of decode and prefill with fixed overheads, fitted and measured as docs/method.md tells.

    Example:
        >>> round(itl_ms("Llama-3.1/3.3-70B", "H100 SXM", 1024, 1024, gpus=2), 1)
        28.8
    """
    w = work(
        *(model, gpu, input_tokens, output_tokens, batch, gpus, precision),
        *(cache_hit, accepted_per_step, draft_tokens, profile),
    )
    return w.period / output_tokens * ONE_TOKEN * MILLI


@metric("ms", band=replace(SERVING_BAND, factor=TTFT_BAND), remark=batch_cut)
def ttft_ms(
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
) -> Milliseconds:
    """Time to first token, INDICATIVE: the schedulers of engines differ more than hardware does.

    One in ten measurements is off by more than a factor of 3.5: compare deployments with it, promise nobody.

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
        Milliseconds, indicative; scalar, or the broadcast shape of the arguments.

    Raises:
        NotAvailable: Unknown model, accelerator, precision or profile, or the model does not fit (#N/A).
        DomainError: An argument out of its bounds (#NUM!).

    Source:
        Roofline of decode and prefill with fixed overheads, fitted and measured as docs/method.md tells.

    Example:
        >>> round(ttft_ms("Llama-3.1/3.3-70B", "H100 SXM", 1024, 1024, gpus=2), -1)
        1010.0
    """
    w = work(
        *(model, gpu, input_tokens, output_tokens, batch, gpus, precision),
        *(cache_hit, accepted_per_step, draft_tokens, profile),
    )
    return (TTFT_STEPS * w.step_time + w.prefill_time * (TTFT_PREFILLS + TTFT_QUEUE * w.batch)) * MILLI
