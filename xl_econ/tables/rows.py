"""The row models of the reference tables: what each column means, its unit and its bounds."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from xl_econ.core import quantities as q
from xl_econ.core.quantity import Quantity

from . import dates

Text = Annotated[str, StringConstraints(min_length=1)]
# A key is looked up by spreadsheets too, where * ? ~ are wildcards.
Key = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^*?~]+$")]
Grade = Literal["A", "B", "C", "D"]
Bound = Literal["exact", "about", "at least", "at least about", "range", "unknown"]
Term = Literal["on-demand", "reserved-1yr", "reserved-3yr", "spot", "flex"]
# The latest price, the seed's, and what other sources, regions or earlier dates say of the same offer.
Case = Literal["latest", "seed", "seed high", "cross-check", "cross-check 2", "cross-check 3"]
Verdict = Literal["holds", "slip", "ambiguous", "definition"]


def _a_date(text: str) -> str:
    """A day, a month or a year, as precise as the source is."""
    date.fromisoformat((text + "-01-01")[:10] if len(text) in (4, 7) else text)
    return text


AsOf = Annotated[
    str, StringConstraints(pattern=r"^\d{4}(-\d{2}){0,2}$"), AfterValidator(_a_date), BeforeValidator(dates.iso)
]


def _a_number(value: Any) -> float:
    if isinstance(value, float):
        return value
    raise ValueError(f"{value!r}: expected a number")


NORMALISED = 1e-3  # how far a price per GPU may lie from the instance's share, relative

# A number whose unit stands in another column of its row.
Figure = Annotated[float, Quantity("any"), AfterValidator(_a_number)]
PositiveFigure = Annotated[float, Quantity("any", 0), AfterValidator(_a_number)]


class Row(BaseModel):
    """What every row carries: where its figures come from, as of when, and how far to trust them."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, str_strip_whitespace=True)

    source: Text = Field(description="URL, or document and place")
    as_of: AsOf = Field(description="Date that the figures are of: a day, a month or a year")
    grade: Grade = Field(
        description="A provider or primary, B transcription, C list or average, D unsourced or the seed"
    )
    note: str | None = Field(None, description="What a reader should know")


class Accelerator(Row):
    """One accelerator: dense peaks by precision, memory, power, link."""

    accelerator: Key = Field(description="Key")
    aliases: str | None = Field(None, description="Other names it is known by, separated by semicolons")
    vendor: Text = Field(description="Maker")
    fp32: q.Tflops | None = Field(None, description="Dense peak, FP32 vector, TFLOP/s")
    tf32: q.Tflops | None = Field(None, description="Dense peak, TF32, TFLOP/s")
    bf16: q.Tflops | None = Field(None, description="Dense peak, BF16, TFLOP/s")
    fp16: q.Tflops | None = Field(None, description="Dense peak, FP16, TFLOP/s")
    fp8: q.Tflops | None = Field(None, description="Dense peak, FP8, TFLOP/s")
    fp4: q.Tflops | None = Field(None, description="Dense peak, FP4, TFLOP/s")
    int8: q.Tflops | None = Field(None, description="Dense peak, INT8, TOP/s")
    hbm_gb: q.HbmPerGpu = Field(description="Memory, GB")
    hbm_tbps: q.TerabytesPerSecond = Field(description="Memory bandwidth, TB/s")
    tdp_w: q.Watts | None = Field(None, description="Board power, W")
    scaleup_gbps: q.GigabytesPerSecond | None = Field(None, description="Scale-up link, GB/s in one direction")
    launch: AsOf = Field(description="Launch or first availability")


