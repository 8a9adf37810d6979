"""The registry of faults: an id, what a person did, one function each that places it by a random generator."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from .ground import Ground, Planted

Place = Callable[[Ground, random.Random], Planted]


@dataclass(frozen=True)
class Fault:
    """A kind of fault.

    Attributes:
        id: Its name.
        family: What it is about.
        latent: Whether it is a fault though no figure changes today.
        where: "own", "foreign" or both; what nobody could tell without the original is not asked of foreign models.
        least: The least severity that says it.
    """

    id: str
    family: str
    place: Place
    latent: bool
    where: tuple[str, ...]
    least: str

    @property
    def both(self) -> bool:
        return len(self.where) > 1


FAULTS: dict[str, Fault] = {}
BOTH = ("own", "foreign")


def fault(
    name: str, family: str, latent: bool = False, where: tuple[str, ...] = BOTH, least: str = "warning"
) -> Callable[[Place], Place]:
    """Register a fault. A function raises LookupError where a workbook has no place for it."""

    def add(function: Place) -> Place:
        assert name not in FAULTS
        FAULTS[name] = Fault(name, family, function, latent, where, least)
        return function

    return add
