"""How far from a result measurements lie, for a model of something that can be measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

INDICATIVE = 2.0  # a factor from which on a figure compares deployments but promises nothing


@dataclass(frozen=True)
class Band:
    """Nine of ten measurements lie within the result divided and multiplied by the factor.

    Attributes:
        factor: The factor, as the benches find it.
        domain: What was measured, in words.
        measured: Whether a result lies in that domain, by the values of its inputs and steps.
        ends: Values of parameters for which the result is itself an end of the band, and has none.
    """

    factor: float
    domain: str
    measured: Callable[[Mapping[str, Any]], bool]
    ends: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    @property
    def is_indicative(self) -> bool:
        """Whether measurements scatter so far that the result promises nothing."""
        return self.factor > INDICATIVE

    def around(self, value: float, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """The band around a result; None where the result is an end of it.

        Args:
            value: The result.
            values: Its inputs and steps by name.
        """
        if any(values[name] in ends for name, ends in self.ends.items()):
            return None
        return {
            "factor": float(self.factor),
            "low": value / self.factor,
            "high": value * self.factor,
            "indicative": self.is_indicative,
            "measured": self.measured(values),
        }