class TrainingRun(Row):
    """One published training run, as disclosed."""

    model: Key = Field(description="Key")
    aliases: str | None = Field(None, description="Other names it is known by, separated by semicolons")
    developer: Text = Field(description="Who trained it")
    params_total_b: q.ParamsB = Field(description="All parameters, billions")
    params_b: q.ParamsB = Field(description="Active parameters, billions")
    tokens_t: q.TokensT | None = Field(None, description="Training tokens, trillions")
    hardware: Text = Field(description="Hardware as disclosed")
    peak_tflops: q.Tflops = Field(description="Dense peak that the MFU refers to, TFLOP/s")
    gpus: q.Gpus | None = Field(None, description="Accelerators used")
    gpu_hours: q.GpuHours | None = Field(None, description="GPU-hours")
    gpu_hours_kind: str | None = Field(None, description="How the hours are known: disclosed, derived, bound")
    mfu: q.Efficiency | None = Field(None, description="Stated utilization")
    mfu_kind: str | None = Field(None, description="What the stated utilization counts: MFU or HFU")
    mfu_independent: Literal["yes", "no"] = Field(description="Whether the MFU is known apart from the hours")
    precision: str | None = Field(None, description="Training precision")
    cost_usd: q.Usd | None = Field(None, description="Disclosed cost, USD")
    cost_note: str | None = Field(None, description="What the disclosed cost covers")


class ModelArchitecture(Row):
    """One published model: the dimensions that decide memory and work in inference."""

    model: Key = Field(description="Key")
    aliases: str | None = Field(None, description="Other names it is known by, separated by semicolons")
    params_total_b: q.ParamsB = Field(description="All parameters, billions")
    params_active_b: q.ParamsB = Field(description="Parameters that work on a token, billions")
    params_flop_b: q.ParamsB = Field(description="Active parameters without the input embedding, billions")
    params_expert_b: q.ParamsBOrNone = Field(description="Parameters in experts, billions; 0 for a dense model")
    layers: q.Layers = Field(description="Transformer layers")
    hidden: q.Width = Field(description="Hidden width")
    heads: q.Heads = Field(description="Attention heads")
    kv_heads: q.Heads = Field(description="Heads whose keys and values are kept; 1 for a shared latent (MLA)")
    head_dim: q.HeadDim = Field(description="Dimension of a head")
    decode_dim: q.HeadDim = Field(description="Mean of the two dimensions a head works with in decode: MLA's latent")
    prefill_dim: q.HeadDim = Field(description="Mean of the two dimensions a head works with in prefill")
    attention: Literal["MHA", "GQA", "MLA", "GQA hybrid"] = Field(description="Kind of attention")
    kv_elements: q.KvElements = Field(description="Elements kept per token and layer that grows")
    kv_layers_full: q.Layers = Field(description="Layers whose cache grows with the context")
    kv_layers_window: q.LayersOrNone = Field(description="Layers with a sliding window")
    window: q.WindowTokens = Field(description="Sliding window, tokens; 0 without one")
    experts: q.Experts = Field(description="Experts in a layer; 1 for a dense model")
    experts_per_token: q.Experts = Field(description="Experts that work on a token")
    context: q.SeqLen = Field(description="Longest context, tokens")

    @field_validator("params_active_b", "params_expert_b", "kv_heads", "experts_per_token")
    @classmethod
    def _is_a_part(cls, value: float, info: ValidationInfo) -> float:
        """A part is at most its whole: active parameters, experts that work, heads that are kept."""
        wholes = {"kv_heads": "heads", "experts_per_token": "experts"}
        whole = wholes.get(str(info.field_name), "params_total_b")
        if (of := info.data.get(whole)) is not None and value > of:
            raise ValueError(f"{value:g}: more than {whole}, {of:g}")
        return value


class Precision(Row):
    """How many bytes a number takes when a model is served in it, and at which peak it computes."""

    precision: Key = Field(description="Key")
    aliases: str | None = Field(None, description="Other names it is known by, separated by semicolons")
    weight_bytes: q.BytesPerParam = Field(description="Bytes of a weight, with its scales and what stays unquantised")
    kv_bytes: q.BytesPerElement = Field(description="Bytes of an element of the KV cache")
    compute: Literal["bf16", "fp8", "fp4", "int8"] = Field(description="Column of the peak that it computes at")


