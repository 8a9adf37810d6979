"""The Drivers sheet: what it would take to reach a target, and why a result differs between two cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from . import case_bridge, goals
from .layout import Drivers
from .parts import LIVE, CheckRow

if TYPE_CHECKING:
    from .model import Model

FIRST = 4
Values = Mapping[str, Mapping[str, Any]]  # by case and key


@dataclass(frozen=True)
class Sheet:
    """What the sheet holds."""

    sought: list[goals.Block]
    bridge: case_bridge.Block | None

    @cached_property
    def blocks(self) -> list[goals.Block | case_bridge.Block]:
        return [*self.sought, *([self.bridge] if self.bridge else [])]

    def values(self, by_case: Values) -> dict[str, Any]:
        """The value of every cell, for the values of all cases."""
        found: dict[str, Any] = {}
        for goal in self.sought:
            found |= goal.values(by_case[LIVE])
        return found | (self.bridge.values(by_case) if self.bridge else {})

    def figures(self, cells: Mapping[str, Any]) -> list[float]:
        """What the checks of the sheet show."""
        return [block.figure(cells) for block in self.blocks]

    def checks(self, by_case: Values) -> list[CheckRow]:
        """A check for every block."""
        cells = self.values(by_case)
        return [block.check(cells) for block in self.blocks]


def of(model: Model, spec: Drivers) -> Sheet:
    """The sheet's cells."""
    row, blocks = FIRST, []
    for goal in spec.goals:
        blocks.append(goals.Block(model, goal, row))
        row = blocks[-1].last + 3
    return Sheet(blocks, case_bridge.Block(model, spec.bridge, row) if spec.bridge else None)
