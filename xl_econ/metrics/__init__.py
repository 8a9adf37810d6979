"""The economics, and nothing else. Importing the package registers every metric."""

from xl_econ.core.registry import REGISTRY, get

from . import capacity, inference, lookups, pricing, tco, training, utilization

__all__ = ["REGISTRY", "capacity", "get", "inference", "lookups", "pricing", "tco", "training", "utilization"]
