"""The economics, and nothing else. Importing the package registers every metric."""

from xl_econ.core.registry import REGISTRY, get

from . import (
    capacity,
    commitment,
    fleet,
    inference,
    latency,
    lookups,
    payback,
    pricing,
    tco,
    training,
    utilization,
    variance,
)

__all__ = [
    "REGISTRY",
    "capacity",
    "commitment",
    "fleet",
    "get",
    "inference",
    "latency",
    "lookups",
    "payback",
    "pricing",
    "tco",
    "training",
    "utilization",
    "variance",
]