class InferenceProfile(Row):
    """The constants of the serving model: how near to the hardware's limits an engine comes."""

    profile: Key = Field(description="Key")
    mbu: q.Efficiency = Field(description="Share of the memory bandwidth reached (MBU)")
    mfu_prefill: q.Efficiency = Field(description="Share of the peak reached in prefill")
    mfu_decode: q.Efficiency = Field(description="Share of the peak reached in decode")
    layer_us: q.MicrosecondsPerLayer = Field(description="Fixed time of a layer in a step, microseconds")
    moe_us: q.MicrosecondsPerLayer = Field(description="The same for a layer of experts, on top")
    request_us: q.MicrosecondsPerRequest = Field(description="Fixed time of a request in a step, microseconds")
    reserve: q.Share = Field(description="Share of the memory that the engine leaves free")
    activation_gb: q.ActivationMemory = Field(description="Memory of activations and runtime, GB per accelerator")
    draft_cost: q.DraftCost = Field(description="Cost of a drafted token, as a share of a step")


class MfuTypical(Row):
    """Typical MFU by cluster size: the seed's table, with the midpoint that it leaves to the reader."""

    gpus: q.Gpus = Field(description="Accelerators in the run")
    setup: Text = Field(description="Set-up as the seed names it")
    text: Text = Field(description="Typical MFU as written")
    low: q.Efficiency = Field(description="Low end")
    mid: q.Efficiency = Field(description="Midpoint of the range")
    high: q.Efficiency = Field(description="High end")


class EffectiveMfu(Row):
    """MFU that published runs of a class delivered over all their hours: 6ND / (hours x dense peak), goodput in it."""

    run_class: Key = Field(description="Key: hardware generation and kind of model")
    generation: Text = Field(description="Hardware generation")
    kind: Literal["dense", "MoE"] = Field(description="Dense model or mixture of experts")
    hardware: Text = Field(description="Accelerators that it stands for, separated by semicolons")
    low: q.Efficiency = Field(description="Lower quartile of the runs")
    mid: q.Efficiency = Field(description="Median of the runs")
    high: q.Efficiency = Field(description="Upper quartile of the runs")
    runs: q.Runs = Field(description="Published runs behind it")


class CostComponent(Row):
    """A component of the total cost of ownership, with its share as the seed gives it."""

    component: Key = Field(description="Key")
    text: Text = Field(description="Share of TCO as written")
    share_low: q.Share | None = Field(None, description="Low end")
    share_high: q.Share | None = Field(None, description="High end")
    key_driver: Text = Field(description="Key driver as written")


class SeedTrainingBenchmark(Row):
    """A row of the seed's training benchmarks: each figure as written, and as parsed."""

    model: Key = Field(description="Key")
    parameters_text: Text = Field(description="Parameters as written")
    params_b: q.ParamsB = Field(description="Parameters, billions")
    params_bound: Bound = Field(description="How the figure is meant")
    tokens_text: Text = Field(description="Tokens as written")
    tokens_t: q.TokensT = Field(description="Tokens, trillions")
    tokens_bound: Bound = Field(description="How the figure is meant")
    gpu_hours_text: Text = Field(description="GPU-hours as written")
    gpu_hours: q.GpuHours | None = Field(None, description="GPU-hours, low end")
    gpu_hours_high: q.GpuHours | None = Field(None, description="GPU-hours, high end of a range")
    gpu_hours_bound: Bound = Field(description="How the figure is meant")
    accelerator: str | None = Field(None, description="Accelerator that the hours name")
    peak_tflops: q.Tflops | None = Field(None, description="Its dense BF16 peak, TFLOP/s")
    cost_text: Text = Field(description="Cost as written")
    cost_usd: q.Usd = Field(description="Cost, USD, low end")
    cost_usd_high: q.Usd | None = Field(None, description="Cost, USD, high end of a range")
    cost_bound: Bound = Field(description="How the figure is meant")


class SeedClaim(Row):
    """A numeric claim of the seed, the arithmetic that checks it, and whether it holds."""

    claim_id: Key = Field(description="Key")
    place: Text = Field(description="Section and row of the seed")
    claim: Text = Field(description="The claim in the seed's words")
    quantity: Text = Field(description="What the check computes")
    claimed_low: PositiveFigure | None = Field(None, description="Low end of what the claim allows; empty: no low end")
    claimed_high: PositiveFigure | None = Field(None, description="High end; empty: no high end")
    unit: Text = Field(description="Unit of the claimed and the computed figures")
    tolerance: q.Share = Field(description="How far beyond its ends the claim may still hold; 0 for exact, more for ~")
    formula: Text = Field(description="The check, in Python syntax over numbers and functions of xl-econ")
    computed: Figure = Field(description="Its value by independent arithmetic")
    verdict: Verdict = Field(
        description="holds or slip by rule; ambiguous (several readings) and definition (a term left open) are judged"
    )
    note: Text = Field(description="Why; for a slip what the figure should be")


