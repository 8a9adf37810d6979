"""What fits: memory of weights and cache, how many requests, how many accelerators, how many in flight at a load."""

from __future__ import annotations

from xl_econ.core.expr import Unavailable
from xl_econ.core.ops import maximum, where
from xl_econ.core.quantities import (
    Batch,
    GpuKey,
    GpusServing,
    Memory,
    ModelKey,
    PrecisionKey,
    ProfileKey,
    RequestsInFlight,
    RequestsPerSecond,
    TokensPerRequest,
)
from xl_econ.core.quantity import AUTO
from xl_econ.core.registry import metric
from xl_econ.core.units import GIGA, MICRO

from .serving import (
    ONE_TOKEN,
    allreduce_time,
    cache_time,
    decode_time,
    deploy,
    fitting,
    kv_bytes_of,
    layers_time,
    prefill,
    weights_gb_of,
    weights_time,
)

OVERLOAD = Unavailable("the load is more than these accelerators can serve")
NO_ROOM = Unavailable("the requests in flight at this load do not fit into memory")


@metric("GB")
def weights_gb(model: ModelKey, precision: PrecisionKey = "fp8") -> Memory:
    """Memory of a model's weights.

    Args:
        model: Model, as in the model_architectures table, or a row of it.
        precision: Precision of the weights, as in the precisions table.

    Returns:
        GB (10^9 bytes); scalar, or the broadcast shape of the arguments.

    Raises:
        NotAvailable: Unknown model or precision (#N/A).

    Source:
        Definition; bytes of a weight from the precisions table.

    Example:
        >>> weights_gb("Llama-3.1-405B", "bf16")
        811.698
    """
    return weights_gb_of(model, precision)


@metric("GB")
def kv_cache_gb(
    model: ModelKey, context: TokensPerRequest, batch: Batch = 1.0, precision: PrecisionKey = "fp8"
) -> Memory:
    """Memory of the keys and values that requests keep.

    Args:
        model: Model, as in the model_architectures table, or a row of it.
        context: Tokens of a request so far: prompt and answer.
        batch: Requests.
        precision: Precision of the cache, as in the precisions table.

    Returns:
        GB (10^9 bytes); scalar, or the broadcast shape of the arguments.

    Raises:
        NotAvailable: Unknown model or precision (#N/A).
        DomainError: An argument out of its bounds (#NUM!).

    Source:
        2 x layers x KV heads x head dimension; for MLA the latent and the rotary key. A window keeps its length.

    Example:
        >>> kv_cache_gb("Llama-3.1/3.3-70B", 8192, 1, "bf16")
        2.68435456
    """
    return kv_bytes_of(model, context, precision) * batch / GIGA


@metric("request")
def max_batch(
    model: ModelKey,
    gpu: GpuKey,
    gpus: GpusServing,
    context: TokensPerRequest,
    precision: PrecisionKey = "fp8",
    profile: ProfileKey = "default",
) -> RequestsInFlight:
    """Most requests whose caches fit beside the weights.

    Args:
        model: Model, as in the model_architectures table, or a row of it.
        gpu: Accelerator, as in the accelerators table, or a row of it.
        gpus: Accelerators that share one copy of the model.
        context: Tokens of a request: prompt and answer.
        precision: Precision of weights and cache, as in the precisions table.
        profile: Constants of the engine, as in the inference_profiles table.

    Returns:
        Whole requests; scalar, or the broadcast shape of the arguments.

    Raises:
        NotAvailable: Unknown model, accelerator or precision, or not one request fits (#N/A).
        DomainError: An argument out of its bounds (#NUM!).

    Source:
        Memory less what the profile keeps free, less the weights, over the cache of a request.

    Example:
        >>> max_batch("Llama-3.1/3.3-70B", "H100 SXM", 2, 8192)
        50.0
    """
    d = deploy(model, gpu, gpus, context, precision, profile)
    return fitting(d, d.max_batch)


