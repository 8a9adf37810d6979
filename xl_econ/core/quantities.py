"""The vocabulary of quantities: one alias decides unit, bounds, number format and example for every host.

Metric signatures and the row models of tables are written with these aliases.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from .quantity import Quantity, text

_COUNT = "#,##0"
_SHARE = "0.0%"
_MONEY = "#,##0;(#,##0);-"

ParamsB = Annotated[
    Any,
    Quantity(
        "Bparam",
        0,
        1e5,
        positive=True,
        typical=(1e-2, 1e4),
        slips=(1e9, 1e3),
        words="billions",
        format="#,##0.0##",
        example=70.0,
        title="Parameters",
    ),
]
TokensT = Annotated[
    Any,
    Quantity(
        "Ttoken",
        0,
        1e4,
        positive=True,
        typical=(1e-4, 1e3),
        slips=(1e12, 1e3),
        words="trillions",
        format="#,##0.0##",
        example=2.0,
        title="Tokens",
    ),
]
Tflops = Annotated[
    Any,
    Quantity(
        "TFLOP/s/GPU",
        0,
        1e6,
        positive=True,
        typical=(10, 2e4),
        slips=(1e12, 1e9),
        words="TFLOP/s",
        format="#,##0.0",
        example=989.4,
        title="Dense peak",
    ),
]
Share = Annotated[Any, Quantity("share", 0, 1, typical=(0, 1), slips=(100,), format=_SHARE, example=0.5)]
Efficiency = Annotated[
    Any,
    Quantity(
        "share",
        0,
        1,
        positive=True,
        typical=(0, 1),
        slips=(100,),
        format=_SHARE,
        example=0.4,
    ),
]
Ratio = Annotated[Any, Quantity("ratio", 0, 10, typical=(0, 1), slips=(100,), format=_SHARE, example=0.2)]
Factor = Annotated[Any, Quantity("factor", 1, 10, format="0.00", example=1.25)]
Flop = Annotated[Any, Quantity("FLOP", 0, 1e32, positive=True, format="0.000E+00", example=8.4e23)]
FlopPerUsd = Annotated[Any, Quantity("FLOP/USD", 0, format="0.000E+00", example=5.7e17)]
Usd = Annotated[Any, Quantity("USD", 0, 1e15, format=_MONEY, example=3e6)]
UsdPerGpuHour = Annotated[Any, Quantity("USD/GPU-h", 0, 1e4, format="#,##0.00##", example=2.5, title="Price")]
UsdPerInstanceHour = Annotated[Any, Quantity("USD/h", 0, 1e6, positive=True, format="#,##0.00##", example=55.04)]
PricePerInstanceHour = Annotated[
    Any, Quantity("currency/node/h", 0, 1e9, positive=True, format="#,##0.00##", example=55.04, title="Price")
]
UsdPerCurrency = Annotated[Any, Quantity("USD/currency", 0, 1e4, positive=True, format="0.00##", example=1.0)]
TokensPerPass = Annotated[Any, Quantity("token/pass", 1, 1e3, format="0.00", example=2.95)]
UsdPerGpu = Annotated[Any, Quantity("USD/GPU", 0, 1e8, positive=True, format="#,##0.00", example=31904.63)]
GpuHours = Annotated[Any, Quantity("GPU-h", 0, 1e13, positive=True, format=_COUNT, example=1.7e6)]
Gpus = Annotated[Any, Quantity("GPU", 1, 1e9, format=_COUNT, example=1024.0)]
NodeGpus = Annotated[Any, Quantity("GPU/node", 1, 1e5, format=_COUNT, example=8.0)]
Days = Annotated[Any, Quantity("day", 0, 1e5, positive=True, format="#,##0.0", example=60.0)]
AgeDays = Annotated[Any, Quantity("day", 0, 1e5, format=_COUNT, example=180.0)]
Minutes = Annotated[Any, Quantity("min", 0, 1e5, positive=True, format="0.0##", example=1.0)]
MinutesOrAuto = Annotated[
    Any, Quantity("min", 0, 1e6, auto=True, words="minutes, or auto", format='0.0##;-0.0##;"auto"', example=30.0)
]
RestartMinutes = Annotated[Any, Quantity("min", 0, 1e5, format="0.0##", example=10.0)]
FailuresPerGpuHour = Annotated[Any, Quantity("1/GPU-h", 0, 1, positive=True, format="0.00E+00", example=2e-5)]
Layers = Annotated[Any, Quantity("layer", 0, 1e5, format=_COUNT, example=80.0)]
Width = Annotated[Any, Quantity("channel", 0, 1e7, format=_COUNT, example=8192.0)]
SeqLen = Annotated[Any, Quantity("token", 0, 1e9, format=_COUNT, example=4096.0)]
TokensPerSecondPerGpu = Annotated[Any, Quantity("token/s/GPU", 0, 1e9, positive=True, format="#,##0.0", example=380.0)]
Runs = Annotated[Any, Quantity("run", 1, whole=True, format=_COUNT, example=8.0)]
Experts = Annotated[Any, Quantity("expert", 1, 1e6, format=_COUNT, example=8.0)]
Watts = Annotated[Any, Quantity("W/GPU", 0, 1e5, positive=True, format=_COUNT, example=700.0)]
WattsOrAuto = Annotated[
    Any, Quantity("W/GPU", 0, 1e5, auto=True, words="W, or auto", format='#,##0;-#,##0;"auto"', example=700.0)
]
Kwh = Annotated[Any, Quantity("kWh", 0, format=_COUNT, example=1e6)]
TerabytesPerSecond = Annotated[Any, Quantity("TB/s/GPU", 0, 1e4, positive=True, format="0.00#", example=3.35)]
GigabytesPerSecond = Annotated[Any, Quantity("GB/s/GPU", 0, 1e6, positive=True, format="#,##0.0", example=450.0)]
Bound = Annotated[Any, text("Bound", "mid", ("low", "mid", "high"))]
Precision = Annotated[Any, text("Precision", "bf16", ("bf16", "fp16", "tf32", "fp32", "fp8", "fp4"))]
UsdPerGpuHourOrAuto = Annotated[
    Any,
    Quantity(
        "USD/GPU-h", 0, 1e4, auto=True, words="USD/GPU-h, or auto", format='#,##0.00##;-#,##0.00##;"auto"', example=2.5
    ),
]
UsdPerYearOrAuto = Annotated[
    Any, Quantity("USD/yr", 0, 1e15, auto=True, words="USD/yr, or auto", format='#,##0;-#,##0;"auto"', example=1100.0)
]
UsdPerKwMonth = Annotated[Any, Quantity("USD/kW/month", 0, 1e5, format="#,##0.00", example=194.95)]
Key = Annotated[Any, text("Key", "H100 SXM 80GB")]
Text = Annotated[Any, text()]
AsOfDate = Annotated[Any, replace(text("As of", "2026-11-23"), format="@")]  # so that a sheet keeps what was typed
Provider = Annotated[Any, text("Provider", "AWS")]
Term = Annotated[Any, text("Term", "on-demand", ("on-demand", "reserved-1yr", "reserved-3yr", "spot", "flex"))]
Case = Annotated[
    Any, text("Case", "latest", ("latest", "seed", "seed high", "cross-check", "cross-check 2", "cross-check 3"))
]
ApiModel = Annotated[Any, text("Model", "gpt-4o", table="api_prices")]
Side = Annotated[Any, text("Side", "output", ("input", "output", "cached"))]
AssumptionKey = Annotated[Any, text("Key", "power.us_industrial", table="assumptions")]
Technique = Annotated[Any, text("Technique", "FP16 → FP8", table="optimizations")]
Cell = Annotated[Any, Quantity("any")]
OwnTable = Annotated[Any, Quantity("table", title="Table", example=None)]
Hours = Annotated[Any, Quantity("h", 0, 1e6, positive=True, format=_COUNT, example=8760.0)]
UsdPerKwh = Annotated[Any, Quantity("USD/kWh", 0, 10, format="0.0000", example=0.08)]
UsdPerYear = Annotated[Any, Quantity("USD/yr", 0, 1e15, format=_MONEY, example=1500.0)]
UsdPerMtok = Annotated[Any, Quantity("USD/Mtok", 0, 1e6, format="#,##0.00##", example=1.0)]
UsdPerMtokOrAuto = Annotated[
    Any,
    Quantity(
        "USD/Mtok", 0, 1e6, auto=True, words="USD/Mtok, or auto", format='#,##0.00##;-#,##0.00##;"auto"', example=0.5
    ),
]
Heads = Annotated[Any, Quantity("head", 1, 1e5, format=_COUNT, example=64.0)]
HeadDim = Annotated[Any, Quantity("channel/head", 1, 1e5, format=_COUNT, example=128.0)]
KvElements = Annotated[Any, Quantity("element/layer/token", 1, 1e6, format=_COUNT, example=2048.0)]
ParamsBOrNone = Annotated[Any, Quantity("Bparam", 0, 1e5, format="#,##0.0##", example=0.0)]
LayersOrNone = Annotated[Any, Quantity("layer", 0, 1e5, format=_COUNT, example=0.0)]
Years = Annotated[Any, Quantity("yr", 1, 60, whole=True, format="0", example=3.0)]
YearsOf = Annotated[Any, Quantity("yr", 0, format="0.00##", example=2.5)]
PerYear = Annotated[Any, Quantity("1/yr", 0, format="0.0000", example=0.4)]
DiscountRate = Annotated[
    Any, Quantity("share", -0.5, 1, typical=(0, 0.5), slips=(100,), format=_SHARE, example=0.1, title="Discount rate")
]
Timing = Annotated[Any, Quantity("share", 0, 1, format="0.0", example=0.5)]
Decline = Annotated[Any, Quantity("share", -1, 0.99, typical=(0, 0.9), slips=(100,), format=_SHARE, example=0.1)]
Margin = Annotated[Any, Quantity("share", -100, 0.999, typical=(0, 0.99), slips=(100,), format=_SHARE, example=0.5)]

# Serving a model: a request is a sequence in flight.
ModelKey = Annotated[Any, text("Model", "Llama-3.1/3.3-70B", table="model_architectures")]
GpuKey = Annotated[Any, text("Accelerator", "H100 SXM 80GB", table="accelerators")]
PrecisionKey = Annotated[Any, text("Precision", "fp8", table="precisions")]
ProfileKey = Annotated[Any, text("Profile", "default", table="inference_profiles")]
Part = Annotated[Any, text("Part", "blended", ("blended", "input", "output", "request", "low", "high"))]
TokensPerRequest = Annotated[
    Any, Quantity("token/request", 1, 1e7, typical=(1, 1e6), format=_COUNT, example=1024.0, title="Tokens")
]
WindowTokens = Annotated[Any, Quantity("token/request", 0, 1e9, format=_COUNT, example=0.0)]
DraftTokens = Annotated[Any, Quantity("token/request", 0, 64, format="0", example=2.0)]
AcceptedTokens = Annotated[Any, Quantity("token/request", 1, 65, format="0.0#", example=1.0)]
DraftCost = Annotated[Any, Quantity("request/token", 0, 1, format="0.00", example=0.05)]
Batch = Annotated[Any, Quantity("request", 1, 1e6, format="#,##0.#", example=64.0)]
RequestsInFlight = Annotated[Any, Quantity("request", 0, 1e9, format="#,##0.#", example=64.0)]
RequestsPerSecond = Annotated[Any, Quantity("request/s", 0, 1e6, positive=True, format="#,##0.0##", example=1.0)]
GpusServing = Annotated[Any, Quantity("GPU", 1, 1024, whole=True, format=_COUNT, example=2.0)]
GpusOrAuto = Annotated[
    Any, Quantity("GPU", 0, 1024, auto=True, whole=True, words="GPUs, or auto", format='0;-0;"auto"', example=2.0)
]
Milliseconds = Annotated[Any, Quantity("ms", 0, format="#,##0.0", example=20.0)]
TokensPerSecond = Annotated[Any, Quantity("token/s", 0, format=_COUNT, example=1000.0)]
Memory = Annotated[Any, Quantity("GB", 0, format="#,##0.0", example=70.0)]
HbmPerGpu = Annotated[Any, Quantity("GB/GPU", 0, 1e6, positive=True, format="#,##0.0", example=80.0)]
ActivationMemory = Annotated[Any, Quantity("GB/GPU", 0, 1e3, format="#,##0.0", example=3.0)]
BytesPerParam = Annotated[Any, Quantity("byte/param", 0, 16, positive=True, format="0.00", example=1.0)]
BytesPerElement = Annotated[Any, Quantity("byte/element", 0, 16, positive=True, format="0.00", example=1.0)]
MicrosecondsPerLayer = Annotated[Any, Quantity("us/layer", 0, 1e6, format="0.0", example=65.0)]
MicrosecondsPerRequest = Annotated[Any, Quantity("us/request", 0, 1e6, format="0.0", example=40.0)]
# Fleets, months, lists of rates.
UsdSigned = Annotated[Any, Quantity("USD", -1e18, 1e18, format=_MONEY, example=1e6)]
UpfrontUsd = Annotated[Any, Quantity("USD", 0, 1e15, format=_MONEY, example=2e6, title="Upfront")]
SalvageUsd = Annotated[Any, Quantity("USD", 0, 1e15, format=_MONEY, example=3e5, title="Salvage value")]
PowerUsd = Annotated[Any, Quantity("USD", 0, 1e15, format=_MONEY, example=1100.0, title="Power")]
UsdPerMonth = Annotated[Any, Quantity("USD/month", 0, 1e15, format=_MONEY, example=14000.0)]
CloudUsdPerMonth = Annotated[Any, Quantity("USD/month", 0, 1e15, format=_MONEY, example=115000.0)]
VariableUsdPerMtok = Annotated[Any, Quantity("USD/Mtok", 0, 1e6, format="#,##0.00##", example=0.05)]
MtokPerMonth = Annotated[Any, Quantity("Mtok/month", 0, format=_COUNT, example=2e4)]
Months = Annotated[Any, Quantity("month", 0, 1200, positive=True, format="#,##0.0", example=12.0)]
WholeMonths = Annotated[Any, Quantity("month", 1, 1200, whole=True, format="0", example=36.0)]
MonthsOf = Annotated[Any, Quantity("month", 0, format="#,##0.0", example=21.6)]
MonthlyRate = Annotated[
    Any,
    Quantity("share", -0.1, 0.2, typical=(0, 0.02), slips=(100,), format="0.00%", example=0.008, title="Monthly rate"),
]
LifeYears = Annotated[Any, Quantity("yr", 1, 60, whole=True, format="0", example=6.0, title="Life")]
YearNumber = Annotated[Any, Quantity("yr", 1, 60, whole=True, format="0", example=2.0, title="Year")]
DepreciationMethod = Annotated[Any, text("Method", "SLN", ("SLN", "DDB", "SYD"))]
GpuHoursPerMonth = Annotated[Any, Quantity("GPU-h/month", 0, 1e12, format=_COUNT, example=1e5)]
TokensPerDay = Annotated[Any, Quantity("token/day", 0, 1e18, format=_COUNT, example=1e10)]
TokensPerSecondPerWatt = Annotated[Any, Quantity("token/s/W", 0, format="0.00##", example=2.0)]
PeakFactor = Annotated[Any, Quantity("factor", 1, 100, format="0.00", example=2.5, title="Peak to mean")]
ReplicaGpus = Annotated[Any, Quantity("GPU/replica", 1, 1e5, whole=True, format=_COUNT, example=8.0)]
Replicas = Annotated[Any, Quantity("replica", 0, 1e6, whole=True, format=_COUNT, example=1.0)]
Rates = Annotated[
    Any, Quantity("USD/GPU-h", 0, 1e4, many=True, format="#,##0.00##", example=(3.5, 2.5, 1.6), title="Prices")
]
Shares = Annotated[
    Any,
    Quantity(
        "share", 0, 1, typical=(0, 1), slips=(100,), many=True, format=_SHARE, example=(0.5, 0.3, 0.2), title="Shares"
    ),
]
RateFactors = Annotated[Any, Quantity("factor", 0, 100, many=True, format="0.00", example=(1.0, 1.2, 1.1))]
# Commitments: mean demands, which need not be whole accelerators.
MeanGpus = Annotated[Any, Quantity("GPU", 0, 1e9, format=_COUNT, example=600.0, title="Demand")]
CommittedGpus = Annotated[Any, Quantity("GPU", 0, 1e9, format=_COUNT, example=512.0, title="Commitment")]
GpusOf = Annotated[Any, Quantity("GPU", 0, format="#,##0.0", example=64.0)]
SwingFactor = Annotated[Any, Quantity("factor", 1, 2, format="0.00", example=1.5, title="Peak to mean")]
# Budget and actuals, line by line.
LineHours = Annotated[
    Any, Quantity("GPU-h", 0, 1e13, many=True, format=_COUNT, example=(1000.0, 500.0, 200.0), title="Hours")
]
GrowthRate = Annotated[Any, Quantity("share", -0.9, 9, typical=(-0.5, 2), slips=(100,), format=_SHARE, example=0.15)]
PricedHours = Annotated[Any, Quantity("GPU-h", 0, 1e13, format=_COUNT, example=1000.0, title="GPU-hours")]
# A fleet's plan.
NodesOrNone = Annotated[Any, Quantity("node", 0, 1e6, whole=True, format=_COUNT, example=16.0, title="Nodes")]
NodesPerMonth = Annotated[Any, Quantity("node", 0, 1e6, positive=True, format=_COUNT, example=20.0, title="Nodes")]
MonthlyGrowth = Annotated[
    Any, Quantity("share", -0.2, 0.5, typical=(0, 0.2), slips=(100,), format="0.0%", example=0.02)
]
GpusPerPerson = Annotated[Any, Quantity("GPU/person", 0, 1e6, positive=True, format=_COUNT, example=128.0)]
UsdPerPersonMonth = Annotated[Any, Quantity("USD/person/month", 0, 1e7, format=_MONEY, example=20000.0)]
KgPerKwh = Annotated[Any, Quantity("kg/kWh", 0, 5, format="0.000", example=0.39)]
MtokMonthly = Annotated[Any, Quantity("Mtok/month", 0, 1e12, positive=True, format=_COUNT, example=1e6)]
