"""The economics, and nothing else. Importing the package registers every metric."""

from xl_econ.core.registry import REGISTRY, get

from . import capacity, fleet, inference, lookups, payback, pricing, tco, training, utilization

__all__ = [
    "REGISTRY",
    "capacity",
    "fleet",
    "get",
    "inference",
    "lookups",
    "payback",
    "pricing",
    "tco",
    "training",
    "utilization",
]
