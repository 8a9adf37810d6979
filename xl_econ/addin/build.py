"""`xl_econ.xlam`, the same bytes each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def sources() -> dict[str, str]:
    """The add-in's VBA modules by file name."""
    raise NotImplementedError


def write_sources(folder: Path) -> None:
    """Write the modules as files, for review and for the installer's -Rebuild."""
    raise NotImplementedError


def write(path: Path) -> None:
    """Write the add-in."""
    raise NotImplementedError
