"""The economics, and nothing else. Importing the package registers every metric."""

from . import lookups, training

__all__ = ["lookups", "training"]
