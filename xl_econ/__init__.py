"""AI compute economics: one definition of each metric for Python, Excel formulas, LAMBDAs and UDFs.

Every metric is a function of this package by its lower-case name: `xl_econ.train_cost(37, 14.8, 989.4, 0.389, 2)`.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # not from typing, which takes longer to import than everything else at start-up
if TYPE_CHECKING:
    from os import PathLike
    from typing import Any

__version__ = "0.1.0"


def use_rate_card(path: str | PathLike[str] | None) -> None:
    """Read the tables of a workbook in place of the shipped ones, wherever xl-econ runs in this process.

    Args:
        path: A workbook as `xl-econ new rate_card` writes it; a table that it does not hold is the shipped one. None
            goes back to the one that the environment variable XL_ECON_RATE_CARD names, or to the shipped tables.

    Raises:
        TableError: A cell that cannot be accepted; says which, and why. What was in use stays in use.
        WorkbookError: The file cannot be read.
    """
    from xl_econ.workbook.rate_card import use

    use(path)


# Functions of other modules that are the package's as well, imported on first use.
_LAZY = {
    "sweep": "xl_econ.scenarios.run",
    "tornado": "xl_econ.scenarios.tornado",
    "bridge": "xl_econ.scenarios.bridge",
    "solve": "xl_econ.scenarios.solve",
    "breakeven_map": "xl_econ.scenarios.breakeven",
}


def __getattr__(name: str) -> Any:
    """A metric as a function, on first use: importing the package loads nothing."""
    # A package of ours is asked for here first; it is no function, and looking for one would import them all.
    if name.startswith("_") or name.lower() != name or os.path.isdir(os.path.join(__path__[0], name)):  # noqa: PTH112, PTH118
        raise AttributeError(f"module 'xl_econ' has no attribute {name!r}")
    if name in _LAZY:
        from importlib import import_module

        globals()[name] = getattr(import_module(_LAZY[name]), name)
        return globals()[name]
    from xl_econ.core.errors import UsageError
    from xl_econ.hosts.python import function

    try:
        found = function(name)
    except UsageError as e:
        raise AttributeError(f"xl_econ has {e}") from None
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    from xl_econ.metrics import REGISTRY

    return sorted([*globals(), *_LAZY, *(name.lower() for name in REGISTRY)])
