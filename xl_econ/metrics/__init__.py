"""The economics, and nothing else. Importing the package registers every metric."""

from xl_econ.core.registry import REGISTRY, get

from . import fleet, lookups, payback, pricing, tco, training, utilization

__all__ = ["REGISTRY", "fleet", "get", "lookups", "payback", "pricing", "tco", "training", "utilization"]
