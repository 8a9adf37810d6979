"""What is computed (for now: a metric)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xl_econ.core.quantity import Quantity
from xl_econ.metrics import get


@dataclass(frozen=True)
class Input:
    key: str
    quantity: Quantity
    label: str
    default: Any


@dataclass(frozen=True)
class Output:
    key: str
    label: str
    unit: str


class Target:
    def __init__(self, name: str) -> None:
        self.metric = get(name)
        self.name = self.metric.name
        self.key = self.name
        self.inputs = {
            k: Input(k, p.quantity, p.help, p.default if p.optional else None) for k, p in self.metric.params.items()
        }
        self.result = Output(self.name, self.name, self.metric.unit)
        self.outputs = {self.name: self.result}

    def compute(self, values: Mapping[str, Any], outputs: Sequence[str] = ()) -> dict[str, Any]:
        import numpy as np

        full = {k: i.default for k, i in self.inputs.items()} | dict(values)
        with np.errstate(all="ignore"):
            return {self.name: self.metric.body(**full)}


def target(name: str, steps: Any = None) -> Target:
    return Target(name)