class CloudPrice(Row):
    """What an accelerator costs by the hour at a provider: the latest price, the seed's, and those that contradict.

    The seed's row of Together AI has no figure ("Varies by model") and is left out.
    """

    offer: Key = Field(description="Key: provider|gpu|term|case")
    aliases: str | None = Field(None, description="Other spellings of the key, separated by semicolons")
    provider: Key = Field(description="Who rents it out")
    provider_type: Literal["hyperscaler", "neocloud", "marketplace", "any"] = Field(description="Kind of provider")
    instance: Text = Field(description="Instance or item of the price list")
    gpu: Key = Field(description="Accelerator, a key of the accelerators table")
    gpus_per_instance: q.NodeGpus = Field(description="Accelerators in the instance; 1 where the price is per GPU")
    term: Term = Field(description="Commitment; flex is capacity that is queued for, such as GCP's DWS")
    case: Case = Field(
        description="latest price of one item, the seed's, or a further one: another source or day, an average"
    )
    usd_per_instance_hour: q.UsdPerInstanceHour = Field(description="Price of the instance, USD per hour")
    usd_per_gpu_hour: q.UsdPerGpuHour = Field(description="Price of one accelerator, USD per hour")
    region: Text = Field(description="Region of the price")

    @field_validator("case")
    @classmethod
    def _joins(cls, case: str, info: ValidationInfo) -> str:
        """The key is what the look-up joins."""
        parts = [info.data.get(c) for c in ("provider", "gpu", "term")]
        joined = "|".join([*map(str, parts), case])
        if None not in parts and info.data.get("offer") not in (None, joined):
            raise ValueError(f"{case!r}: the offer must be {joined!r}")
        return case

    @field_validator("usd_per_gpu_hour")
    @classmethod
    def _share_of_the_instance(cls, price: float, info: ValidationInfo) -> float:
        instance, gpus = info.data.get("usd_per_instance_hour"), info.data.get("gpus_per_instance")
        if instance and gpus and abs(price * gpus / instance - 1) > NORMALISED:
            raise ValueError(f"{price:g}: {instance:g} for {gpus:g} GPU make {instance / gpus:.6g}")
        return price


class PurchasePrice(Row):
    """What an accelerator was sold for: by itself, or its share of a system."""

    item_id: Key = Field(description="Key: item|date|kind")
    item: Text = Field(description="Item as the offer names it")
    accelerator: str | None = Field(None, description="Accelerator, a key of the accelerators table, where it is one")
    gpus_in_system: q.NodeGpus = Field(description="Accelerators in what was sold")
    kind: Literal["single", "baseboard", "HGX", "DGX", "system"] = Field(description="What was sold")
    usd_per_gpu: q.UsdPerGpu = Field(description="Price of one accelerator with its share of the system, USD")


class ApiPrice(Row):
    """What a provider charges for a model's tokens."""

    model: Key = Field(description="Key: the model's id, with the host in front where another than its maker serves it")
    aliases: str | None = Field(None, description="Other names it is known by, separated by semicolons")
    provider: Text = Field(description="Who serves it")
    made_by_provider: Literal["yes", "no"] = Field(description="Whether the provider made the model")
    input_usd_per_mtok: q.UsdPerMtok = Field(description="Input, USD per million tokens")
    cached_input_usd_per_mtok: q.UsdPerMtok | None = Field(None, description="Input read from the cache, USD/Mtok")
    cache_write_usd_per_mtok: q.UsdPerMtok | None = Field(None, description="Input written to the cache, USD/Mtok")
    output_usd_per_mtok: q.UsdPerMtok = Field(description="Output, USD per million tokens")
    context: q.SeqLen | None = Field(None, description="Longest context, tokens")
    tiered: Literal["yes", "no"] = Field(description="Whether long prompts cost more; the rates are of short ones")


