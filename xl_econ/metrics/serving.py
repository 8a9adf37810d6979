"""The one model of serving that all inference metrics share, in closed form: memory, a decode step, prefill, a period.

A step reads the weights that its batch touches and the KV cache of every request, or computes, whichever takes longer;
on top come all-reduces and a fixed time a layer and a request. Requests are batched continuously: while one batch is
decoded, as many new requests are prefilled on the same accelerators. docs/method.md says how right it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from xl_econ.core.band import Band
from xl_econ.core.errors import NotAvailable
from xl_econ.core.expr import Const, Unavailable
from xl_econ.core.ops import choose, exp, log, log2, maximum, minimum, rounddown, roundup, where
from xl_econ.core.registry import shared
from xl_econ.core.units import BILLION, GIGA, MICRO, ONE_GPU, TERA
from xl_econ.tables.store import TABLES

_MODELS, _ACCELERATORS = TABLES["model_architectures"], TABLES["accelerators"]
_PRECISIONS, _PROFILES = TABLES["precisions"], TABLES["inference_profiles"]

ONE_EXPERT = Const("ONE_EXPERT", 1, "expert")
ONE_REQUEST = Const("ONE_REQUEST", 1, "request")
ONE_TOKEN = Const("ONE_TOKEN", 1, "token/request")
GPU_PER_HEAD = Const("GPU_PER_HEAD", 1, "GPU/head")
FLOP_PER_WEIGHT = Const("FLOP_PER_WEIGHT", 2, "FLOP/param/token")
# A new token meets every earlier one in two products, a multiplication and an addition each; in prefill, where each
# meets on average half of them, two are left.
ATTENTION_DECODE = Const("ATTENTION_DECODE", 4, "FLOP*request/channel/layer/token2")
ATTENTION_PREFILL = Const("ATTENTION_PREFILL", 2, "FLOP*request/channel/layer/token2")
# Two all-reduces a layer, in each of which a rank sends its 2-byte activations twice, but for its own share.
ALLREDUCE_BYTES = Const("ALLREDUCE_BYTES", 8, "byte/channel/layer/token/GPU")
# Nine of ten measured throughputs lie within a factor of 1.65 of the model's: bench/accuracy_inference.py.
BAND = Const("BAND", 1.65)
MEASURED_GPUS = 8
MEASURED_ON = ("H100 SXM 80GB", "H200 SXM 141GB", "B200 SXM (HGX)", "B300 SXM (HGX)")

DOES_NOT_FIT = Unavailable(
    "the model and one request do not fit into the memory of these accelerators; give more of them, or auto"
)
NEVER_FITS = Unavailable("the model fits on no number of these accelerators")
TOO_MANY = Unavailable("accepted_per_step: a step yields at most draft_tokens + 1", "#NUM!")
NO_PEAK = Unavailable("the accelerator's 16-bit peak is not known")
NO_LINK = Unavailable("the accelerator's scale-up link is not known, so it can only serve alone")


_MODEL_FIGURES = (
    *("params_total_b", "params_flop_b", "params_expert_b", "layers", "hidden", "heads", "kv_heads", "decode_dim"),
    *("prefill_dim", "kv_elements", "kv_layers_full", "kv_layers_window", "window", "experts", "experts_per_token"),
)
_PROFILE_FIGURES = (
    *("mbu", "mfu_prefill", "mfu_decode", "layer_us", "moe_us", "request_us", "reserve", "activation_gb"),
    "draft_cost",
)


class Deployment(NamedTuple):
    """A model on accelerators: the figures of both, and how many requests fit."""

    model: Any
    accelerator: Any
    profile: Any
    peak: Any
    link: Any
    gpus: Any
    layer_tokens: Any
    request_kv_bytes: Any
    kv_shards: Any
    max_batch: Any


class Work(NamedTuple):
    """What a deployment does: the requests in flight, and the seconds of a step, of a token, of a prefill."""

    gpus: Any
    batch: Any
    step_time: Any
    token_time: Any
    prefill_time: Any
    period: Any
    tps_per_gpu: Any


def weights_gb_of(model: Any, precision: Any) -> Any:
    """Memory of the weights, GB."""
    params_total_b = _MODELS.figures(model, "params_total_b").params_total_b
    return params_total_b * BILLION * _PRECISIONS.figures(precision, "weight_bytes").weight_bytes / GIGA


def kv_bytes_of(model: Any, context: Any, precision: Any) -> Any:
    """KV cache of one request, bytes."""
    m = _MODELS.figures(model, "kv_elements", "kv_layers_full", "kv_layers_window", "window")
    return _kv_cache(m, _PRECISIONS.figures(precision, "kv_bytes"), context)[1]


@shared
def _kv_cache(m: Any, p: Any, context: Any) -> tuple[Any, Any]:
    """Layer-tokens that a request attends to, and the bytes that it keeps of them.

    Only layers with full attention grow with the context; a sliding window keeps its length.
    """
    layer_tokens = m.kv_layers_full * context + m.kv_layers_window * minimum(context, m.window)
    request_kv_bytes = m.kv_elements * p.kv_bytes * layer_tokens
    return layer_tokens, request_kv_bytes


def _fewest_gpus(weights_gb: Any, usable_gb: Any, kv_gb: Any, m: Any) -> Any:
    """The smallest of 1, 2, 4, 8... accelerators whose memory holds weights and cache.

    The cache is split over as many accelerators as there are heads to keep; further ones hold copies.
    """
    room_gb = usable_gb - kv_gb / (m.kv_heads * GPU_PER_HEAD)
    fewest = maximum((weights_gb + kv_gb) / usable_gb, weights_gb / where(room_gb > 0, room_gb, NEVER_FITS))
    return 2 ** roundup(maximum(log2(fewest / ONE_GPU), 0.0)) * ONE_GPU


@shared
def _peak(gpu: Any, precision: Any) -> Any:
    """Dense peak at which a precision computes: the 16-bit one where the accelerator has no other."""
    peak_16bit = _ACCELERATORS.lookup_or(gpu, "bf16", _ACCELERATORS.lookup_or(gpu, "fp16", NO_PEAK))
    others = {c: _ACCELERATORS.lookup_or(gpu, c, peak_16bit) for c in ("fp8", "fp4", "int8")}
    peak_tflops = choose(_PRECISIONS.lookup(precision, "compute"), {"bf16": peak_16bit} | others)
    return peak_tflops  # noqa: RET504  (a named local is a step)


@shared
def deploy(
    model: Any, gpu: Any, gpus: Any, context: Any, precision: Any, profile: Any, batch: Any = ONE_REQUEST
) -> Deployment:
    """A model on accelerators; `gpus` 0 takes the fewest of 1, 2, 4, 8... that hold the weights and `batch` requests.

    Args:
        model: Key or row of the model.
        gpu: Key or row of the accelerator.
        gpus: Accelerators that share one copy of the model, or 0.
        context: Tokens that a request attends to.
        precision: Key of the precision.
        profile: Key of the profile.
        batch: Requests that must fit when the model decides how many accelerators it takes.
    """
    m = _MODELS.figures(model, *_MODEL_FIGURES)
    a = _ACCELERATORS.figures(gpu, "hbm_gb", "hbm_tbps")
    p = _PRECISIONS.figures(precision, "weight_bytes", "kv_bytes")
    f = _PROFILES.figures(profile, *_PROFILE_FIGURES)
    link_gbps = _ACCELERATORS.lookup_or(gpu, "scaleup_gbps", NO_LINK)
    layer_tokens, request_kv_bytes = _kv_cache(m, p, context)
    weights_gb = m.params_total_b * BILLION * p.weight_bytes / GIGA
    usable_gb = a.hbm_gb * (1 - f.reserve) - f.activation_gb
    gpus_used = where(gpus > 0, gpus, _fewest_gpus(weights_gb, usable_gb, request_kv_bytes * batch / GIGA, m))
    kv_shards = minimum(gpus_used, m.kv_heads * GPU_PER_HEAD)
    free_gb = usable_gb - weights_gb / gpus_used
    max_batch = rounddown(free_gb * GIGA * kv_shards / request_kv_bytes)
    return Deployment(
        *(m, (a, p), f, _peak(gpu, precision), link_gbps, gpus_used),
        *(layer_tokens, request_kv_bytes, kv_shards, max_batch),
    )


def fitting(d: Deployment, value: Any) -> Any:
    """`value` where at least one request fits beside the weights."""
    return where(d.max_batch >= ONE_REQUEST, value, DOES_NOT_FIT)


# -- what a step is made of: each part is written here once -------------------------------------------------------
def weights_time(d: Deployment, batch: Any) -> Any:
    """Seconds to read the weights that a batch of tokens touches: of the experts, those that at least one meets."""
    return _weights_read(d, _experts_met(d.model, batch)) / d.gpus / _bandwidth(d)


def _experts_met(m: Any, batch: Any) -> Any:
    """Share of the experts that at least one of a batch of tokens meets: 1 - (1 - k/E)^batch.

    Written with logarithms that stop before the power underflows, which LibreOffice takes for an error.
    """
    missed = log(maximum(1 - m.experts_per_token / m.experts, 1e-300))
    return 1 - exp(maximum(batch / ONE_REQUEST * missed, -700.0))


def _weights_read(d: Deployment, experts_met: Any) -> Any:
    m, (_, p) = d.model, d.accelerator
    always = m.params_total_b - m.params_expert_b
    return (always + m.params_expert_b * experts_met) * BILLION * p.weight_bytes


def _bandwidth(d: Deployment) -> Any:
    return d.accelerator[0].hbm_tbps * TERA * d.profile.mbu


def cache_time(d: Deployment) -> Any:
    """Seconds to read one request's KV cache."""
    return d.request_kv_bytes / d.kv_shards / _bandwidth(d)


