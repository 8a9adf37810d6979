"""What people call the quantities of AI compute economics: a table of kinds, the words for them, their bounds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, get_args

from xl_econ.core import quantities as q
from xl_econ.core.quantity import Quantity
from xl_econ.core.units import parse

from .units import Measure


@dataclass(frozen=True)
class Kind:
    """A kind of figure.

    Attributes:
        name: What rules call it.
        quantity: Its unit and bounds.
        said: What it is called, in small letters.
        never: Words with which it is something else.
        needs: Whether a cell must say a unit of this kind besides, because the words alone are too common.
    """

    name: str
    quantity: Quantity
    said: str
    never: str = ""
    needs: bool = False

    @property
    def measure(self) -> Measure:
        return Measure.of(parse(self.quantity.unit))


def _of(alias: Any) -> Quantity:
    found: Quantity = get_args(alias)[1]
    return found


# Words with which a figure is about another figure: how it changes, what it costs, where its limits are.
_ABOUT = (
    r"chang|delta|\bvs\b|versus|improv|increase|decrease|reduction|growth|varianc|saving|less\b|effect|impact|error|uplift|"
    r"differ|loss|target|sensitivit|elasticit|lowest|highest|break-?even|cost of|point|score|rank|weight|decline|premium"
)
_RATE = r"per |/|price|cost|\$|usd|rate|second|\btps\b"
# The first kind that fits is taken, the special ones before the general.
KINDS = (
    Kind("mfu", _of(q.Efficiency), r"\bmfu\b|\bmodel flop[s/]* utili[sz]ation\b", _ABOUT + r"|\bhfu\b"),
    Kind("pue", _of(q.Factor), r"\bpue\b|power usage effectiveness", _ABOUT),
    Kind("goodput", _of(q.Efficiency), r"\bgoodput\b", _ABOUT + "|token|request|tps"),
    Kind("availability", _of(q.Efficiency), r"\bavailability\b|\buptime\b", _ABOUT + "|date|hour"),
    Kind("utilization", _of(q.Share), r"\butili[sz]ation\b", _ABOUT + r"|effective|price|\$|hour|factor|economics"),
    Kind("cost_share", _of(q.Ratio), r"\bcost\b.*\bof\b.*\bprice\b", _ABOUT),
    Kind("margin", _of(q.Margin), r"\b(gross )?margin\b", _ABOUT + r"|\$|usd|contribution|operating|safety|error"),
    Kind("share_of_total", _of(q.Ratio), r"\b(share|percent|%|fraction) of (the )?(\w+ )?(tco|total|cost|spend|budget)\b", _ABOUT.replace("|cost of", "")),
    Kind("overhead", _of(q.Share), r"\boverhead\b", _ABOUT + r"|\$|usd|factor|network|nvlink"),
    Kind("usd_per_mtok", _of(q.UsdPerMtok), r"(?:\$|usd|price|cost).*\b(m|1m|million|k|1k|thousand|1,000|1000)? ?tok", "throughput|per second"),
    Kind("usd_per_kwh", _of(q.UsdPerKwh), r"\b(electricity|power|energy) (price|rate|tariff|cost)\b|(\$|usd) ?(/|per) ?kwh", _ABOUT.replace("|cost of", "") + "|per gpu", True),
    Kind("usd_per_gpu_hour", _of(q.UsdPerGpuHour), r"(?:\$|usd|price|rate|cost).*\b(gpu|accelerator|card|h100|a100|h200|b200)s?\b.*\b(h|hr|hour)s?\b|\bgpu (price|rate)\b", _ABOUT + "|effective|capex|purchase|token"),
    Kind("gpu_hours", _of(q.GpuHours), r"\b(gpu|accelerator|a100|h100|h200|b200|v100|chip|tpu)s?[- ]?(h|hr|hour)s?\b", _ABOUT + r"|" + _RATE + "|idle|budget"),
    Kind("params_total", _of(q.ParamsB), r"\btotal param|param\w*,? \(?total", _ABOUT),
    Kind("params_active", _of(q.ParamsB), r"\bactive (param|b\b)|param\w*,? \(?(active|activated)|\bactivated param", _ABOUT + "|fewer|ratio|share"),
    Kind("params", _of(q.ParamsB), r"^(model |number of )?param(eter)?s?\b( count)?|\bmodel size\b|\b\d+ ?b params\b", _ABOUT + "|update|per |/|token|sharing|draft"),
    Kind("flop", _of(q.Flop), r"\b(total|training|train) (compute|flops?)\b|\bflops?\b of the run", _ABOUT + "|/s|per|peak|utili", True),
    Kind("peak", _of(q.Tflops), r"\bpeak\b.*\b(flop|performance|compute|tflop)|\b(dense|sparse)?\s?peak\b|\btflop/?s\b|^(bf16|fp16) (dense )?(tflops|peak)", _ABOUT + r"|achieved|demand|mean|load|per (watt|\$)|power|rpm|hour|traffic|effective|mem|band"),
    Kind("tokens", _of(q.TokensT), r"^(training |train |dataset |total )?tokens\b", _ABOUT + "|" + _RATE + "|request|day|month|input|output|prompt|context|param|step|batch|served|in\\b|out\\b|generated|volume"),
    Kind("gpus", _of(q.Gpus), r"^(number of |no\.? of |# ?(of )?|total )?(gpu|accelerator)s?( count)?( in the (run|cluster|fleet))?$|\bgpu count\b|\bcluster size\b", _ABOUT),
    Kind("watts", _of(q.Watts), r"\b(tdp|power|watts?)\b", _ABOUT + r"|usd|\$|cost|bill|price|rate|factor|budget|share|usage|purchase", True),
    Kind("power_usd", _of(q.Usd), r"\b(power|electricity|energy)\b", _ABOUT.replace("|cost of", "") + "|price|tariff|kwh$", True),
    Kind("network_usd", _of(q.Usd), r"\bnetwork(ing)?\b|\binterconnect\b", _ABOUT, True),
    Kind("facility_usd", _of(q.Usd), r"\bfacility\b|\bcolo(cation)?\b|\bdata ?cent(er|re)\b|\bcooling\b", _ABOUT, True),
    Kind("staff_usd", _of(q.Usd), r"\bengineering\b|\bstaff\b", _ABOUT, True),
    Kind("tco_usd", _of(q.Usd), r"\btco\b|total cost of ownership", _ABOUT.replace("|cost of", "") + "|share", True),
    Kind("capex_usd", _of(q.Usd), r"\bpurchase\b|\bcapex\b|\bgpu/accelerator\b|\b(gpu|accelerator|h100|a100|h200|b200)\b( sxm)?( cost)?$", _ABOUT, True),
    Kind("cloud_usd_yr", _of(q.UsdPerYear), r"$.^"),
    Kind("years", _of(q.Years), r"^(useful |service )?(life|lifetime|term|horizon)\b|^years$", _ABOUT, True),
    Kind("days", _of(q.Days), r"\b(training |run )?(days|duration|wall[- ]clock)\b", _ABOUT + "|" + _RATE + "|token|month|request|per|working|payable|retention", False),
    Kind("hours", _of(q.Hours), r"\bhours (of operation|a year|per year|per month|used)\b|^(operating )?hours$", _ABOUT),
    Kind("cost_usd", _of(q.Usd), r"^(estimated |total |training |run |compute |cloud |gpu )*cost\b", _ABOUT.replace("|cost of", "") + r"|per |/|efficien|component|item|structure|type|center", True),
)  # fmt: skip
BY_NAME = {k.name: k for k in KINDS}
_COMPILED = [(k, re.compile(k.said), re.compile(k.never) if k.never else None) for k in KINDS]


@lru_cache(1 << 14)
def recognise(text: str) -> Kind | None:
    """The kind of figure that a label or heading announces; None: none that is known."""
    if not text or len(text) > 160:
        return None
    plain = re.sub(r"[_\s]+", " ", text).strip().casefold()
    for kind, said, never in _COMPILED:
        if said.search(plain) and not (never and never.search(said.sub(" ", plain))):
            return kind
    return None
