"""The economics, and nothing else. Importing the package registers every metric."""

from xl_econ.core.registry import REGISTRY, get

from . import lookups, training, utilization

__all__ = ["REGISTRY", "get", "lookups", "training", "utilization"]