def _flop_per_second(d: Deployment, mfu: Any) -> Any:
    return d.gpus * (d.peak * TERA) * mfu


@shared
def decode_time(d: Deployment) -> Any:
    """Seconds to compute one token of one request."""
    m = d.model
    decode_flop = FLOP_PER_WEIGHT * (m.params_flop_b * BILLION) + (
        ATTENTION_DECODE * (m.heads * m.decode_dim) * d.layer_tokens
    )
    return decode_flop / _flop_per_second(d, d.profile.mfu_decode)


def allreduce_time(d: Deployment) -> Any:
    """Seconds that the activations of a token travel between the accelerators."""
    traffic = ALLREDUCE_BYTES * d.model.hidden * d.model.layers * ((d.gpus - ONE_GPU) / d.gpus)
    return where(d.gpus > ONE_GPU, traffic / (d.link * GIGA), 0.0)


def layers_time(d: Deployment) -> Any:
    """Fixed seconds of a step: launches and synchronisation of its layers."""
    m, f = d.model, d.profile
    return m.layers * (f.layer_us + where(m.experts > ONE_EXPERT, f.moe_us, 0.0)) / MICRO


@shared
def prefill(d: Deployment, input_tokens: Any, cache_hit: Any, allreduce: Any) -> Any:
    """Seconds to prefill one request, without what the prefix cache holds."""
    m = d.model
    uncached = input_tokens * (1 - cache_hit)
    prefill_flop = FLOP_PER_WEIGHT * (m.params_flop_b * BILLION) * uncached + (
        ATTENTION_PREFILL
        * (m.heads * m.prefill_dim)
        * (_attended(m, input_tokens) - _attended(m, input_tokens * cache_hit))
    )
    prefill_time = prefill_flop / _flop_per_second(d, d.profile.mfu_prefill) + allreduce * uncached
    return prefill_time  # noqa: RET504