@metric("GPU")
def gpus_to_fit(
    model: ModelKey,
    gpu: GpuKey,
    context: TokensPerRequest,
    batch: Batch = 1.0,
    precision: PrecisionKey = "fp8",
    profile: ProfileKey = "default",
) -> GpusServing:
    """Fewest accelerators, of 1, 2, 4, 8..., whose memory holds a model and its requests.

    Args:
        model: Model, as in the model_architectures table, or a row of it.
        gpu: Accelerator, as in the accelerators table, or a row of it.
        context: Tokens of a request: prompt and answer.
        batch: Requests that must fit.
        precision: Precision of weights and cache, as in the precisions table.
        profile: Constants of the engine, as in the inference_profiles table.

    Returns:
        Accelerators; scalar, or the broadcast shape of the arguments.

    Raises:
        NotAvailable: Unknown model, accelerator or precision, or it fits on no number of them (#N/A).
        DomainError: An argument out of its bounds (#NUM!).

    Source:
        Definition. The cache is split over at most as many accelerators as there are KV heads; MLA is not split.

    Example:
        >>> gpus_to_fit("DeepSeek-V3", "H200 SXM", 4096)
        8.0
    """
    return deploy(model, gpu, AUTO, context, precision, profile, batch).gpus


@metric("request")
def batch_at_load(
    model: ModelKey,
    gpu: GpuKey,
    gpus: GpusServing,
    requests_per_second: RequestsPerSecond,
    input_tokens: TokensPerRequest,
    output_tokens: TokensPerRequest,
    precision: PrecisionKey = "fp8",
    profile: ProfileKey = "default",
) -> RequestsInFlight:
    """Requests in flight at a load, by Little's law: what TOKEN_COST takes as its batch, where it is at least 1.

    A step's time is a fixed part and one that grows with the batch, so the batch at which as many requests leave as
    arrive has a closed form. Of a mixture of experts the weights that the largest batch touches are read: an upper end.

    Args:
        model: Model, as in the model_architectures table, or a row of it.
        gpu: Accelerator, as in the accelerators table, or a row of it.
        gpus: Accelerators that share one copy of the model.
        requests_per_second: Requests that arrive in a second at this copy.
        input_tokens: Tokens of a request's prompt.
        output_tokens: Tokens that it generates.
        precision: Precision of weights and cache, as in the precisions table.
        profile: Constants of the engine, as in the inference_profiles table.

    Returns:
        Mean requests in flight, below 1 at a low load; scalar, or the broadcast shape of the arguments.

    Raises:
        NotAvailable: Unknown model, accelerator or precision; a load that time or memory cannot serve (#N/A).
        DomainError: An argument out of its bounds (#NUM!).

    Source:
        Little 1961, doi 10.1287/opre.9.3.383.

    Example:
        >>> round(batch_at_load("Llama-3.1/3.3-70B", "H100 SXM", 4, 2, 1024, 1024), 1)
        30.9
    """
    context_tokens = input_tokens + output_tokens / 2
    d = deploy(model, gpu, gpus, context_tokens, precision, profile)
    allreduce = allreduce_time(d)
    most = fitting(d, d.max_batch)
    per_request = d.profile.request_us / MICRO + ONE_TOKEN * allreduce
    prefill_time = prefill(d, input_tokens, 0.0, allreduce)
    tokens_per_second = requests_per_second * output_tokens / ONE_TOKEN
    steps_share = tokens_per_second * per_request + requests_per_second * prefill_time
    idle_if_reading = 1 - steps_share - tokens_per_second * cache_time(d)
    idle_if_computing = 1 - steps_share - tokens_per_second * ONE_TOKEN * decode_time(d)
    fixed_time = layers_time(d)
    # A step takes the longer of reading and computing, so the batch is the larger of the two.
    in_flight = maximum(
        tokens_per_second
        * (weights_time(d, most) + fixed_time)
        / where(idle_if_reading > 0, idle_if_reading, OVERLOAD),
        tokens_per_second * fixed_time / where(idle_if_computing > 0, idle_if_computing, OVERLOAD),
    )
    return where(in_flight <= most, in_flight, NO_ROOM)
