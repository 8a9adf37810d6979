"""Scenarios: sweeps, tornado, bridge, goal seek and break-even maps over metrics and whole templates.

The package is called as a function, `xl_econ.sweep("train_cost", "case.toml", 100_000)`, which is `run.sweep`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .run import Result


class _Called(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Result:
        from .run import sweep

        return sweep(*args, **kwargs)


sys.modules[__name__].__class__ = _Called