def _attended(m: Any, tokens: Any) -> Any:
    """Twice the pairs of tokens that meet, summed over the layers: all of them, or those within the window."""
    near = minimum(tokens, m.window)
    return m.kv_layers_full * tokens**2 + m.kv_layers_window * (near**2 + 2 * m.window * (tokens - near))


def _accepted(accepted_per_step: Any, draft_tokens: Any) -> Any:
    """Tokens that a step yields: with drafting at most the drafted ones and one more."""
    possible = (accepted_per_step - ONE_TOKEN) * draft_tokens <= draft_tokens * draft_tokens
    return where(possible, accepted_per_step, TOO_MANY)


@shared
def serve(
    d: Deployment,
    input_tokens: Any,
    output_tokens: Any,
    batch: Any,
    cache_hit: Any,
    accepted_per_step: Any,
    draft_tokens: Any,
) -> Work:
    """Continuous batching: in a period a batch of requests is prefilled and decoded to its end."""
    batch_used = fitting(d, minimum(batch, d.max_batch))
    # A drafted token is verified like any other: it meets its own experts, is computed and travels.
    experts_met = _experts_met(d.model, batch_used * (ONE_TOKEN + draft_tokens) / ONE_TOKEN)
    weights_read = _weights_read(d, experts_met)
    memory_time = weights_read / d.gpus / _bandwidth(d) + batch_used * cache_time(d)
    compute_time = batch_used * (ONE_TOKEN + draft_tokens) * decode_time(d)
    allreduce = allreduce_time(d)
    fixed_time = layers_time(d) + batch_used * (d.profile.request_us / MICRO)
    step_time = (
        maximum(memory_time, compute_time) + batch_used * (ONE_TOKEN + draft_tokens) * allreduce + fixed_time
    ) * (1 + d.profile.draft_cost * draft_tokens)
    token_time = step_time / _accepted(accepted_per_step, draft_tokens)
    prefill_time = prefill(d, input_tokens, cache_hit, allreduce)
    period = output_tokens * token_time + batch_used * prefill_time
    tps_per_gpu = batch_used * output_tokens / period / d.gpus
    return Work(d.gpus, batch_used, step_time, token_time, prefill_time, period, tps_per_gpu)