class Assumption(Row):
    """A figure that models assume when nobody knows better: a rate, a life, a share."""

    key: Key = Field(description="Key; an older value has its month behind it, as in power.us_industrial.2024-12")
    item: Text = Field(description="What it is")
    value: Figure = Field(description="The figure; of a range its middle")
    unit: Text = Field(description="Unit of the figure")
    low: Figure | None = Field(None, description="Low end of a range")
    high: Figure | None = Field(None, description="High end of a range")


class BatchUtilization(Row):
    """Utilization by batch size: the seed's table, with the midpoint that it leaves to the reader."""

    batch: q.Batch = Field(description="Sequences decoded together")
    batch_text: Text = Field(description="Batch size as written")
    text: Text = Field(description="GPU utilization as written")
    low: q.Share = Field(description="Low end")
    mid: q.Share = Field(description="Midpoint of the range")
    high: q.Share = Field(description="High end")
    latency: Text = Field(description="Latency as written")
    cost_efficiency: Text = Field(description="Cost efficiency as written")


class Optimization(Row):
    """A technique that saves memory or time, as the seed gives it: each figure as written, and as parsed."""

    technique: Key = Field(description="Key")
    aliases: str | None = Field(None, description="Other names it is known by, separated by semicolons")
    kind: Literal["quantization", "architecture"] = Field(description="Which of the seed's two tables it stands in")
    memory_reduction_text: str | None = Field(None, description="Memory reduction as written")
    memory_reduction_low: q.Factor | None = Field(None, description="Memory reduction, low end")
    memory_reduction_high: q.Factor | None = Field(None, description="Memory reduction, high end")
    speedup_text: str | None = Field(None, description="Speedup as written")
    speedup_low: q.Factor | None = Field(None, description="Speedup, low end")
    speedup_high: q.Factor | None = Field(None, description="Speedup, high end")
    quality_loss: str | None = Field(None, description="Quality loss as written")
    impact: str | None = Field(None, description="Impact as written")
    impact_low: q.Factor | None = Field(None, description="Factor of the impact, low end")
    impact_high: q.Factor | None = Field(None, description="Factor of the impact, high end")
    adoption: str | None = Field(None, description="Adoption as written")


class InferencePriceClass(Row):
    """Prices of tokens by size of the model, as the seed gives them."""

    model_class: Key = Field(description="Key")
    aliases: str | None = Field(None, description="Other names it is known by, separated by semicolons")
    input_text: Text = Field(description="Input price as written, USD per million tokens")
    input_low: q.UsdPerMtok = Field(description="Input price, low end")
    input_high: q.UsdPerMtok = Field(description="Input price, high end")
    output_text: Text = Field(description="Output price as written, USD per million tokens")
    output_low: q.UsdPerMtok = Field(description="Output price, low end")
    output_high: q.UsdPerMtok = Field(description="Output price, high end")
    examples: Text = Field(description="Models that the seed names")


class SpeculativeAcceptance(Row):
    """Tokens that a pass of the large model yields when a draft runs ahead of it, as measured.

    An upper bound of the speedup: drafting and verifying cost time, and more so at large batches.
    """

    run: Key = Field(description="Key: model|method|mode|draft tokens")
    model: Text = Field(description="Model")
    method: Text = Field(description="Method of drafting")
    mode: Text = Field(description="Whether the model thinks before it answers")
    draft_tokens: q.DraftTokens = Field(description="Tokens drafted ahead")
    acceptance_length: q.TokensPerPass = Field(description="Tokens that a pass yields, the model's own one included")


def quantity(model: type[Row], column: str) -> Quantity | None:
    """The quantity of a column, or None for a text column."""
    field = model.model_fields[column]
    for found in (*field.metadata, *_metadata(field.annotation)):
        if isinstance(found, Quantity):
            return found
    return None


def choices(model: type[Row], column: str) -> tuple[str, ...]:
    """The texts that a column may hold, if they are few."""
    annotation = model.model_fields[column].annotation
    found = quantity(model, column)
    literals = [part for part in (annotation, *get_args(annotation)) if get_origin(part) is Literal]
    return tuple(get_args(literals[0])) if literals else found.choices if found else ()


def _metadata(annotation: Any) -> list[Any]:
    return [m for part in get_args(annotation) for m in getattr(part, "__metadata__", ())]