@shared
def work(
    model: Any,
    gpu: Any,
    input_tokens: Any,
    output_tokens: Any,
    batch: Any,
    gpus: Any,
    precision: Any,
    cache_hit: Any,
    accepted_per_step: Any,
    draft_tokens: Any,
    profile: Any,
) -> Work:
    """What a deployment does whose requests are, on average, half way through their answers."""
    context_tokens = input_tokens + output_tokens / 2
    d = deploy(model, gpu, gpus, context_tokens, precision, profile, batch)
    return serve(d, input_tokens, output_tokens, batch, cache_hit, accepted_per_step, draft_tokens)


def _is_measured(values: Mapping[str, Any]) -> bool:
    try:
        gpu = _ACCELERATORS.find(values["gpu"])
    except NotAvailable:  # a row of the caller's own
        return False
    whole = values.get("part", "blended") in ("blended", "request")
    return whole and gpu in MEASURED_ON and values["gpus_used"] <= MEASURED_GPUS and values["draft_tokens"] == 0


SERVING_BAND = Band(
    BAND, f"of whole requests on 1 to {MEASURED_GPUS} H100, H200, B200 or B300, without drafting", _is_measured
)


def batch_cut(values: Mapping[str, Any]) -> str | None:
    """The remark that memory holds fewer requests than were asked for."""
    used, asked = values["batch_used"], values["batch"]
    if used >= asked:
        return None
    return f"memory holds {used:,.0f} of the {asked:,.0f} requests on {values['gpus_used']:.0f} accelerators"
